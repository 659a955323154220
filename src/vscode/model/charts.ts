/** The dashboard's charts, as numbers and texts: what each shows of a window's figures. */
import { formatDuration, formatMoney, plural } from '../../core/format.ts';
import type { ChartView, ChartWindow, ChartsView, PlotView, ShareView } from '../../shared/dashboard.ts';
import type { MetricsBucket, MetricsQuery, MetricsReport } from '../../shared/metrics.ts';
import { cost, whole } from './format.ts';

const HOUR = 3600;
/** One more than fits exactly, since a window seldom begins where a bucket does: an hour, six hours, a day wide. */
const QUERIES: Readonly<Record<ChartWindow, MetricsQuery>> = {
  '24h': { since_seconds: 24 * HOUR, max_buckets: 25 },
  '7d': { since_seconds: 7 * 24 * HOUR, max_buckets: 29 },
  '30d': { since_seconds: 30 * 24 * HOUR, max_buckets: 31 },
};
export const WINDOW_WORDS: Readonly<Record<ChartWindow, string>> = { '24h': 'last 24 hours', '7d': 'last 7 days', '30d': 'last 30 days' };

/** Upper edges of a rate, so that a small one is still seen for what it is. */
const RATE_TOPS = [0.1, 0.25, 0.5, 1];
/** Agents that are shown by name; the others are one share. */
const NAMED_AGENTS = 4;

export function metricsQuery(window: ChartWindow): MetricsQuery {
  return QUERIES[window];
}

/** A share in percent with at most one decimal: 78 %, 10.1 %. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** `report` is undefined until the first one has come, `failure` why it did not. */
export function chartsOf(report: MetricsReport | undefined, failure: string | undefined, window: ChartWindow): ChartsView {
  if (report === undefined) return { notice: failure === undefined ? 'Reading the figures…' : `The figures could not be read: ${failure}`, charts: [] };
  if (!report.enabled && report.series.every((one) => one.started + one.completed + one.failed === 0)) {
    return { notice: 'Metrics are turned off by metrics.enabled in the configuration.', charts: [] };
  }
  const { tasks_completed: completed, tasks_failed: failed, cost: spent } = report;
  if (completed + failed + spent.by_agent.length === 0 && report.series.every((one) => one.gates_passed + one.gates_failed === 0)) {
    return { notice: `Nothing ran in the ${WINDOW_WORDS[window]}. Throughput, latency, error rate, cost and gates are drawn here as soon as tasks end.`, charts: [] };
  }
  const chart = new Charts(report, window);
  return { notice: null, charts: [chart.throughput(), chart.latency(), chart.errors(), chart.cost(), chart.agents(), chart.gates()] };
}

class Charts {
  readonly #report: MetricsReport;
  readonly #window: ChartWindow;
  readonly #ended: number;

  constructor(report: MetricsReport, window: ChartWindow) {
    this.#report = report;
    this.#window = window;
    this.#ended = report.tasks_completed + report.tasks_failed;
  }

  throughput(): ChartView {
    const { tasks_completed: completed, tasks_failed: failed, throughput_per_hour: hourly } = this.#report;
    const bars = this.#plot({
      kind: 'bars',
      series: [
        { name: 'completed', tone: 'good', values: (one) => one.completed },
        { name: 'failed', tone: 'bad', values: (one) => one.failed },
      ],
      label: (value) => String(value),
      whole: true,
      text: (one) => (one.completed + one.failed === 0 ? 'nothing ended' : `${one.completed} completed, ${one.failed} failed`),
    });
    return this.#chart('throughput', 'Throughput', rate(hourly), `${completed} completed, ${failed} failed`, this.#ended === 0 ? 'No task ended' : null, bars);
  }

  latency(): ChartView {
    const { p50_latency_seconds: p50, p95_latency_seconds: p95 } = this.#report;
    const lines = this.#plot({
      kind: 'lines',
      series: [
        { name: 'p95', tone: 'second', values: (one) => one.p95_latency_seconds },
        { name: 'p50', tone: 'first', values: (one) => one.p50_latency_seconds },
      ],
      label: formatDuration,
      text: (one) => (one.p50_latency_seconds === null ? 'no task completed' : `p50 ${formatDuration(one.p50_latency_seconds)}, p95 ${formatDuration(one.p95_latency_seconds ?? 0)}`),
    });
    const detail = p95 === null ? '' : `median; p95 ${formatDuration(p95)}`;
    return this.#chart('latency', 'Latency p50 / p95', p50 === null ? '–' : formatDuration(p50), detail, p50 === null ? 'No task completed' : null, lines);
  }

  errors(): ChartView {
    const { error_rate, tasks_failed: failed } = this.#report;
    const ended = (one: MetricsBucket) => one.completed + one.failed;
    const bars = this.#plot({
      kind: 'bars',
      series: [{ name: 'failed', tone: 'bad', values: (one) => (ended(one) === 0 ? null : one.failed / ended(one)) }],
      top: RATE_TOPS,
      label: percent,
      text: (one) => (ended(one) === 0 ? 'nothing ended' : `${percent(one.failed / ended(one))}: ${one.failed} of ${ended(one)} failed`),
    });
    const detail = `${failed} of ${plural(this.#ended, 'task')} failed`;
    return this.#chart('errors', 'Error rate', this.#ended === 0 ? '–' : percent(error_rate), this.#ended === 0 ? '' : detail, this.#ended === 0 ? 'No task ended' : null, bars);
  }

  cost(): ChartView {
    const { total_cost_usd: total, unpriced } = this.#report;
    const attempts = this.#report.cost.by_agent.reduce((sum, one) => sum + one.attempts, 0);
    const bars = this.#plot({
      kind: 'bars',
      series: [{ name: 'cost', tone: 'first', values: (one) => one.cost_usd }],
      label: dollars,
      text: (one) => (one.attempts === 0 && one.cost_usd === 0 ? 'nothing ran' : `${dollars(one.cost_usd)} for ${plural(one.attempts, 'run')}`),
    });
    const each = this.#report.tasks_completed > 0 && total > 0 ? `${dollars(total / this.#report.tasks_completed)} a completed task` : plural(attempts, 'run');
    return this.#chart('cost', 'Cost', cost(whole(total), unpriced), attempts === 0 ? '' : each, attempts === 0 ? 'No agent ran' : total === 0 ? 'No run had a price' : null, bars);
  }

  agents(): ChartView {
    const { by_agent: agents } = this.#report.cost;
    const most = agents[0]?.cost_usd ?? 0;
    const runs = agents.reduce((sum, one) => sum + one.attempts, 0);
    const mostRuns = Math.max(1, ...agents.map((one) => one.attempts));
    // Where nothing has a price, the runs are what can be compared.
    const shareOf = (one: { cost_usd: number; attempts: number }) => (most > 0 ? one.cost_usd / most : one.attempts / mostRuns);
    const shown = agents.length <= NAMED_AGENTS + 1 ? agents : agents.slice(0, NAMED_AGENTS);
    const rest = agents.slice(shown.length);
    const shares: ShareView[] = shown.map((one) => ({ name: one.name, value: cost(whole(one.cost_usd), one.unpriced), detail: plural(one.attempts, 'run'), share: shareOf(one) }));
    if (rest.length > 0) {
      const sum = { cost_usd: rest.reduce((all, one) => all + one.cost_usd, 0), attempts: rest.reduce((all, one) => all + one.attempts, 0) };
      shares.push({ name: `${rest.length} more`, value: cost(whole(sum.cost_usd), rest.some((one) => one.unpriced)), detail: plural(sum.attempts, 'run'), share: Math.min(1, shareOf(sum)) });
    }
    const chart = this.#chart('agents', 'Cost by agent', plural(agents.length, 'agent'), plural(runs, 'run'), agents.length === 0 ? 'No agent ran' : null, null);
    return { ...chart, value: agents.length === 0 ? '–' : chart.value, detail: agents.length === 0 ? '' : chart.detail, shares };
  }

  gates(): ChartView {
    const passed = this.#report.series.reduce((sum, one) => sum + one.gates_passed, 0);
    const failed = this.#report.series.reduce((sum, one) => sum + one.gates_failed, 0);
    const bars = this.#plot({
      kind: 'bars',
      series: [
        { name: 'passed', tone: 'good', values: (one) => one.gates_passed },
        { name: 'failed', tone: 'bad', values: (one) => one.gates_failed },
      ],
      label: (value) => String(value),
      whole: true,
      text: (one) => (one.gates_passed + one.gates_failed === 0 ? 'no gate round' : `${percent(one.gates_passed / (one.gates_passed + one.gates_failed))}: ${one.gates_passed} passed, ${one.gates_failed} failed`),
    });
    const rounds = passed + failed;
    return this.#chart('gates', 'Gate pass rate', rounds === 0 ? '–' : percent(passed / rounds), rounds === 0 ? '' : `${passed} of ${plural(rounds, 'round')} passed`, rounds === 0 ? 'No gate ran' : null, bars);
  }

  #chart(id: ChartView['id'], title: string, value: string, detail: string, empty: string | null, plot: PlotView | null): ChartView {
    return { id, title, value, detail, empty: empty === null ? null : `${empty} in the ${WINDOW_WORDS[this.#window]}.`, plot: empty === null ? plot : null, shares: [] };
  }

  #plot(spec: {
    readonly kind: PlotView['kind'];
    readonly series: readonly { readonly name: string; readonly tone: PlotView['series'][number]['tone']; readonly values: (one: MetricsBucket) => number | null }[];
    /** Upper edges to choose from, ascending; the highest value where absent. */
    readonly top?: readonly number[];
    readonly whole?: boolean;
    readonly label: (value: number) => string;
    readonly text: (one: MetricsBucket) => string;
  }): PlotView {
    const buckets = this.#report.series;
    const series = spec.series.map(({ name, tone, values }) => ({ name, tone, values: buckets.map(values) }));
    const heights = buckets.map((_, index) => {
      const values = series.map((one) => one.values[index] ?? 0);
      return spec.kind === 'bars' ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
    });
    const highest = heights.reduce((most, value) => Math.max(most, value), 0);
    const top = spec.top?.find((one) => one >= highest) ?? (spec.whole === true ? Math.max(1, highest) : highest === 0 ? 1 : highest);
    const width = this.#report.bucket_seconds * 1000;
    return {
      kind: spec.kind,
      series,
      top,
      topLabel: spec.label(top),
      points: buckets.map((one) => ({ time: stretch(Date.parse(one.start), width), text: spec.text(one) })),
      from: moment(Date.parse(buckets[0]?.start ?? this.#report.since), width),
      to: 'now',
    };
  }
}

function dollars(value: number): string {
  return formatMoney(whole(value));
}

/** Tasks an hour, or a day where that is less than one an hour. */
function rate(hourly: number): string {
  if (hourly === 0) return '–';
  const figure = (value: number) => String(Math.round(value * 10) / 10);
  return hourly >= 1 ? `${figure(hourly)} / h` : `${figure(hourly * 24)} / day`;
}

const DAY_MS = 86_400_000;

/** Beginning and end of a stretch of time in the user's zone: `13:00–14:00`, `17 May 06:00–12:00`, `17 May`. */
function stretch(start: number, width: number): string {
  if (width >= DAY_MS) return day(start);
  const times = `${clock(start)}–${clock(start + width)}`;
  return width > DAY_MS / 24 ? `${day(start)} ${times}` : times;
}

function moment(start: number, width: number): string {
  return width > DAY_MS / 24 ? day(start) : clock(start);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function day(ms: number): string {
  const time = new Date(ms);
  return `${time.getDate()} ${MONTHS[time.getMonth()] ?? ''}`;
}

function clock(ms: number): string {
  const time = new Date(ms);
  return `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
}
