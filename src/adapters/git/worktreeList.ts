/** The worktrees of a repository. */
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, basename, resolve } from 'node:path';
import { exists, textOf } from '../system/files.ts';
import type { GitContext } from './context.ts';
import { gitDirOf, headRefIn } from './layout.ts';

export interface WorktreeEntry {
  readonly path: string;
  /** Full ref, or null when detached. */
  readonly branch: string | null;
  /** Reason of the lock; null when not locked. */
  readonly locked: string | null;
}

/** The main checkout and every linked worktree. */
export async function listWorktrees(context: GitContext): Promise<WorktreeEntry[]> {
  const known = await fromDisk(context);
  if (known) return known;
  const { stdout } = await context.git.run(['worktree', 'list', '--porcelain', '-z'], { cwd: context.root });
  return stdout
    .split('\0\0')
    .map((block) => new Map(block.split('\0').filter((line) => line !== '').map(pair)))
    .filter((fields) => fields.has('worktree'))
    .map((fields) => ({ path: fields.get('worktree') ?? '', branch: fields.get('branch') ?? null, locked: fields.get('locked') ?? null }));
}

/** The same from git's files (see layout.ts); undefined when they do not tell. */
async function fromDisk(context: GitContext): Promise<WorktreeEntry[] | undefined> {
  const common = await gitDirOf(context, context.root);
  const main = headRefIn(common);
  if (main === undefined || exists(join(common, 'commondir'))) return undefined;
  const folder = join(common, 'worktrees');
  const names = await readdir(folder).catch((error: unknown) => ((error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : undefined));
  const linked = (names ?? ['?']).map((name) => linkedWorktree(join(folder, name)));
  const entries = linked.filter((entry) => entry !== undefined);
  return entries.length === linked.length ? [{ path: context.root, branch: main, locked: null }, ...entries] : undefined;
}

function linkedWorktree(own: string): WorktreeEntry | undefined {
  const [link, branch] = [textOf(join(own, 'gitdir')) ?? '', headRefIn(own)];
  if (link.trim() === '' || branch === undefined) return undefined;
  return { path: dirname(resolve(own, link.replace(/\r?\n$/, ''))), branch, locked: textOf(join(own, 'locked'))?.trim() ?? null };
}

/** A path as git and the file system name it, also when its last part does not exist. */
export async function realPath(path: string): Promise<string> {
  return realpath(path).catch(async () => {
    const parent = dirname(path);
    return parent === path ? path : join(await realPath(parent), basename(path));
  });
}

/** True for two names of one file (links, case of the drive letter on Windows). */
export async function samePath(a: string, b: string): Promise<boolean> {
  const [first, second] = [normal(await realPath(a)), normal(await realPath(b))];
  return first === second;
}

function normal(path: string): string {
  const slashes = path.replaceAll('\\', '/').replace(/\/+$/, '');
  return process.platform === 'win32' ? slashes.toLowerCase() : slashes;
}

function pair(line: string): [string, string] {
  const space = line.indexOf(' ');
  return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}
