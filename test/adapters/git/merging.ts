/** A task whose work waits to be merged, and the steps of its merge. */
import assert from 'node:assert/strict';
import type { MergeResult } from '../../../src/engine/ports.ts';
import { fixture, TRAILERS, write, type Fixture } from './fixture.ts';

export interface Ready extends Fixture {
  readonly worktree: string;
  readonly branch: string;
  readonly head: string;
}

/** A task with one finished step that changed `a.txt` and added `task.txt`. */
export async function ready(files: Record<string, string> = { 'a.txt': 'start\n', 'b.txt': 'other\n' }): Promise<Ready> {
  const made = await fixture(files);
  const info = await made.workspace.create('t1', 'current');
  await write(info.worktree, { 'a.txt': 'task\n', 'task.txt': 'new\n' });
  const { sha } = await made.workspace.checkpoint(info.worktree, 'Step 1');
  return { ...made, worktree: info.worktree, branch: info.branch, head: sha };
}

/** Options are those of a squash of `ready`'s task into `main`. */
export function build(made: Ready, more: Partial<Parameters<Fixture['workspace']['buildMerge']>[0]> = {}): Promise<MergeResult> {
  const options = { worktree: made.worktree, head_sha: made.head, target: 'main', strategy: 'squash' as const, message: 'Do the thing', trailers: TRAILERS, env: {} };
  return made.workspace.buildMerge({ ...options, ...more });
}

export async function built(made: Ready, more: Parameters<typeof build>[1] = {}): Promise<Extract<MergeResult, { kind: 'merged' }>> {
  const result = await build(made, more);
  assert.equal(result.kind, 'merged', JSON.stringify(result));
  return result;
}

/** Builds the merge and moves the target to it; returns its commit. */
export async function landed(made: Ready, more: Parameters<typeof build>[1] = {}): Promise<string> {
  const merge = await built(made, more);
  assert.deepEqual(await made.workspace.advance('main', merge.merge_sha, merge.target_sha), { kind: 'advanced' });
  await made.workspace.backToBranch(made.worktree, made.branch);
  return merge.merge_sha;
}
