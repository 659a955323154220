/** Opens the database for its one writer: durable settings, current schema, a moved place on network mounts, a corrupt file set aside. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { BatonError, messageOf } from '../../core/errors.ts';
import { databaseFiles, findDatabase, isNetworkMount, localDatabase, movedDatabase } from './location.ts';
import { migrate } from './schema.ts';
import { isCorruption, loadSqlite, lockFile, sqliteFault, type Database } from './sqlite.ts';

export interface OpenedDatabase {
  readonly db: Database;
  /** Held as long as this process may write; closed last. */
  readonly lock: Database;
  readonly file: string;
  /** Where the corrupt database went, if one was set aside. */
  readonly setAside: string | null;
  /** What the user should know about the place. */
  readonly notes: readonly string[];
}

/** How long a writer waits for another one (a command that works on the stored state itself), in ms. */
const BUSY_TIMEOUT = 5000;

/** How long an opener waits for a writer that is about to leave, in ms. */
const LOCK_TIMEOUT = 2000;

/** Throws `unsupported` (newer schema, old Node), `leader_busy` (another process writes) or `store` (the file cannot be opened). */
export function openDatabase(batonDir: string, dataDir: string | null): OpenedDatabase {
  fs.mkdirSync(batonDir, { recursive: true });
  const notes: string[] = [];
  const file = findDatabase(batonDir, dataDir) ?? place(batonDir, dataDir, notes);
  let lock: Database | undefined;
  try {
    lock = lockWriter(file);
    const { db, wal, isNew, setAside } = openOrSetAside(file);
    // Only a database that was made just now moves: an older one holds what the user has.
    if (wal || dataDir === null || file === movedDatabase(dataDir) || !isNew) {
      if (!wal) notes.push(`The file system of ${path.dirname(file)} does not support SQLite's WAL; a rollback journal is used, which is slower.`);
      return { db, lock, file, setAside, notes };
    }
    db.close();
    for (const left of databaseFiles(file)) fs.rmSync(left, { force: true });
    const moved = moveAway(batonDir, dataDir, notes);
    lock.close();
    lock = lockWriter(moved);
    return { db: openOrSetAside(moved).db, lock, file: moved, setAside, notes };
  } catch (error) {
    lock?.close();
    if (error instanceof BatonError) throw error;
    throw new BatonError('store', `The store ${file} cannot be opened: ${messageOf(error)}.`, {
      cause: error,
      hint: 'Check that the folder is writable and the disk has room, then try again.',
    });
  }
}

/**
 * Exactly one process writes. The leader's lock says so already, but it lies in a runtime directory that depends on the environment of
 * whoever asks; this one lies beside the data.
 */
function lockWriter(file: string): Database {
  const lock = lockFile(`${file}.lock`, LOCK_TIMEOUT);
  if (lock !== undefined) return lock;
  throw new BatonError('leader_busy', `Another Baton process writes to the store ${file}.`, {
    hint: 'Close the other window or command that leads this repository, then try again.',
  });
}

function place(batonDir: string, dataDir: string | null, notes: string[]): string {
  if (dataDir === null || !isNetworkMount(batonDir)) return localDatabase(batonDir);
  return moveAway(batonDir, dataDir, notes);
}

function moveAway(batonDir: string, dataDir: string, notes: string[]): string {
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const moved = movedDatabase(dataDir);
  notes.push(`${batonDir} is on a network mount, where SQLite's WAL does not work: the store is ${moved}.`);
  return moved;
}

function openOrSetAside(file: string): { db: Database; isNew: boolean; wal: boolean; setAside: string | null } {
  const isNew = !fs.existsSync(file) || fs.statSync(file).size === 0;
  // It spoke of a database that was set aside already: one left by a crash must not condemn the next.
  if (isNew) fs.rmSync(suspectMarker(file), { force: true });
  if (!isNew && fs.existsSync(suspectMarker(file))) return replaceCorrupt(file);
  try {
    return { ...open(file), isNew, setAside: null };
  } catch (error) {
    if (!isCorruption(error)) throw error;
    return replaceCorrupt(file);
  }
}

function replaceCorrupt(file: string): { db: Database; isNew: boolean; wal: boolean; setAside: string } {
  const aside = `${file}.corrupt-${new Date().toISOString().replaceAll(':', '-')}`;
  for (const part of databaseFiles(file)) {
    if (fs.existsSync(part)) fs.renameSync(part, aside + part.slice(file.length));
  }
  fs.rmSync(suspectMarker(file), { force: true });
  return { ...open(file), isNew: true, setAside: aside };
}

function open(file: string): { db: Database; wal: boolean } {
  const { db, wal } = openInBestMode(file);
  try {
    db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
    // Elsewhere these are without effect: only macOS tells a flush to the drive from one to the platter.
    db.exec('PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1');
    migrate(db, file);
    assertSound(db, file);
    return { db, wal };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** With a write-ahead log where the file system lets processes share memory, else with a rollback journal. */
function openInBestMode(file: string): { db: Database; wal: boolean } {
  const { DatabaseSync } = loadSqlite();
  let db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT });
  try {
    const wal = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'] === 'wal';
    // Only the first use shows whether sharing works.
    db.prepare('PRAGMA user_version').get();
    return { db, wal };
  } catch (error) {
    db.close();
    if (!isSharingFault(error)) throw error;
  }
  // The file may be marked for a log by now; alone with it, SQLite needs no shared memory to take the mark back.
  db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE; PRAGMA locking_mode = NORMAL; PRAGMA user_version');
    return { db, wal: false };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What SQLite reports where shared memory or its locks do not work; on a disk that is broken for good the second opening tells. */
function isSharingFault(error: unknown): boolean {
  const fault = sqliteFault(error);
  return fault === 'io' || fault === 'cantopen' || fault === 'protocol';
}

/** SQLITE_CORRUPT, as SQLite itself would report it. */
class CorruptionError extends Error {
  readonly errcode = 11;
}

/** The whole of tasks and meta is checked at every opening; events only grow, and a fault there shows on writing (see `markSuspect`). */
function assertSound(db: Database, file: string): void {
  for (const table of ['tasks', 'meta']) {
    const found = db.prepare(`PRAGMA quick_check('${table}')`).get()?.['quick_check'];
    if (found !== 'ok') throw new CorruptionError(`${file}, table ${table}: ${String(found)}`);
  }
}

/** Notes that the database was found corrupt while in use, so that the next opening sets it aside. */
export function markSuspect(file: string): void {
  fs.writeFileSync(suspectMarker(file), `${new Date().toISOString()}\n`);
}

function suspectMarker(file: string): string {
  return `${file}.suspect`;
}
