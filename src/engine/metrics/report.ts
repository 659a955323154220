/** The figures of a window, from the series in memory. Pure: one pass over what lies in the window. */
import { emptyUsage, type Usage } from '../../core/execution.ts';
import { nearestRank, outcomes } from '../../core/metrics/figures.ts';
import { ENDING, type CostColumns, type EndingColumns } from '../../core/metrics/columns.ts';
import { COST_FIGURES, floor, type CostKind, type Rollup } from '../../core/metrics/rollup.ts';
import type { Series } from '../../core/metrics/series.ts';
import type { CostShare, MetricsBucket, MetricsQuery, MetricsReport } from '../../shared/metrics.ts';

export interface ReportOptions {
  /** Epoch ms; the window ends here. */
  readonly now: number;
  /** Width of a bucket, in seconds (`metrics.aggregation_interval`). */
  readonly interval: number;
  /** Width of what was written, in ms. */
  readonly stretch: number;
  readonly enabled: boolean;
}

const MOST_BUCKETS = 10_000;
/** What is older, in seconds, is kept in whole intervals only. */
const DAY = 86_400;
const DAY_MS = DAY * 1000;

/** Buckets begin at whole multiples of their width (UTC), so that two reports agree on where one ends. */
export function buildReport(series: Series, query: MetricsQuery, options: ReportOptions): MetricsReport {
  const { now } = options;
  const since = now - query.since_seconds * 1000;
  // What was rolled up before cannot be cut at a moment: the stretch that the window begins in counts as a whole.
  const rolledSince = floor(since, query.since_seconds > DAY ? options.interval * 1000 : options.stretch);
  const rollups = series.rollups(rolledSince);
  const costs = series.costs(rolledSince);
  const endings = series.endings(since);
  const figures = outcomes(endings);
  const kinds = costsByKind(costs);
  const width = bucketWidth(since, now, options.interval * 1000, query.max_buckets ?? MOST_BUCKETS);
  const resources = resourcesOf(rollups);
  return {
    enabled: options.enabled,
    since: new Date(since).toISOString(),
    until: new Date(now).toISOString(),
    tasks_started: rollups.reduce((sum, one) => sum + one.started, 0),
    tasks_completed: figures.completed,
    tasks_failed: figures.failed,
    throughput_per_hour: figures.completed / (query.since_seconds / 3600),
    avg_latency_seconds: figures.avg_seconds,
    p50_latency_seconds: figures.p50_seconds,
    p95_latency_seconds: figures.p95_seconds,
    error_rate: figures.error_rate,
    retry_success_rate: figures.retry_success_rate,
    human_intervention_rate: figures.human_intervention_rate,
    first_pass_gate_rate: figures.first_pass_gate_rate,
    total_cost_usd: kinds.reduce((sum, one) => sum + one.cost_usd, 0),
    unpriced: kinds.some((one) => one.unpriced_attempts > 0),
    cost: {
      by_agent: shares(kinds, (one) => one.agent),
      by_model: shares(kinds, (one) => (one.model === '' ? `${one.agent} (default)` : one.model)),
      by_role: shares(kinds, (one) => one.role),
      by_area: shares(kinds, (one) => one.area),
    },
    cpu_percent: resources?.cpu ?? null,
    memory_mb: resources === null ? null : { avg: resources.memory, peak: resources.peak },
    bucket_seconds: width / 1000,
    series: bucketsOf(rollups, costs, endings, floor(since, width), now, width),
  };
}

/** The interval, or the smallest multiple of it that gives no more buckets than wanted. */
function bucketWidth(since: number, now: number, interval: number, most: number): number {
  const count = (width: number): number => Math.floor((now - floor(since, width)) / width) + 1;
  let multiple = Math.max(1, Math.ceil((now - since) / interval / Math.max(1, most)));
  while (multiple > 1 ? count(interval * multiple) > Math.max(2, most) : count(interval) > Math.max(2, most)) multiple += 1;
  return interval * multiple;
}

type Draft = { -readonly [Key in keyof MetricsBucket]: MetricsBucket[Key] };

function bucketsOf(rollups: readonly Rollup[], costs: CostColumns, endings: EndingColumns, first: number, now: number, width: number): MetricsBucket[] {
  const buckets = starts(first, now, width).map(emptyBucket);
  const last = buckets.length - 1;
  // A stretch may begin before the first bucket where its width is no divisor of theirs, or after now where a clock was set back.
  const indexOf = (time: number): number => Math.min(Math.max(0, Math.floor((time - first) / width)), last);
  const at = (time: number): Draft => buckets[indexOf(time)] ?? emptyBucket('');
  for (const one of rollups) {
    const bucket = at(one.start);
    bucket.started += one.started;
    bucket.attempts += one.attempts;
    bucket.gates_passed += one.gates_passed;
    bucket.gates_failed += one.gates_failed;
    bucket.decisions += one.decisions;
  }
  averageResources(buckets, rollups, indexOf);
  const { cost_usd: usd, ...figures } = costs.figures;
  for (let row = 0; row < costs.start.length; row += 1) {
    const bucket = at(costs.start[row] ?? 0);
    bucket.cost_usd += usd[row] ?? 0;
    bucket.tokens += (figures.input_tokens[row] ?? 0) + (figures.output_tokens[row] ?? 0) + (figures.cache_read_tokens[row] ?? 0) + (figures.cache_write_tokens[row] ?? 0);
  }
  // Endings come in time order, so those of a bucket stand together.
  const latencies = new Float64Array(endings.at.length);
  for (let row = 0; row < endings.at.length; ) {
    const index = indexOf(endings.at[row] ?? 0);
    const end = index === last ? Infinity : first + (index + 1) * width;
    const from = row;
    do row += 1;
    while (row < endings.at.length && (endings.at[row] ?? 0) < end);
    addEndings(buckets[index] ?? emptyBucket(''), endings, from, row, latencies);
  }
  return buckets;
}

/** Every start from the first to now, as ISO 8601; only one in a day is formatted, since that is most of the time of a long report. */
function starts(first: number, now: number, width: number): string[] {
  let day = NaN;
  let date = '';
  const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
  return Array.from({ length: Math.floor((now - first) / width) + 1 }, (_, index) => {
    const at = first + index * width;
    if (!Number.isInteger(at)) return new Date(at).toISOString();
    if (Math.floor(at / DAY_MS) !== day) {
      day = Math.floor(at / DAY_MS);
      date = new Date(at).toISOString().slice(0, 11);
    }
    const ms = at - day * DAY_MS;
    return `${date}${two(Math.floor(ms / 3_600_000))}:${two(Math.floor(ms / 60_000) % 60)}:${two(Math.floor(ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}Z`;
  });
}

function emptyBucket(start: string): Draft {
  return {
    start,
    started: 0,
    completed: 0,
    failed: 0,
    attempts: 0,
    gates_passed: 0,
    gates_failed: 0,
    decisions: 0,
    cost_usd: 0,
    tokens: 0,
    p50_latency_seconds: null,
    p95_latency_seconds: null,
    cpu_percent: null,
    memory_mb: null,
  };
}

/** Several stretches may lie in one bucket, so the sums are divided at the end only. */
function averageResources(buckets: readonly Draft[], rollups: readonly Rollup[], indexOf: (time: number) => number): void {
  const snapshots = new Float64Array(buckets.length);
  const cpu = new Float64Array(buckets.length);
  const memory = new Float64Array(buckets.length);
  for (const one of rollups) {
    const index = indexOf(one.start);
    snapshots[index] = (snapshots[index] ?? 0) + one.snapshots;
    cpu[index] = (cpu[index] ?? 0) + one.cpu_sum;
    memory[index] = (memory[index] ?? 0) + one.memory_sum;
  }
  buckets.forEach((bucket, index) => {
    const count = snapshots[index] ?? 0;
    if (count === 0) return;
    bucket.cpu_percent = (cpu[index] ?? 0) / count;
    bucket.memory_mb = (memory[index] ?? 0) / count;
  });
}

/** `latencies` is room to work in. */
function addEndings(bucket: Draft, { seconds, flags }: EndingColumns, from: number, to: number, latencies: Float64Array): void {
  let timed = 0;
  for (let row = from; row < to; row += 1) {
    if (((flags[row] ?? 0) & ENDING.completed) === 0) {
      bucket.failed += 1;
      continue;
    }
    bucket.completed += 1;
    const latency = seconds[row] ?? NaN;
    if (Number.isNaN(latency)) continue;
    latencies[timed] = latency;
    timed += 1;
  }
  const known = latencies.subarray(0, timed);
  bucket.p50_latency_seconds = nearestRank(known, 0.5);
  bucket.p95_latency_seconds = nearestRank(known, 0.95);
}

type Share = Omit<CostShare, 'name' | 'unpriced'> & { readonly unpriced_attempts: number };

/** What the attempts of each kind cost. */
function costsByKind({ kinds, kind, figures }: CostColumns): (CostKind & Share)[] {
  const sums = COST_FIGURES.map((figure) => {
    const sum = new Float64Array(kinds.length);
    const column = figures[figure];
    for (let row = 0; row < kind.length; row += 1) {
      const number = kind[row] ?? 0;
      sum[number] = (sum[number] ?? 0) + (column[row] ?? 0);
    }
    return sum;
  });
  return kinds.flatMap((one, number) => {
    const [attempts = 0, cost_usd = 0, unpriced_attempts = 0, input_tokens = 0, output_tokens = 0, cache_read_tokens = 0, cache_write_tokens = 0] = sums.map((sum) => sum[number] ?? 0);
    return attempts === 0 ? [] : [{ ...one, attempts, cost_usd, unpriced_attempts, usage: { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } }];
  });
}

/** The costs by one of their dimensions, dearest first. */
function shares(kinds: readonly (CostKind & Share)[], nameOf: (kind: CostKind) => string): CostShare[] {
  const byName = new Map<string, CostShare>();
  for (const one of kinds) {
    const name = nameOf(one);
    const sum = byName.get(name);
    byName.set(name, {
      name,
      attempts: (sum?.attempts ?? 0) + one.attempts,
      cost_usd: (sum?.cost_usd ?? 0) + one.cost_usd,
      unpriced: (sum?.unpriced ?? false) || one.unpriced_attempts > 0,
      usage: addUsage(sum?.usage ?? emptyUsage(), one.usage),
    });
  }
  return [...byName.values()].sort((a, b) => b.cost_usd - a.cost_usd || b.attempts - a.attempts || (a.name < b.name ? -1 : 1));
}

function addUsage(a: Usage, b: Usage): Usage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
  };
}

function resourcesOf(rollups: readonly Rollup[]): { cpu: number; memory: number; peak: number } | null {
  let snapshots = 0;
  let cpu = 0;
  let memory = 0;
  let peak = 0;
  for (const one of rollups) {
    snapshots += one.snapshots;
    cpu += one.cpu_sum;
    memory += one.memory_sum;
    peak = Math.max(peak, one.memory_peak);
  }
  return snapshots === 0 ? null : { cpu: cpu / snapshots, memory: memory / snapshots, peak };
}
