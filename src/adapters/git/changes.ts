/** The files between two commits. */
import type { FileChange } from '../../engine/ports.ts';
import type { Git } from './git.ts';

/** Plumbing on purpose: no setting of the user (external diff, prefixes, colours) changes its output. */
export async function changes(git: Git, cwd: string, baseSha: string, headSha: string): Promise<FileChange[]> {
  const ask = ['diff-tree', '-r', '-M', '-z', '--raw', '--numstat'];
  const [files, blind] = await Promise.all(
    [[], ['--ignore-all-space', '--ignore-blank-lines']].map(async (more) => parseChanges((await git.run([...ask, ...more, baseSha, headSha], { cwd })).stdout)),
  );
  if (!files || !blind) return [];
  const unchanged = new Set(blind.filter((file) => (file.added ?? 1) + (file.removed ?? 1) === 0).map((file) => file.path));
  return files.map((file) => {
    const counted = (file.added ?? 0) + (file.removed ?? 0) > 0;
    return counted && file.status === 'modified' && unchanged.has(file.path) ? { ...file, whitespace_only: true as const } : file;
  });
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
  return [...files.values()].map((file) => ({ ...file, ...(counts.get(file.path) ?? { added: 0, removed: 0 }) }));
}

function lines(count: string): number | null {
  return count === '-' ? null : Number(count);
}
