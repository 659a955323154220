/** The files between two commits. */
import type { FileChange } from '../../engine/ports.ts';
import type { Git } from './git.ts';

/** Plumbing on purpose: no setting of the user (external diff, prefixes, colours) changes its output. */
export async function changes(git: Git, cwd: string, baseSha: string, headSha: string): Promise<FileChange[]> {
  const { stdout } = await git.run(['diff-tree', '-r', '-M', '-z', '--raw', '--numstat', baseSha, headSha], { cwd });
  const files = parseChanges(stdout);
  const found: FileChange[] = [];
  // One by one: only two versions of one file are held at a time.
  for (const file of files) {
    const counted = file.status === 'modified' && (file.added ?? 0) + (file.removed ?? 0) > 0;
    found.push(counted && (await sameButSpace(git, file.path, baseSha, headSha)) ? { ...file, whitespace_only: true } : file);
  }
  return found;
}

/** Bytes of a file that is looked at for white space; a larger one counts as changed. */
const LARGEST = 1024 * 1024;

/** Whether two versions of a file differ in white space and empty lines only, as git's `--ignore-all-space --ignore-blank-lines` understands them. */
async function sameButSpace(git: Git, path: string, baseSha: string, headSha: string): Promise<boolean> {
  const [before, after] = await Promise.all([baseSha, headSha].map((sha) => git.file(`${sha}:${path}`, LARGEST)));
  return before !== undefined && after !== undefined && solid(before) === solid(after);
}

/** A file’s lines without what git takes for white space, less the empty ones. By bytes: what is no UTF-8 must not become the same character. */
function solid(content: Buffer): string {
  return content.toString('latin1').replaceAll(/[ \t\r]+/g, '').replaceAll(/\n+/g, '\n').replaceAll(/^\n|\n$/g, '');
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
