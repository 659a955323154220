/** Task records, folders and stores for the tests of the store. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Decision, TaskExecution } from '../../../src/core/execution.ts';
import { newExecution } from '../../../src/core/execution.ts';
import type { Log } from '../../../src/engine/ports.ts';
import { openStore, type OpenedStore, type StoreOptions } from '../../../src/adapters/store/store.ts';

export const WORKER = path.resolve('src/adapters/store/worker.ts');
export const AT = '2026-11-20T12:00:00.000Z';

export function taskRecord(taskId: string, change: Partial<TaskExecution> = {}): TaskExecution {
  return {
    ...newExecution({ id: taskId, goal: `Do ${taskId}` }, 'c0ffee', AT),
    workflow_reason: 'No risk or area is stated.',
    max_retries: 4,
    ...change,
  };
}

/** The record's next revision. */
export function changed(task: TaskExecution, change: Partial<TaskExecution> = {}): TaskExecution {
  return { ...task, ...change, rev: task.rev + 1 };
}

export function decision(taskId: string, change: Partial<Decision> = {}): Decision {
  return {
    id: 'd1',
    task_id: taskId,
    kind: 'merge',
    question: 'Merge it?',
    detail: {},
    since: AT,
    expires_at: null,
    status: 'open',
    resume_state: 'quality_gate',
    content_hash: 'c0ffee',
    head_sha: null,
    attempt_id: null,
    answer: null,
    applied_at: null,
    ...change,
  };
}

/** A log that keeps its lines, each with its level in front. */
export function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** A folder of its own for each test and the stores opened in it, all gone after it. */
export class Sandbox {
  readonly root: string;
  readonly batonDir: string;
  readonly log = memoryLog();
  readonly #open: OpenedStore[] = [];

  constructor(root = fs.mkdtempSync(path.join(os.tmpdir(), 'baton-store-'))) {
    this.root = root;
    this.batonDir = path.join(root, '.baton');
  }

  async open(options: Partial<StoreOptions> = {}): Promise<OpenedStore> {
    const store = await openStore({ batonDir: this.batonDir, workerPath: WORKER, log: this.log, ...options });
    this.#open.push(store);
    return store;
  }

  file(...parts: string[]): string {
    return path.join(this.batonDir, ...parts);
  }

  stateFile(taskId: string): string {
    return this.file('state', `${taskId}.json`);
  }

  readState(taskId: string): TaskExecution {
    return JSON.parse(fs.readFileSync(this.stateFile(taskId), 'utf8')) as TaskExecution;
  }

  /** Closes what is open; the folder stays for the next `open`. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map((store) => store.close()));
  }

  async dispose(): Promise<void> {
    await this.close();
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
