/** Where lines went between two versions of a file, read from a `git diff` without context. */

export interface Hunk {
  /** First line concerned and how many, before and after; an insertion has 0 before and stands after `from`. */
  readonly from: number;
  readonly fromCount: number;
  readonly to: number;
  readonly toCount: number;
}

export interface FileHunks {
  /** The path afterwards; null when the file is gone. */
  readonly to: string | null;
  readonly hunks: readonly Hunk[];
}

/** Changed files by their path before, from a diff without context (-U0) whose paths begin with `a/` and `b/`. New files are left out. */
export function parseHunks(diff: string): Map<string, FileHunks> {
  const files = new Map<string, FileHunks>();
  for (const part of diff.split(/^(?=diff --git )/m)) {
    const head = part.split(/^@@ /m, 1)[0] ?? '';
    const from = pathIn(head, /^--- (.*)$/m, 'a/') ?? rename(head, 'from');
    if (from === undefined) continue;
    const after = pathIn(head, /^\+\+\+ (.*)$/m, 'b/');
    const hunks = [...part.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(([, from_, fromCount, to_, toCount]) => ({
      from: Number(from_),
      fromCount: fromCount === undefined ? 1 : Number(fromCount),
      to: Number(to_),
      toCount: toCount === undefined ? 1 : Number(toCount),
    }));
    files.set(from, { to: after === undefined ? (rename(head, 'to') ?? from) : after, hunks });
  }
  return files;
}

/** A path of a header line; null for /dev/null, undefined where there is no such line. */
function pathIn(head: string, line: RegExp, prefix: string): string | null | undefined {
  const written = line.exec(head)?.[1];
  if (written === undefined) return undefined;
  if (written === '/dev/null') return null;
  const path = unquote(written.replace(/\t$/, ''));
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

function rename(head: string, side: 'from' | 'to'): string | undefined {
  const written = new RegExp(`^rename ${side} (.*)$`, 'm').exec(head)?.[1];
  return written === undefined ? undefined : unquote(written);
}

/** git writes paths with special letters as C strings. */
function unquote(path: string): string {
  if (!path.startsWith('"')) return path;
  const bytes: number[] = [];
  for (const [, octal, escaped, plain] of path.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(...new TextEncoder().encode(plain ?? { n: '\n', t: '\t' }[escaped ?? ''] ?? escaped ?? ''));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Where a line is afterwards, and whether it was itself changed or taken away. Lines count from 1. */
export function followLine(hunks: readonly Hunk[], line: number): { readonly changed: boolean; readonly line: number } {
  let shift = 0;
  for (const hunk of hunks) {
    const last = hunk.from + hunk.fromCount - 1;
    if (hunk.fromCount > 0 && line >= hunk.from && line <= last) return { changed: true, line: Math.max(1, Math.min(hunk.to + (line - hunk.from), hunk.to + Math.max(0, hunk.toCount - 1))) };
    if (hunk.fromCount === 0 ? line > hunk.from : line > last) shift += hunk.toCount - hunk.fromCount;
  }
  return { changed: false, line: line + shift };
}
