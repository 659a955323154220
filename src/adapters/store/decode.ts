/** Stored text back to records. */
import type { TaskExecution } from '../../core/execution.ts';
import type { HistoryRow } from '../../core/history.ts';
import type { StoredEvent } from '../../engine/ports.ts';
import type { EventRow } from './protocol.ts';

/** Records parsed between two breaths of the event loop. */
const SLICE = 250;

export function decodeTask(json: string | undefined): TaskExecution | undefined {
  return json === undefined ? undefined : (JSON.parse(json) as TaskExecution);
}

/** Parses in slices, so that ten thousand tasks do not freeze the window that loads them. */
export async function decodeTasks(rows: readonly string[]): Promise<TaskExecution[]> {
  const tasks: TaskExecution[] = [];
  for (const json of rows) {
    tasks.push(JSON.parse(json) as TaskExecution);
    if (tasks.length % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return tasks;
}

export function decodeEvents(rows: readonly EventRow[]): StoredEvent[] {
  return rows.map(({ seq, at, type, task_id, json }) => ({ seq, at, type, task_id, data: JSON.parse(json) as Record<string, unknown> }));
}

export function decodeHistory(rows: readonly string[]): HistoryRow[] {
  return rows.map((json) => JSON.parse(json) as HistoryRow);
}

export function decodeMeta(rows: readonly (readonly [key: string, json: string])[]): Record<string, unknown> {
  return Object.fromEntries(rows.map(([key, json]) => [key, JSON.parse(json) as unknown]));
}
