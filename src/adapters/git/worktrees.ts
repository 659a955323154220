/** Makes, finds, repairs and removes the worktree and branch of a task. */
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BatonError, messageOf } from '../../core/errors.ts';
import { taskIdFault } from '../../core/task.ts';
import type { WorkspaceInfo } from '../../engine/ports.ts';
import { exists, textOf } from '../system/files.ts';
import { reviveBranch } from './checkpoint.ts';
import { Mutex, together, type GitContext } from './context.ts';
import { currentRef, gitDirOf, headOf, headRefIn, linkOf } from './layout.ts';
import { clearStaleLocks, saveRef, saveUnlessHeld } from './operations.ts';
import { baseRef, checkpointRef, headRef, keptRef, taskBranch } from './refs.ts';
import { snapshot } from './snapshot.ts';
import { listWorktrees, samePath, type WorktreeEntry } from './worktreeList.ts';

/** A worktree is locked under this name until it is complete; one found so was left by a process that died. */
const INITIALIZING = 'baton: initializing';

export class Worktrees {
  readonly #context: GitContext;
  /** git's list of worktrees is changed by one at a time; files are checked out in parallel. */
  readonly #structure = new Mutex();
  readonly #byTask = new Map<string, Mutex>();

  constructor(context: GitContext) {
    this.#context = context;
  }

  /** Worktree and branch of a task, new or as an earlier run left them. */
  create(taskId: string, target: string): Promise<WorkspaceInfo> {
    return this.#exclusive(taskId, () => this.#create(taskId, target));
  }

  /** Snapshot, then worktree and branch go; the branch's head stays at `refs/baton/tasks/<id>`. Also when parts are gone already. */
  remove(taskId: string, worktree: string, branch: string): Promise<void> {
    return this.#exclusive(taskId, () => this.#remove(taskId, worktree, branch));
  }

  async #create(taskId: string, target: string): Promise<WorkspaceInfo> {
    const { git, root, worktreesDir } = this.#context;
    const fault = taskIdFault(taskId);
    if (fault !== undefined) throw new BatonError('invalid_task', `"${taskId}" is not a valid task id: ${fault}.`);
    const worktree = join(worktreesDir, taskId);
    const branch = taskBranch(taskId);
    const [target_branch, entries] = await Promise.all([resolveTarget(this.#context, target), listWorktrees(this.#context), mkdir(worktreesDir, { recursive: true })]);
    const entry = await this.#repair(taskId, worktree, entries);
    const [head, base_sha, inTheWay] = await Promise.all([branch, target_branch, 'baton'].map((name) => git.resolve(`${headRef(name)}^{commit}`, root)));
    if (entry !== undefined) {
      // HEAD may be elsewhere (a merge being built, an agent's own branch): it is found as it was left.
      if (head === undefined) await reviveBranch(this.#context, taskId, branch);
      return { worktree, branch, target_branch, base_sha: await this.#base(taskId, target_branch) };
    }
    assertNotCheckedOut(entries, branch);
    if (head !== undefined) {
      await this.#add(worktree, branch);
      return { worktree, branch, target_branch, base_sha: await this.#base(taskId, target_branch) };
    }
    if (base_sha === undefined) throw noCommits(target_branch);
    // Refs are files and folders: a branch named `baton` leaves no room for `baton/<id>`.
    if (inTheWay !== undefined) throw new BatonError('conflict', `The branch "baton" is in the way of ${branch}: git cannot keep both.`, { hint: 'Rename it: git branch -m baton baton-old' });
    // The branch comes last: one whose base is not known would have to guess it.
    const refs = [baseRef(taskId), checkpointRef(taskId), headRef(branch)].map((ref) => `update ${ref} ${base_sha}`);
    await git.updateRefs(refs, root);
    await this.#add(worktree, branch);
    return { worktree, branch, target_branch, base_sha };
  }

  /** Registers first and checks files out after, without hooks: a post-checkout hook expects a person's checkout. */
  async #add(worktree: string, branch: string): Promise<void> {
    const { git, root } = this.#context;
    await this.#structure.run(() => git.run(['worktree', 'add', '--quiet', '--no-checkout', '--lock', '--reason', INITIALIZING, worktree, branch], { cwd: root }));
    const [own] = await together(gitDirOf(this.#context, worktree), git.run(['reset', '--hard', '--quiet'], { cwd: worktree }));
    // All that `git worktree unlock` does.
    await rm(join(own, 'locked'), { force: true });
  }

  /** Returns the usable worktree at a path, or undefined when there is none (any more). */
  async #repair(taskId: string, worktree: string, entries: readonly WorktreeEntry[]): Promise<WorktreeEntry | undefined> {
    const { git, root, log } = this.#context;
    const entry = await entryAt(entries, worktree);
    const present = await lstat(worktree).then(
      () => true,
      () => false,
    );
    if (entry !== undefined && (!present || entry.locked === INITIALIZING || entry.locked === 'initializing')) {
      log.warn(present ? `The worktree of ${taskId} was never finished; it is made anew.` : `The folder of ${taskId}'s worktree is gone; it is made anew.`);
      await this.#unregister(worktree);
      return undefined;
    }
    if (!present) return undefined;
    if (await this.#works(worktree)) return entry ?? (await entryAt(await listWorktrees(this.#context), worktree));
    if (entry !== undefined) {
      // The repository or the worktree was moved: both ends of the link are written again.
      await git.run(['worktree', 'repair', worktree], { cwd: root, codes: 'any' });
      if (await this.#works(worktree)) return entry;
      await this.#setAside(taskId, worktree);
      await git.run(['worktree', 'remove', '--force', '--force', worktree], { cwd: root, codes: 'any' });
      return undefined;
    }
    await this.#setAside(taskId, worktree);
    return undefined;
  }

  /** A folder at the worktree's place that git does not know: its files are saved as a snapshot and the folder is renamed. */
  async #setAside(taskId: string, folder: string): Promise<void> {
    const { root, log, now } = this.#context;
    if ((await readdir(folder).catch(() => ['?'])).length === 0) {
      await rm(folder, { recursive: true, force: true });
      return;
    }
    try {
      await this.#snapshotStray(taskId, folder);
    } catch (error) {
      log.warn(`The files of ${folder} could not be saved as a snapshot: ${messageOf(error)}`);
    }
    const aside = `${folder}.aside-${now().getTime()}`;
    await rename(folder, aside);
    log.warn(`${folder} was no worktree of ${root}; it is now ${aside}, its files are also in refs/baton/snapshots/${taskId}.`);
  }

  async #snapshotStray(taskId: string, folder: string): Promise<void> {
    const { git, root } = this.#context;
    const common = await git.text(['rev-parse', '--path-format=absolute', '--git-common-dir'], { cwd: root });
    const index = join(common, `baton-stray-${taskId}.index`);
    const at = { cwd: folder, env: { GIT_DIR: common, GIT_WORK_TREE: folder, GIT_INDEX_FILE: index } };
    try {
      const parent = (await git.resolve(headRef(taskBranch(taskId)), root)) ?? (await git.resolve('HEAD^{commit}', root));
      await git.run(['add', '--all', '--ignore-errors', '--', '.'], { ...at, codes: 'any' });
      const tree = await git.text(['write-tree'], at);
      const parents = parent === undefined ? [] : ['-p', parent];
      const config = ['user.name=Baton', 'user.email=baton@localhost'];
      const sha = await git.text(['commit-tree', tree, ...parents, '--no-gpg-sign', '-m', `Files found at the worktree of ${taskId}`], { ...at, config });
      await saveRef(this.#context, taskId, sha);
    } finally {
      await rm(index, { force: true });
      await rm(`${index}.lock`, { force: true });
    }
  }

  async #remove(taskId: string, worktree: string, branch: string): Promise<void> {
    const { git, root, worktreesDir, log } = this.#context;
    if (basename(worktree) !== taskId || !(await samePath(join(worktree, '..'), worktreesDir))) {
      throw new BatonError('refused', `${worktree} is not the worktree of ${taskId}, so it is not removed.`);
    }
    const entry = await entryAt(await listWorktrees(this.#context), worktree);
    const tip = await git.resolve(`${headRef(branch)}^{commit}`, root);
    if (exists(worktree)) {
      if (await this.#works(worktree)) {
        await clearStaleLocks(this.#context, worktree);
        await snapshot(this.#context, worktree, taskId);
        const head = await headOf(this.#context, worktree).then(({ sha }) => sha, () => undefined);
        // Commits on a detached HEAD may have no other name.
        if (head !== undefined) await saveUnlessHeld(this.#context, taskId, head);
      } else {
        await this.#setAside(taskId, worktree);
      }
    }
    if (tip !== undefined) await git.updateRefs([`update ${keptRef(taskId)} ${tip}`], root);
    // A file system monitor that the agent's git started would keep the folder open. Where there is none this fails, which is fine.
    if (await this.#isMonitored(worktree)) await git.run(['fsmonitor--daemon', 'stop'], { cwd: worktree, codes: 'any' });
    // Out of the way first, so that a crash does not leave half a worktree that looks like work. Windows refuses while a program is in there.
    const going = join(worktreesDir, `.${taskId}.removing`);
    await removeFolder(going);
    await rename(worktree, going).catch(() => removeFolder(worktree));
    await removeFolder(going);
    if (entry !== undefined) await this.#unregister(worktree);
    if (tip !== undefined) {
      const deleted = await git.run(['branch', '--quiet', '-D', '--', branch], { cwd: root, codes: 'any' });
      if (deleted.code !== 0) log.warn(`The branch ${branch} stays: ${deleted.stderr.trim()}`);
    }
    await git.updateRefs([`delete ${baseRef(taskId)}`, `delete ${checkpointRef(taskId)}`], root);
  }

  /** Its socket lies in the git folder; on Windows it is a pipe that cannot be seen, so there the answer is always yes. */
  async #isMonitored(worktree: string): Promise<boolean> {
    if (!exists(worktree)) return false;
    return process.platform === 'win32' || exists(join(await gitDirOf(this.#context, worktree), 'fsmonitor--daemon.ipc'));
  }

  /** One entry only: a prune would also forget the user's worktrees on drives that are not mounted. */
  async #unregister(worktree: string): Promise<void> {
    const { git, root } = this.#context;
    await this.#structure.run(() => git.run(['worktree', 'remove', '--force', '--force', worktree], { cwd: root }));
  }

  /** True when the folder is a worktree of this repository and git works in it. */
  async #works(worktree: string): Promise<boolean> {
    const { git, root } = this.#context;
    if (await this.#isLinked(worktree)) return true;
    const ask = ['rev-parse', '--path-format=absolute', '--git-common-dir', '--show-toplevel'];
    const [here, main] = [await git.run(ask, { cwd: worktree, codes: 'any' }).catch(() => undefined), await git.run(ask, { cwd: root })];
    if (here?.code !== 0) return false;
    const [common = '', top = ''] = here.stdout.trim().split('\n');
    const [mainCommon = ''] = main.stdout.trim().split('\n');
    return (await samePath(common, mainCommon)) && (await samePath(top, worktree));
  }

  /** Both ends of the link name each other, and there is a HEAD; where the files say anything else git is asked. */
  async #isLinked(worktree: string): Promise<boolean> {
    const own = linkOf(worktree);
    if (own === undefined || dirname(own) !== join(await gitDirOf(this.#context, this.#context.root), 'worktrees')) return false;
    const back = textOf(join(own, 'gitdir')) ?? '';
    return headRefIn(own) !== undefined && samePath(resolve(own, back.replace(/\r?\n$/, '')), join(worktree, '.git'));
  }

  /** The target's head at creation; recomputed from the history when the record of it is lost. */
  async #base(taskId: string, target: string): Promise<string> {
    const { git, root } = this.#context;
    const kept = await git.resolve(`${baseRef(taskId)}^{commit}`, root);
    if (kept !== undefined) return kept;
    const common = await git.run(['merge-base', headRef(taskBranch(taskId)), headRef(target)], { cwd: root, codes: [0, 1] });
    const base = common.stdout.trim() || (await git.text(['rev-parse', headRef(taskBranch(taskId))], { cwd: root }));
    await git.updateRefs([`update ${baseRef(taskId)} ${base}`], root);
    return base;
  }

  async #exclusive<T>(taskId: string, work: () => Promise<T>): Promise<T> {
    const mutex = this.#byTask.get(taskId) ?? new Mutex();
    this.#byTask.set(taskId, mutex);
    return mutex.run(work);
  }
}

async function entryAt(entries: readonly WorktreeEntry[], worktree: string): Promise<WorktreeEntry | undefined> {
  for (const entry of entries) if (basename(entry.path) === basename(worktree) && (await samePath(entry.path, worktree))) return entry;
  return undefined;
}

function assertNotCheckedOut(entries: readonly WorktreeEntry[], branch: string): void {
  for (const entry of entries) {
    if (entry.branch === headRef(branch) && exists(entry.path)) {
      throw new BatonError('conflict', `The branch ${branch} is checked out in ${entry.path}, so its task cannot work on it.`, {
        hint: 'Check another branch out there, then run the task again.',
      });
    }
  }
}

/** Node deletes links and junctions themselves, never what they point to; git on Windows once followed them. */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** The short name of the branch that a task lands on. `current` is the branch checked out in the main checkout. */
export async function resolveTarget(context: GitContext, target: string): Promise<string> {
  const { git, root } = context;
  if (target !== 'current') {
    const name = target.replace(/^refs\/heads\//, '');
    if ((await git.resolve(`${headRef(name)}^{commit}`, root)) !== undefined) return name;
    throw new BatonError('git', `The target branch "${name}" does not exist.`, { hint: `Create it (git branch ${name}) or set merge.target to an existing branch.` });
  }
  const head = await currentRef(context, root);
  if (head === undefined) {
    throw new BatonError('git', 'The main checkout is on no branch (detached HEAD), so there is no branch to land on.', {
      hint: 'Check a branch out, or set merge.target to a branch.',
    });
  }
  const name = head.replace(/^refs\/heads\//, '');
  if ((await git.resolve(`${headRef(name)}^{commit}`, root)) === undefined) throw noCommits(name);
  return name;
}

function noCommits(branch: string): BatonError {
  return new BatonError('git', `The branch ${branch} has no commit yet, so there is nothing to start from.`, { hint: 'Make a first commit: git commit --allow-empty -m "Start"' });
}
