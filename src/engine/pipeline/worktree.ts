/** What becomes of a task's worktree after a merge, and after one that nobody wants any more. */
import type { TaskExecution } from '../../core/execution.ts';
import type { PipelineContext } from './context.ts';

/** Removes the worktree of a finished task; a failure to do so is no failure of the task and is tried again at the next start. */
export async function tidy(context: PipelineContext, task: TaskExecution): Promise<void> {
  if (task.worktree === null || task.branch === null) return;
  try {
    await context.ports.workspace.remove(task.task_id, task.worktree, task.branch);
    await context.lifecycle.change(task.task_id, (draft) => {
      draft.worktree = null;
      return undefined;
    });
  } catch (error) {
    context.ports.log.warn(`The worktree of ${task.task_id} could not be removed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * What gates leave behind is no part of the work: taken for a human's changes it would land, and move the head away from its approval. Whoever finds
 * a worktree that gates were let into, after a crash too, has it put back as it was committed.
 */
export async function dropLeftovers(context: PipelineContext, taskId: string): Promise<void> {
  const { worktree, head_sha: head, gated_at } = context.lifecycle.get(taskId);
  if (worktree === null || head === null || (gated_at ?? null) === null) return;
  const { log, workspace } = context.ports;
  if ((await workspace.state(worktree)).dirty) {
    log.info(`The gates of ${taskId} changed files of its worktree, which are put back as they were committed.`);
    await workspace.reset(worktree, taskId, head);
  }
  await context.lifecycle.change(taskId, (draft) => {
    draft.gated_at = null;
    return undefined;
  });
}

/** Puts the branch back into a worktree that holds a merge nobody wants any more, or the base. */
export async function dropMerge(context: PipelineContext, taskId: string, worktree: string, branch: string): Promise<void> {
  await context.ports.workspace.backToBranch(worktree, branch);
  await context.lifecycle.change(taskId, (draft) => {
    draft.merge_started_at = null;
    draft.gated_at = null;
    draft.merge_sha = null;
    return undefined;
  });
}
