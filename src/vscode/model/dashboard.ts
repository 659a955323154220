/** What the dashboard shows, as texts: a pure projection of what the window knows of its repositories. */
import { plural } from '../../core/format.ts';
import type { AccountView, LoopView, Snapshot, TaskView } from '../../shared/api.ts';
import type {
  AccountRow,
  ActiveRow,
  BoardView,
  DashboardCommand,
  DashboardView,
  DecisionRow,
  LoopStatusView,
  NoticeView,
  ProblemsView,
  QueueRow,
  RecentRow,
  RepositoryView,
  TileView,
} from '../../shared/dashboard.ts';
import { openDecisions } from './actions.ts';
import { decisionFacts, decisionTitle, pendingDecisions } from './decisionItem.ts';
import { age, between, cost, elapsed, localTime, oneLine } from './format.ts';
import { stoppedByItself } from './status.ts';
import { isCancelled, queueGroup, runningTime, spent, taskPhase } from './taskItem.ts';
import { lacksAgent, welcomeOf, type FolderState, type Welcome } from './welcome.ts';

/** Rows of the queue's table; the rest is said as a number. */
export const QUEUE_ROWS = 200;
export const RECENT_ROWS = 10;

export interface DashboardInput {
  readonly trusted: boolean;
  readonly folders: readonly FolderState[];
  readonly repositories: readonly {
    readonly key: string;
    readonly name: string;
    readonly opening: boolean;
    readonly failure: string | undefined;
    readonly snapshot: Snapshot | undefined;
  }[];
}

/** `now` is epoch milliseconds. */
export function dashboardOf(input: DashboardInput, now: number): DashboardView {
  if (!input.trusted || input.repositories.length === 0) return { notice: EMPTY[welcomeOf(input, now)] ?? null, repositories: [] };
  return { notice: null, repositories: input.repositories.map((repository) => repositoryOf(repository, now)) };
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

function repositoryOf({ key, name, opening, failure, snapshot }: DashboardInput['repositories'][number], now: number): RepositoryView {
  if (snapshot !== undefined) return { key, name, notice: failure === undefined ? noticeFor(snapshot) : notice(failure, 'Show Log', 'showLog'), board: boardOf(snapshot, now) };
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

function boardOf(snapshot: Snapshot, now: number): BoardView {
  const groups = { running: [] as TaskView[], waiting: [] as TaskView[], held: [] as TaskView[], done: [] as TaskView[], failed: [] as TaskView[] };
  for (const task of snapshot.tasks) groups[queueGroup(task)].push(task);
  const pending = pendingDecisions(snapshot);
  groups.waiting.sort((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity));
  // A task that waits for an answer stands under what needs the user, and once is enough.
  const held = groups.held.filter((task) => openDecisions(task).length === 0);
  const queue = [...groups.waiting, ...held];
  const ended = [...groups.done, ...groups.failed].sort((a, b) => (b.completed_at ?? '').localeCompare(a.completed_at ?? ''));
  const asked = pending.map(({ task, decision }): DecisionRow => ({
    task: task.id,
    decision: decision.id,
    title: decisionTitle(decision),
    goal: oneLine(task.goal),
    facts: decisionFacts(task, decision).join(' · '),
    age: age(now - Date.parse(decision.since)),
  }));
  const counts = { needsYou: pending.length, running: groups.running.length, waiting: groups.waiting.length, held: held.length };
  return {
    loop: loopOf(snapshot.loop),
    tiles: tilesOf(snapshot, counts),
    decisions: asked,
    active: groups.running.map((task) => activeRow(task, now)),
    queue: queue.slice(0, QUEUE_ROWS).map((task) => queueRow(task, now)),
    queueHidden: Math.max(0, queue.length - QUEUE_ROWS),
    recent: ended.slice(0, RECENT_ROWS).map((task) => recentRow(task, now)),
    accounts: snapshot.accounts.map((account) => accountRow(account, now)),
    problems: problemsOf(snapshot),
  };
}

const TONES: Readonly<Record<LoopView['state'], LoopStatusView['tone']>> = { running: 'on', paused: 'waiting', stopping: 'waiting', stopped: 'off', never_started: 'off' };
const LOOP_WORDS: Readonly<Record<LoopView['state'], string>> = { running: 'Running', paused: 'Paused', stopping: 'Stopping', stopped: 'Stopped', never_started: 'Not started' };

function loopOf(loop: LoopView): LoopStatusView {
  const fell = stoppedByItself(loop);
  const idle = loop.state === 'running' && loop.idle;
  return {
    tone: fell ? 'problem' : TONES[loop.state],
    text: idle ? 'Running, idle' : `${LOOP_WORDS[loop.state]}${fell ? `: ${loop.reason ?? ''}` : ''}`,
    slots: `${loop.slots_used} of ${plural(loop.slots, 'slot')}`,
    action: loop.desired === 'running' ? { title: 'Pause', command: 'pause' } : { title: 'Start', command: 'start' },
  };
}

function tilesOf(snapshot: Snapshot, counts: { needsYou: number; running: number; waiting: number; held: number }): TileView[] {
  const { today_usd, unpriced } = snapshot.cost;
  const tile = (id: TileView['id'], label: string, value: string, detail: string, command: DashboardCommand | null, tone: TileView['tone'] = 'plain'): TileView => ({ id, label, value, detail, tone, command });
  return [
    tile('needs_you', 'Needs you', String(counts.needsYou), plural(counts.needsYou, 'decision'), 'showNeedsYou', counts.needsYou > 0 ? 'attention' : 'plain'),
    tile('running', 'Running', String(counts.running), `${snapshot.loop.slots_used} of ${plural(snapshot.loop.slots, 'slot')} in use`, 'showQueue'),
    tile('waiting', 'Waiting', String(counts.waiting), counts.held > 0 ? `and ${counts.held} held` : 'none held', 'showQueue'),
    tile('cost', 'Cost today', cost(today_usd, unpriced), unpriced ? 'some runs are unpriced' : 'all runs priced', null),
  ];
}

function activeRow(task: TaskView, now: number): ActiveRow {
  const [decision] = openDecisions(task);
  const doing = decision === undefined ? (task.activity ?? '') : 'waits for you';
  return {
    task: task.id,
    goal: oneLine(task.goal),
    step: [...new Set([taskPhase(task), doing])].filter((part) => part !== '').join(' · '),
    elapsed: runningTime(task, now),
    cost: spent(task),
    lastLine: task.last_line === null ? '' : oneLine(task.last_line, 200),
  };
}

function queueRow(task: TaskView, now: number): QueueRow {
  return {
    task: task.id,
    goal: oneLine(task.goal),
    position: task.position === null ? '' : String(task.position),
    score: task.score.toFixed(1),
    wait: age(now - Date.parse(task.created_at)),
    why: oneLine(task.placed ? `Placed by hand. ${task.why}` : task.why, 200),
  };
}

function recentRow(task: TaskView, now: number): RecentRow {
  return {
    task: task.id,
    goal: oneLine(task.goal),
    outcome: task.state === 'done' ? 'done' : isCancelled(task) ? 'cancelled' : 'failed',
    took: task.started_at === null ? '' : elapsed(between(task.started_at, task.completed_at)),
    cost: spent(task),
    ended: task.completed_at === null ? '' : localTime(task.completed_at, now),
  };
}

function accountRow({ account, closed, closed_until: until, reason }: AccountView, now: number): AccountRow {
  if (!closed) return { name: account, held: false, text: 'open' };
  const when = until === null || until === 'unknown' ? 'on hold until sign-in works again' : `on hold until ${localTime(until, now)}`;
  return { name: account, held: true, text: reason === null ? when : `${when}: ${oneLine(reason)}` };
}

function problemsOf({ problems }: Snapshot): ProblemsView {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const parts = [errors > 0 ? plural(errors, 'error') : '', problems.length > errors ? plural(problems.length - errors, 'warning') : ''].filter((part) => part !== '');
  return { count: problems.length, text: parts.length === 0 ? 'No problems in configuration and tasks.' : `${parts.join(' and ')} in configuration and tasks` };
}

function notice(text: string, title: string, command: DashboardCommand): NoticeView {
  return { text, action: { title, command } };
}
