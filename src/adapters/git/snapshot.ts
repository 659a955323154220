/** Saves unsaved work in refs, and throws work away only after that. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitContext } from './context.ts';
import { identityConfig } from './identity.ts';
import { gitDirOf } from './layout.ts';
import { clearStaleLocks, dropOperations, saveRef, saveUnlessHeld } from './operations.ts';
import { checkpointRef, headRef, taskBranch } from './refs.ts';
import { nestedRepositories, status } from './status.ts';

/**
 * Saves tracked and untracked (not ignored) files of a worktree as a commit on top of its HEAD under
 * `refs/baton/snapshots/<task>/<time>`; index, files and stash stay untouched. Files of nested repositories are saved as
 * files. Returns the ref, or null when nothing was unsaved.
 */
export async function snapshot(context: GitContext, worktree: string, taskId: string): Promise<string | null> {
  const { git } = context;
  const entries = await status(git, worktree);
  if (entries.length === 0) return null;
  const folder = await mkdtemp(join(tmpdir(), 'baton-index-'));
  try {
    const index = join(folder, 'index');
    // A copy keeps the times of unchanged files, so that only changed ones are read.
    await copyFile(join(await gitDirOf(context, worktree), 'index'), index).catch(() => undefined);
    const tree = await writeTree(context, worktree, index, nestedRepositories(entries));
    const head = await git.resolve('HEAD^{commit}', worktree);
    if (head !== undefined && tree === (await git.resolve(`${head}^{tree}`, worktree))) return null;
    const sha = await commitTree(context, worktree, tree, head === undefined ? [] : [head], `Unsaved work of ${taskId}`);
    return await saveRef(context, taskId, sha);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Snapshot first; then the task's branch and the worktree are exactly `sha`. Ignored files stay. */
export async function reset(context: GitContext, worktree: string, taskId: string, sha: string): Promise<void> {
  const { git } = context;
  await clearStaleLocks(context, worktree);
  const saved = await snapshot(context, worktree, taskId);
  if (saved !== null) context.log.info(`What was unsaved in ${worktree} is in ${saved}, before it is put back to ${sha.slice(0, 8)}: git show ${saved}`);
  const branch = headRef(taskBranch(taskId));
  // Commits that nothing would point to any more are work too.
  for (const tip of new Set([await git.resolve('HEAD^{commit}', worktree), await git.resolve(branch, worktree)])) {
    if (tip !== undefined && !(await git.isAncestor(tip, sha, worktree))) await saveUnlessHeld(context, taskId, tip, branch);
  }
  await dropOperations(context, worktree, taskId);
  await git.run(['symbolic-ref', 'HEAD', branch], { cwd: worktree });
  await wipe(context, worktree, sha);
  await git.updateRefs([`update ${checkpointRef(taskId)} ${sha}`], worktree);
}

/** Snapshot first; then the worktree holds the commit, detached. */
export async function visit(context: GitContext, worktree: string, taskId: string, sha: string): Promise<void> {
  await clearStaleLocks(context, worktree);
  await snapshot(context, worktree, taskId);
  await dropOperations(context, worktree, taskId);
  await context.git.run(['update-ref', '--no-deref', 'HEAD', sha], { cwd: worktree });
  await wipe(context, worktree, sha);
}

/** Makes index and files those of a commit and moves HEAD (and the branch it is on) there; deletes untracked files, not ignored ones. */
export async function wipe(context: GitContext, worktree: string, sha: string): Promise<void> {
  await context.git.run(['reset', '--hard', '--quiet', sha], { cwd: worktree });
  // Twice -f: nested repositories go too; their files are in the snapshot.
  await context.git.run(['clean', '-ffdq'], { cwd: worktree });
}

export async function commitTree(context: GitContext, cwd: string, tree: string, parents: readonly string[], message: string): Promise<string> {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '--no-gpg-sign', '-F', '-'];
  return context.git.text(args, { cwd, input: message, config: await identityConfig(context.git, cwd) });
}

/** The tree of everything in a folder, through an index of its own. */
async function writeTree(context: GitContext, worktree: string, index: string, nested: readonly string[]): Promise<string> {
  const { git } = context;
  const at = { cwd: worktree, env: { GIT_INDEX_FILE: index }, config: ['core.safecrlf=false'] };
  const without = nested.map((path) => `:(exclude,literal)${path}`);
  // A file that cannot be read must not keep the others from being saved.
  const added = await git.run(['add', '--all', '--sparse', '--ignore-errors', '--', '.', ...without], { ...at, codes: 'any' });
  if (added.code !== 0) context.log.warn(`Not every file of ${worktree} could be saved: ${added.stderr.trim()}`);
  const common = await git.text(['rev-parse', '--path-format=absolute', '--git-common-dir'], { cwd: worktree });
  for (const [number, path] of nested.entries()) {
    const own = { GIT_DIR: common, GIT_WORK_TREE: join(worktree, path), GIT_INDEX_FILE: `${index}-${number}` };
    await git.run(['add', '--all', '--ignore-errors', '--', '.'], { cwd: join(worktree, path), env: own, codes: 'any' });
    const tree = await git.text(['write-tree'], { cwd: join(worktree, path), env: own });
    await git.run(['read-tree', `--prefix=${path}/`, tree], at);
  }
  return git.text(['write-tree'], at);
}
