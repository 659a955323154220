/** Which repository a folder belongs to: every subfolder and linked worktree leads to the same main checkout. */
import { execFile } from 'node:child_process';
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { BatonError } from '../core/errors.ts';

export interface Repository {
  /** Absolute path of the main checkout. */
  readonly root: string;
  /** Absolute path of the directory that all its worktrees share. */
  readonly commonDir: string;
  /** Short stable hash of the common directory: 12 hex digits. */
  readonly key: string;
  /** The main checkout's folder name. */
  readonly name: string;
}

/** `git merge-tree --write-tree` came with it. */
const MINIMUM = [2, 38] as const;

/**
 * Resolves a folder. Rejects with `git` when git is missing or older than 2.38, the folder is in no repository, or the repository is bare
 * (also one whose worktrees all hang off a bare clone): Baton reads its files in the main checkout.
 */
export async function findRepository(folder: string): Promise<Repository> {
  await assertGit(folder);
  const [gitDir = '', commonDir = '', bare = ''] = (await revParse(folder, '--git-dir', '--git-common-dir', '--is-bare-repository')).split('\n');
  const shared = await fs.realpath(commonDir);
  const root = await mainCheckout(folder, gitDir, shared, bare === 'true');
  // Paths of Windows know no case.
  const identity = process.platform === 'win32' ? shared.toLowerCase() : shared;
  const key = crypto.createHash('sha256').update(identity).digest('hex').slice(0, 12);
  return { root, commonDir: shared, key, name: path.basename(root) };
}

async function mainCheckout(folder: string, gitDir: string, commonDir: string, bare: boolean): Promise<string> {
  const config = async (name: string): Promise<string> => (await git(folder, '--git-dir', commonDir, 'config', '--get', name).catch(() => '')).trim();
  if (bare || (await config('core.bare')) === 'true') {
    throw new BatonError('git', `The repository of ${folder} is bare: it has no main checkout in which Baton could read tasks and configuration.`, {
      hint: 'Open a normal clone of it.',
    });
  }
  // A submodule's directory lies in its parent's and says where the checkout is.
  const worktree = await config('core.worktree');
  if (worktree !== '') return fs.realpath(path.resolve(commonDir, worktree));
  if (path.basename(commonDir) === '.git') return path.dirname(commonDir);
  if ((await fs.realpath(gitDir)) === commonDir) return fs.realpath((await revParse(folder, '--show-toplevel')).trim());
  throw new BatonError('git', `The main checkout of ${folder} cannot be found from this worktree: its git directory ${commonDir} does not say where it is.`, {
    hint: 'Open the main checkout.',
  });
}

async function assertGit(folder: string): Promise<void> {
  const output = await git(folder, '--version');
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(output)?.slice(1) ?? []).map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  throw new BatonError('git', `Baton needs git ${MINIMUM.join('.')} or later; this is ${output.trim()}.`, { hint: 'Update git: https://git-scm.com/downloads' });
}

function revParse(folder: string, ...args: string[]): Promise<string> {
  return git(folder, 'rev-parse', '--path-format=absolute', ...args);
}

/** Runs git free of what a hook or another git has put into the environment. */
async function git(folder: string, ...args: string[]): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|NAMESPACE)$/i.test(name)));
  // The reason decides which error it is, so it has to come untranslated.
  const run = { cwd: folder, env: { ...env, LC_ALL: 'C' }, windowsHide: true };
  return new Promise((resolve, reject) => {
    execFile('git', args, run, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(explain(folder, error, stderr.trim()));
    });
  });
}

function explain(folder: string, cause: Error & { code?: unknown }, stderr: string): BatonError {
  if (cause.code === 'ENOENT') {
    // Node reports a missing working directory and a missing program alike.
    return new BatonError('git', `git could not be started in ${folder}: git is not installed, or the folder does not exist.`, { cause, hint: 'Install git 2.38 or later: https://git-scm.com/downloads' });
  }
  if (/not a git repository/.test(stderr)) {
    return new BatonError('git', `${folder} is not in a git repository.`, { cause, hint: 'Run "git init" there, or open a folder of a repository.' });
  }
  if (/dubious ownership/.test(stderr)) {
    return new BatonError('git', `git does not trust the repository of ${folder}, as another user owns it.`, { cause, hint: `If you do, run: git config --global --add safe.directory "${folder}"` });
  }
  return new BatonError('git', `git failed in ${folder}: ${stderr === '' ? cause.message : stderr}`, { cause });
}
