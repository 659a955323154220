/**
 * Looks at single small files, taken at once: to hand each to the thread pool takes three to ten times as long as the look itself, and a task
 * needs some two hundred. On a slow network drive this process stands still for each.
 */
import { existsSync, readFileSync, statSync, type BigIntStats } from 'node:fs';

/** Whether there is anything at a path, links followed. */
export function exists(path: string): boolean {
  return existsSync(path);
}

export function isFolder(path: string): boolean {
  return infoOf(path)?.isDirectory() === true;
}

/** What a file or folder is and when it changed; undefined where there is none or the system does not tell. */
export function infoOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The text of a file; undefined where there is none, or what is there is none (a pipe would not end), or it cannot be read. */
export function textOf(path: string): string | undefined {
  try {
    return infoOf(path)?.isFile() === true ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds after which others have their turn. */
const AT_ONCE_MS = 10;

/** Looks at many files, and lets whatever else this process does go on in between. */
export async function eachInTurn<T>(paths: readonly string[], look: (path: string) => T): Promise<T[]> {
  const seen: T[] = [];
  let begun = performance.now();
  for (const path of paths) {
    seen.push(look(path));
    if (performance.now() - begun < AT_ONCE_MS) continue;
    await new Promise(setImmediate);
    begun = performance.now();
  }
  return seen;
}
