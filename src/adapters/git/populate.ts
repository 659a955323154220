/** Brings what git ignores (secrets of development, installed dependencies) from the main checkout into a new worktree. */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import picomatch from 'picomatch';
import { messageOf } from '../../core/errors.ts';
import type { GitContext } from './context.ts';
import { status } from './status.ts';

/**
 * Copies ignored files that match a glob and links ignored folders. A glob without a slash matches at any depth outside
 * ignored folders; one with a slash counts from the repository's root and reaches into ignored folders too. Only what git
 * ignores on both sides is brought, so that no secret is ever committed; nothing is overwritten and nothing lands outside
 * the worktree. Returns the paths brought, with forward slashes.
 */
export async function populate(context: GitContext, worktree: string, copy: readonly string[], link: readonly string[], known?: readonly string[]): Promise<string[]> {
  if (copy.length === 0 && link.length === 0) return [];
  const ignored = known ?? (await ignoredPaths(context));
  const links = link.map((folder) => folder.replace(/^\.\//, '').replace(/\/+$/, ''));
  const folders = ignored.filter((path) => path.endsWith('/')).map((path) => path.slice(0, -1));
  const files = ignored.filter((path) => !path.endsWith('/'));
  const wanted = (await matching(context, copy, files, folders)).filter((path) => !links.some((folder) => path.startsWith(`${folder}/`)));
  const brought: string[] = [];
  for (const path of await ignoredThere(context, worktree, wanted)) {
    if (await attempt(context, path, () => copyOne(context, worktree, path))) brought.push(path);
  }
  for (const path of links.filter((folder) => folders.includes(folder))) {
    // Asked about a file in it: a rule like `node_modules/` is about folders, and the folder does not exist yet.
    if ((await ignoredThere(context, worktree, [`${path}/x`])).length === 0) continue;
    if (await attempt(context, path, () => linkChildren(context, worktree, path))) brought.push(path);
  }
  return brought;
}

/** What git ignores in the main checkout: files, and with a slash at the end folders that match a rule as a whole. */
export async function ignoredPaths(context: GitContext): Promise<string[]> {
  return (await status(context.git, context.root, { ignored: true })).filter((entry) => entry.code === '!!').map((entry) => entry.path);
}

async function matching(context: GitContext, globs: readonly string[], files: readonly string[], folders: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const glob of globs) {
    const pattern = glob.replace(/^\.?\//, '').replace(/\/+$/, '');
    const anywhere = !pattern.includes('/');
    const matches = picomatch(anywhere ? `**/${pattern}` : pattern, { dot: true });
    for (const file of files) if (matches(file)) found.add(file);
    const { base } = picomatch.scan(pattern);
    for (const folder of folders) {
      const whole = matches(folder);
      const reachesIn = !anywhere && (base === folder || base.startsWith(`${folder}/`) || folder.startsWith(`${base}/`) || base === '');
      if (!whole && !reachesIn) continue;
      for await (const file of walk(context.root, folder)) if (whole || matches(file)) found.add(file);
    }
  }
  return [...found].sort();
}

async function* walk(root: string, folder: string): AsyncGenerator<string> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else yield path;
  }
}

/**
 * Those of the paths that may be brought: git ignores them in the worktree too (the rule may not be committed yet), and no
 * link on the way leads elsewhere.
 */
async function ignoredThere(context: GitContext, worktree: string, paths: readonly string[]): Promise<string[]> {
  const straight: string[] = [];
  for (const path of paths) {
    if (await isStraight(worktree, path)) straight.push(path);
    else context.log.warn(`${path} lies behind a link in ${worktree}, so it is not brought there.`);
  }
  if (straight.length === 0) return [];
  const { stdout } = await context.git.run(['check-ignore', '-z', '--stdin'], { cwd: worktree, input: straight.join('\0') + '\0', codes: [0, 1] });
  const there = new Set(stdout.split('\0'));
  for (const path of straight) if (!there.has(path)) context.log.warn(`${path} is not ignored in ${worktree}, so it is not brought there.`);
  return straight.filter((path) => there.has(path));
}

/** True when no folder on the way to a path is a link: what is written there lands inside the worktree. */
async function isStraight(worktree: string, path: string): Promise<boolean> {
  let folder = worktree;
  for (const part of dirname(path).split('/')) {
    folder = join(folder, part);
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined) return true;
    if (!found.isDirectory()) return false;
  }
  return true;
}

async function copyOne(context: GitContext, worktree: string, path: string): Promise<boolean> {
  const source = join(context.root, path);
  // A link to a file is copied as the file; links to folders and sockets are not files.
  if (!(await stat(source)).isFile()) return false;
  const target = join(worktree, path);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  return true;
}

/**
 * A real folder whose children are links: a rule like `node_modules/` does not match a link, which would then be
 * committed, and an install in the worktree that empties the folder deletes links, not the user's files.
 */
async function linkChildren(context: GitContext, worktree: string, path: string): Promise<boolean> {
  const source = join(context.root, path);
  const target = join(worktree, path);
  if (await lstat(target).catch(() => undefined)) return false;
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory() && entry.name.startsWith('@')) {
      // Scopes hold packages, some of which may be links into the repository.
      await linkChildren(context, worktree, `${path}/${entry.name}`);
      continue;
    }
    const own = entry.isSymbolicLink() ? await counterpart(context, worktree, path, from) : undefined;
    const folder = (await stat(from).catch(() => undefined))?.isDirectory() === true;
    // Windows links folders without special rights (junctions) but not files.
    if (folder) await symlink(own ?? from, to, 'junction');
    else if (process.platform === 'win32') await copyFile(from, to);
    else await symlink(own ?? from, to);
  }
  return true;
}

/** For a link to a package of the same repository (a workspace): the package in the worktree, else the user's code would be tested. */
async function counterpart(context: GitContext, worktree: string, path: string, link: string): Promise<string | undefined> {
  const [target, root] = await Promise.all([realpath(link).catch(() => undefined), realpath(context.root)]);
  if (target === undefined) return undefined;
  const way = relative(root, target);
  const outside = way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  const linked = path.split('/')[0] ?? path;
  return outside || way === linked || way.startsWith(linked + sep) ? undefined : join(worktree, way);
}

async function attempt(context: GitContext, path: string, work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    // EEXIST: the worktree has its own.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') context.log.warn(`${path} was not brought into the worktree: ${messageOf(error)}`);
    return false;
  }
}
