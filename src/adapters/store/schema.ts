/** The tables of the store and how an older database becomes a current one. */
import { BatonError } from '../../core/errors.ts';
import type { Database } from './sqlite.ts';

/** "BatN": tells Baton's database from any other SQLite file. */
export const APPLICATION_ID = 0x4261744e;

/** One script a version, in order; never edited once released. `PRAGMA user_version` holds how many have run. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    json  TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE tasks (
    id         TEXT PRIMARY KEY NOT NULL,
    rev        INTEGER NOT NULL,
    state      TEXT NOT NULL,
    json       TEXT NOT NULL,
    updated_at TEXT NOT NULL
  );
  -- Ids are file names and git refs, and some file systems do not know case.
  CREATE UNIQUE INDEX tasks_id_nocase ON tasks (id COLLATE NOCASE);
  CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      TEXT NOT NULL,
    type    TEXT NOT NULL,
    task_id TEXT,
    json    TEXT NOT NULL
  );
  `,
  `
  CREATE TABLE history (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL,
    at      TEXT NOT NULL,
    task_id TEXT NOT NULL,
    json    TEXT NOT NULL
  );
  CREATE INDEX history_at ON history (kind, at);
  `,
  `
  -- Stretches of a minute, later of the aggregation interval; start in ms since the epoch.
  CREATE TABLE metric_rollups (
    start         INTEGER PRIMARY KEY NOT NULL,
    started       INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    gates_passed  INTEGER NOT NULL,
    gates_failed  INTEGER NOT NULL,
    decisions     INTEGER NOT NULL,
    snapshots     INTEGER NOT NULL,
    cpu_sum       REAL NOT NULL,
    memory_sum    REAL NOT NULL,
    memory_peak   REAL NOT NULL
  );
  CREATE TABLE metric_kinds (
    id     INTEGER PRIMARY KEY NOT NULL,
    agent  TEXT NOT NULL,
    model  TEXT NOT NULL,
    role   TEXT NOT NULL,
    area   TEXT NOT NULL,
    UNIQUE (agent, model, role, area)
  );
  CREATE TABLE metric_costs (
    start               INTEGER NOT NULL,
    kind                INTEGER NOT NULL REFERENCES metric_kinds (id),
    attempts            INTEGER NOT NULL,
    cost_usd            REAL NOT NULL,
    unpriced            INTEGER NOT NULL,
    input_tokens        INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    cache_read_tokens   INTEGER NOT NULL,
    cache_write_tokens  INTEGER NOT NULL,
    PRIMARY KEY (start, kind)
  ) WITHOUT ROWID;
  -- One row for every end of a task. flags: 1 completed, 2 retried, 4 took a human, 8 had gates, 16 passed them at once.
  CREATE TABLE metric_endings (
    at       INTEGER NOT NULL,
    task_id  TEXT NOT NULL,
    seconds  REAL,
    flags    INTEGER NOT NULL
  );
  CREATE INDEX metric_endings_at ON metric_endings (at);
  `,
];

export function schemaVersion(db: Database): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** Throws `unsupported` when the database was written by a newer Baton. */
export function assertKnownSchema(db: Database, file: string, known = MIGRATIONS.length): void {
  const version = schemaVersion(db);
  if (version > known) {
    throw new BatonError('unsupported', `${file} has schema version ${version}; this Baton knows up to ${known}.`, {
      hint: 'It was written by a newer Baton: update the extension and the baton command. Nothing was changed.',
    });
  }
}

/** Runs what is missing, each version in its own transaction. Throws `unsupported` for a newer schema, or what SQLite says. */
export function migrate(db: Database, file: string, migrations: readonly string[] = MIGRATIONS): void {
  assertKnownSchema(db, file, migrations.length);
  for (let version = schemaVersion(db); version < migrations.length; version++) {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(migrations[version] ?? '');
      db.exec(`PRAGMA user_version = ${version + 1}; PRAGMA application_id = ${APPLICATION_ID}`);
      db.exec('COMMIT');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }
}
