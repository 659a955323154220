/** Comment threads follow the work: a new head moves them with their lines, or resolves them. */
import type { TaskExecution } from '../../core/execution.ts';
import type { FileHunks } from '../../core/hunks.ts';
import { followThreads, threadHeads } from '../../core/threads.ts';
import type { PipelineContext } from './context.ts';

/** What the threads of a task become with this head, to be applied in the change that records it. */
export async function threadsAt(context: PipelineContext, task: TaskExecution, head: string): Promise<(draft: TaskExecution) => void> {
  const moved = new Map<string, ReadonlyMap<string, FileHunks>>();
  for (const from of task.worktree === null ? [] : threadHeads(task, head)) {
    // A commit that is gone (the work began anew) leaves its threads where they are.
    const files = await context.ports.workspace.moved(task.worktree ?? '', from, head).catch(() => undefined);
    if (files) moved.set(from, files);
  }
  return (draft) => followThreads(draft, head, moved);
}
