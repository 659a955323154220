/** The worktrees that git knows of. */
import { realpath } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';
import type { Git } from './git.ts';

export interface WorktreeEntry {
  readonly path: string;
  /** Full ref, or null when detached. */
  readonly branch: string | null;
  /** Reason of the lock; null when not locked. */
  readonly locked: string | null;
}

export async function listWorktrees(git: Git, cwd: string): Promise<WorktreeEntry[]> {
  const { stdout } = await git.run(['worktree', 'list', '--porcelain', '-z'], { cwd });
  return stdout
    .split('\0\0')
    .map((block) => new Map(block.split('\0').filter((line) => line !== '').map(pair)))
    .filter((fields) => fields.has('worktree'))
    .map((fields) => ({ path: fields.get('worktree') ?? '', branch: fields.get('branch') ?? null, locked: fields.get('locked') ?? null }));
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
