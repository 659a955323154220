/** The files between two commits. */
import type { FileChange } from '../../engine/ports.ts';
import type { Git } from './git.ts';

/** Plumbing on purpose: no setting of the user (external diff, prefixes, colours) changes its output. */
export async function changes(git: Git, cwd: string, baseSha: string, headSha: string): Promise<FileChange[]> {
  const { stdout } = await git.run(['diff-tree', '-r', '-M', '-z', '--raw', '--numstat', baseSha, headSha], { cwd });
  return parseChanges(stdout);
}

/** Reads `--raw --numstat -z`: all raw records, then all counts. */
export function parseChanges(output: string): FileChange[] {
  const tokens = output.split('\0');
  const files = new Map<string, Omit<FileChange, 'added' | 'removed'>>();
  const counts = new Map<string, { added: number | null; removed: number | null }>();
  let index = 0;
  const next = (): string => tokens[index++] ?? '';
  while (index < tokens.length) {
    const token = next();
    if (token === '') continue;
    if (token.startsWith(':')) {
      const letter = token.split(' ')[4]?.[0] ?? 'M';
      const first = next();
      if (letter === 'R' || letter === 'C') {
        const path = next();
        files.set(path, { path, from: first, status: letter === 'R' ? 'renamed' : 'added' });
      } else {
        files.set(first, { path: first, status: letter === 'A' ? 'added' : letter === 'D' ? 'deleted' : 'modified' });
      }
      continue;
    }
    const [added = '', removed = '', name = ''] = token.split('\t');
    // A rename has an empty name here; old and new path follow.
    const path = name === '' ? (next(), next()) : token.slice(added.length + removed.length + 2);
    counts.set(path, { added: lines(added), removed: lines(removed) });
  }
  return [...files.values()].map((file) => ({ ...file, ...(counts.get(file.path) ?? { added: null, removed: null }) }));
}

function lines(count: string): number | null {
  return count === '-' ? null : Number(count);
}
