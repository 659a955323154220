/** The text of a change, for reviewers. */
import { trimDiff } from '../../core/diff.ts';
import type { Git } from './git.ts';

/** The unified diff between two commits, cut per file and in all. No setting of the user changes its form. */
export async function diff(git: Git, cwd: string, baseSha: string, headSha: string): Promise<string> {
  const { stdout } = await git.run(['diff-tree', '-r', '-p', '-M', '--no-color', '--no-ext-diff', '--no-textconv', baseSha, headSha], { cwd });
  return trimDiff(stdout);
}
