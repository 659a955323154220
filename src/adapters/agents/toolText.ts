/** Words that the transcripts of all agents share. */
import path from 'node:path';

/** Characters of a tool's output that a transcript keeps. */
const LONGEST = 32 * 1024;

export function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}\n… ${text.length - LONGEST} more characters`;
}

/** The file as seen from the worktree; one outside keeps its whole path. */
export function relativeTo(cwd: string, file: string): string {
  const inside = path.relative(cwd, file);
  return inside === '' || inside.startsWith('..') || path.isAbsolute(inside) ? file : inside;
}
