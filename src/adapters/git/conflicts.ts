/** Both sides of a conflict, from the tree that git made of a merge in memory. */
import type { Conflict } from '../../engine/ports.ts';
import type { GitContext } from './context.ts';

/** Files that are read; more are only named. */
const READ = 12;
/** Bytes of a file that is read; a larger one is only named. */
const LARGEST = 8 * 1024 * 1024;
/** Lines shown before and after a place. */
const AROUND = 3;
/** Characters of one file. */
const LONGEST = 8_000;

export async function bothSides(context: GitContext, merged: { readonly tree_sha: string; readonly conflicts: readonly string[] }): Promise<Conflict[]> {
  return Promise.all(
    merged.conflicts.map(async (path, index) => {
      const text = index < READ ? (await context.git.file(`${merged.tree_sha}:${path}`, LARGEST))?.toString('utf8') : undefined;
      return { path, hunks: text === undefined || text.includes('\0') ? '' : hunksOf(text) };
    }),
  );
}

/** The places with markers and a few lines around each; lines left out are a `…`. */
export function hunksOf(text: string): string {
  const lines = text.split(/\r?\n/);
  const wanted = new Set<number>();
  let inside = false;
  for (const [index, line] of lines.entries()) {
    const [begins, ends] = [/^<{7} /.test(line), /^>{7} /.test(line)];
    if (begins) inside = true;
    if (inside) wanted.add(index);
    if (begins) for (let before = 1; before <= AROUND; before++) wanted.add(index - before);
    if (!ends) continue;
    inside = false;
    for (let after = 1; after <= AROUND; after++) wanted.add(index + after);
  }
  const shown: string[] = [];
  let last = -1;
  for (const index of [...wanted].filter((one) => one >= 0 && one < lines.length).sort((a, b) => a - b)) {
    if (index > last + 1) shown.push('…');
    shown.push(lines[index] ?? '');
    last = index;
  }
  return shown.join('\n').slice(0, LONGEST);
}
