/** Task records as text: how a state file looks, whether one can be trusted, and what a rebuild does to decisions. */
import { messageOf } from '../../core/errors.ts';
import type { TaskExecution } from '../../core/execution.ts';
import { TASK_STATES } from '../../core/states.ts';

/** The state file's text of a stored record: 2-space JSON. */
export function stateFileText(json: string): string {
  return `${JSON.stringify(JSON.parse(json), null, 2)}\n`;
}

/** Reads a state file. Returns the record, or why it is none; `taskId` is the file's name. */
export function parseStateFile(text: string, taskId: string): TaskExecution | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return messageOf(error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it holds no object';
  const record = value as Partial<Record<keyof TaskExecution, unknown>>;
  if (record.task_id !== taskId) return `its task_id is ${JSON.stringify(record.task_id)}`;
  if (!Number.isSafeInteger(record.rev) || (record.rev as number) < 1) return 'its rev is no positive whole number';
  if (!(TASK_STATES as readonly unknown[]).includes(record.state)) return `its state is ${JSON.stringify(record.state)}`;
  if (typeof record.task_def !== 'object' || record.task_def === null) return 'it has no task_def';
  for (const key of ['steps', 'attempts', 'quality_gate_results', 'decisions', 'history'] as const) {
    const list = record[key];
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'object' && entry !== null)) return `its ${key} is no list of objects`;
  }
  return value as TaskExecution;
}

/**
 * The record as a rebuild may believe it. A state file is a plain file that anybody can edit, so no consent is taken from it:
 * every answer that was not yet acted on is dropped and its decision is open again. The state stays what it was.
 */
export function withoutPendingConsent(task: TaskExecution): TaskExecution {
  const unapplied = (decision: TaskExecution['decisions'][number]): boolean => decision.answer !== null && decision.applied_at === null;
  if (!task.decisions.some(unapplied)) return task;
  return {
    ...task,
    rev: task.rev + 1,
    decisions: task.decisions.map((decision) => (unapplied(decision) ? { ...decision, status: 'open', answer: null } : decision)),
  };
}
