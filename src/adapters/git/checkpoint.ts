/** Turns whatever an agent left in a worktree into one commit on the task's branch. */
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { BatonError, messageOf } from '../../core/errors.ts';
import type { TreeState } from '../../engine/ports.ts';
import { isFolder } from '../system/files.ts';
import { together, type GitContext } from './context.ts';
import { identityConfig } from './identity.ts';
import { currentRef, gitDirOf, headOf } from './layout.ts';
import { clearStaleLocks, dropOperations, isMerging, isRebasing, unresolvedFiles } from './operations.ts';
import { baseRef, checkpointRef, headRef, taskBranch } from './refs.ts';
import { commitTree, snapshot, wipe } from './snapshot.ts';
import { isDirty, nestedRepositories, status, type StatusEntry } from './status.ts';

/** Untracked files above this (bytes) stay out of checkpoints: hosts refuse such files and history keeps them for ever. */
export const HUGE_FILE = 100 * 1024 * 1024;

/** git's refusal to commit as nobody. */
const NOBODY = /identity unknown|auto-detection is disabled|empty ident name/;

const UNSIGNED = ['--no-verify', '--no-gpg-sign', '--quiet', '--cleanup=whitespace'];

export async function treeState(context: GitContext, worktree: string): Promise<TreeState> {
  const [head, dirty] = await Promise.all([headOf(context, worktree), isDirty(context.git, worktree)]);
  return { head_sha: head.sha, tree_sha: head.tree, dirty };
}

export async function treeOf(context: GitContext, sha: string): Promise<string> {
  const tree = await context.git.resolve(`${sha}^{tree}`, context.root);
  if (tree === undefined) throw new BatonError('git', `The commit ${sha} is not in the repository any more.`, { hint: 'Run the task again from scratch.' });
  return tree;
}

/**
 * Commits everything in the worktree on the task's branch (unsigned, no hooks). `changed` says whether the content
 * differs from the last checkpoint, whoever committed it.
 */
export async function checkpoint(context: GitContext, worktree: string, message: string): Promise<{ sha: string; changed: boolean }> {
  const { git } = context;
  const taskId = basename(worktree);
  // First: it waits for a git that is still at work there.
  await clearStaleLocks(context, worktree);
  const [entries, ref, inMerge] = await together(absorbNested(context, worktree), currentRef(context, worktree), isMerging(context, worktree));
  const onBranch = ref === headRef(taskBranch(taskId));
  const merging = onBranch && inMerge;
  // A merge whose conflicts are resolved is recorded as a merge, else the same conflict would come back. One with
  // markers left is not: then the test merge finds the conflict again.
  const keepMerge = merging && (await unresolvedFiles(context, worktree)).length === 0;
  const rebasing = !onBranch && (await isRebasing(context, worktree));
  if (!keepMerge) await dropOperations(context, worktree, taskId);
  // Half a rebase lacks the commits that were not replayed yet, so there the branch wins where the two differ.
  if (!onBranch) await returnToBranch(context, worktree, taskId, rebasing ? 'branch' : 'work');
  // With nothing to see in the status there is nothing to stage; HEAD may have moved since when it was brought back.
  const anything = entries.length > 0 || !onBranch;
  if (anything || keepMerge) {
    if (anything) await addAll(context, worktree, onBranch && !merging ? entries : undefined);
    await commitStaged(context, worktree, message);
  }
  const [{ sha, tree }, checkpointTree] = await Promise.all([headOf(context, worktree), git.resolve(`${checkpointRef(taskId)}^{tree}`, worktree)]);
  const last = checkpointTree ?? (await git.resolve(`${baseRef(taskId)}^{tree}`, worktree));
  await git.updateRefs([`update ${checkpointRef(taskId)} ${sha}`], worktree);
  return { sha, changed: last !== tree };
}

/** Commits the index; one that is what HEAD is already (only modes or line ends that git does not keep) makes no commit. */
async function commitStaged(context: GitContext, worktree: string, message: string): Promise<void> {
  const { git } = context;
  const commit = (config: readonly string[]) => git.run(['commit', ...UNSIGNED, '-F', '-'], { cwd: worktree, input: message, config, codes: [0, 1] });
  // Most users have told git who they are; that one has not is told by git's refusal to guess.
  const committed = await commit(['user.useConfigOnly=true']).catch(async (error: unknown) => {
    if (!NOBODY.test(messageOf(error))) throw error;
    return commit(await identityConfig(git, worktree));
  });
  if (committed.code === 0 || !(await isStaged(context, worktree))) return;
  throw new BatonError('git', `git commit failed in ${worktree}: ${(committed.stderr.trim() || committed.stdout.trim()).slice(0, 1000)}`);
}

/** Whether the index differs from HEAD. */
async function isStaged(context: GitContext, worktree: string): Promise<boolean> {
  return (await context.git.run(['diff', '--cached', '--quiet', '--no-ext-diff', 'HEAD'], { cwd: worktree, codes: [0, 1] })).code === 1;
}

/** Drops what is unsaved (after a snapshot) and whatever HEAD is on, and checks the task's branch out. */
export async function backToBranch(context: GitContext, worktree: string, branch: string): Promise<void> {
  const { git } = context;
  const taskId = basename(worktree);
  await clearStaleLocks(context, worktree);
  await snapshot(context, worktree, taskId);
  await dropOperations(context, worktree, taskId);
  const head = await reviveBranch(context, taskId, branch);
  await git.run(['symbolic-ref', 'HEAD', headRef(branch)], { cwd: worktree });
  await wipe(context, worktree, head);
}

/** The head of a task's branch; one that was deleted is made again at the last checkpoint. */
export async function reviveBranch(context: GitContext, taskId: string, branch: string): Promise<string> {
  const { git, root, log } = context;
  const head = await git.resolve(`${headRef(branch)}^{commit}`, root);
  if (head !== undefined) return head;
  const last = await git.resolve(`${checkpointRef(taskId)}^{commit}`, root);
  if (last === undefined) {
    throw new BatonError('git', `The branch ${branch} was deleted and its last commit is unknown.`, { hint: `Make it again (git branch ${branch} <commit>), or run the task afresh.` });
  }
  log.warn(`The branch ${branch} was deleted; it is made again at its last checkpoint.`);
  await git.updateRefs([`update ${headRef(branch)} ${last}`], root);
  return last;
}

/** Brings the work of an agent that detached HEAD or went to a branch of its own back to the task's branch. */
async function returnToBranch(context: GitContext, worktree: string, taskId: string, winner: 'branch' | 'work'): Promise<void> {
  const { git, log } = context;
  const ref = headRef(taskBranch(taskId));
  const tip = await git.resolve(`${ref}^{commit}`, worktree);
  const head = await git.text(['rev-parse', '--verify', 'HEAD^{commit}'], { cwd: worktree });
  log.warn(`The agent of ${taskId} left the branch ${taskBranch(taskId)}; its work is brought back.`);
  if (tip === undefined || (await git.isAncestor(tip, head, worktree))) {
    await git.updateRefs([`update ${ref} ${head}`], worktree);
    await git.run(['symbolic-ref', 'HEAD', ref], { cwd: worktree });
    return;
  }
  await addAll(context, worktree);
  const tree = await git.text(['write-tree'], { cwd: worktree });
  const dirty = tree !== (await git.resolve(`${head}^{tree}`, worktree));
  const work = dirty ? await commitTree(context, worktree, tree, [head], `Work of ${taskId}`) : head;
  let landing = tip;
  if (!(await git.isAncestor(work, tip, worktree))) {
    // What does not win stays in the history.
    const result = await mergedTree(context, worktree, tip, work, winner === 'branch' ? tip : work);
    landing = await commitTree(context, worktree, result, [tip, work], `Bring the work of ${taskId} back to its branch`);
  }
  await git.run(['symbolic-ref', 'HEAD', ref], { cwd: worktree });
  await git.run(['reset', '--hard', '--quiet', landing], { cwd: worktree });
}

/** The merge of two commits; files in conflict are those of the winner. */
async function mergedTree(context: GitContext, worktree: string, ours: string, theirs: string, winner: string): Promise<string> {
  const { git } = context;
  const merged = await git.list(['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', ours, theirs], { cwd: worktree, codes: [0, 1] });
  const [tree = '', ...conflicts] = merged.map((item) => item.trim());
  if (conflicts.length === 0) return tree;
  const folder = await mkdtemp(join(tmpdir(), 'baton-index-'));
  try {
    const at = { cwd: worktree, env: { GIT_INDEX_FILE: join(folder, 'index') } };
    await git.run(['read-tree', tree], at);
    const removed = [...new Set(conflicts)].map((path) => `0 ${'0'.repeat(tree.length)}\t${path}`);
    const kept = await git.list(['ls-tree', '-r', '-z', '--full-tree', winner, '--', ...conflicts], { cwd: worktree });
    await git.run(['update-index', '-z', '--index-info'], { ...at, input: [...removed, ...kept].map((line) => `${line}\0`).join('') });
    return await git.text(['write-tree'], at);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Stages all that is not ignored; huge new files and what cannot be read stay out, with a warning. */
async function addAll(context: GitContext, worktree: string, known?: readonly StatusEntry[]): Promise<void> {
  const { git, log } = context;
  const without: string[] = [];
  for (const entry of known ?? (await status(git, worktree))) {
    const size = entry.code === '??' ? await stat(join(worktree, entry.path)).then((found) => (found.isFile() ? found.size : 0), () => 0) : 0;
    if (size > HUGE_FILE) log.warn(`${entry.path} in ${worktree} is larger than 100 MiB and is left out of the commit.`);
    // What is still a repository here is a worktree of another repository or could not be moved.
    if (size > HUGE_FILE || (entry.code === '??' && entry.path.endsWith('/'))) without.push(`:(exclude,literal)${entry.path.replace(/\/$/, '')}`);
  }
  const args = ['add', '--all', '--sparse', '--ignore-errors', '--', '.', ...without];
  const added = await git.run(args, { cwd: worktree, codes: 'any', config: ['core.safecrlf=false'] });
  if (added.code !== 0) log.warn(`Not every file of ${worktree} could be committed: ${added.stderr.trim()}`);
}

/**
 * A repository that an agent made inside the worktree (a scaffold's `git init`, a clone) would be committed as a bare
 * pointer without its files. Its `.git` folder moves to the worktree's private git folder and its files become ordinary
 * ones. A `.git` file (a linked worktree) is left alone and so are its files. Returns the status as it is afterwards.
 */
async function absorbNested(context: GitContext, worktree: string): Promise<readonly StatusEntry[]> {
  for (let depth = 0; ; depth++) {
    const entries = await status(context.git, worktree);
    const found = depth < 10 ? nestedRepositories(entries) : [];
    let moved = 0;
    for (const path of found) {
      const source = join(worktree, path, '.git');
      if (!isFolder(source)) continue;
      const target = join(await gitDirOf(context, worktree), 'baton-nested', `${context.now().getTime()}-${depth}-${moved}-${path.replaceAll('/', '!').slice(-100)}`);
      await mkdir(dirname(target), { recursive: true });
      await rename(source, target);
      context.log.warn(`${path} in ${worktree} was a git repository of its own; its .git folder is now in ${target}.`);
      moved++;
    }
    if (moved === 0) return entries;
  }
}
