/** A repository, a workspace on it and short names for what the tests do with them. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { createWorkspace } from '../../../src/adapters/git/workspace.ts';
import type { Log, Workspace } from '../../../src/engine/ports.ts';
import { gitEnv, makeRepo, type Files, type TestRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/tmp.ts';

const run = promisify(execFile);

export interface Fixture {
  readonly repo: TestRepo;
  readonly worktreesDir: string;
  readonly workspace: Workspace;
  readonly warnings: string[];
  /** What it said that is no warning. */
  readonly said: string[];
}

export async function fixture(files?: Files, folder = 'worktrees'): Promise<Fixture> {
  const repo = await makeRepo(files);
  const worktreesDir = path.join(tempDir(), folder);
  const warnings: string[] = [];
  const said: string[] = [];
  const log: Log = { debug: () => undefined, info: (message) => said.push(message), warn: (message) => warnings.push(message), error: (message) => warnings.push(message) };
  // Locks that a test leaves behind are waited for this long.
  const workspace = createWorkspace({ root: repo.root, worktreesDir, log, patience: 300 });
  return { repo, worktreesDir, workspace, warnings, said };
}

/** Runs git in any folder, as a user or an agent would. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd, env: gitEnv(), maxBuffer: 64 * 1024 * 1024 });
  return stdout.replace(/\r?\n$/, '');
}

export async function write(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}

export function read(folder: string, name: string): Promise<string> {
  return readFile(path.join(folder, name), 'utf8');
}

/** Everything of a user's checkout that Baton must not change: branch, index, files, stash. */
export async function portrait(root: string): Promise<string> {
  const parts = await Promise.all([
    git(root, 'symbolic-ref', 'HEAD'),
    git(root, 'ls-files', '--stage'),
    git(root, 'status', '--porcelain=v1', '--untracked-files=all', '--ignored'),
    git(root, 'stash', 'list', '--format=%H %s'),
    git(root, 'diff', '--binary'),
    git(root, 'diff', '--binary', '--cached'),
  ]);
  return parts.join('\n---\n');
}

export const TRAILERS = { 'Baton-Task': 't1', 'Baton-Hash': 'abc123' };
