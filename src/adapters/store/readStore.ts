/** The store as another process may see it: opened read-only, beside the leader that writes it. */
import { BatonError, messageOf } from '../../core/errors.ts';
import type { HistoryQuery, Store } from '../../engine/ports.ts';
import { decodeEvents, decodeHistory, decodeMeta, decodeTask, decodeTasks } from './decode.ts';
import { findDatabase } from './location.ts';
import { assertKnownSchema, schemaVersion } from './schema.ts';
import { isCorruption, loadSqlite, type Database } from './sqlite.ts';
import { Reader } from './writer.ts';

export type ReadStore = Pick<Store, 'loadTasks' | 'task' | 'events' | 'meta' | 'history' | 'close'>;

/**
 * Opens the database read-only; every call sees what was committed by then. A repository without one reads as empty.
 * Throws `unsupported` (old Node, newer schema) or `store` (damaged, unreadable).
 */
export function readStore(options: { readonly batonDir: string; readonly dataDir?: string }): ReadStore {
  const file = findDatabase(options.batonDir, options.dataDir ?? null);
  if (file === undefined) return emptyStore();
  return guarded(file, () => {
    const { DatabaseSync } = loadSqlite();
    const db = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
    try {
      assertKnownSchema(db, file);
      // A leader that has only just made the file has not come to its tables yet.
      if (schemaVersion(db) === 0) {
        db.close();
        return emptyStore();
      }
      return new OpenReadStore(file, db);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

class OpenReadStore implements ReadStore {
  readonly #file: string;
  readonly #db: Database;
  readonly #reader: Reader;

  constructor(file: string, db: Database) {
    this.#file = file;
    this.#db = db;
    this.#reader = new Reader(db);
  }

  async loadTasks(): ReturnType<Store['loadTasks']> {
    return decodeTasks(guarded(this.#file, () => this.#reader.tasks()).map(({ json }) => json));
  }

  task(taskId: string): ReturnType<Store['task']> {
    return this.#read(() => decodeTask(this.#reader.task(taskId)));
  }

  events(since: number, limit?: number): ReturnType<Store['events']> {
    return this.#read(() => decodeEvents(this.#reader.events(since, limit ?? null)));
  }

  meta(): ReturnType<Store['meta']> {
    return this.#read(() => decodeMeta(this.#reader.meta()));
  }

  history({ kind, since, limit }: HistoryQuery): ReturnType<Store['history']> {
    return this.#read(() => decodeHistory(this.#reader.history(kind, since ?? '', limit ?? null)));
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }

  #read<T>(read: () => T): Promise<T> {
    return new Promise((resolve) => resolve(guarded(this.#file, read)));
  }
}

function emptyStore(): ReadStore {
  return {
    loadTasks: () => Promise.resolve([]),
    task: () => Promise.resolve(undefined),
    events: () => Promise.resolve([]),
    meta: () => Promise.resolve({}),
    history: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}

function guarded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BatonError) throw error;
    throw new BatonError('store', `The store ${file} cannot be read: ${messageOf(error)}.`, {
      cause: error,
      hint: isCorruption(error) ? 'Start Baton (baton run, or VS Code): it sets the damaged file aside and rebuilds it.' : 'Check that the file is readable.',
    });
  }
}
