/** Tries a merge in memory, and makes the merge commit in the task's worktree. */
import { access } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { BatonError } from '../../core/errors.ts';
import type { MergeResult, Workspace } from '../../engine/ports.ts';
import { backToBranch, treeState } from './checkpoint.ts';
import type { GitContext } from './context.ts';
import type { GitResult } from './git.ts';
import { identityConfig } from './identity.ts';
import { clearStaleLocks, dropOperations } from './operations.ts';
import { headRef, taskBranch } from './refs.ts';
import { snapshot, wipe } from './snapshot.ts';

type MergeOptions = Parameters<Workspace['buildMerge']>[0];

/** Merges in memory: no file, index or ref is touched. Conflicts are the paths that git could not merge. */
export async function testMerge(context: GitContext, headSha: string, target: string): Promise<{ tree_sha: string; target_sha: string; conflicts: string[] }> {
  const { git, root } = context;
  const target_sha = await targetHead(context, target);
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', target_sha, headSha];
  const { stdout } = await git.run(args, { cwd: root, codes: [0, 1] });
  const [tree_sha = '', ...names] = stdout.split('\0').filter((part) => part !== '');
  return { tree_sha: tree_sha.trim(), target_sha, conflicts: [...new Set(names)] };
}

/**
 * Makes the merge commit in the task's worktree, detached on the target's head; the user's hooks and signing apply. The
 * worktree stays there on success, so that gates can run on the result; else it is clean and back on its branch.
 */
export async function buildMerge(context: GitContext, options: MergeOptions): Promise<MergeResult> {
  const { git } = context;
  const { worktree, head_sha } = options;
  const taskId = basename(worktree);
  const tested = await testMerge(context, head_sha, options.target);
  if (tested.conflicts.length > 0) return { kind: 'conflict', files: tested.conflicts };
  await clearStaleLocks(context, worktree);
  // What gates and agents left unsaved is no part of the merge and is not lost either.
  const unsaved = await snapshot(context, worktree, taskId);
  await dropOperations(context, worktree, taskId);
  try {
    await git.run(['update-ref', '--no-deref', 'HEAD', tested.target_sha], { cwd: worktree });
    // A clean worktree goes straight to the tested tree.
    if (unsaved !== null || options.strategy === 'merge') await wipe(context, worktree, tested.target_sha);
    const made = await makeCommit(context, options, tested);
    const merge_sha = await git.text(['rev-parse', '--verify', 'HEAD^{commit}'], { cwd: worktree });
    if (made.code !== 0 || merge_sha === tested.target_sha) {
      await backToBranch(context, worktree, taskBranch(taskId));
      return { kind: 'refused', message: [made.stdout.trim(), made.stderr.trim()].filter((text) => text !== '').join('\n') || `git ended with exit code ${made.code}.` };
    }
    const missing = await missingTrailers(context, options, merge_sha);
    if (missing.length > 0) {
      await backToBranch(context, worktree, taskBranch(taskId));
      return { kind: 'refused', message: `A commit hook removed the trailers ${missing.join(', ')} from the message; Baton needs them to recognise its merges.` };
    }
    // Hooks may leave files behind; gates must see exactly what lands.
    const { tree_sha, dirty } = await treeState(context, worktree);
    if (dirty) await wipe(context, worktree, merge_sha);
    return { kind: 'merged', merge_sha, tree_sha, target_sha: tested.target_sha };
  } catch (error) {
    await backToBranch(context, worktree, taskBranch(taskId)).catch((second: unknown) => context.log.error(`${worktree} could not be put back on its branch.`, second));
    throw error;
  }
}

async function makeCommit(context: GitContext, options: MergeOptions, tested: { tree_sha: string; target_sha: string }): Promise<GitResult> {
  const { git } = context;
  const cwd = options.worktree;
  const message = await withTrailers(context, options);
  const config = [...(await identityConfig(git, cwd)), ...(await hooksConfig(context, cwd))];
  const env = Object.fromEntries(Object.entries(options.env).filter(([key]) => !key.toUpperCase().startsWith('GIT_')));
  const run = { cwd, env, config, hooks: true, codes: 'any' as const };
  if (options.strategy === 'merge' && !(await git.isAncestor(options.head_sha, tested.target_sha, cwd))) {
    // Every setting of the user that could change what kind of merge this is gets an explicit answer.
    const kind = ['--no-ff', '--commit', '--no-squash', '--no-edit', '--no-autostash', '--no-verify-signatures', '--cleanup=whitespace'];
    return git.run(['merge', '--quiet', ...kind, '-m', message, options.head_sha], run);
  }
  // The tree that was tested, checked out as it is.
  await git.run(['read-tree', '--reset', '-u', tested.tree_sha], { cwd });
  return git.run(['commit', '--quiet', '--allow-empty', '--cleanup=whitespace', '-F', '-'], { ...run, input: message });
}

async function withTrailers(context: GitContext, options: MergeOptions): Promise<string> {
  const trailers = Object.entries(options.trailers).flatMap(([key, value]) => ['--trailer', `${key}: ${value}`]);
  const args = ['interpret-trailers', '--no-divider', '--if-exists', 'replace', '--if-missing', 'add', ...trailers];
  return context.git.text(args, { cwd: options.worktree, input: `${options.message.trim()}\n` });
}

async function missingTrailers(context: GitContext, options: MergeOptions, sha: string): Promise<string[]> {
  const found = await context.git.text(['log', '-1', '--format=%(trailers:only,unfold)', sha], { cwd: options.worktree });
  const lines = new Set(found.split('\n').map((line) => line.trim()));
  return Object.entries(options.trailers)
    .filter(([key, value]) => !lines.has(`${key}: ${value}`))
    .map(([key]) => key);
}

/** A relative hooks path whose folder is made by a set-up step (husky's `.husky/_`) exists in the main checkout only. */
async function hooksConfig(context: GitContext, worktree: string): Promise<string[]> {
  const { git, root } = context;
  const configured = (await git.run(['config', '--get', 'core.hooksPath'], { cwd: worktree, codes: [0, 1], hooks: true })).stdout.trim();
  if (configured === '' || isAbsolute(configured) || configured.startsWith('~')) return [];
  const there = await reachable(join(worktree, configured));
  return !there && (await reachable(join(root, configured))) ? [`core.hooksPath=${join(root, configured)}`] : [];
}

async function reachable(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export async function targetHead(context: GitContext, target: string): Promise<string> {
  const sha = await context.git.resolve(`${headRef(target)}^{commit}`, context.root);
  if (sha === undefined) {
    throw new BatonError('git', `The target branch "${target}" does not exist any more.`, { hint: `Create it again (git branch ${target}) or run the task anew on another branch.` });
  }
  return sha;
}
