/** Where a path really leads, links followed, so that a rule over paths cannot be walked around. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** The path relative to `folder` with `/` (empty for the folder itself), or null when it leads out of it. The file need not exist. */
export async function resolvePath(folder: string, path: string): Promise<string | null> {
  const root = await realpath(folder);
  const target = await realPathOf(resolve(root, path));
  const inside = relative(root, target);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return null;
  return inside.split(sep).join('/');
}

/** The real path of the nearest existing ancestor, with the rest appended. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}
