/** What every part of the git workspace works with. */
import type { Log } from '../../engine/ports.ts';
import type { Git } from './git.ts';

export interface GitContext {
  readonly git: Git;
  /** Absolute path of the main checkout. */
  readonly root: string;
  /** Folder that holds one worktree a task, named by the task's id. */
  readonly worktreesDir: string;
  readonly log: Log;
  readonly now: () => Date;
}

/** As `Promise.all`, but when it rejects nothing is at work any more: what changes a worktree must not go on beside what follows a failure. */
export async function together<T extends readonly unknown[]>(...work: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

/** Runs one task after another. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
