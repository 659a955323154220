/** node:sqlite, loaded at first use: clearly refused where Node is too old, and without its notice in a command's output. */
import type * as sqlite from 'node:sqlite';
import { BatonError } from '../../core/errors.ts';

export type Database = sqlite.DatabaseSync;
export type Statement = sqlite.StatementSync;
type Sqlite = typeof sqlite;

let loaded: Sqlite | undefined;

/** The module `node:sqlite`. Throws `unsupported` before Node 22.13 (VS Code 1.110 and later have it). */
export function loadSqlite(): Sqlite {
  loaded ??= quietly(() => builtin('node:sqlite'));
  return loaded;
}

function builtin(name: 'node:sqlite'): Sqlite {
  // Older versions lack the function or answer undefined; the types know only those that have both.
  const { getBuiltinModule: load } = process as unknown as { getBuiltinModule?: (name: string) => Sqlite | undefined };
  const found = load?.(name);
  if (found === undefined) {
    throw new BatonError('unsupported', `Baton's store needs Node 22.13 or later; this is Node ${process.versions.node}.`, {
      hint: 'Install a current Node, or use VS Code 1.110 or later.',
    });
  }
  return found;
}

/** Drops the one warning that SQLite is experimental while it is being loaded; every other warning passes. */
function quietly<T>(load: () => T): T {
  const target = process as unknown as { emitWarning: (this: unknown, ...args: unknown[]) => void };
  const original = target.emitWarning;
  target.emitWarning = (...args) => {
    const [warning, second] = args;
    const type = typeof second === 'object' ? (second as { type?: string } | null)?.type : second;
    const name = warning instanceof Error ? warning.name : type;
    const text = warning instanceof Error ? warning.message : String(warning);
    if (name === 'ExperimentalWarning' && text.startsWith('SQLite ')) return;
    original.apply(process, args);
  };
  try {
    return load();
  } finally {
    target.emitWarning = original;
  }
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const CODES = { 5: 'busy', 6: 'busy', 8: 'readonly', 10: 'io', 11: 'corrupt', 13: 'full', 14: 'cantopen', 15: 'protocol', 26: 'notadb' } as const;
export type SqliteFault = (typeof CODES)[keyof typeof CODES] | 'other';

/** What kind of failure SQLite reported; `other` for the rest, undefined when it is no SQLite error. */
export function sqliteFault(error: unknown): SqliteFault | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  const primary = error.errcode & 0xff;
  return primary in CODES ? CODES[primary as keyof typeof CODES] : 'other';
}

/** True when the database file itself is damaged. */
export function isCorruption(error: unknown): boolean {
  const fault = sqliteFault(error);
  return fault === 'corrupt' || fault === 'notadb';
}

/**
 * Locks a file that has no other purpose: an open `BEGIN EXCLUSIVE`, which the operating system frees when its holder dies, however it dies.
 * Close the returned database to let go. Undefined when another holds it after `waitMs` (0 never blocks the caller).
 * The file must never be opened other than by SQLite: on POSIX systems closing any other handle would drop the lock.
 */
export function lockFile(file: string, waitMs: number): Database | undefined {
  const { DatabaseSync } = loadSqlite();
  const db = new DatabaseSync(file, { timeout: waitMs });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    if (sqliteFault(error) === 'busy') return undefined;
    throw error;
  }
}
