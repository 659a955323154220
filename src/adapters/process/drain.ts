/** The last words of a program that has ended, and how long they are waited for. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Spawned } from './spawn.ts';

/** What a program wrote before its end is there at once: silence for this long means that somebody else holds the pipe open. */
const SILENCE_MS = 2_000;
/** So many times, for a process that got away and goes on talking. */
const ROUNDS = 5;

/**
 * Reads on until both outputs of an ended program are closed, and closes them where a process that left its tree (a daemon
 * that dropped its mark, a helper that keeps the user's password) keeps them open.
 */
export async function drain({ child }: Pick<Spawned, 'child'>): Promise<void> {
  const open = [child.stdout, child.stderr].filter((stream) => !stream.closed);
  if (open.length === 0) return;
  let said = true;
  const hear = (): void => void (said = true);
  const closed = Promise.all(open.map((stream) => new Promise((resolve) => stream.on('data', hear).once('close', resolve))));
  const done = new AbortController();
  void closed.then(() => done.abort());
  for (let round = 0; round < ROUNDS && said; round += 1) {
    // A reader that the disk slows down is not silence either.
    said = open.some((stream) => stream.isPaused());
    const silent = await wait(SILENCE_MS, true, { signal: done.signal }).catch(() => false);
    if (!silent) return;
    // After a machine's sleep the time is up before what had come meanwhile was read.
    await new Promise(setImmediate);
  }
  for (const stream of open) stream.destroy();
  await closed;
}

/** Ends what an ended program has left of its tree, which would go on working and holds the pipes open, and reads the rest. */
export async function endTree(spawned: Spawned, onFault: (error: unknown) => void): Promise<void> {
  try {
    await spawned.killTree();
  } catch (error) {
    // A process that is stuck in the system must not hold anything up for ever.
    onFault(error);
  }
  await drain(spawned);
}
