/** What the dashboard shows, as texts: a pure projection of what the window knows of its repositories. */
import { plural } from '../../core/format.ts';
import type { LoopView, Snapshot, TaskView } from '../../shared/api.ts';
import type { BoardView, ChartWindow, DashboardCommand, DashboardView, LoopStatusView, NoticeView, RateView, RepositoryView, RowRange, TileView, Tone } from '../../shared/dashboard.ts';
import type { MetricsReport } from '../../shared/metrics.ts';
import { openDecisions } from './actions.ts';
import { chartsOf, percent, WINDOW_WORDS } from './charts.ts';
import { accountRows, activeRow, decisionRow, healthOf, queueRow, recentRow } from './dashboardRows.ts';
import { pendingDecisions } from './decisionItem.ts';
import { ahead, cost, whole } from './format.ts';
import { stoppedByItself } from './status.ts';
import { queueGroup, type QueueGroup } from './taskItem.ts';
import { lacksAgent, welcomeOf, type FolderState, type Welcome } from './welcome.ts';

/** Rows of a queue that are sent before the page has said which ones are in sight. */
export const FIRST_ROWS: RowRange = { first: 0, count: 100 };

/** Decisions that are shown; the native view has them all. */
export const DECISION_ROWS = 20;

/** The figures of the chosen window: none until the first have come, or why they did not. */
export interface Figures {
  readonly report: MetricsReport | undefined;
  readonly failure: string | undefined;
}

export interface DashboardInput {
  readonly trusted: boolean;
  readonly window: ChartWindow;
  readonly folders: readonly FolderState[];
  readonly repositories: readonly {
    readonly key: string;
    readonly name: string;
    readonly opening: boolean;
    readonly failure: string | undefined;
    readonly snapshot: Snapshot | undefined;
    readonly figures: Figures;
    /** The rows of the queue that are in sight. */
    readonly rows: RowRange;
  }[];
}

/** `now` is epoch milliseconds. */
export function dashboardOf(input: DashboardInput, now: number): DashboardView {
  if (!input.trusted || input.repositories.length === 0) return { notice: EMPTY[welcomeOf(input, now)] ?? null, window: input.window, repositories: [] };
  return { notice: null, window: input.window, repositories: input.repositories.map((repository) => repositoryOf(repository, input.window, now)) };
}

/** What stands in place of repositories; a repository itself says the rest. */
const EMPTY: Partial<Record<Welcome, NoticeView>> = {
  no_folder: notice('Open a folder that is a git repository, and Baton works off tasks in it.', 'Open Folder', 'openFolder'),
  untrusted: notice('Baton runs coding agents and your repository’s own commands, so it runs nothing in Restricted Mode.', 'Manage Workspace Trust', 'manageTrust'),
  checking: { text: 'Looking at this workspace…', action: null },
  no_git: notice('git was not found. Baton gives every task its own git worktree, so it needs git 2.38 or newer on your PATH.', 'Look Again', 'refresh'),
  old_git: notice('This git is too old. Baton needs git 2.38 or newer, which can try a merge without touching your files.', 'Look Again', 'refresh'),
  not_repository: notice('This folder is not a git repository. Baton gives every task its own branch and worktree, so it needs one.', 'Look Again', 'refresh'),
};

function repositoryOf(repository: DashboardInput['repositories'][number], window: ChartWindow, now: number): RepositoryView {
  const { key, name, opening, failure, snapshot } = repository;
  if (snapshot !== undefined) {
    return { key, name, notice: failure === undefined ? noticeFor(snapshot) : notice(failure, 'Show Log', 'showLog'), board: boardOf(snapshot, repository.figures, repository.rows, window, now) };
  }
  if (failure !== undefined) return { key, name, notice: notice(`Baton could not open this repository: ${failure}`, 'Look Again', 'refresh'), board: null };
  if (opening) return { key, name, notice: { text: 'Opening the repository…', action: null }, board: null };
  const text = 'Queue a task, and a coding agent works on it in its own git worktree. You review the diff before it lands.';
  return { key, name, notice: notice(text, 'New Task…', 'newTask'), board: null };
}

function noticeFor({ agents, loop, tasks }: Snapshot): NoticeView | null {
  if (lacksAgent(agents)) return notice('No coding agent was found. Install one, and waiting tasks can start.', 'Install a Coding Agent…', 'installAgent');
  if (tasks.length === 0) return notice('There are no tasks yet. Queue one, and it shows here from the queue to its merge.', 'New Task…', 'newTask');
  if (loop.state === 'never_started') return notice('Nothing runs before you start Baton.', 'Start', 'start');
  return null;
}

function boardOf(snapshot: Snapshot, figures: Figures, range: RowRange, window: ChartWindow, now: number): BoardView {
  const groups: Record<QueueGroup, TaskView[]> = { running: [], waiting: [], held: [], done: [], failed: [] };
  for (const task of snapshot.tasks) {
    const group = queueGroup(task);
    // A task that waits for an answer stands under what needs the user, and once is enough.
    if (group !== 'held' || openDecisions(task).length === 0) groups[group].push(task);
  }
  groups.waiting.sort((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity));
  const pending = pendingDecisions(snapshot);
  const queue = groups.waiting.concat(groups.held);
  const first = Math.max(0, Math.min(range.first, queue.length - range.count));
  return {
    loop: loopOf(snapshot.loop),
    tiles: tilesOf(snapshot, groups, pending.length, figures.report, window, now),
    decisions: pending.slice(0, DECISION_ROWS).map(({ task, decision }) => decisionRow(task, decision, now)),
    decisionsHidden: Math.max(0, pending.length - DECISION_ROWS),
    active: groups.running.map((task) => activeRow(task, now)),
    charts: chartsOf(figures.report, figures.failure, window),
    queue: { total: queue.length, first, rows: queue.slice(first, first + range.count).map((task) => queueRow(task, now)) },
    recent: { summary: completion(figures.report, window), rates: ratesOf(figures.report, window), rows: latest(groups.done.concat(groups.failed), snapshot.dashboard.max_recent_tasks).map((task) => recentRow(task, now)) },
    health: healthOf(snapshot),
    accounts: accountRows(snapshot, now),
  };
}

/** Those that ended last, the latest first. */
function latest(ended: readonly TaskView[], count: number): TaskView[] {
  const kept: TaskView[] = [];
  const endOf = (task: TaskView | undefined) => task?.completed_at ?? '';
  for (const task of ended) {
    if (kept.length >= count && endOf(task) <= endOf(kept.at(-1))) continue;
    const place = kept.findIndex((one) => endOf(one) < endOf(task));
    kept.splice(place === -1 ? kept.length : place, 0, task);
    if (kept.length > count) kept.pop();
  }
  return kept;
}

function completion(report: MetricsReport | undefined, window: ChartWindow): string {
  if (report === undefined) return '';
  const ended = report.tasks_completed + report.tasks_failed;
  return ended === 0 ? '' : `${percent(report.tasks_completed / ended)} of ${ended} completed, ${WINDOW_WORDS[window]}`;
}

/** How what ended came to its end; none before anything has. */
function ratesOf(report: MetricsReport | undefined, window: ChartWindow): RateView[] {
  if (report === undefined || report.tasks_completed + report.tasks_failed === 0) return [];
  const rate = (name: string, value: number | null, meaning: string, none: string): RateView => ({ name, value: value === null ? '–' : percent(value), meaning: value === null ? `${none} in the ${WINDOW_WORDS[window]}.` : `${meaning}, ${WINDOW_WORDS[window]}.` });
  return [
    rate('Retry success', report.retry_success_rate, 'Tasks that completed after a retry, of all that were retried and ended', 'No task that ended had been retried'),
    rate('Human intervention', report.human_intervention_rate, 'Tasks that needed you beyond the approvals that the configuration asks for, of all that ended', 'No task ended'),
  ];
}

const TONES: Readonly<Record<LoopView['state'], Tone>> = { running: 'good', paused: 'warning', stopping: 'warning', stopped: 'muted', never_started: 'muted' };
const LOOP_WORDS: Readonly<Record<LoopView['state'], string>> = { running: 'Running', paused: 'Paused', stopping: 'Stopping', stopped: 'Stopped', never_started: 'Not started' };

function loopOf(loop: LoopView): LoopStatusView {
  const fell = stoppedByItself(loop);
  const idle = loop.state === 'running' && loop.idle;
  return {
    tone: fell ? 'bad' : TONES[loop.state],
    text: idle ? 'Running, idle' : `${LOOP_WORDS[loop.state]}${fell ? `: ${loop.reason ?? ''}` : ''}`,
    slots: `${loop.slots_used} of ${plural(loop.slots, 'slot')}`,
    action: loop.desired === 'running' ? { title: 'Pause', command: 'pause' } : { title: 'Start', command: 'start' },
  };
}

const NO_TILE: Omit<TileView, 'id' | 'label' | 'value' | 'detail'> = { of: '', tone: 'plain', share: null, command: null };

function tilesOf(snapshot: Snapshot, groups: Record<QueueGroup, TaskView[]>, needsYou: number, report: MetricsReport | undefined, window: ChartWindow, now: number): TileView[] {
  const { loop } = snapshot;
  const firstPass = report?.first_pass_gate_rate ?? null;
  const held = groups.held.length > 0 ? `${groups.held.length} held` : '';
  const waiting = [queueEta(groups.waiting, now), held].filter((part) => part !== '').join(' · ');
  const tile = (id: TileView['id'], label: string, value: string, detail: string, more: Partial<TileView> = {}): TileView => ({ ...NO_TILE, id, label, value, detail, ...more });
  return [
    tile('needs_you', 'Needs you', String(needsYou), needsYou === 0 ? 'nothing to decide' : plural(needsYou, 'decision'), { tone: needsYou > 0 ? 'attention' : 'plain', command: 'showNeedsYou' }),
    tile('running', 'Running', String(groups.running.length), `${loop.slots_used} of ${plural(loop.slots, 'slot')} in use`, { share: loop.slots === 0 ? null : Math.min(1, loop.slots_used / loop.slots), command: 'showQueue' }),
    tile('waiting', 'Waiting', String(groups.waiting.length), waiting === '' ? 'none held' : waiting, { command: 'showQueue' }),
    costTile(snapshot.cost, tile),
    tile('first_pass', 'First-pass gates', firstPass === null ? '–' : percent(firstPass), firstPass === null ? 'no gated task ended' : WINDOW_WORDS[window], { share: firstPass }),
  ];
}

function costTile({ today_usd: today, unpriced, budget_usd: budget }: Snapshot['cost'], tile: (id: 'cost', label: string, value: string, detail: string, more?: Partial<TileView>) => TileView): TileView {
  const value = cost(whole(today), unpriced);
  if (budget === null) return tile('cost', 'Cost today', value, unpriced ? 'some runs are unpriced' : 'no daily budget', { command: 'openConfiguration' });
  const left = budget - today;
  const detail = left > 0 ? `${cost(whole(left), false)} left${unpriced ? ', some runs unpriced' : ''}` : 'today’s budget is spent';
  return tile('cost', 'Cost today', value, detail, { of: `/ ${cost(budget, false)}`, share: budget === 0 ? 1 : Math.min(1, today / budget), tone: left > 0 ? 'plain' : 'attention', command: 'openConfiguration' });
}

/** When the last of the waiting tasks will be done, if that is known of each of them. */
function queueEta(waiting: readonly TaskView[], now: number): string {
  if (waiting.length === 0) return '';
  let last = '';
  for (const { eta_done: done } of waiting) {
    if (done === null) return 'ETA unknown';
    if (done > last) last = done;
  }
  return `ETA ${ahead(last, now)}`;
}

function notice(text: string, title: string, command: DashboardCommand): NoticeView {
  return { text, action: { title, command } };
}
