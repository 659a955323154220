/** Who commits: the user as git knows them, else Baton. */
import type { Git } from './git.ts';

const FALLBACK = { name: 'Baton', email: 'baton@localhost' };

/** Settings that give a commit an author where the user configured none; git's own guess from the host name is no identity. */
export async function identityConfig(git: Git, cwd: string): Promise<string[]> {
  return identityIn((await git.run(['config', '--get-regexp', '^user\\.(name|email)$'], { cwd, codes: [0, 1] })).stdout);
}

/** The same from what `git config --get-regexp` printed. */
export function identityIn(settings: string): string[] {
  return (['name', 'email'] as const).flatMap((part) => ((lastValue(settings, `user.${part}`) ?? '') === '' ? [`user.${part}=${FALLBACK[part]}`] : []));
}

/** The last value of a key (in lower case), which is the one that counts; one that is set to nothing is ''. */
export function lastValue(settings: string, key: string): string | undefined {
  return settings
    .split('\n')
    .findLast((line) => line.startsWith(`${key} `))
    ?.slice(key.length + 1)
    .trim();
}
