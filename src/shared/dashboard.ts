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
export const DASHBOARD_COMMANDS = ['newTask', 'start', 'pause', 'refresh', 'installAgent', 'createConfiguration', 'showNeedsYou', 'showQueue', 'showProblems', 'showLog', 'manageTrust', 'openFolder'] as const;
export type DashboardCommand = (typeof DASHBOARD_COMMANDS)[number];

export type WebviewMessage =
  /** The page listens now. */
  | { readonly type: 'ready' }
  | { readonly type: 'task'; readonly repository: string; readonly task: string }
  | { readonly type: 'decision'; readonly repository: string; readonly task: string; readonly decision: string }
  | { readonly type: 'command'; readonly command: DashboardCommand; readonly repository: string | null };

export interface DashboardView {
  /** Said when there is no repository to show. */
  readonly notice: NoticeView | null;
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
  readonly active: readonly ActiveRow[];
  readonly queue: readonly QueueRow[];
  /** Tasks of the queue beyond the rows. */
  readonly queueHidden: number;
  readonly recent: readonly RecentRow[];
  readonly accounts: readonly AccountRow[];
  readonly problems: ProblemsView;
}

export interface LoopStatusView {
  readonly tone: 'on' | 'waiting' | 'off' | 'problem';
  /** `running`, `paused` …, with the reason of a stop. */
  readonly text: string;
  /** `2 of 5 slots`. */
  readonly slots: string;
  readonly action: ActionView | null;
}

export interface TileView {
  readonly id: 'needs_you' | 'running' | 'waiting' | 'cost';
  readonly label: string;
  readonly value: string;
  readonly detail: string;
  readonly tone: 'plain' | 'attention';
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
  readonly elapsed: string;
  readonly cost: string;
  readonly lastLine: string;
}

export interface QueueRow {
  readonly task: string;
  readonly goal: string;
  /** Empty for a held task, which has no place. */
  readonly position: string;
  readonly score: string;
  readonly wait: string;
  readonly why: string;
}

export interface RecentRow {
  readonly task: string;
  readonly goal: string;
  readonly outcome: 'done' | 'failed' | 'cancelled';
  readonly took: string;
  readonly cost: string;
  readonly ended: string;
}

export interface AccountRow {
  readonly name: string;
  readonly held: boolean;
  readonly text: string;
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
      return true;
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

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
