/** The dashboard on a terminal: two columns where there is room, as many queue rows as fit. */
import { formatDuration, plural } from '../core/format.ts';
import type { Snapshot, TaskView } from '../shared/api.ts';
import { HEALTH_CHECKS } from '../shared/health.ts';
import type { MetricsBucket, MetricsReport } from '../shared/metrics.ts';
import { activeEntry, activeTasks, recentTasks, type DashboardDocument } from './dashboardDocument.ts';
import { clockTime, cost, doneIn, secondsSince } from './format.ts';
import { needsHuman, openDecisionsOf, queueOf } from './json.ts';
import { paintLine, type Line } from './liveArea.ts';
import { queueTable } from './queue.ts';
import { colourOf, createStyle, type Colour, type Style } from './style.ts';
import { fit, widthOf } from './text.ts';

export interface Frame {
  /** In cells. */
  readonly width: number;
  /** Rows to fit into; null for as many as it takes. */
  readonly rows: number | null;
  readonly style: Style;
}

/** From this width on there are two columns. */
const WIDE = 100;
const GAP = 2;
/** Rows of a list, of the queue, and the queue's own head and rules. */
const LIST = 5;
const QUEUE = 10;
const QUEUE_FRAME = 5;
const FEWEST = 3;

/** Parts that a low terminal does without, the least important first. */
const SPARED = [[], ['recent'], ['recent', 'figures'], ['recent', 'figures', 'health']] as const;
type Spared = (typeof SPARED)[number][number];

/** The lines of the dashboard, none wider than the frame. On a low terminal the queue keeps some rows, and less important parts go. */
export function dashboardLines(snapshot: Snapshot, document: DashboardDocument, frame: Frame): string[] {
  const { width, rows, style } = frame;
  const queue = queueOf(snapshot).filter((task) => task.group !== 'needs_you');
  const least = QUEUE_FRAME + Math.min(queue.length, FEWEST);
  const layouts = SPARED.map((spared) => around(snapshot, document, frame, spared));
  const layout = layouts.find(({ above, below }) => rows === null || above.length + below.length + least <= rows) ?? layouts.at(-1);
  const { above, below } = layout ?? { above: [], below: [] };

  const room = rows === null ? QUEUE : Math.max(FEWEST, rows - above.length - below.length - QUEUE_FRAME);
  const shown = queue.slice(0, queue.length <= room ? room : room - 1);
  const hidden = queue.length - shown.length;
  const table = queue.length === 0 ? [paintLine([['  Nothing waits.', 'dim']], width, style)] : queueTable(snapshot, shown, width, style);
  const more = hidden === 0 ? [] : [paintLine([[`  ${hidden} more: baton queue`, 'dim']], width, style)];
  return [...above, rule(`Queue (${queue.length})`, width, style), ...table, ...more, ...below].map((line) => line.trimEnd());
}

/** What stands above and below the queue. */
function around(snapshot: Snapshot, document: DashboardDocument, { width, style }: Frame, spared: readonly Spared[]): { readonly above: string[]; readonly below: string[] } {
  const inner = width >= WIDE ? Math.floor((width - GAP) / 2) : width;
  const block = (title: string, lines: readonly Line[]): string[] => [rule(title, inner, style), ...lines.map((line) => filled(line, inner, style))];
  const has = (part: Spared): boolean => !spared.includes(part);
  const columns = (left: readonly string[], right: readonly string[]): string[] => (width >= WIDE && left.length > 0 ? beside(left, right) : [...left, ...right]);
  const work = [...block('Needs you', decisions(snapshot)), ...block('Active', active(snapshot))];
  const figures = document.metrics === null || !has('figures') ? [] : block('Last 24 h', figuresOf(document.metrics, inner));
  return {
    above: [headline(snapshot, document, width, style), paintLine(summary(snapshot, document), width, style), ...columns(work, figures)],
    below: columns(has('recent') ? block('Recent', recent(snapshot)) : [], has('health') ? block('Health', health(snapshot)) : []),
  };
}

/** Name, state, health and slots to the left, the time to the right. */
function headline(snapshot: Snapshot, { status, health: report }: DashboardDocument, width: number, style: Style): string {
  const { loop, repository, at } = snapshot;
  const state: Colour = status.state === 'error' ? 'red' : status.state === 'running' ? 'green' : 'yellow';
  const word = status.state === 'error' ? 'error' : loop.state === 'running' && status.state === 'stopped' ? 'not running' : loop.state.replace('_', ' ');
  const fine = report?.status === 'healthy' || report?.status === 'unknown';
  const since = status.since === null ? '' : ` for ${formatDuration(secondsSince(status.since, at))}`;
  const line: Line = [['Baton ', 'dim'], [repository.name, 'bold'], '  ', [`● ${word}`, state], since, '  ', [report?.status ?? '', fine ? 'green' : report?.status === 'unhealthy' ? 'red' : 'yellow'], `  ${loop.slots_used}/${loop.slots} slots`];
  const clock = `${clockTime(Date.parse(at))} UTC`;
  const room = width - clock.length - 2;
  return room < 40 ? paintLine(line, width, style) : `${filled(line, room, style)}  ${style.paint('dim', clock)}`;
}

function summary(snapshot: Snapshot, { metrics, completion_rate: completed }: DashboardDocument): Line {
  const { cost: spent, tasks } = snapshot;
  const count = (group: TaskView['group']) => tasks.filter((task) => task.group === group).length;
  const asking = tasks.filter(needsHuman).length;
  const ends = tasks.filter((task) => task.group === 'waiting').map((task) => task.eta_done);
  const last = ends.includes(null) || ends.length === 0 ? null : (ends.toSorted().at(-1) ?? null);
  const budget = spent.budget_usd === null ? '' : ` of ${cost(spent.budget_usd, false)}`;
  const over = spent.budget_usd !== null && spent.today_usd >= spent.budget_usd;
  const parts: Line[] = [
    [[`${asking} need${asking === 1 ? 's' : ''} you`, asking > 0 ? 'magenta' : 'dim']],
    [[`${count('running')} running`, count('running') > 0 ? 'green' : 'dim']],
    [[`${count('waiting')} waiting`, count('waiting') > 0 ? 'yellow' : 'dim'], last === null ? '' : ` (${doneIn(last, snapshot.at)})`],
    ...(count('held') === 0 ? [] : [[[`${count('held')} held`, 'yellow'] as const]]),
    [['today ', 'dim'], over ? [`${cost(spent.today_usd, spent.unpriced)}${budget}`, 'red'] : `${cost(spent.today_usd, spent.unpriced)}${budget}`],
    ...(completed === null ? [] : [[percent(completed), [' completed', 'dim'] as const]]),
    ...((metrics?.first_pass_gate_rate ?? null) === null ? [] : [[percent(metrics?.first_pass_gate_rate ?? 0), [' pass their gates at once', 'dim'] as const]]),
  ];
  return parts.flatMap((part, index) => (index === 0 ? part : [[' · ', 'dim'] as const, ...part]));
}

function decisions(snapshot: Snapshot): Line[] {
  const asked = snapshot.tasks.flatMap((task) => openDecisionsOf(task).map((decision) => ({ task, decision }))).sort((a, b) => (a.decision.since < b.decision.since ? -1 : 1));
  return list(asked, 'Nothing needs you.', ({ task, decision }) => [['◆ ', 'magenta'], [task.id, 'bold'], ` ${decision.question}`]);
}

function active(snapshot: Snapshot): Line[] {
  return list(activeTasks(snapshot), 'Nobody is at work.', (task) => {
    const entry = activeEntry(task, snapshot.at);
    const waits = openDecisionsOf(task).length > 0;
    const facts = [
      formatDuration(entry.elapsed_seconds),
      ...(entry.steps > 1 ? [`step ${entry.step ?? 1}/${entry.steps}`] : []),
      ...(entry.attempts > 1 ? [`attempt ${entry.attempts}`] : []),
      ...(entry.cost_usd > 0 ? [cost(entry.cost_usd, task.unpriced)] : []),
      ...(entry.eta_done === null ? [] : [doneIn(entry.eta_done, snapshot.at)]),
    ];
    const doing = waits ? 'waits for you' : (entry.last_line ?? entry.activity ?? '');
    return [['▸ ', 'green'], [entry.id, 'bold'], ' ', [entry.state, waits ? 'magenta' : 'green'], ` ${facts.join(' · ')}`, [doing === '' ? '' : `  > ${doing}`, 'dim']];
  });
}

function recent(snapshot: Snapshot): Line[] {
  return list(recentTasks(snapshot), 'Nothing has ended yet.', (task) => {
    const done = task.state === 'done';
    const took = task.started_at === null || task.completed_at === null ? [] : [formatDuration(secondsSince(task.started_at, task.completed_at))];
    const ago = task.completed_at === null ? [] : [`${formatDuration(secondsSince(task.completed_at, snapshot.at))} ago`];
    const spent = task.cost_usd > 0 || task.unpriced ? [cost(task.cost_usd, task.unpriced)] : [];
    return [[done ? '✓ ' : '✗ ', done ? 'green' : 'red'], [task.id, 'bold'], ` ${[...took, ...spent, ...ago].join(' · ')}`, [done || task.error === null ? '' : `  ${task.error}`, colourOf(task.group)]];
  });
}

function health({ health: report, accounts, problems, at }: Snapshot): Line[] {
  const lines: Line[] = HEALTH_CHECKS.map((name) => {
    const { ok, message } = report.checks[name];
    return [[ok ? '✓ ' : '! ', ok ? 'green' : 'red'], message];
  });
  for (const { account, closed, closed_until: until, reason } of accounts) {
    if (!closed) continue;
    const opens = until === null || until === 'unknown' ? 'opens when its sign-in works again' : `opens in ${formatDuration(secondsSince(at, until))}`;
    lines.push([['! ', 'yellow'], `account ${account} ${opens}${reason === null ? '' : `: ${reason}`}`]);
  }
  if (problems.length > 0) lines.push([['! ', 'yellow'], `${plural(problems.length, 'problem')} in configuration and tasks: baton doctor`]);
  return lines;
}

/** One line a figure: name, its course as a row of bars, the figure of the whole window. */
function figuresOf(report: MetricsReport, width: number): Line[] {
  if (!report.enabled && report.tasks_completed + report.tasks_failed === 0) return [[['  Metrics are turned off (metrics.enabled).', 'dim']]];
  const ended = report.tasks_completed + report.tasks_failed;
  const gates = report.series.reduce((sum, one) => ({ passed: sum.passed + one.gates_passed, all: sum.all + one.gates_passed + one.gates_failed }), { passed: 0, all: 0 });
  const agents = report.cost.by_agent.slice(0, 3).map((one) => `${one.name} ${cost(cents(one.cost_usd), one.unpriced)}`).join(', ');
  const line = (name: string, of: (one: MetricsBucket) => number | null, colour: Colour, value: string, detail = ''): Line => [
    fit(name, 11),
    ...(width < 60 ? [] : [[sparkline(report.series.map(of)), colour] as const, '  ']),
    [value, 'bold'],
    detail === '' ? '' : [`  ${detail}`, 'dim'],
  ];
  return [
    line('Throughput', (one) => one.completed, 'green', `${Math.round(report.throughput_per_hour * 10) / 10} / h`, `${report.tasks_completed} completed, ${report.tasks_failed} failed`),
    line('Latency', (one) => one.p50_latency_seconds, 'blue', report.p50_latency_seconds === null ? '-' : formatDuration(report.p50_latency_seconds), report.p95_latency_seconds === null ? '' : `p95 ${formatDuration(report.p95_latency_seconds)}`),
    line('Error rate', (one) => (one.completed + one.failed === 0 ? null : one.failed / (one.completed + one.failed)), 'red', ended === 0 ? '-' : percent(report.error_rate)),
    line('Gates', (one) => (one.gates_passed + one.gates_failed === 0 ? null : one.gates_passed / (one.gates_passed + one.gates_failed)), 'green', gates.all === 0 ? '-' : percent(gates.passed / gates.all), gates.all === 0 ? '' : `${gates.passed} of ${gates.all} rounds passed`),
    ...outcome(report),
    line('Cost', (one) => one.cost_usd, 'blue', cost(cents(report.total_cost_usd), report.unpriced), agents),
  ];
}

/** How what ended came to its end; no line before anything has. */
function outcome({ retry_success_rate: rescued, human_intervention_rate: human }: MetricsReport): Line[] {
  if (human === null) return [];
  return [[fit('Outcome', 11), [rescued === null ? '-' : percent(rescued), 'bold'], [' of retried completed, ', 'dim'], [percent(human), 'bold'], [' needed you', 'dim']]];
}

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** A course as a row of bars, scaled to its highest value; a stretch without a value is a dot. */
function sparkline(values: readonly (number | null)[]): string {
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  return values.map((value) => (value === null ? '·' : (BARS[highest === 0 ? 0 : Math.round((value / highest) * (BARS.length - 1))] ?? '▁'))).join('');
}

function list<Item>(items: readonly Item[], empty: string, line: (item: Item) => Line): Line[] {
  if (items.length === 0) return [[[`  ${empty}`, 'dim']]];
  const shown = items.length <= LIST ? items : items.slice(0, LIST - 1);
  return [...shown.map(line), ...(shown.length < items.length ? [[[`  ${items.length - shown.length} more`, 'dim']] satisfies Line] : [])];
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function cents(dollars: number): number {
  return dollars >= 0.01 ? Math.round(dollars * 100) / 100 : dollars;
}

function rule(title: string, width: number, style: Style): string {
  return `${style.paint('bold', title)} ${style.paint('dim', '─'.repeat(Math.max(0, width - widthOf(title) - 1)))}`;
}

const BARE = createStyle(false);

/** A line of exactly `width` cells. */
function filled(line: Line, width: number, style: Style): string {
  return paintLine(line, width, style) + ' '.repeat(Math.max(0, width - widthOf(paintLine(line, width, BARE))));
}

/** Two blocks side by side; both consist of lines that fill their column. */
function beside(left: readonly string[], right: readonly string[]): string[] {
  const blank = ' '.repeat(widthOf(bare(left[0] ?? '')));
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => `${left[index] ?? blank}${' '.repeat(GAP)}${right[index] ?? ''}`);
}

function bare(text: string): string {
  return text.replaceAll(/\x1b\[\d+m/g, '');
}
