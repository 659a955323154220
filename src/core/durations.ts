/** How long tasks take, from those that were done lately. */
import type { TaskExecution } from './execution.ts';

/** Tasks that count as recent. */
export const RECENT_TASKS = 20;

export interface Durations {
  /**
   * Milliseconds of work that are probably left to a task of this workflow: the median of like tasks that took longer than what
   * it has had. Null when none is known that did.
   */
  left(workflow: TaskExecution['workflow'], worked: number): number | null;
  /** What workflow a task has makes no difference: those that are done all had the same one. */
  readonly uniform: boolean;
}

/** Like tasks are the latest done tasks of the same workflow; where there are none, the latest of any. */
export function recentDurations(tasks: readonly TaskExecution[]): Durations {
  const latest: Record<TaskExecution['workflow'], TaskExecution[]> = { direct: [], reviewed: [] };
  for (const task of tasks) {
    if (task.state === 'done' && task.started_at !== null && task.completed_at !== null) keepLatest(latest[task.workflow], task);
  }
  const all = [...latest.direct, ...latest.reviewed].sort((a, b) => (endOf(a) < endOf(b) ? 1 : -1)).slice(0, RECENT_TASKS);
  const pool = (some: readonly TaskExecution[]) => (some.length > 0 ? some : all).map((task) => workedTime(task, Date.parse(endOf(task)))).sort((a, b) => a - b);
  const pools = { direct: pool(latest.direct), reviewed: pool(latest.reviewed) };
  return {
    uniform: latest.direct.length === 0 || latest.reviewed.length === 0,
    left: (workflow, worked) => {
      const sorted = pools[workflow];
      const longer = sorted.findIndex((one) => one > worked);
      return longer < 0 ? null : middle(sorted, longer) - worked;
    },
  };
}

function keepLatest(latest: TaskExecution[], task: TaskExecution): void {
  if (latest.length === RECENT_TASKS && endOf(task) <= endOf(latest[RECENT_TASKS - 1])) return;
  const at = latest.findIndex((one) => endOf(one) < endOf(task));
  latest.splice(at < 0 ? latest.length : at, 0, task);
  if (latest.length > RECENT_TASKS) latest.pop();
}

function endOf(task: TaskExecution | undefined): string {
  return task?.completed_at ?? '';
}

/** Median of a sorted list from `first` on. */
function middle(sorted: readonly number[], first: number): number {
  const at = (first + sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2;
}

/**
 * Milliseconds that a task was worked on from its start to `until` (epoch ms): without the time in which a human was asked, and
 * without the pauses after attempts that did not succeed (backoff, closed accounts, interruptions). 0 when it has not started.
 */
export function workedTime(task: TaskExecution, until: number): number {
  if (task.started_at === null) return 0;
  const start = Date.parse(task.started_at);
  const pauses: [from: number, to: number][] = task.decisions.map((asked) => [Date.parse(asked.since), timeOf(asked.answer?.at ?? null, asked.status === 'open' ? until : Date.parse(asked.since))]);
  for (const [index, attempt] of task.attempts.entries()) {
    if (attempt.ended_at === null || attempt.outcome === 'succeeded' || attempt.outcome === 'running') continue;
    pauses.push([Date.parse(attempt.ended_at), timeOf(task.attempts[index + 1]?.started_at ?? null, until)]);
  }
  pauses.sort(([a], [b]) => a - b);
  let worked = until - start;
  // Pauses may overlap: each moment is taken off once.
  let counted = start;
  for (const [from, to] of pauses) {
    const begin = Math.max(from, counted);
    const end = Math.min(to, until);
    if (end <= begin) continue;
    worked -= end - begin;
    counted = end;
  }
  return Math.max(0, worked);
}

function timeOf(at: string | null, otherwise: number): number {
  return at === null ? otherwise : Date.parse(at);
}
