/** Paths as tasks hold them. */
import { isAbsolute, relative, sep } from 'node:path';

/** The path of a file relative to the first of these roots that holds it, with forward slashes. */
export function posixRelative(roots: readonly string[], file: string): string {
  for (const root of roots) {
    const path = relative(root, file);
    if (path !== '' && !path.startsWith('..') && !isAbsolute(path)) return path.split(sep).join('/');
  }
  return file;
}
