/** The text of a change, for reviewers. */
import { trimDiff } from '../../core/diff.ts';
import { parseHunks, type FileHunks } from '../../core/hunks.ts';
import type { Git } from './git.ts';

/** The unified diff between two commits, cut per file and in all. No setting of the user changes its form. */
export async function diff(git: Git, cwd: string, baseSha: string, headSha: string): Promise<string> {
  const { stdout } = await git.run(['diff-tree', '-r', '-p', '-M', '--no-color', '--no-ext-diff', '--no-textconv', baseSha, headSha], { cwd });
  return trimDiff(stdout);
}

/** Where the lines of the changed files went between two commits. */
export async function moved(git: Git, cwd: string, fromSha: string, toSha: string): Promise<Map<string, FileHunks>> {
  const { stdout } = await git.run([...MOVED, fromSha, toSha], { cwd });
  return parseHunks(stdout);
}
const MOVED = ['diff-tree', '-r', '-p', '-U0', '-M', '--src-prefix=a/', '--dst-prefix=b/', '--no-color', '--no-ext-diff', '--no-textconv'];
