/** Real processes for tests: scripts that daemonise, ignore signals and leave children, and a look at what is left. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { markedPids } from '../../src/adapters/process/mark.ts';
import { childEnvironment } from '../../src/adapters/process/environment.ts';
import { spawnProcess, type Spawned } from '../../src/adapters/process/spawn.ts';

/** A mark that no other test uses. */
export function newMark(): string {
  return `test-${randomUUID()}`;
}

/** Starts a shell script as the root of a marked tree. */
export async function startScript(script: string, mark: string, cwd: string = tmpdir()): Promise<Spawned> {
  return await spawnProcess({ file: '/bin/sh', args: ['-c', script], cwd, env: childEnvironment(), mark });
}

/** The living processes with a mark that starts with this. */
export async function survivors(mark: string): Promise<number[]> {
  return [...(await markedPids((one) => one.startsWith(mark)))];
}

/** Sends SIGKILL, also to one that has just ended by itself. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Resolves when the condition holds; fails with `what` after the deadline. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 30_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${deadlineMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs the test's body in a new folder that is removed afterwards. */
export async function withFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'baton-test-')));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Standard output of a program; rejects when it fails. */
export function run(file: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, encoding: 'utf8' }, (error, stdout, stderr) => (error ? reject(new Error(`${file} ${args.join(' ')}: ${stderr}`, { cause: error })) : resolve(stdout)));
  });
}
