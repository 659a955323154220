/** Tries a merge in memory, and makes the merge commit in the task's worktree. */
import { readdir } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { BatonError } from '../../core/errors.ts';
import type { MergeResult, Workspace } from '../../engine/ports.ts';
import { exists } from '../system/files.ts';
import { backToBranch } from './checkpoint.ts';
import type { GitResult } from './command.ts';
import type { GitContext } from './context.ts';
import { identityIn, lastValue } from './identity.ts';
import { gitDirOf, headOf } from './layout.ts';
import { clearStaleLocks, dropOperations } from './operations.ts';
import { bothSides } from './conflicts.ts';
import { headRef, taskBranch } from './refs.ts';
import { snapshot, wipe } from './snapshot.ts';
import { isDirty } from './status.ts';
import { plainTrailers } from './trailers.ts';

type MergeOptions = Parameters<Workspace['buildMerge']>[0];

/** Merges in memory: no file, index or ref is touched. Conflicts are the paths that git could not merge. */
export async function testMerge(context: GitContext, headSha: string, target: string): Promise<{ tree_sha: string; target_sha: string; conflicts: string[] }> {
  const { git, root } = context;
  const target_sha = await targetHead(context, target);
  const ahead = await treeIfAhead(context, headSha, target_sha);
  if (ahead !== undefined) return { tree_sha: ahead, target_sha, conflicts: [] };
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', target_sha, headSha];
  const { stdout } = await git.run(args, { cwd: root, codes: [0, 1] });
  const [tree_sha = '', ...names] = stdout.split('\0').filter((part) => part !== '');
  return { tree_sha: tree_sha.trim(), target_sha, conflicts: [...new Set(names)] };
}

/** How far back a branch is followed to see whether it still stands on its target. */
const BRANCH_LENGTH = 64;

/** The tree of a commit that has the target in its history: merging it changes nothing. Undefined when that is not seen quickly. */
async function treeIfAhead(context: GitContext, headSha: string, targetSha: string): Promise<string | undefined> {
  const { git } = context;
  const head = await git.commit(headSha);
  const seen = new Set([headSha]);
  for (let commit = head, left = BRANCH_LENGTH; commit !== undefined && left > 0; left--) {
    const [parent] = commit.parents;
    if (seen.has(targetSha) || commit.parents.includes(targetSha)) return head?.tree;
    if (parent === undefined) return undefined;
    seen.add(parent);
    commit = await git.commit(parent);
  }
  return undefined;
}

/**
 * Makes the merge commit in the task's worktree, detached on the target's head; the user's hooks and signing apply. The
 * worktree stays there on success, so that gates can run on the result; else it is clean and back on its branch.
 */
export async function buildMerge(context: GitContext, options: MergeOptions): Promise<MergeResult> {
  const { git } = context;
  const { worktree, head_sha } = options;
  const taskId = basename(worktree);
  const [tested, settings] = await Promise.all([testMerge(context, head_sha, options.target), commitSettings(context, worktree)]);
  if (tested.conflicts.length > 0) return { kind: 'conflict', files: tested.conflicts, conflicts: await bothSides(context, tested) };
  const plain = !settings.hooks && !settings.signs && options.strategy === 'squash' && isTitle(options.message);
  // Where no gate is to run on the result, it does not matter what lies in the worktree.
  if (plain && tested.tree_sha === options.proven) return await commitOfTree(context, options, tested, settings.config);
  await options.ready?.();
  await clearStaleLocks(context, worktree);
  const head = await headOf(context, worktree);
  const held = head.sha === head_sha && head.tree === tested.tree_sha;
  const clean = !(await isDirty(git, worktree));
  // What gates and agents left unsaved is no part of the merge and is not lost either.
  if (!clean) await snapshot(context, worktree, taskId);
  await dropOperations(context, worktree, taskId);
  try {
    await git.run(['update-ref', '--no-deref', 'HEAD', tested.target_sha], { cwd: worktree });
    // A clean worktree goes straight to the tested tree, or holds it already.
    if (!clean || options.strategy === 'merge') await wipe(context, worktree, tested.target_sha);
    const made = await makeCommit(context, options, tested, { config: settings.config, inPlace: held && clean });
    const { sha: merge_sha, tree: tree_sha } = await headOf(context, worktree);
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
    if (settings.hooks && (await isDirty(git, worktree))) await wipe(context, worktree, merge_sha);
    return { kind: 'merged', merge_sha, tree_sha, target_sha: tested.target_sha };
  } catch (error) {
    await backToBranch(context, worktree, taskBranch(taskId)).catch((second: unknown) => context.log.error(`${worktree} could not be put back on its branch.`, second));
    throw error;
  }
}

/** The merge commit of a tree that need not be checked out, where no hook and no signature of the user has a say: HEAD stays where it is. */
async function commitOfTree(context: GitContext, options: MergeOptions, { tree_sha, target_sha }: { tree_sha: string; target_sha: string }, config: readonly string[]): Promise<MergeResult> {
  const args = ['commit-tree', tree_sha, '-p', target_sha, '--no-gpg-sign', '-F', '-'];
  const merge_sha = await context.git.text(args, { cwd: options.worktree, input: await withTrailers(context, options), config });
  return { kind: 'merged', merge_sha, tree_sha, target_sha };
}

/** One line is a title, which has no trailers yet; anything longer is git's to read. */
function isTitle(message: string): boolean {
  return !/[\r\n]/.test(message.trim());
}

interface CommitPlan {
  readonly config: readonly string[];
  /** Index and files are the tested tree already. */
  readonly inPlace: boolean;
}

async function makeCommit(context: GitContext, options: MergeOptions, tested: { tree_sha: string; target_sha: string }, plan: CommitPlan): Promise<GitResult> {
  const { git } = context;
  const cwd = options.worktree;
  const message = await withTrailers(context, options);
  const env = Object.fromEntries(Object.entries(options.env).filter(([key]) => !key.toUpperCase().startsWith('GIT_')));
  const run = { cwd, env, config: plan.config, hooks: true, codes: 'any' as const };
  if (options.strategy === 'merge' && !(await git.isAncestor(options.head_sha, tested.target_sha, cwd))) {
    // Every setting of the user that could change what kind of merge this is gets an explicit answer.
    const kind = ['--no-ff', '--commit', '--no-squash', '--no-edit', '--no-log', '--no-autostash', '--no-verify-signatures', '--cleanup=whitespace'];
    return git.run(['merge', '--quiet', ...kind, '-m', message, options.head_sha], run);
  }
  // The tree that was tested, checked out as it is.
  if (!plan.inPlace || options.strategy === 'merge') await git.run(['read-tree', '--reset', '-u', tested.tree_sha], { cwd });
  return git.run(['commit', '--quiet', '--allow-empty', '--cleanup=whitespace', '-F', '-'], { ...run, input: message });
}

async function withTrailers(context: GitContext, options: MergeOptions): Promise<string> {
  const message = options.message.trim();
  const lines = Object.entries(options.trailers).map(([key, value]) => `${key}: ${value}`);
  if (isTitle(message)) return `${message}\n\n${lines.join('\n')}\n`;
  const args = ['interpret-trailers', '--no-divider', '--if-exists', 'replace', '--if-missing', 'add', ...lines.flatMap((line) => ['--trailer', line])];
  return context.git.text(args, { cwd: options.worktree, input: `${message}\n` });
}

async function missingTrailers(context: GitContext, options: MergeOptions, sha: string): Promise<string[]> {
  const wanted = Object.entries(options.trailers).map(([key, value]) => [key, `${key}: ${value}`] as const);
  const plain = plainTrailers((await context.git.commit(sha))?.message ?? '');
  // About a message that is not plain git is asked.
  if (Object.entries(options.trailers).every(([key, value]) => plain?.get(key.toLowerCase()) === value)) return [];
  const found = await context.git.text(['log', '-1', '--no-show-signature', '--format=%(trailers:only,unfold)', sha], { cwd: options.worktree });
  const lines = new Set(found.split('\n').map((line) => line.trim()));
  return wanted.filter(([, line]) => !lines.has(line)).map(([key]) => key);
}

interface CommitSettings {
  readonly config: string[];
  /** Whether a hook may run. */
  readonly hooks: boolean;
  /** Whether the user signs commits. */
  readonly signs: boolean;
}

/**
 * What of the user's configuration a merge commit needs to know. A relative hooks path whose folder is made by a set-up step
 * (husky's `.husky/_`) exists in the main checkout only.
 */
async function commitSettings(context: GitContext, worktree: string): Promise<CommitSettings> {
  const { git, root } = context;
  const names = '^(user\\.(name|email)|core\\.hookspath|commit\\.gpgsign)$';
  const { stdout } = await git.run(['config', '--get-regexp', names], { cwd: worktree, codes: [0, 1], hooks: true });
  const identity = identityIn(stdout);
  const signs = /^commit\.gpgsign( (?!(false|no|off|0)$)|$)/im.test(stdout);
  const configured = lastValue(stdout, 'core.hookspath') ?? '';
  if (configured === '') return { config: identity, hooks: await hasHooks(join(await gitDirOf(context, root), 'hooks')), signs };
  if (isAbsolute(configured) || configured.startsWith('~')) return { config: identity, hooks: true, signs };
  const moved = !exists(join(worktree, configured)) && exists(join(root, configured));
  return { config: moved ? [...identity, `core.hooksPath=${join(root, configured)}`] : identity, hooks: true, signs };
}

/** Whether a folder holds anything but git's examples. */
async function hasHooks(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((error: unknown) => ((error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : ['unknown']));
  return names.some((name) => !name.endsWith('.sample'));
}

export async function targetHead(context: GitContext, target: string): Promise<string> {
  const sha = await context.git.resolve(`${headRef(target)}^{commit}`, context.root);
  if (sha === undefined) {
    throw new BatonError('git', `The target branch "${target}" does not exist any more.`, { hint: `Create it again (git branch ${target}) or run the task anew on another branch.` });
  }
  return sha;
}
