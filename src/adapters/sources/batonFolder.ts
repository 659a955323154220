/** The folder `.baton` of a repository: made on demand, with its own files kept out of version control. */
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join, relative, isAbsolute, sep } from 'node:path';
import { BatonError } from '../../core/errors.ts';

export const BATON_FOLDER = '.baton';

/** What Baton writes for itself; everything else in the folder is the user's and belongs in git. */
const IGNORED = ['/state/', '/runs/', '/checkpoint.json', '/baton.db*', '/ORCHESTRATOR_RUN_LOG.md', '/.checkpoint.json.tmp', '/tasks/.*.draft'];
const REMARK = '# Baton writes these files for itself.';

/**
 * Makes `.baton` with its `.gitignore`; adds missing lines to one that is there. Returns the folder's absolute path.
 * @throws BatonError refused when `.baton` leads out of the repository
 */
export async function ensureBatonFolder(root: string): Promise<string> {
  const folder = join(root, BATON_FOLDER);
  await mkdir(folder, { recursive: true });
  await assertInside(root, folder);
  const file = join(folder, '.gitignore');
  const present = await readFile(file, 'utf8').catch(() => '');
  const lines = new Set(present.split(/\r?\n/).map((line) => line.trim()));
  const missing = IGNORED.filter((line) => !lines.has(line));
  if (missing.length === 0) return folder;
  const before = present === '' || present.endsWith('\n') ? present : `${present}\n`;
  await writeFile(file, `${before}${before.includes(REMARK) ? '' : `${REMARK}\n`}${missing.join('\n')}\n`);
  return folder;
}

/** Throws `refused` when a folder, followed through links, is not within the repository: nothing may be written there. */
export async function assertInside(root: string, folder: string): Promise<void> {
  const way = relative(await realpath(root), await realpath(folder));
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw new BatonError('refused', `${relative(root, folder)} leads out of the repository, so nothing is written there.`, {
      hint: 'Replace the link by a folder.',
    });
  }
}
