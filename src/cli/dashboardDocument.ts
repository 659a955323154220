/** The picture of a repository as `baton dashboard --json` gives it. */
import type { TaskState } from '../core/states.ts';
import type { Snapshot, TaskView } from '../shared/api.ts';
import type { HealthReport } from '../shared/health.ts';
import type { MetricsReport } from '../shared/metrics.ts';
import { secondsSince } from './format.ts';
import { queueDocument, type QueueEntry } from './json.ts';

/** `error`: the loop should run and does not, or what is stored cannot be read. */
export interface EngineStatus {
  readonly state: 'running' | 'stopped' | 'error';
  /** UTC ISO 8601; null when nothing is stored. */
  readonly since: string | null;
  readonly message: string;
}

export interface ActiveEntry {
  readonly id: string;
  readonly goal: string;
  readonly state: TaskState;
  /** From 1, of `steps`; null before there is a plan. */
  readonly step: number | null;
  readonly steps: number;
  readonly attempts: number;
  readonly elapsed_seconds: number;
  readonly agent: string | null;
  readonly activity: string | null;
  readonly last_line: string | null;
  readonly cost_usd: number;
  readonly eta_done: string | null;
}

export interface RecentEntry {
  readonly id: string;
  readonly goal: string;
  readonly state: TaskState;
  readonly completed_at: string | null;
  readonly duration_seconds: number | null;
  readonly cost_usd: number;
  readonly error: string | null;
}

export interface DashboardDocument {
  readonly status: EngineStatus;
  readonly queue: readonly QueueEntry[];
  readonly active: readonly ActiveEntry[];
  readonly recent: readonly RecentEntry[];
  /** completed / (completed + failed) of the last 24 h; null when nothing ended. */
  readonly completion_rate: number | null;
  readonly metrics: MetricsReport | null;
  readonly health: HealthReport | null;
}

/** `led`: a Baton leads the repository now, besides the command that asks. */
export function dashboardDocument(snapshot: Snapshot, metrics: MetricsReport, led: boolean): DashboardDocument {
  return {
    status: statusOf(snapshot, led),
    queue: queueDocument(snapshot).tasks,
    active: activeTasks(snapshot).map((task) => activeEntry(task, snapshot.at)),
    recent: recentTasks(snapshot).map(recentEntry),
    completion_rate: completionRate(metrics),
    metrics,
    health: snapshot.health,
  };
}

/** The picture of a repository whose stored state cannot be read. */
export function unreadable(message: string): DashboardDocument {
  return { status: { state: 'error', since: null, message }, queue: [], active: [], recent: [], completion_rate: null, metrics: null, health: null };
}

/** Whether the loop runs, by its stored wish, its sign of life and who leads. */
export function statusOf({ loop, health }: Pick<Snapshot, 'loop' | 'health'>, led: boolean): EngineStatus {
  const status = (state: EngineStatus['state'], message: string, since: string | null = loop.since): EngineStatus => ({ state, since, message });
  switch (loop.state) {
    case 'never_started':
      return status('stopped', 'Baton was never started here.', null);
    case 'stopped':
      return status('stopped', loop.reason === null ? 'Stopped.' : `Stopped: ${loop.reason}.`);
    case 'paused':
      return status('stopped', 'Paused: nothing new starts.');
    case 'stopping':
      return led ? status('running', 'Stopping: running attempts finish, nothing new starts.') : status('stopped', 'Stopped.');
    case 'running':
      if (!health.checks.scheduler_alive.ok) return status('error', `${health.checks.scheduler_alive.message}.`);
      return led ? status('running', loop.idle ? 'Running, with nothing to do now.' : 'Running.') : status('stopped', 'No Baton runs now; the loop goes on with "baton run" or in VS Code.');
  }
}

/** The tasks at work, those whose agent waits for an answer among them. */
export function activeTasks({ tasks }: Snapshot): TaskView[] {
  return tasks.filter((task) => task.group === 'running' || (task.activity !== null && task.group === 'needs_you'));
}

/** The tasks that ended last, the latest first. */
export function recentTasks({ tasks, dashboard }: Snapshot): TaskView[] {
  const endOf = (task: TaskView) => task.completed_at ?? '';
  return tasks
    .filter((task) => task.group === 'done' || task.group === 'failed')
    .sort((a, b) => (endOf(a) < endOf(b) ? 1 : endOf(a) > endOf(b) ? -1 : 0))
    .slice(0, dashboard.max_recent_tasks);
}

export function completionRate({ tasks_completed: completed, tasks_failed: failed }: MetricsReport): number | null {
  return completed + failed === 0 ? null : completed / (completed + failed);
}

export function activeEntry(task: TaskView, now: string): ActiveEntry {
  const open = task.steps.findIndex((step) => step.state !== 'completed');
  const since = task.attempt_started_at ?? task.started_at;
  return {
    id: task.id,
    goal: task.goal,
    state: task.state,
    step: task.steps.length === 0 ? null : open === -1 ? task.steps.length : open + 1,
    steps: task.steps.length,
    attempts: attemptsOf(task),
    elapsed_seconds: since === null ? 0 : Math.floor(secondsSince(since, now)),
    agent: task.agent,
    activity: task.activity,
    last_line: task.last_line,
    cost_usd: task.cost_usd,
    eta_done: task.eta_done,
  };
}

/** Attempts are called a1, a2, … within their task. */
function attemptsOf({ attempt_id: id }: TaskView): number {
  return id === null ? 0 : Number(/^a(\d+)$/.exec(id)?.[1] ?? 1);
}

function recentEntry(task: TaskView): RecentEntry {
  return {
    id: task.id,
    goal: task.goal,
    state: task.state,
    completed_at: task.completed_at,
    duration_seconds: task.started_at === null || task.completed_at === null ? null : Math.floor(secondsSince(task.started_at, task.completed_at)),
    cost_usd: task.cost_usd,
    error: task.error,
  };
}
