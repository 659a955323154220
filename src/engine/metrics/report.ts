/** The figures of a window, from the series in memory. Pure: one pass over what lies in the window. */
import { emptyUsage, type Usage } from '../../core/execution.ts';
import { nearestRank, outcomes } from '../../core/metrics/figures.ts';
import { floor, type CostRollup, type Rollup } from '../../core/metrics/measure.ts';
import { ENDING, type EndingColumns, type Series } from '../../core/metrics/series.ts';
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

/** Buckets begin at whole multiples of their width (UTC), so that two reports agree on where one ends. */
export function buildReport(series: Series, query: MetricsQuery, options: ReportOptions): MetricsReport {
  const { now } = options;
  const since = now - query.since_seconds * 1000;
  // What was rolled up before cannot be cut at a moment: the stretch that the window begins in counts as a whole.
  const rolledSince = floor(since, options.stretch);
  const rollups = series.rollups(rolledSince);
  const costs = series.costs(rolledSince);
  const endings = series.endings(since);
  const figures = outcomes(endings);
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
    total_cost_usd: costs.reduce((sum, one) => sum + one.cost_usd, 0),
    unpriced: costs.some((one) => one.unpriced > 0),
    cost: {
      by_agent: shares(costs, (one) => one.agent),
      by_model: shares(costs, (one) => (one.model === '' ? `${one.agent} (default)` : one.model)),
      by_role: shares(costs, (one) => one.role),
      by_area: shares(costs, (one) => one.area),
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

interface Draft {
  started: number;
  attempts: number;
  gates_passed: number;
  gates_failed: number;
  decisions: number;
  cost_usd: number;
  tokens: number;
  snapshots: number;
  cpu_sum: number;
  memory_sum: number;
}

function bucketsOf(rollups: readonly Rollup[], costs: readonly CostRollup[], endings: EndingColumns, first: number, now: number, width: number): MetricsBucket[] {
  const drafts = Array.from({ length: Math.floor((now - first) / width) + 1 }, emptyDraft);
  // A stretch may begin before the first bucket where its width is no divisor of theirs, or after now where a clock was set back.
  const at = (start: number): Draft | undefined => drafts[Math.min(Math.max(0, Math.floor((start - first) / width)), drafts.length - 1)];
  for (const one of rollups) {
    const draft = at(one.start);
    if (!draft) continue;
    draft.started += one.started;
    draft.attempts += one.attempts;
    draft.gates_passed += one.gates_passed;
    draft.gates_failed += one.gates_failed;
    draft.decisions += one.decisions;
    draft.snapshots += one.snapshots;
    draft.cpu_sum += one.cpu_sum;
    draft.memory_sum += one.memory_sum;
  }
  for (const one of costs) {
    const draft = at(one.start);
    if (!draft) continue;
    draft.cost_usd += one.cost_usd;
    draft.tokens += one.input_tokens + one.output_tokens + one.cache_read_tokens + one.cache_write_tokens;
  }
  let next = 0;
  return drafts.map((draft, index) => {
    const start = first + index * width;
    const isLast = index === drafts.length - 1;
    const from = next;
    while (next < endings.at.length && (isLast || (endings.at[next] ?? 0) < start + width)) next += 1;
    return finish(draft, start, latencyOf(endings, from, next));
  });
}

function emptyDraft(): Draft {
  return { started: 0, attempts: 0, gates_passed: 0, gates_failed: 0, decisions: 0, cost_usd: 0, tokens: 0, snapshots: 0, cpu_sum: 0, memory_sum: 0 };
}

function finish({ snapshots, cpu_sum, memory_sum, ...draft }: Draft, start: number, ended: BucketEndings): MetricsBucket {
  return {
    start: new Date(start).toISOString(),
    ...draft,
    ...ended,
    cpu_percent: snapshots === 0 ? null : cpu_sum / snapshots,
    memory_mb: snapshots === 0 ? null : memory_sum / snapshots,
  };
}

type BucketEndings = Pick<MetricsBucket, 'completed' | 'failed' | 'p50_latency_seconds' | 'p95_latency_seconds'>;
const NO_ENDINGS: BucketEndings = { completed: 0, failed: 0, p50_latency_seconds: null, p95_latency_seconds: null };

function latencyOf({ seconds, flags }: EndingColumns, from: number, to: number): BucketEndings {
  if (from === to) return NO_ENDINGS;
  let completed = 0;
  const latencies = seconds.slice(from, to).filter((latency, index) => {
    const done = ((flags[from + index] ?? 0) & ENDING.completed) !== 0;
    if (done) completed += 1;
    return done && !Number.isNaN(latency);
  });
  const sorted = latencies.sort();
  return { completed, failed: to - from - completed, p50_latency_seconds: nearestRank(sorted, 0.5), p95_latency_seconds: nearestRank(sorted, 0.95) };
}

/** What each one of a kind cost, dearest first. */
function shares(costs: readonly CostRollup[], nameOf: (one: CostRollup) => string): CostShare[] {
  const byName = new Map<string, { attempts: number; cost_usd: number; unpriced: boolean; usage: Usage }>();
  for (const one of costs) {
    const name = nameOf(one);
    let sum = byName.get(name);
    if (sum === undefined) byName.set(name, (sum = { attempts: 0, cost_usd: 0, unpriced: false, usage: emptyUsage() }));
    sum.attempts += one.attempts;
    sum.cost_usd += one.cost_usd;
    if (one.unpriced > 0) sum.unpriced = true;
    sum.usage.input_tokens += one.input_tokens;
    sum.usage.output_tokens += one.output_tokens;
    sum.usage.cache_read_tokens += one.cache_read_tokens;
    sum.usage.cache_write_tokens += one.cache_write_tokens;
  }
  return [...byName].map(([name, sum]) => ({ name, ...sum })).sort((a, b) => b.cost_usd - a.cost_usd || b.attempts - a.attempts || (a.name < b.name ? -1 : 1));
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
