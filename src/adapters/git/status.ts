/** What is not committed in a checkout. Never writes to its index. */
import type { Git } from './git.ts';

export interface StatusEntry {
  /** Two letters of `git status --porcelain=v1`: index and work tree. */
  readonly code: string;
  /** With a slash at the end for a repository inside the repository. */
  readonly path: string;
}

/** Changed, staged, unmerged and untracked paths; `ignored` adds ignored files and folders that match a rule as `!!`. */
export async function status(git: Git, cwd: string, options: { readonly ignored?: boolean } = {}): Promise<StatusEntry[]> {
  const args = ['--no-optional-locks', 'status', '--porcelain=v1', '-z', '--untracked-files=all', '--ignore-submodules=dirty', '--no-renames'];
  const entries = await git.list([...args, ...(options.ignored === true ? ['--ignored=matching'] : [])], { cwd });
  return entries.map((entry) => ({ code: entry.slice(0, 2), path: entry.slice(3) }));
}

export async function isDirty(git: Git, cwd: string): Promise<boolean> {
  return (await status(git, cwd)).length > 0;
}

/** Folders that are repositories of their own and are neither tracked nor submodules; without the slash. */
export function nestedRepositories(entries: readonly StatusEntry[]): string[] {
  return entries.filter((entry) => entry.code === '??' && entry.path.endsWith('/')).map((entry) => entry.path.slice(0, -1));
}
