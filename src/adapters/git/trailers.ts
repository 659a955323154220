/** Recognises Baton's own merges on a branch by the trailers of their messages. */
import type { GitContext } from './context.ts';
import { currentRef } from './layout.ts';
import { headRef } from './refs.ts';

/** Commits that are looked at, newest first: enough for years of work, quick in any repository. */
const DEPTH = 20_000;

/**
 * Content hash and commit of every task whose newest merge is on the target and was not reverted. Both squash commits and
 * merge commits carry the trailers.
 */
export async function merged(context: GitContext, target: string, since?: string): Promise<Map<string, { hash: string; sha: string }>> {
  const { git, root } = context;
  const branch = target === 'current' ? ((await currentRef(context, root)) ?? 'HEAD') : headRef(target);
  const tip = await git.resolve(`${branch}^{commit}`, root);
  const found = new Map<string, { hash: string; sha: string }>();
  if (tip === undefined || tip === since) return found;
  const format = ['%H', field('Baton-Task'), field('Baton-Hash'), '%b'].join('%x1f');
  const { stdout } = await git.run(['log', '-z', `--max-count=${DEPTH}`, `--format=${format}`, tip, ...(since === undefined ? [] : [`^${since}`]), '--'], { cwd: root });
  const reverted = new Set<string>();
  // Newest first: a revert is seen before what it takes back.
  for (const record of stdout.split('\0')) {
    const [sha = '', task = '', hash = '', body = ''] = record.split('\x1f');
    // Neither a merge that was taken back counts nor a revert that was.
    if (reverted.has(sha)) continue;
    for (const match of body.matchAll(/^This reverts commit ([0-9a-f]{40,64})/gm)) reverted.add(match[1] ?? '');
    if (task !== '' && !found.has(task)) found.set(task, { hash, sha });
  }
  return found;
}

function field(key: string): string {
  return `%(trailers:key=${key},valueonly,unfold,separator=%x2C)`;
}
