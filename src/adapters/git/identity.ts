/** Who commits: the user as git knows them, else Baton. */
import type { Git } from './git.ts';

const FALLBACK = { name: 'Baton', email: 'baton@localhost' };

/** Settings that give a commit an author where the user configured none; git's own guess from the host name is no identity. */
export async function identityConfig(git: Git, cwd: string): Promise<string[]> {
  const { stdout } = await git.run(['config', '--get-regexp', '^user\\.(name|email)$'], { cwd, codes: [0, 1] });
  return (['name', 'email'] as const).flatMap((part) => {
    // The last value wins, as for git; one that is set to nothing is none.
    const value = stdout.split('\n').findLast((line) => line.startsWith(`user.${part} `))?.slice(`user.${part} `.length).trim() ?? '';
    return value === '' ? [`user.${part}=${FALLBACK[part]}`] : [];
  });
}
