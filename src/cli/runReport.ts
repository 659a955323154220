/** What a run came to: the document of `run --json` and the summary at its end. */
import type { EngineApi, Snapshot, TaskView } from '../shared/api.ts';
import { cost } from './format.ts';
import { needsHuman, openDecisionsOf, type RunDocument } from './json.ts';
import { plain } from './text.ts';

export interface RunReport {
  readonly document: RunDocument;
  readonly lines: readonly string[];
}

/** Compares how things stood at the start of the run with how they stand now (`endedAt` in epoch ms). */
export async function reportRun(api: EngineApi, start: Snapshot, end: Snapshot, times: { startedAt: number; endedAt: number }): Promise<RunReport> {
  const before = new Map(start.tasks.map((task) => [task.id, task]));
  const touched = end.tasks.filter((task) => {
    const earlier = before.get(task.id);
    // A finished task belongs to the run only when it finished in it.
    return earlier === undefined || !finished(earlier) || earlier.completed_at !== task.completed_at || earlier.state !== task.state;
  });
  const done = touched.filter((task) => task.state === 'done');
  const ended = touched.filter((task) => task.state === 'failed');
  const cancelled = new Set<string>();
  for (const task of ended) if ((await api.task(task.id))?.error?.kind === 'cancelled') cancelled.add(task.id);
  const failed = ended.filter((task) => !cancelled.has(task.id));
  const review = touched.filter(needsHuman);
  const seconds = Math.max(0, times.endedAt - times.startedAt) / 1000;
  // Tasks that vanished took their cost along; a run never cost less than nothing.
  const spent = Math.max(0, Math.round((end.cost.total_usd - start.cost.total_usd) * 1e6) / 1e6);

  const unpriced = touched.some((task) => task.unpriced);

  const rest = touched.filter((task) => !finished(task) && !needsHuman(task));
  const list = (title: string, tasks: readonly TaskView[], say: (task: TaskView) => string) =>
    tasks.length === 0 ? [] : ['', title, ...tasks.map((task) => `  ${task.id}: ${plain(say(task))}`)];
  const dropped = end.problems.filter((problem) => problem.source === 'task' && problem.severity === 'error');
  return {
    document: {
      run_id: end.loop.run_id ?? new Date(times.startedAt).toISOString().slice(0, 19),
      completed: done.length,
      failed: failed.length,
      needs_review: review.length,
      duration_seconds: seconds,
      total_cost_usd: spent,
      unpriced,
      tasks: touched.map(({ id, state }) => ({ id, state })),
    },
    lines: [
      'Run Summary',
      `Ended: ${new Date(times.endedAt).toISOString()}`,
      `Total Duration: ${seconds.toFixed(1)}s`,
      `Total Cost: ${cost(spent, unpriced)}`,
      `Tasks Completed: ${done.length}`,
      `Tasks Failed: ${failed.length}`,
      `Tasks Needing Review: ${review.length}`,
      ...list('❌ Failed:', failed, (task) => `${task.error ?? 'no reason given'} (again: baton task ${task.id} --retry)`),
      ...list('🛑 Cancelled:', ended.filter((task) => cancelled.has(task.id)), (task) => task.goal),
      ...list('🔍 Needs you:', review, (task) => `${openDecisionsOf(task)[0]?.question ?? task.why} (baton task ${task.id} --approve)`),
      ...list('⏳ Not run:', rest, (task) => task.why),
      ...(dropped.length === 0
        ? []
        : ['', '⚠️ Left out because of errors in their files:', ...dropped.map((one) => `  ${plain(one.file)}:${one.line}:${one.column}: ${plain(one.message)}`)]),
    ],
  };
}

function finished(task: TaskView): boolean {
  return task.state === 'done' || task.state === 'failed';
}
