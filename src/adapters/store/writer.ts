/** The one that writes: puts whatever arrived into one transaction, a savepoint for each commit, one flush for all. */
import { BatonError, messageOf } from '../../core/errors.ts';
import type { StoredMetrics } from '../../core/metrics/columns.ts';
import { MetricsTables, readMetrics } from './metrics.ts';
import type { EncodedCommit, EncodedTask, EventRow } from './protocol.ts';
import { isCorruption, sqliteFault, type Database, type Statement } from './sqlite.ts';

export type CommitOutcome = { readonly seq: number } | { readonly error: BatonError };

export class Writer {
  readonly #metrics: MetricsTables;
  readonly #db: Database;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #remove: Statement;
  readonly #event: Statement;
  readonly #history: Statement;
  readonly #setMeta: Statement;
  readonly #dropMeta: Statement;
  #seq: number;
  #failure: BatonError | undefined;

  constructor(db: Database) {
    this.#db = db;
    this.#metrics = new MetricsTables(db);
    this.#insert = db.prepare('INSERT INTO tasks (id, rev, state, json, updated_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
    this.#update = db.prepare('UPDATE tasks SET rev = ?, state = ?, json = ?, updated_at = ? WHERE id = ? AND rev = ?');
    this.#remove = db.prepare('DELETE FROM tasks WHERE id = ?');
    this.#event = db.prepare('INSERT INTO events (at, type, task_id, json) VALUES (?, ?, ?, ?)');
    this.#history = db.prepare('INSERT INTO history (kind, at, task_id, json) VALUES (?, ?, ?, ?)');
    this.#setMeta = db.prepare('INSERT INTO meta (key, json) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json');
    this.#dropMeta = db.prepare('DELETE FROM meta WHERE key = ?');
    this.#seq = Number(db.prepare("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS seq").get()?.['seq']);
  }

  /** Set once a flush has failed; from then on nothing is written. */
  get failure(): BatonError | undefined {
    return this.#failure;
  }

  /** True for a database in which nothing has ever been stored. */
  get untouched(): boolean {
    const rows = this.#db.prepare('SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM meta) AS rows').get()?.['rows'];
    return rows === 0 && this.#seq === 0;
  }

  /** Takes records over at the revision they have, all or none; an id that differs from another's only by case is left out. */
  importAll(tasks: readonly EncodedTask[]): void {
    const at = new Date().toISOString();
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const { id, rev, state, json } of tasks) this.#insert.run(id, rev, state, json, at);
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** One outcome for each commit, in order; durable when this returns. A stale commit fails alone, a failed flush fails all. */
  commitAll(commits: readonly EncodedCommit[]): CommitOutcome[] {
    const { failure } = this;
    if (failure !== undefined) return commits.map(() => ({ error: failure }));
    const before = this.#seq;
    try {
      this.#db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      return this.#failAll(commits, error, before);
    }
    try {
      const outcomes = commits.map((commit) => this.#savepoint(commit));
      this.#db.exec('COMMIT');
      return outcomes;
    } catch (error) {
      return this.#failAll(commits, error, before);
    }
  }

  #savepoint(commit: EncodedCommit): CommitOutcome {
    const before = this.#seq;
    this.#db.exec('SAVEPOINT one');
    try {
      this.#apply(commit);
    } catch (error) {
      // Any fault of the disk or file concerns the whole transaction.
      if (!(error instanceof BatonError)) throw error;
      this.#db.exec('ROLLBACK TO one; RELEASE one');
      this.#seq = before;
      return { error };
    }
    this.#db.exec('RELEASE one');
    return { seq: this.#seq };
  }

  #apply(commit: EncodedCommit): void {
    for (const id of commit.remove) this.#remove.run(id);
    for (const { id, rev, state, json } of commit.tasks) {
      const { changes } =
        rev === 1 ? this.#insert.run(id, rev, state, json, commit.at) : this.#update.run(rev, state, json, commit.at, id, rev - 1);
      if (Number(changes) !== 1) throw stale(id, rev);
    }
    for (const { at, type, task_id, json } of commit.events) {
      this.#seq = Number(this.#event.run(at, type, task_id, json).lastInsertRowid);
    }
    for (const { kind, at, task_id, json } of commit.history) this.#history.run(kind, at, task_id, json);
    for (const [key, json] of commit.meta) {
      if (json === null) this.#dropMeta.run(key);
      else this.#setMeta.run(key, json);
    }
    if (commit.metrics) this.#metrics.write(commit.metrics);
  }

  #failAll(commits: readonly EncodedCommit[], cause: unknown, seqBefore: number): CommitOutcome[] {
    this.#seq = seqBefore;
    try {
      this.#db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, or nothing had begun.
    }
    const error = this.#judge(cause);
    return commits.map(() => ({ error }));
  }

  /** What a failed transaction means. Only a busy database may be tried again: after a failed flush nobody knows what the disk holds. */
  #judge(cause: unknown): BatonError {
    if (sqliteFault(cause) === 'busy') {
      return new BatonError('store', 'Another process is writing to the store; nothing was changed.', { cause, hint: 'Try again in a moment.' });
    }
    const advice =
      sqliteFault(cause) === 'full'
        ? 'The disk is full: make room, then start Baton again.'
        : isCorruption(cause)
          ? 'The database is damaged: start Baton again; it is set aside and rebuilt from the state files.'
          : 'Check the disk, then start Baton again.';
    this.#failure = new BatonError('store', `The store could not be written (${messageOf(cause)}) and is read-only until Baton is started again.`, {
      cause,
      hint: advice,
    });
    return this.#failure;
  }
}

function stale(id: string, rev: number): BatonError {
  const message =
    rev === 1 ? `Task ${id} is in the store already.` : `Task ${id} was changed by another writer first: revision ${rev - 1} is no longer the stored one.`;
  return new BatonError('stale_version', message, { hint: 'Load the task again and repeat the change.' });
}

/** The read side, for any connection. */
export class Reader {
  readonly #db: Database;
  readonly #tasks: Statement;
  readonly #task: Statement;
  readonly #events: Statement;
  readonly #meta: Statement;
  /** Undefined for a database that no current Baton has opened for writing yet. */
  readonly #history: Statement | undefined;

  constructor(db: Database) {
    this.#db = db;
    this.#tasks = db.prepare('SELECT id, json FROM tasks ORDER BY rowid');
    this.#task = db.prepare('SELECT json FROM tasks WHERE id = ?');
    this.#events = db.prepare('SELECT seq, at, type, task_id, json FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#meta = db.prepare('SELECT key, json FROM meta ORDER BY key');
    const hasHistory = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'history'").get() !== undefined;
    if (hasHistory) this.#history = db.prepare('SELECT json FROM history WHERE kind = ? AND at >= ? ORDER BY at DESC, seq DESC LIMIT ?');
  }

  tasks(): { id: string; json: string }[] {
    return this.#tasks.all() as unknown as { id: string; json: string }[];
  }

  task(taskId: string): string | undefined {
    return this.#task.get(taskId)?.['json'] as string | undefined;
  }

  /** `limit` null = all. */
  events(since: number, limit: number | null): EventRow[] {
    return this.#events.all(since, limit ?? -1) as unknown as EventRow[];
  }

  metrics(since: number): StoredMetrics {
    return readMetrics(this.#db, since);
  }

  meta(): [key: string, json: string][] {
    return this.#meta.all().map((row) => [row['key'] as string, row['json'] as string]);
  }

  /** Latest first; `limit` null = all. */
  history(kind: string, since: string, limit: number | null): string[] {
    return (this.#history?.all(kind, since, limit ?? -1) ?? []).map((row) => row['json'] as string);
  }
}
