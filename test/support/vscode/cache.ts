/** The git-ignored cache of large test parts: each is installed once, whole or not at all, whoever asks first. */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { removeDir } from '../tmp.ts';
import { progress } from './tools.ts';

/** Root of the checkout: every script and suite is started there by npm. */
export const ROOT = process.cwd();

/** BATON_TEST_CACHE lets several checkouts, or a CI cache, share the 1.5 GB. */
export const CACHE = path.resolve(process.env['BATON_TEST_CACHE'] ?? path.join(ROOT, '.vscode-test'));

const LOCK_TIMEOUT_MS = 20 * 60_000;
const LOCK_POLL_MS = 250;

/**
 * The folder of a part, installing it first where it is missing. `install` fills an empty folder, which gets its final name
 * only when the install succeeded, so that an interrupted one is done again. Concurrent callers, other processes included,
 * wait for the first.
 */
export async function provide(name: string, install: (dir: string) => Promise<void>): Promise<string> {
  const target = path.join(CACHE, name);
  if (existsSync(target)) return target;
  await mkdir(path.dirname(target), { recursive: true });
  return withLock(`${target}.lock`, async () => {
    if (existsSync(target)) return target;
    const partial = `${target}.partial`;
    await removeDir(partial);
    await mkdir(partial, { recursive: true });
    const started = performance.now();
    progress(`installing ${name} into ${CACHE}`);
    try {
      await install(partial);
    } catch (error) {
      await removeDir(partial);
      throw error;
    }
    await rename(partial, target);
    progress(`installed ${name} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    return target;
  });
}

/** Does this while no other process does what has the same name. */
export async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(CACHE, { recursive: true });
  return withLock(path.join(CACHE, `${name}.lock`), work);
}

/**
 * Holds a lock that the kernel frees when its holder dies: an open exclusive transaction on a small SQLite file. No age and no
 * process id has to be judged, so a lock is never stale.
 */
async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    await acquire(lock, file);
    return await work();
  } finally {
    lock.close();
  }
}

async function acquire(lock: DatabaseSync, file: string): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (let told = false; ; told = true) {
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() > deadline) throw new Error(`Another process has held ${file} for 20 minutes. End it and try again.`, { cause: error });
      if (!told) progress(`waiting for another process that is at ${path.basename(file, '.lock')}`);
      await wait(LOCK_POLL_MS);
    }
  }
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
