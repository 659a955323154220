/**
 * Who leads a repository: an open `BEGIN EXCLUSIVE` on a small SQLite file. The operating system frees it when its holder dies, however it
 * dies, so there is no stale lock and no pid to doubt; the file beside it only says whom to talk to.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { BatonError, messageOf } from '../../core/errors.ts';
import { replaceFileSync } from '../store/atomicFile.ts';
import { lockFile, type Database } from '../store/sqlite.ts';

const leaderInfo = z.object({
  pid: z.number().int(),
  /** ISO time at which it took the lead. */
  started_at: z.string(),
  host: z.enum(['vscode', 'cli']),
  /** Path of the local socket or name of the pipe. */
  socket: z.string(),
  /** Whoever knows it is this user. */
  token: z.string(),
  root: z.string(),
});
export type LeaderInfo = z.infer<typeof leaderInfo>;

export interface LeaderLock {
  /** Tells the others where the leader listens. */
  publish(info: LeaderInfo): void;
  /** Withdraws what was published; the lock stays. */
  withdraw(): void;
  /** Withdraws and lets go. */
  release(): void;
}

export type LockAttempt =
  | { readonly kind: 'acquired'; readonly lock: LeaderLock }
  /** `info` is undefined while the leader has not published yet. */
  | { readonly kind: 'busy'; readonly info: LeaderInfo | undefined };

/** Who may be reached now; the file outlives a killed leader, so being there proves nothing. */
export function readLeaderInfo(directory: string, key: string): LeaderInfo | undefined {
  try {
    return leaderInfo.safeParse(JSON.parse(fs.readFileSync(infoFile(directory, key), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/**
 * Tries once, without waiting: never blocks the caller. `directory` is the user's runtime directory (private, 0700), `key` the repository's.
 * Throws `unsupported` (old Node) or `store` (the directory cannot be used).
 */
export function acquireLock(directory: string, key: string): LockAttempt {
  const file = path.join(directory, `${key}.lock`);
  try {
    const db = lockFile(file, 0);
    if (db === undefined) return { kind: 'busy', info: readLeaderInfo(directory, key) };
    return { kind: 'acquired', lock: new HeldLock(db, infoFile(directory, key)) };
  } catch (error) {
    if (error instanceof BatonError) throw error;
    throw new BatonError('store', `The lock ${file} cannot be used: ${messageOf(error)}.`, { cause: error, hint: 'Check that its folder is yours and writable.' });
  }
}

class HeldLock implements LeaderLock {
  #db: Database | undefined;
  readonly #infoFile: string;

  constructor(db: Database, file: string) {
    this.#db = db;
    this.#infoFile = file;
    // What a killed predecessor left would send others to a socket that is dead.
    this.withdraw();
  }

  publish(info: LeaderInfo): void {
    replaceFileSync(this.#infoFile, `${JSON.stringify(info, null, 2)}\n`, 0o600);
  }

  withdraw(): void {
    if (this.#db !== undefined) fs.rmSync(this.#infoFile, { force: true });
  }

  release(): void {
    this.withdraw();
    this.#db?.close();
    this.#db = undefined;
  }
}

function infoFile(directory: string, key: string): string {
  return path.join(directory, `${key}.json`);
}
