/** The default store: SQLite in `.baton/baton.db`, written by one worker thread. Implements the engine's `Store` port. */
import { Worker } from 'node:worker_threads';
import { BatonError, messageOf } from '../../core/errors.ts';
import { taskIdFault } from '../../core/task.ts';
import type { TaskExecution } from '../../core/execution.ts';
import type { StoredMetrics } from '../../core/metrics/columns.ts';
import type { HistoryRow } from '../../core/history.ts';
import type { Commit, HistoryQuery, Log, Store, StoredEvent } from '../../engine/ports.ts';
import { decodeEvents, decodeHistory, decodeMeta, decodeTask, decodeTasks } from './decode.ts';
import { fromWire, type EncodedCommit, type EventRow, type Outcome, type Reply, type Request, type WorkerOptions } from './protocol.ts';

export interface StoreOptions {
  /** Absolute path of the main checkout's `.baton`. */
  readonly batonDir: string;
  /** The user's data directory for this repository; takes the database where `.baton` lies on a network mount. */
  readonly dataDir?: string;
  /** Path of the worker's bundle (in tests of worker.ts). */
  readonly workerPath: string;
  readonly log: Log;
  /** Told once when a flush failed and nothing is written any more. */
  readonly onReadOnly?: (error: BatonError) => void;
}

export interface OpenedStore extends Store {
  /** Where the database is. */
  readonly path: string;
}

/** Opens the store, repairing what needs repair. Throws `unsupported` (old Node, newer schema) or `store`. */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const workerData: WorkerOptions = { batonDir: options.batonDir, dataDir: options.dataDir ?? null };
  const worker = new Worker(options.workerPath, { workerData, name: 'baton-store' });
  const store = new WorkerStore(worker, options);
  await store.opened;
  return store;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
interface Pending {
  resolve(value: unknown): void;
  reject(error: BatonError): void;
}

class WorkerStore implements OpenedStore {
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  readonly #options: StoreOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #path = '';
  #repairs: readonly string[] = [];
  /** Why nothing can be asked any more. */
  #ended: BatonError | undefined;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker, options: StoreOptions) {
    this.#worker = worker;
    this.#options = options;
    this.opened = new Promise((resolve, reject) => {
      this.#pending.set(0, { resolve: () => resolve(), reject });
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#end(new BatonError('store', 'The store was closed.'));
        resolve();
      });
    });
    worker.on('message', (reply: Reply) => this.#receive(reply));
    worker.on('messageerror', (error) => this.#end(broken(error)));
    worker.on('error', (error) => this.#end(broken(error)));
  }

  get path(): string {
    return this.#path;
  }

  get repairs(): readonly string[] {
    return this.#repairs;
  }

  /**
   * Writes all of it or nothing. Removals come first, then records in their order. Rejects with `stale_version` (this commit alone),
   * `invalid_task` (an id that is no file name) or `store` (nothing can be written).
   */
  async commit(commit: Commit): Promise<number> {
    return (await this.#ask({ type: 'commit', commit: encode(commit) })) as number;
  }

  async loadTasks(): Promise<TaskExecution[]> {
    return decodeTasks((await this.#ask({ type: 'tasks' })) as string[]);
  }

  async task(taskId: string): Promise<TaskExecution | undefined> {
    return decodeTask((await this.#ask({ type: 'task', taskId })) as string | undefined);
  }

  async events(since: number, limit?: number): Promise<StoredEvent[]> {
    return decodeEvents((await this.#ask({ type: 'events', since, limit: limit ?? null })) as EventRow[]);
  }

  async meta(): Promise<Record<string, unknown>> {
    return decodeMeta((await this.#ask({ type: 'meta' })) as [string, string][]);
  }

  async metrics(since: number): Promise<StoredMetrics> {
    return (await this.#ask({ type: 'metrics', since })) as StoredMetrics;
  }

  async history({ kind, since, limit }: HistoryQuery): Promise<HistoryRow[]> {
    return decodeHistory((await this.#ask({ type: 'history', kind, since: since ?? '', limit: limit ?? null })) as string[]);
  }

  /** Waits for what was asked before, writes the state files that are due, and ends the worker. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended === undefined) await this.#ask({ type: 'close' });
    await this.#exited;
  }

  #ask(request: WithoutId<Request>): Promise<unknown> {
    const ended = this.#ended ?? (this.#closing !== undefined && request.type !== 'close' ? new BatonError('store', 'The store is being closed.') : undefined);
    if (ended !== undefined) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      // What is on its way keeps the process alive; an idle store does not.
      this.#worker.ref();
      this.#worker.postMessage({ ...request, id });
    });
  }

  #receive(reply: Reply): void {
    const { log, onReadOnly } = this.#options;
    switch (reply.type) {
      case 'ready':
        this.#path = reply.path;
        this.#repairs = reply.repairs;
        for (const repair of reply.repairs) log.warn(`store: ${repair}`);
        this.#settle({ id: 0, value: null });
        return;
      case 'not_opened':
        this.#settle({ id: 0, error: reply.error });
        return;
      case 'outcomes':
        for (const outcome of reply.outcomes) this.#settle(outcome);
        return;
      case 'log':
        log[reply.level](`store: ${reply.message}`);
        return;
      case 'read_only': {
        const error = fromWire(reply.error);
        log.error(`store: ${error.message} ${error.hint ?? ''}`.trimEnd());
        onReadOnly?.(error);
        return;
      }
    }
  }

  #settle(outcome: Outcome): void {
    const pending = this.#pending.get(outcome.id);
    this.#pending.delete(outcome.id);
    if ('error' in outcome) pending?.reject(fromWire(outcome.error));
    else pending?.resolve(outcome.value);
    if (this.#pending.size === 0 && this.#closing === undefined) this.#worker.unref();
  }

  #end(error: BatonError): void {
    if (this.#ended === undefined && this.#closing === undefined && error.cause !== undefined) {
      this.#options.log.error(`store: ${error.message}`, error.cause);
      this.#options.onReadOnly?.(error);
    }
    this.#ended ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}

function broken(cause: unknown): BatonError {
  return new BatonError('store', `The store's worker has failed: ${messageOf(cause)}.`, { cause, hint: 'Start Baton again; what was confirmed is safe.' });
}

function encode(commit: Commit): EncodedCommit {
  return {
    tasks: (commit.tasks ?? []).map((task) => {
      const fault = taskIdFault(task.task_id);
      if (fault !== undefined) throw new BatonError('invalid_task', `"${task.task_id}" is not a valid task id: ${fault}.`);
      return { id: task.task_id, rev: task.rev, state: task.state, json: JSON.stringify(task) };
    }),
    remove: commit.remove ?? [],
    events: (commit.events ?? []).map(({ at, type, task_id, data }) => ({ at, type, task_id, json: JSON.stringify(data) })),
    history: (commit.history ?? []).map((row) => ({ kind: row.kind, at: row.at, task_id: row.task_id, json: JSON.stringify(row) })),
    meta: Object.entries(commit.meta ?? {}).map(([key, value]) => [key, value === undefined ? null : JSON.stringify(value)] as const),
    metrics: commit.metrics ?? null,
    at: new Date().toISOString(),
  };
}
