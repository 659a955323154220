/** The readable copies: `.baton/state/<task-id>.json`, written behind the commits, never in their way. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { TaskExecution } from '../../core/execution.ts';
import { replaceFileSync, TEMPORARY } from './atomicFile.ts';
import { parseStateFile, stateFileText } from './records.ts';

const SUFFIX = '.json';
/** Files written between two looks at the queue of commits. */
const SLICE = 32;
/** Pause before a file that could not be written is tried again (Windows: a reader holds it), in ms; and how often. */
const RETRY_PAUSE = 100;
const RETRIES = 20;
/** A task that changes several times in a row is written once: when nothing has changed for this long (ms), or when the oldest change is that old. */
const QUIET = 40;
const OLDEST = 200;

export interface StateFileReport {
  readonly tasks: readonly TaskExecution[];
  readonly corrupt: readonly { readonly taskId: string; readonly why: string }[];
}

export class StateFiles {
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  /** What is to be written, newest only: the record's JSON, or null for a file to remove. */
  readonly #dirty = new Map<string, string | null>();
  #failures = 0;
  /** When the oldest and the latest change that waits came. */
  #since = 0;
  #latest = 0;

  constructor(batonDir: string, warn: (message: string) => void) {
    this.#folder = path.join(batonDir, 'state');
    this.#warn = warn;
    fs.mkdirSync(this.#folder, { recursive: true });
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Notes a committed record, or with null that its task was removed. */
  set(taskId: string, json: string | null): void {
    this.#latest = performance.now();
    if (!this.dirty) this.#since = this.#latest;
    this.#dirty.set(taskId, json);
  }


  /** Writes some of what waits, when it is time. Returns how long to wait before the next call, in ms; 0 = as soon as there is nothing better to do. */
  writeSome(): number {
    const rest = Math.min(this.#latest + QUIET, this.#since + OLDEST) - performance.now();
    return rest > 0 ? rest : this.#writeSlice();
  }

  #writeSlice(): number {
    let left = SLICE;
    for (const [taskId, json] of this.#dirty) {
      if (left-- === 0) return 0;
      try {
        this.#write(taskId, json);
        this.#failures = 0;
      } catch (error) {
        if (++this.#failures < RETRIES) return RETRY_PAUSE;
        this.#warn(`The state file of task ${taskId} cannot be written: ${messageOf(error)}. The store is not affected; the file is written again at the next start.`);
        this.#failures = 0;
        this.#dirty.delete(taskId);
      }
    }
    return 0;
  }

  /** Writes all that waits; blocks, so only for the end of the store. */
  flush(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (this.#dirty.size > 0) {
      const wait = this.#writeSlice();
      if (wait > 0) Atomics.wait(pause, 0, 0, Math.min(wait, 20));
    }
  }

  #write(taskId: string, json: string | null): void {
    if (json === null) fs.rmSync(this.#fileOf(taskId), { force: true });
    else replaceFileSync(this.#fileOf(taskId), stateFileText(json));
    // Only now: what fails stays dirty.
    this.#dirty.delete(taskId);
  }

  #fileOf(taskId: string): string {
    return path.join(this.#folder, taskId + SUFFIX);
  }

  /** Everything that is there, for a rebuild; corrupt files are set aside. */
  readAll(): StateFileReport {
    const tasks: TaskExecution[] = [];
    const corrupt: { taskId: string; why: string }[] = [];
    for (const taskId of this.#ids()) {
      const found = parseStateFile(fs.readFileSync(this.#fileOf(taskId), 'utf8'), taskId);
      if (typeof found !== 'string') tasks.push(found);
      else {
        this.#setAside(taskId, 'corrupt');
        corrupt.push({ taskId, why: found });
      }
    }
    return { tasks, corrupt };
  }

  /** Compares every file with the stored records and makes them equal again; returns a sentence for each difference. */
  reconcile(stored: Iterable<{ readonly id: string; readonly json: string }>): string[] {
    const repairs: string[] = [];
    const extra = new Set(this.#ids());
    for (const { id, json } of stored) {
      const there = extra.delete(id);
      const why = there ? this.#fault(id, json) : 'was missing';
      if (why === undefined) continue;
      this.set(id, json);
      repairs.push(`The state file of task ${id} ${why}; it was written again from the store.`);
    }
    for (const id of extra) {
      this.#setAside(id, 'orphaned');
      repairs.push(`The store has no task ${id}; its state file was renamed to ${id}${SUFFIX}.orphaned-….`);
    }
    this.flush();
    return repairs;
  }

  /** What is wrong with a file that should hold this record; a corrupt one is set aside. */
  #fault(taskId: string, json: string): string | undefined {
    const text = fs.readFileSync(this.#fileOf(taskId), 'utf8');
    if (text === stateFileText(json)) return undefined;
    const found = parseStateFile(text, taskId);
    if (typeof found !== 'string') return 'was not up to date';
    this.#setAside(taskId, 'corrupt');
    return `was corrupt (${found})`;
  }

  /** Task ids that have a file; what a crash left half-written is deleted on the way. */
  #ids(): string[] {
    const ids: string[] = [];
    for (const name of fs.readdirSync(this.#folder)) {
      if (name.endsWith(TEMPORARY)) fs.rmSync(path.join(this.#folder, name), { force: true });
      else if (name.endsWith(SUFFIX) && !name.startsWith('.')) ids.push(name.slice(0, -SUFFIX.length));
    }
    return ids;
  }

  #setAside(taskId: string, why: 'corrupt' | 'orphaned'): void {
    const file = this.#fileOf(taskId);
    fs.renameSync(file, `${file}.${why}-${new Date().toISOString().replaceAll(':', '-')}`);
  }
}
