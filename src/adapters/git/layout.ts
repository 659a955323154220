/**
 * What git keeps in plain files of documented form (gitrepository-layout): where a checkout's private folder is, what its
 * HEAD is on. Read without a process; whatever does not look as documented (refs in tables, a
 * moved repository) is git's to answer.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { exists, isFolder, textOf } from '../system/files.ts';
import type { GitContext } from './context.ts';

/** The private git folder of a checkout: `.git` itself, or what a linked worktree's `.git` file names; anything else git is asked about. */
export async function gitDirOf(context: GitContext, worktree: string): Promise<string> {
  if (isFolder(join(worktree, '.git', 'refs'))) return join(worktree, '.git');
  const link = linkOf(worktree);
  if (link !== undefined && exists(join(link, 'HEAD'))) return link;
  return context.git.text(['rev-parse', '--absolute-git-dir'], { cwd: worktree });
}

/** What the `.git` file of a linked worktree names; undefined when there is none. */
export function linkOf(worktree: string): string | undefined {
  const link = /^gitdir: (.+?)\r?\n?$/.exec(textOf(join(worktree, '.git')) ?? '')?.[1];
  return link === undefined ? undefined : resolve(worktree, link);
}

/** The ref that the HEAD in a git folder is on; null when it is detached, undefined when the file does not tell. */
export function headRefIn(gitDir: string): string | null | undefined {
  const text = textOf(join(gitDir, 'HEAD')) ?? '';
  const ref = /^ref: (refs\/heads\/.+?)\r?\n?$/.exec(text)?.[1];
  // Where refs are kept in tables the file holds this name, which is none.
  if (ref !== undefined) return ref === 'refs/heads/.invalid' ? undefined : ref;
  return /^([0-9a-f]{40}|[0-9a-f]{64})\s*$/.test(text) ? null : undefined;
}

/** The ref that HEAD is on, or undefined when detached. */
export async function currentRef(context: GitContext, worktree: string): Promise<string | undefined> {
  const known = headRefIn(await gitDirOf(context, worktree));
  if (known !== undefined) return known ?? undefined;
  const result = await context.git.run(['symbolic-ref', '--quiet', 'HEAD'], { cwd: worktree, codes: [0, 1] });
  return result.code === 0 ? result.stdout.trim() : undefined;
}

/** Commit and tree that a checkout is at; rejects when it has no commit. */
export async function headOf(context: GitContext, worktree: string): Promise<{ sha: string; tree: string }> {
  const name = await headName(context, worktree);
  const [sha, tree] = name === undefined ? [] : await Promise.all([context.git.resolve(`${name}^{commit}`, context.root), context.git.resolve(`${name}^{tree}`, context.root)]);
  if (sha !== undefined && tree !== undefined) return { sha, tree };
  const [head = '', its = ''] = (await context.git.text(['rev-parse', 'HEAD^{commit}', 'HEAD^{tree}'], { cwd: worktree })).split(/\r?\n/);
  return { sha: head, tree: its };
}

/** What the repository calls the HEAD of one of its linked worktrees; undefined for any other checkout. */
async function headName(context: GitContext, worktree: string): Promise<string | undefined> {
  const [own, common] = await Promise.all([gitDirOf(context, worktree), gitDirOf(context, context.root)]);
  return dirname(own) === join(common, 'worktrees') ? `worktrees/${basename(own)}/HEAD` : undefined;
}
