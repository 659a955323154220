/** The store's worker thread: its own bundle. Commits that arrive during a flush share the next one; state files follow when there is time. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { BatonError, messageOf } from '../../core/errors.ts';
import { markSuspect, openDatabase } from './database.ts';
import { toWire, type EncodedCommit, type Outcome, type Reply, type Request, type WorkerOptions } from './protocol.ts';
import { withoutPendingConsent } from './records.ts';
import { isCorruption, loadSqlite, type Database } from './sqlite.ts';
import { StateFiles } from './stateFiles.ts';
import { Reader, Writer } from './writer.ts';

interface Opened {
  readonly db: Database;
  readonly lock: Database;
  readonly file: string;
  readonly files: StateFiles;
  readonly writer: Writer;
}

class StoreWorker {
  readonly #port: MessagePort;
  readonly #db: Database;
  readonly #lock: Database;
  readonly #file: string;
  readonly #files: StateFiles;
  readonly #writer: Writer;
  #reader: Reader;
  #readConnection: Database | undefined;
  #waiting: { readonly id: number; readonly commit: EncodedCommit }[] = [];
  #turn: { readonly delayed: boolean; cancel(): void } | undefined;

  constructor(port: MessagePort, { db, lock, file, files, writer }: Opened) {
    this.#port = port;
    this.#db = db;
    this.#lock = lock;
    this.#file = file;
    this.#files = files;
    this.#writer = writer;
    this.#reader = new Reader(db);
  }

  receive(request: Request): void {
    if (request.type === 'commit') {
      this.#waiting.push(request);
      this.#plan(0);
    } else if (request.type === 'close') {
      this.#close(request.id);
    } else {
      this.#answer([this.#read(request)]);
    }
  }

  #read(request: Exclude<Request, { type: 'commit' | 'close' }>): Outcome {
    const { id } = request;
    try {
      switch (request.type) {
        case 'tasks':
          return { id, value: this.#reader.tasks().map((row) => row.json) };
        case 'task':
          return { id, value: this.#reader.task(request.taskId) };
        case 'events':
          return { id, value: this.#reader.events(request.since, request.limit) };
        case 'meta':
          return { id, value: this.#reader.meta() };
        case 'metrics':
          return { id, value: this.#reader.metrics(request.since) };
        case 'history':
          return { id, value: this.#reader.history(request.kind, request.since, request.limit) };
      }
    } catch (error) {
      if (isCorruption(error)) markSuspect(this.#file);
      return { id, error: toWire(new BatonError('store', `The store could not be read: ${messageOf(error)}.`, { hint: 'Start Baton again; a damaged store is set aside and rebuilt.' })) };
    }
  }

  /** The next turn comes after every message that has arrived by then, which is what makes commits meet in one transaction. */
  #plan(delay: number): void {
    if (this.#turn !== undefined && (delay > 0 || !this.#turn.delayed)) return;
    this.#turn?.cancel();
    if (delay > 0) {
      const timer = setTimeout(() => this.#work(), delay);
      this.#turn = { delayed: true, cancel: () => clearTimeout(timer) };
    } else {
      const immediate = setImmediate(() => this.#work());
      this.#turn = { delayed: false, cancel: () => clearImmediate(immediate) };
    }
  }

  #work(): void {
    this.#turn = undefined;
    this.#flush();
    const pause = this.#files.dirty ? this.#files.writeSome() : 0;
    if (this.#files.dirty) this.#plan(pause);
  }

  #flush(): void {
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    const before = this.#writer.failure;
    const results = this.#writer.commitAll(batch.map(({ commit }) => commit));
    this.#answer(
      results.map((result, index) => {
        const id = batch[index]?.id ?? 0;
        return 'error' in result ? { id, error: toWire(result.error) } : { id, value: result.seq };
      }),
    );
    results.forEach((result, index) => {
      if ('error' in result) return;
      for (const id of batch[index]?.commit.remove ?? []) this.#files.set(id, null);
      for (const { id, json } of batch[index]?.commit.tasks ?? []) this.#files.set(id, json);
    });
    const { failure } = this.#writer;
    if (failure !== undefined && failure !== before) this.#turnReadOnly(failure);
  }

  /** Reads go on over a connection of their own; while that is open, SQLite does not flush again when the writing one is closed. */
  #turnReadOnly(failure: BatonError): void {
    if (isCorruption(failure.cause)) markSuspect(this.#file);
    this.#post({ type: 'read_only', error: toWire(failure) });
    try {
      const { DatabaseSync } = loadSqlite();
      this.#readConnection = new DatabaseSync(this.#file, { readOnly: true });
      this.#reader = new Reader(this.#readConnection);
    } catch (error) {
      this.#post({ type: 'log', level: 'error', message: `The read-only store could not be opened again: ${messageOf(error)}.` });
    }
  }

  #close(id: number): void {
    this.#turn?.cancel();
    this.#flush();
    this.#files.flush();
    this.#db.close();
    this.#readConnection?.close();
    this.#lock.close();
    this.#answer([{ id, value: null }]);
    this.#port.close();
  }

  #answer(outcomes: readonly Outcome[]): void {
    this.#post({ type: 'outcomes', outcomes });
  }

  #post(reply: Reply): void {
    this.#port.postMessage(reply);
  }
}

/** Opens the database and makes it and the state files agree; says what that took. */
function openAll(options: WorkerOptions, port: MessagePort): Opened & { repairs: string[] } {
  const log = (level: 'info' | 'warn', message: string): void => port.postMessage({ type: 'log', level, message } satisfies Reply);
  const { db, lock, file, setAside, notes } = openDatabase(options.batonDir, options.dataDir);
  for (const note of notes) log('info', note);
  const files = new StateFiles(options.batonDir, (message) => log('warn', message));
  const writer = new Writer(db);
  const repairs: string[] = [];
  if (setAside !== null) repairs.push(`The database was corrupt; it was set aside as ${setAside}.`);
  if (writer.untouched) repairs.push(...rebuild(writer, files, setAside !== null));
  repairs.push(...files.reconcile(new Reader(db).tasks()));
  return { db, lock, file, files, writer, repairs };
}

/**
 * Fills a database that was never written to from the state files that an older one left: one transaction, so that a crash on the
 * way leaves it untouched and the next opening does this again.
 */
function rebuild(writer: Writer, files: StateFiles, corrupt: boolean): string[] {
  const { tasks, corrupt: unreadable } = files.readAll();
  const repairs = unreadable.map(({ taskId, why }) => `The state file of task ${taskId} was corrupt (${why}) and was set aside; the task is not in the store.`);
  if (tasks.length === 0) return repairs;
  const believed = tasks.map(withoutPendingConsent);
  const reopened = believed.filter((task, index) => task !== tasks[index]).length;
  writer.importAll(believed.map((task) => ({ id: task.task_id, rev: task.rev, state: task.state, json: JSON.stringify(task) })));
  believed.forEach((task, index) => {
    if (task !== tasks[index]) files.set(task.task_id, JSON.stringify(task));
  });
  files.flush();
  repairs.unshift(`${corrupt ? 'The store' : 'The database was missing; the store'} was rebuilt from ${count(tasks.length, 'state file')}.`);
  if (reopened > 0) repairs.push(`Answers that had not been acted on were dropped and are asked for again (${count(reopened, 'task')}).`);
  return repairs;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function main(port: MessagePort): void {
  try {
    const { repairs, ...opened } = openAll(workerData as WorkerOptions, port);
    const worker = new StoreWorker(port, opened);
    port.on('message', (request: Request) => worker.receive(request));
    port.postMessage({ type: 'ready', path: opened.file, repairs } satisfies Reply);
  } catch (error) {
    port.postMessage({ type: 'not_opened', error: toWire(error) } satisfies Reply);
  }
}

if (parentPort !== null) main(parentPort);
