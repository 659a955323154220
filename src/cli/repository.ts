/** Which repository a folder belongs to, asked of git before any engine is there. */
import path from 'node:path';
import { BatonError } from '../core/errors.ts';
import type { CliDeps } from './io.ts';

/**
 * Absolute path of the main checkout that a folder (also of a linked worktree) belongs to.
 * Rejects with `git` where git is missing, and with `not_found` where the folder is in no repository.
 */
export async function mainCheckout(exec: CliDeps['exec'], folder: string): Promise<string> {
  const { code, stdout } = await exec('git', ['rev-parse', '--path-format=absolute', '--git-common-dir', '--show-toplevel'], folder);
  const [common, top] = stdout.trim().split(/\r?\n/);
  if (code === 0 && common !== undefined && top !== undefined) {
    // Submodules keep their data elsewhere: there the checkout itself is the answer.
    return path.basename(common) === '.git' ? path.dirname(path.normalize(common)) : path.normalize(top);
  }
  if (code === null && (await exec('git', ['--version'], process.cwd())).code === null) {
    throw new BatonError('git', 'git was not found.', { hint: 'Install git 2.38 or newer and put it on the PATH.' });
  }
  throw new BatonError('not_found', `${folder} is not in a git repository, and Baton works on git repositories only.`, {
    hint: 'Go to one, name one with --cwd, or make one with "git init".',
  });
}
