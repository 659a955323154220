/** What an agent or a killed process leaves in a worktree: lock files and half-done merges, rebases, picks and bisects. */
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { exists, textOf } from '../system/files.ts';
import type { GitContext } from './context.ts';
import { gitDirOf } from './layout.ts';
import { snapshotRef } from './refs.ts';

const STATE = [
  ...['MERGE_HEAD', 'MERGE_MODE', 'MERGE_MSG', 'MERGE_RR', 'MERGE_AUTOSTASH', 'SQUASH_MSG', 'AUTO_MERGE', 'CHERRY_PICK_HEAD', 'REVERT_HEAD'],
  ...['REBASE_HEAD', 'sequencer', 'rebase-merge', 'rebase-apply', 'BISECT_LOG', 'BISECT_START', 'BISECT_NAMES', 'BISECT_TERMS', 'BISECT_EXPECTED_REV'],
];
const LOCKS = ['index.lock', 'HEAD.lock'];

/**
 * Removes lock files of a worktree that outlast git's patience. Only for Baton's own worktrees and only while no agent
 * runs there: whoever made such a lock was killed.
 */
export async function clearStaleLocks(context: GitContext, worktree: string): Promise<void> {
  const gitDir = await gitDirOf(context, worktree);
  await Promise.all(LOCKS.map((name) => clearStaleLock(context, worktree, join(gitDir, name))));
}

async function clearStaleLock(context: GitContext, worktree: string, lock: string): Promise<void> {
  const deadline = Date.now() + context.git.patience;
  while (exists(lock)) {
    if (Date.now() < deadline) {
      await wait(50);
      continue;
    }
    context.log.warn(`Removed ${basename(lock)} of a git process that was killed in ${worktree}.`);
    await rm(lock, { force: true });
    return;
  }
}

/** True while a merge waits for its commit. */
export async function isMerging(context: GitContext, worktree: string): Promise<boolean> {
  return exists(join(await gitDirOf(context, worktree), 'MERGE_HEAD'));
}

export async function isRebasing(context: GitContext, worktree: string): Promise<boolean> {
  const gitDir = await gitDirOf(context, worktree);
  return exists(join(gitDir, 'rebase-merge')) || exists(join(gitDir, 'rebase-apply'));
}

/** Unmerged files that still hold conflict markers. */
export async function unresolvedFiles(context: GitContext, worktree: string): Promise<string[]> {
  const entries = await context.git.list(['ls-files', '--unmerged', '-z'], { cwd: worktree });
  const paths = new Set(entries.map((entry) => entry.slice(entry.indexOf('\t') + 1)));
  const unresolved: string[] = [];
  for (const path of paths) {
    const content = await readFile(join(worktree, path), 'utf8').catch(() => '');
    if (/^<{7}( |$)/m.test(content) && /^>{7}( |$)/m.test(content)) unresolved.push(path);
  }
  return unresolved;
}

/**
 * Forgets a half-done merge, rebase, pick or bisect; index, files and HEAD stay as they are. The state is deleted rather
 * than quit by command because `rebase --quit` puts its autostash on the stash, which all worktrees share.
 */
export async function dropOperations(context: GitContext, worktree: string, taskId: string): Promise<void> {
  const gitDir = await gitDirOf(context, worktree);
  for (const name of ['MERGE_AUTOSTASH', 'rebase-merge/autostash', 'rebase-apply/autostash']) {
    const sha = (textOf(join(gitDir, name)) ?? '').trim();
    if (sha !== '') await saveRef(context, taskId, sha);
  }
  for (const name of STATE) {
    const path = join(gitDir, name);
    if (!exists(path)) continue;
    if (!name.includes('_MSG')) context.log.warn(`Dropped an unfinished git operation (${name}) in ${worktree}; its files stay.`);
    await rm(path, { recursive: true, force: true });
  }
}

/** Puts a commit under `refs/baton/snapshots/<task>/<time>`, never over another. Returns the ref. */
export async function saveRef(context: GitContext, taskId: string, sha: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const ref = snapshotRef(taskId, context.now(), attempt);
    // An empty old value means: must not exist yet.
    const made = await context.git.run(['update-ref', ref, sha, ''], { cwd: context.root, codes: 'any' });
    if (made.code === 0) return ref;
    if ((await context.git.resolve(ref, context.root)) === undefined || attempt > 1000) {
      await context.git.run(['update-ref', ref, sha], { cwd: context.root });
      return ref;
    }
  }
}

/** Saves a commit unless a branch, tag or one of Baton's own refs, other than `but`, holds it already. */
export async function saveUnlessHeld(context: GitContext, taskId: string, sha: string, but?: string): Promise<void> {
  const places = ['refs/heads', 'refs/tags', 'refs/remotes', 'refs/baton/tasks', 'refs/baton/snapshots'];
  const holders = await context.git.text(['for-each-ref', '--format=%(refname)', '--contains', sha, ...places], { cwd: context.root });
  if (!holders.split('\n').some((ref) => ref !== '' && ref !== but)) await saveRef(context, taskId, sha);
}
