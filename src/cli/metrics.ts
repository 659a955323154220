/** `baton metrics`: the figures of a window that ends now. */
import { Command } from 'commander';
import { durationSeconds } from '../core/config/schema.ts';
import { formatDuration, formatMoney } from '../core/format.ts';
import type { CostShare, MetricsReport } from '../shared/metrics.ts';
import { LOOK, usage, type Bind } from './context.ts';
import { cost } from './format.ts';
import { renderTable, type Column } from './table.ts';

export function metricsCommand(bind: Bind): Command {
  const command = new Command('metrics')
    .description('throughput, latency, errors and cost over a window')
    .option('--since <window>', 'how long the window is: minutes, hours or days, such as 30m, 24h, 7d', '24h');
  return bind(command, async (context) => {
    const { since } = command.opts<{ since: string }>();
    const since_seconds = windowSeconds(since);
    return context.use(LOOK, async ({ api }) => {
      const report = await api.metrics({ since_seconds });
      const width = context.io.columns();
      const off = report.enabled ? [] : ['Metrics are turned off (metrics.enabled: false): nothing new is recorded.'];
      return {
        document: report,
        lines: [`📈 Metrics of the last ${since}`, ...off, ...renderTable(FIGURES, figuresOf(report), width), ...costTable(report, width)],
      };
    });
  });
}

/** Seconds of `30m`, `24h`, `7d`; throws `usage` for anything else. */
export function windowSeconds(text: string): number {
  const seconds = /^[1-9]\d{0,5}[mhd]$/.test(text) ? durationSeconds(text) : undefined;
  if (seconds !== undefined && seconds <= LONGEST_DAYS * 86_400) return seconds;
  throw usage(`"${text}" is no window of time.`, `Use minutes, hours or days up to ${LONGEST_DAYS}d, such as --since 30m, --since 24h or --since 7d.`);
}

const LONGEST_DAYS = 3650;

interface Figure {
  readonly name: string;
  readonly value: string;
}
const FIGURES: readonly Column<Figure>[] = [
  { title: 'Figure', text: ({ name }) => name },
  { title: 'Value', text: ({ value }) => value, align: 'right', min: 10 },
];

function figuresOf(report: MetricsReport): Figure[] {
  const seconds = (value: number | null): string => (value === null ? '–' : value < 10 ? `${Number(value.toFixed(1))}s` : formatDuration(value));
  return [
    { name: 'Tasks started', value: String(report.tasks_started) },
    { name: 'Tasks completed', value: String(report.tasks_completed) },
    { name: 'Tasks failed', value: String(report.tasks_failed) },
    { name: 'Throughput', value: `${Number(report.throughput_per_hour.toFixed(2))} tasks/h` },
    { name: 'Average latency', value: seconds(report.avg_latency_seconds) },
    { name: 'Latency p50', value: seconds(report.p50_latency_seconds) },
    { name: 'Latency p95', value: seconds(report.p95_latency_seconds) },
    { name: 'Error rate', value: percent(report.error_rate) },
    { name: 'Retry success', value: percent(report.retry_success_rate) },
    { name: 'Human intervention', value: percent(report.human_intervention_rate) },
    { name: 'Gates passed at once', value: percent(report.first_pass_gate_rate) },
    { name: 'Cost', value: report.unpriced ? cost(report.total_cost_usd, true) : formatMoney(report.total_cost_usd) },
    { name: 'CPU', value: report.cpu_percent === null ? '–' : `${Math.round(report.cpu_percent)} %` },
    { name: 'Memory', value: report.memory_mb === null ? '–' : `${Math.round(report.memory_mb.avg)} MB, peak ${Math.round(report.memory_mb.peak)} MB` },
  ];
}

function percent(rate: number | null): string {
  return rate === null ? '–' : `${Number((rate * 100).toFixed(1))} %`;
}

type Row = CostShare & { readonly by: string };
const COSTS: readonly Column<Row>[] = [
  { title: 'By', text: ({ by }) => by },
  { title: 'Name', text: ({ name }) => name, min: 8 },
  { title: 'Attempts', text: ({ attempts }) => String(attempts), align: 'right', keep: 1 },
  { title: 'Tokens in', text: ({ usage: { input_tokens, cache_read_tokens, cache_write_tokens } }) => String(input_tokens + cache_read_tokens + cache_write_tokens), align: 'right', keep: 2 },
  { title: 'Tokens out', text: ({ usage: { output_tokens } }) => String(output_tokens), align: 'right', keep: 3 },
  { title: 'Cost', text: ({ cost_usd, unpriced }) => cost(cost_usd, unpriced), align: 'right' },
];

function costTable({ cost: costs }: MetricsReport, width: number): string[] {
  const rows = (
    [
      ['agent', costs.by_agent],
      ['model', costs.by_model],
      ['role', costs.by_role],
      ['area', costs.by_area],
    ] as const
  ).flatMap(([by, shares]) => shares.map((share) => ({ by, ...share })));
  return rows.length === 0 ? [] : renderTable(COSTS, rows, width);
}
