/** The few read-only questions the surfaces themselves ask git; everything else is the engine's. */
import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { FolderState } from './model/welcome.ts';

const MAX_FILE = 64 * 1024 * 1024;

export interface Located {
  readonly state: FolderState;
  /** Present when state is `repository`. `key` is the same for every folder and worktree of one repository. */
  readonly repository?: { readonly key: string; readonly root: string; readonly name: string };
  readonly gitVersion?: string;
}

/** Finds out whose folder this is. Never rejects: what is missing is a state that the views explain. */
export async function locate(folder: string): Promise<Located> {
  const version = await text(folder, ['--version']).catch(() => undefined);
  if (version === undefined) return { state: 'no_git' };
  if (!isRecent(version)) return { state: 'old_git', gitVersion: version };
  const commonDir = await text(folder, ['rev-parse', '--path-format=absolute', '--git-common-dir']).catch(() => undefined);
  if (commonDir === undefined) return { state: 'not_repository' };
  const key = await realpath(commonDir).catch(() => resolve(commonDir));
  const root = await mainCheckout(folder, key);
  return { state: 'repository', repository: { key, root, name: basename(root) } };
}

/** A file's bytes at a commit; undefined when the commit has no such file. */
export async function fileAt(root: string, sha: string, path: string): Promise<Buffer | undefined> {
  return run(root, ['cat-file', 'blob', `${sha}:${path}`]).catch(() => undefined);
}

/** Object ids of the files of a commit, by path: two equal ids are two equal files. */
export async function blobIds(root: string, sha: string, paths: readonly string[]): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  if (paths.length === 0) return ids;
  const listing = (await run(root, ['--literal-pathspecs', 'ls-tree', '-r', '-z', '--full-tree', sha])).toString('utf8');
  const wanted = new Set(paths);
  for (const entry of listing.split('\0')) {
    const [meta = '', path] = entry.split('\t');
    const id = meta.split(' ')[2];
    if (path !== undefined && id !== undefined && wanted.has(path)) ids.set(path, id);
  }
  return ids;
}

/** The git arguments that tell where lines went between two commits; core/hunks.ts reads what they print. */
const MOVED = ['diff-tree', '-r', '-p', '-U0', '-M', '--src-prefix=a/', '--dst-prefix=b/', '--no-color', '--no-ext-diff', '--no-textconv'];

/** What changed between two commits, without context; nothing where one of them is gone. */
export async function movedText(root: string, from: string, to: string): Promise<string> {
  return run(root, [...MOVED, from, to]).then((bytes) => bytes.toString('utf8'), () => '');
}

async function mainCheckout(folder: string, key: string): Promise<string> {
  const list = await text(folder, ['worktree', 'list', '--porcelain']).catch(() => '');
  const first = /^worktree (.+)$/m.exec(list)?.[1];
  return first === undefined ? dirname(key) : resolve(first);
}

/** Baton needs git 2.38: `merge-tree --write-tree` came with it. */
function isRecent(version: string): boolean {
  const match = /(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > 2 || (major === 2 && minor >= 38);
}

async function text(cwd: string, args: readonly string[]): Promise<string> {
  return (await run(cwd, args)).toString('utf8').trim();
}

function run(cwd: string, args: readonly string[]): Promise<Buffer> {
  // GIT_OPTIONAL_LOCKS: looking must not take the index lock from under the user's own git.
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' };
  return new Promise((done, fail) => {
    execFile('git', [...args], { cwd, env, encoding: 'buffer', maxBuffer: MAX_FILE, windowsHide: true }, (error, stdout) => {
      if (error === null) done(stdout);
      else fail(new Error(`git ${args[0] ?? ''} failed in ${cwd}`, { cause: error }));
    });
  });
}
