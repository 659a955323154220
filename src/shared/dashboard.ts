/**
 * What passes between the dashboard's panel and its page. The page gets complete pictures, worded and formatted, and sends back
 * which thing was chosen; it names ids only, and the host looks up what they stand for.
 */

/** One picture of every repository of the window; never a delta. `seq` grows with every picture of a panel. */
export interface SnapshotMessage {
  readonly type: 'snapshot';
  readonly seq: number;
  readonly view: DashboardView;
}
export type HostMessage = SnapshotMessage;

/** Commands that the page may ask for; the host knows what each one runs. */
export const DASHBOARD_COMMANDS = ['newTask', 'start', 'pause', 'refresh', 'installAgent', 'createConfiguration', 'openConfiguration', 'showNeedsYou', 'showQueue', 'showProblems', 'showLog', 'manageTrust', 'openFolder'] as const;
export type DashboardCommand = (typeof DASHBOARD_COMMANDS)[number];

/** Lengths of time that the charts can show; each ends now. */
export const CHART_WINDOWS = ['24h', '7d', '30d'] as const;
export type ChartWindow = (typeof CHART_WINDOWS)[number];

/** Most rows of a queue that are sent at once. */
export const MOST_ROWS = 200;

/** A stretch of the queue's rows, counted from 0. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

export type WebviewMessage =
  /** The page listens now; `window` is the one it showed last. */
  | { readonly type: 'ready'; readonly window: ChartWindow }
  | { readonly type: 'window'; readonly window: ChartWindow }
  /** Which rows of a repository's queue are in sight. */
  | { readonly type: 'rows'; readonly repository: string; readonly range: RowRange }
  | { readonly type: 'task'; readonly repository: string; readonly task: string }
  | { readonly type: 'decision'; readonly repository: string; readonly task: string; readonly decision: string }
  | { readonly type: 'command'; readonly command: DashboardCommand; readonly repository: string | null };

export interface DashboardView {
  /** Said when there is no repository to show. */
  readonly notice: NoticeView | null;
  readonly window: ChartWindow;
  readonly repositories: readonly RepositoryView[];
}

/** A sentence that says what is missing, and what to do about it. */
export interface NoticeView {
  readonly text: string;
  readonly action: ActionView | null;
}

export interface ActionView {
  readonly title: string;
  readonly command: DashboardCommand;
}

export interface RepositoryView {
  readonly key: string;
  readonly name: string;
  readonly notice: NoticeView | null;
  /** Null until the repository has an engine. */
  readonly board: BoardView | null;
}

/** Times, durations and amounts are texts for people. */
export interface BoardView {
  readonly loop: LoopStatusView;
  readonly tiles: readonly TileView[];
  readonly decisions: readonly DecisionRow[];
  /** Decisions beyond the rows. */
  readonly decisionsHidden: number;
  readonly active: readonly ActiveRow[];
  readonly charts: ChartsView;
  readonly queue: QueueTableView;
  readonly recent: { readonly summary: string; readonly rates: readonly RateView[]; readonly rows: readonly RecentRow[] };
  readonly health: HealthView;
  readonly accounts: readonly AccountRow[];
}

export type Tone = 'good' | 'warning' | 'bad' | 'muted';

export interface LoopStatusView {
  readonly tone: Tone;
  /** `Running`, `Paused` …, with the reason of a stop. */
  readonly text: string;
  /** `2 of 5 slots`. */
  readonly slots: string;
  readonly action: ActionView | null;
}

export interface TileView {
  readonly id: 'needs_you' | 'running' | 'waiting' | 'cost' | 'first_pass';
  readonly label: string;
  readonly value: string;
  /** What the value is measured against, for example `/ $20.00`; empty for nothing. */
  readonly of: string;
  readonly detail: string;
  readonly tone: 'plain' | 'attention';
  /** How much of what there is the value takes, from 0 to 1; null where that means nothing. */
  readonly share: number | null;
  /** The native view that the figure stands for. */
  readonly command: DashboardCommand | null;
}

export interface DecisionRow {
  readonly task: string;
  readonly decision: string;
  readonly title: string;
  readonly goal: string;
  readonly facts: string;
  readonly age: string;
}

export interface ActiveRow {
  readonly task: string;
  readonly goal: string;
  readonly step: string;
  /** Steps done and in all; null where there is only one. */
  readonly progress: { readonly done: number; readonly total: number } | null;
  readonly elapsed: string;
  readonly cost: string;
  /** `done in 6m`; empty when unknown. */
  readonly eta: string;
  readonly lastLine: string;
}

export interface ChartsView {
  /** Said in place of charts; null when there are some. */
  readonly notice: string | null;
  readonly charts: readonly ChartView[];
}

export interface ChartView {
  readonly id: 'throughput' | 'latency' | 'errors' | 'cost' | 'agents' | 'gates';
  readonly title: string;
  /** The figure of the whole window, and what it is. */
  readonly value: string;
  readonly detail: string;
  /** Said in place of the drawing; null when there is something to draw. */
  readonly empty: string | null;
  readonly plot: PlotView | null;
  /** Parts of a whole, largest first; empty where there is a plot. */
  readonly shares: readonly ShareView[];
}

export interface PlotView {
  /** Bars stand on each other, lines do not. */
  readonly kind: 'bars' | 'lines';
  readonly series: readonly { readonly name: string; readonly tone: 'good' | 'bad' | 'first' | 'second'; readonly values: readonly (number | null)[] }[];
  /** Value at the upper edge, and its label. */
  readonly top: number;
  readonly topLabel: string;
  /** The stretches of time, oldest first: when, and what happened in it. */
  readonly points: readonly { readonly time: string; readonly text: string }[];
  readonly from: string;
  readonly to: string;
}

export interface ShareView {
  readonly name: string;
  readonly value: string;
  readonly detail: string;
  /** From 0 to 1, of the largest. */
  readonly share: number;
}

/** The rows of the queue that are in sight, of `total`. */
export interface QueueTableView {
  readonly total: number;
  readonly first: number;
  readonly rows: readonly QueueRow[];
}

export interface QueueRow {
  readonly task: string;
  readonly goal: string;
  /** Empty for a held task, which has no place. */
  readonly position: string;
  readonly score: string;
  readonly wait: string;
  /** How far ahead its end is, and both times in words; empty when unknown. */
  readonly eta: string;
  readonly etaDetail: string;
  readonly held: boolean;
  readonly why: string;
}

/** A share of the tasks that ended in the window. */
export interface RateView {
  readonly name: string;
  /** `83 %`; a dash where there is nothing to count. */
  readonly value: string;
  /** What it counts, as a sentence. */
  readonly meaning: string;
}

export interface RecentRow {
  readonly task: string;
  readonly goal: string;
  readonly outcome: 'done' | 'failed' | 'cancelled';
  readonly took: string;
  readonly cost: string;
  readonly ended: string;
}

export interface HealthView {
  readonly tone: Tone;
  /** `healthy`, `degraded` … */
  readonly status: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly message: string }[];
  readonly problems: ProblemsView;
}

export interface AccountRow {
  readonly name: string;
  readonly held: boolean;
  readonly text: string;
  readonly agents: readonly { readonly name: string; readonly available: boolean; readonly text: string }[];
}

export interface ProblemsView {
  readonly count: number;
  readonly text: string;
}

/** True for a message of the page that has the shape it must have: whatever comes out of a webview is outside data. */
export function isWebviewMessage(value: unknown): value is WebviewMessage {
  if (!isRecord(value)) return false;
  switch (value['type']) {
    case 'ready':
    case 'window':
      return (CHART_WINDOWS as readonly unknown[]).includes(value['window']);
    case 'rows':
      return isId(value['repository']) && isRange(value['range']);
    case 'task':
      return isId(value['repository']) && isId(value['task']);
    case 'decision':
      return isId(value['repository']) && isId(value['task']) && isId(value['decision']);
    case 'command':
      return (DASHBOARD_COMMANDS as readonly unknown[]).includes(value['command']) && (value['repository'] === null || isId(value['repository']));
    default:
      return false;
  }
}

function isRange(value: unknown): value is RowRange {
  if (!isRecord(value)) return false;
  const { first, count } = value;
  return Number.isSafeInteger(first) && (first as number) >= 0 && Number.isSafeInteger(count) && (count as number) > 0 && (count as number) <= MOST_ROWS;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
