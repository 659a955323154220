/** Moves the target branch to a merge commit without touching the user's uncommitted work. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AdvanceResult, HookLimit } from '../../engine/ports.ts';
import { exists, textOf } from '../system/files.ts';
import { killTree } from '../process/kill.ts';
import { MARK } from '../process/mark.ts';
import type { GitResult } from './command.ts';
import type { GitContext } from './context.ts';
import { gitDirOf } from './layout.ts';
import { targetHead } from './merge.ts';
import { headRef } from './refs.ts';
import { status } from './status.ts';
import { listWorktrees } from './worktreeList.ts';

/** Between two looks whether the target has moved. */
const LOOK_MS = 100;

/**
 * `git merge --ff-only` in the checkout that has the target, which keeps unrelated changes and refuses an overlap; else
 * a compare-and-swap of the ref. `advanced` also when the target is there already (a retry after a crash).
 */
export async function advance(context: GitContext, target: string, mergeSha: string, expectedSha: string, limit?: HookLimit): Promise<AdvanceResult> {
  const { git, root } = context;
  const before = await targetHead(context, target);
  if (before === mergeSha) return { kind: 'advanced' };
  if (before !== expectedSha) return { kind: 'moved' };
  const holder = await holderOf(context, target);
  if (holder?.kind === 'busy') {
    return { kind: 'blocked', files: [], message: `${target} is in the middle of a ${holder.operation} in ${holder.path}. Finish or abort it, then approve again.` };
  }
  if (holder === undefined) {
    const swapped = await git.run(['update-ref', '-m', 'baton: merge', headRef(target), mergeSha, expectedSha], { cwd: root, codes: 'any' });
    if (swapped.code === 0) return { kind: 'advanced' };
    if ((await targetHead(context, target)) !== expectedSha) return { kind: 'moved' };
    return { kind: 'blocked', files: [], message: `git could not move ${target}: ${swapped.stderr.trim()}` };
  }
  // Ignored files of the user count as theirs too; no setting may stash, squash or refuse an unsigned commit.
  const kind = ['--ff-only', '--no-autostash', '--no-squash', '--commit', '--no-verify-signatures', '--no-overwrite-ignore', '--no-edit'];
  const env = limit === undefined ? {} : { [MARK]: limit.mark };
  const merging = git.run(['merge', ...kind, '--quiet', mergeSha], { cwd: holder.path, env, hooks: true, codes: 'any' });
  const merged = limit === undefined ? await merging : await withinLimit(context, target, mergeSha, merging, limit);
  if (merged === undefined) return { kind: 'advanced' };
  const after = await targetHead(context, target);
  if (after === mergeSha) return { kind: 'advanced' };
  if (after !== expectedSha) return { kind: 'moved' };
  const files = await overlap(context, holder.path, expectedSha, mergeSha);
  const message =
    files.length > 0
      ? `Uncommitted files in ${holder.path} are in the way: ${files.join(', ')}. Commit, move or discard them, then approve again.`
      : `git could not move ${target} in ${holder.path}: ${(merged.stderr.trim() || merged.stdout.trim()).slice(0, 1000)}`;
  return { kind: 'blocked', files, message };
}

/**
 * What the merge says, or undefined when only a hook is left and is waited for no longer. Before the target has moved git itself is at
 * work on the user's files, and ending it there would leave them half-way.
 */
async function withinLimit(context: GitContext, target: string, mergeSha: string, merging: Promise<GitResult>, limit: HookLimit): Promise<GitResult | undefined> {
  let settled = false;
  const ended = merging.finally(() => (settled = true));
  let giveUp: () => void = () => undefined;
  const left = new Promise<undefined>((resolve, reject) => {
    const look = async (): Promise<void> => {
      while (!settled && (await targetHead(context, target)) !== mergeSha) await wait(LOOK_MS);
      if (settled) return;
      if (limit.spare()) resolve(undefined);
      else {
        context.log.warn(`A hook of the merge into ${target} was ended before its time; the merge itself is complete.`);
        await killTree(null, { marked: (mark) => mark === limit.mark });
      }
    };
    giveUp = (): void => void look().catch(reject);
  });
  limit.signal.addEventListener('abort', giveUp, { once: true });
  if (limit.signal.aborted) giveUp();
  try {
    return await Promise.race([ended, left]);
  } finally {
    limit.signal.removeEventListener('abort', giveUp);
  }
}

/** Fast-forwards the target to a commit that has it in its history. */
export async function follow(context: GitContext, target: string, sha: string, limit?: HookLimit): Promise<boolean> {
  const before = await targetHead(context, target);
  if (before === sha) return true;
  return (await context.git.isAncestor(before, sha, context.root)) && (await advance(context, target, sha, before, limit)).kind === 'advanced';
}

type Holder = { readonly kind: 'free'; readonly path: string } | { readonly kind: 'busy'; readonly path: string; readonly operation: string };

/** The checkout that has a branch. A rebase or bisect detaches HEAD but still owns the branch that it started from. */
async function holderOf(context: GitContext, target: string): Promise<Holder | undefined> {
  for (const entry of await listWorktrees(context)) {
    // A worktree whose folder is gone holds nothing.
    if (!exists(entry.path)) continue;
    const gitDir = await gitDirOf(context, entry.path).catch(() => undefined);
    if (gitDir === undefined) continue;
    for (const [file, operation] of [['rebase-merge/head-name', 'rebase'], ['rebase-apply/head-name', 'rebase'], ['BISECT_START', 'bisect']] as const) {
      const name = (textOf(join(gitDir, file)) ?? '').trim();
      if (name === headRef(target) || name === target) return { kind: 'busy', path: entry.path, operation };
    }
    if (entry.branch === headRef(target)) return { kind: 'free', path: entry.path };
  }
  return undefined;
}

/** Uncommitted, untracked and ignored files that the step from one commit to the other would write. */
async function overlap(context: GitContext, checkout: string, from: string, to: string): Promise<string[]> {
  const touched = await context.git.list(['diff-tree', '-r', '-z', '--name-only', '--no-renames', from, to], { cwd: checkout });
  const own = (await status(context.git, checkout, { ignored: true })).map((entry) => entry.path.replace(/\/$/, ''));
  const clash = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
  return own.filter((path) => touched.some((other) => clash(path, other))).sort();
}
