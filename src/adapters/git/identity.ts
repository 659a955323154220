/** Who commits: the user as git knows them, else Baton. */
import type { Git } from './git.ts';

const FALLBACK = { name: 'Baton', email: 'baton@localhost' };

/** Settings that give a commit an author where the user configured none; git's own guess from the host name is no identity. */
export async function identityConfig(git: Git, cwd: string): Promise<string[]> {
  const config: string[] = [];
  for (const part of ['name', 'email'] as const) {
    const set = await git.run(['config', '--get', `user.${part}`], { cwd, codes: [0, 1] });
    if (set.stdout.trim() === '') config.push(`user.${part}=${FALLBACK[part]}`);
  }
  return config;
}
