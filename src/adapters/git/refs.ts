/** Names of what Baton keeps in a repository's refs. All but the branch lie outside refs/heads, so that no branch list shows them. */

/** The branch of a task. */
export function taskBranch(taskId: string): string {
  return `baton/${taskId}`;
}

export function headRef(branch: string): string {
  return `refs/heads/${branch}`;
}

/** The target's head when the task's branch was made. */
export function baseRef(taskId: string): string {
  return `refs/baton/bases/${taskId}`;
}

/** The last checkpoint: what the next one compares with. */
export function checkpointRef(taskId: string): string {
  return `refs/baton/checkpoints/${taskId}`;
}

/** The head of a branch that was removed. */
export function keptRef(taskId: string): string {
  return `refs/baton/tasks/${taskId}`;
}

/** A branch as the remote last had it, when a pull request into it was merged. */
export function upstreamRef(branch: string): string {
  return `refs/baton/upstream/${branch}`;
}

/** Unsaved work, one ref a snapshot; sorts by time. */
export function snapshotRef(taskId: string, at: Date, attempt: number): string {
  const time = at.toISOString().replace(/[-:]/g, '').replace('.', '');
  return `refs/baton/snapshots/${taskId}/${time}${attempt === 0 ? '' : `-${attempt}`}`;
}
