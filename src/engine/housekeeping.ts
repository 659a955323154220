/** Forgetting tasks: their records and state files, their worktrees (after a snapshot), and with `deleteTask` their definitions. */
import { BatonError, messageOf } from '../core/errors.ts';
import type { TaskExecution } from '../core/execution.ts';
import { plural } from '../core/format.ts';
import { isTerminal } from '../core/states.ts';
import type { CommandReply } from '../shared/api.ts';
import type { Loop } from './loop.ts';
import type { PipelineContext } from './pipeline/context.ts';

export interface Housekeeping {
  readonly context: PipelineContext;
  readonly loop: Loop;
  readonly rescan: () => Promise<void>;
}

/**
 * Removes the record of every task that is not at work. What is in git stays there: merged commits, branches under `refs/baton/`, and a snapshot of
 * what was not committed; a worktree that could not be saved keeps its record. Definitions stay too and are read again.
 */
export async function cleanState(desk: Housekeeping, dryRun: boolean): Promise<CommandReply> {
  const { lifecycle, ports } = desk.context;
  const tasks = lifecycle.all();
  const atWork = tasks.filter(({ task_id }) => desk.loop.runs.has(task_id)).map(({ task_id }) => task_id);
  const idle = tasks.filter(({ task_id }) => !desk.loop.runs.has(task_id));
  const kept = atWork.length === 0 ? '' : ` ${atWork.join(', ')} ${atWork.length === 1 ? 'is' : 'are'} at work and stay${atWork.length === 1 ? 's' : ''}.`;
  if (dryRun) return { message: `Would remove the stored state of ${plural(idle.length, 'task')}.${kept}`, task_ids: idle.map(({ task_id }) => task_id) };

  const removed: string[] = [];
  const failed: string[] = [];
  for (const { task_id } of idle) {
    try {
      if (await desk.loop.aside(task_id, () => forget(desk.context, task_id, 'its state was cleaned'))) removed.push(task_id);
    } catch (error) {
      ports.log.warn(`The state of ${task_id} was kept: ${messageOf(error)}`);
      failed.push(`${task_id} (${messageOf(error)})`);
    }
  }
  await desk.rescan();
  const faults = failed.length === 0 ? '' : ` Kept, since their work could not be saved: ${failed.join('; ')}.`;
  return { message: `Removed the stored state of ${plural(removed.length, 'task')}.${kept}${faults}`, task_ids: removed };
}

/** Removes a task for good: definition, record and worktree. Rejects with `conflict` for one that has begun and is not finished. */
export async function deleteTask(desk: Housekeeping, taskId: string): Promise<CommandReply> {
  const { lifecycle, ports } = desk.context;
  const task = lifecycle.get(taskId);
  const begun = (now: TaskExecution): boolean => now.started_at !== null && !isTerminal(now.state);
  const refuse = (): never => {
    throw new BatonError('conflict', `Task ${taskId} is ${lifecycle.get(taskId).state}, so it is not deleted.`, { hint: `Cancel it first: baton task ${taskId} --cancel.` });
  };
  if (begun(task)) refuse();
  const found: { file: string | null } = { file: null };
  const done = await desk.loop.aside(taskId, async () => {
    if (begun(lifecycle.get(taskId))) refuse();
    // The definition first: without it a record that is left over by a crash is dropped or kept by its own state, never queued again.
    found.file = await ports.sources.removeTask(taskId);
    await forget(desk.context, taskId, 'it was deleted');
  });
  if (!done) refuse();
  await desk.rescan();
  return { message: `Deleted ${taskId}${found.file === null ? '' : ` (${found.file})`}.`, task_id: taskId };
}

/** Saves what the worktree holds: `refs/baton/` keeps it. */
export async function saveWork({ ports }: PipelineContext, { task_id, worktree }: TaskExecution): Promise<void> {
  if (worktree !== null) await ports.workspace.snapshot(worktree, task_id);
}

/** Removes worktree and branch; `refs/baton/` keeps the commits. */
export async function removeWork({ ports }: PipelineContext, { task_id, worktree, branch }: TaskExecution): Promise<void> {
  if (worktree !== null && branch !== null) await ports.workspace.remove(task_id, worktree, branch);
}

async function forget(context: PipelineContext, taskId: string, why: string): Promise<void> {
  // One that is just done still has its worktree removed.
  await context.settled(taskId);
  const task = context.lifecycle.find(taskId);
  if (task === undefined) return;
  await saveWork(context, task);
  await removeWork(context, task);
  await context.lifecycle.remove(taskId, why);
}
