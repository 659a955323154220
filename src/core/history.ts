/**
 * What is kept of every call and every finished task for good, also when the task itself is deleted: money, estimates and
 * rankings are made from it. Rows are added by the commit that ends the attempt or the task.
 */
import type { Attempt, AttemptOutcome, Role, TaskExecution, Usage } from './execution.ts';
import { areaOf, riskOf } from './task.ts';

interface Row {
  /** UTC ISO 8601 with milliseconds; an attempt and its cost belong to the day on which it ended. */
  readonly at: string;
  readonly task_id: string;
  readonly area: string;
  readonly risk: string;
  readonly complexity: string | null;
  /** Dollars. */
  readonly cost_usd: number | null;
  readonly seconds: number;
  readonly error_kind: string | null;
}

export interface AttemptRow extends Row {
  readonly kind: 'attempt';
  readonly attempt_id: string;
  readonly role: Role;
  readonly step_id: string | null;
  readonly agent: string;
  readonly model: string | null;
  readonly outcome: AttemptOutcome;
  readonly usage: Usage;
  readonly turns: number;
}

/** A task that ended; one that is run again has a row for each end. */
export interface TaskRow extends Row {
  readonly kind: 'task';
  /** `done` has no merge of its own: its work was on the target already. */
  readonly outcome: 'merged' | 'done' | 'failed' | 'cancelled';
  readonly workflow: TaskExecution['workflow'];
  readonly unpriced: boolean;
  readonly attempts: number;
  /** Whether the first gate round passed; null when there was none. */
  readonly first_pass: boolean | null;
  readonly gate_rounds: number;
  readonly plan_rounds: number;
  readonly code_rounds: number;
  /** Decisions that a human answered, permissions left out. */
  readonly decisions: number;
  readonly models: Readonly<Partial<Record<Role, string>>>;
}

export type HistoryRow = AttemptRow | TaskRow;

/** The rows that a commit adds, by its events. `task` is the record after them. */
export function historyOf(task: TaskExecution, events: readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[]): HistoryRow[] {
  return events.flatMap(({ type, data }): HistoryRow[] => {
    if (type === 'attempt_ended') return task.attempts.filter((one) => one.attempt_id === data['attempt_id']).map((one) => attemptRow(task, one));
    return type === 'task_state' && (data['to'] === 'done' || data['to'] === 'failed') ? [taskRow(task)] : [];
  });
}

/** The rows of a task whose history was never written, as that of an older Baton or a rebuilt store. */
export function historyOfRecord(task: TaskExecution): HistoryRow[] {
  const attempts = task.attempts.filter((one) => one.ended_at !== null).map((one) => attemptRow(task, one));
  return task.state === 'done' || task.state === 'failed' ? [...attempts, taskRow(task)] : attempts;
}

export function attemptRow(task: TaskExecution, attempt: Attempt): AttemptRow {
  const at = attempt.ended_at ?? attempt.started_at;
  return {
    kind: 'attempt',
    at,
    task_id: task.task_id,
    ...subject(task),
    attempt_id: attempt.attempt_id,
    role: attempt.role,
    step_id: attempt.step_id,
    agent: attempt.agent,
    model: attempt.model,
    outcome: attempt.outcome,
    error_kind: attempt.error?.kind ?? null,
    usage: attempt.usage,
    turns: attempt.turns,
    cost_usd: attempt.cost_usd,
    seconds: between(attempt.started_at, at),
  };
}

function taskRow(task: TaskExecution): TaskRow {
  const at = task.completed_at ?? task.created_at;
  const judged = (role: Role): number => task.attempts.filter((one) => one.role === role && one.outcome === 'succeeded').length;
  return {
    kind: 'task',
    at,
    task_id: task.task_id,
    ...subject(task),
    outcome: outcomeOf(task),
    error_kind: task.error?.kind ?? null,
    workflow: task.workflow,
    cost_usd: task.unpriced && task.total_cost_usd === 0 ? null : task.total_cost_usd,
    unpriced: task.unpriced,
    seconds: between(task.started_at ?? at, at),
    attempts: task.attempts.length,
    first_pass: task.quality_gate_results[0]?.passed ?? null,
    gate_rounds: task.quality_gate_results.length,
    plan_rounds: judged('plan_reviewer'),
    code_rounds: judged('code_reviewer'),
    decisions: task.decisions.filter((one) => one.kind !== 'permission' && one.answer !== null).length,
    models: { ...task.models },
  };
}

function outcomeOf(task: TaskExecution): TaskRow['outcome'] {
  if (task.state === 'done') return task.head_sha !== null && task.merge_sha !== null ? 'merged' : 'done';
  return task.error?.kind === 'cancelled' ? 'cancelled' : 'failed';
}

function subject(task: TaskExecution): Pick<Row, 'area' | 'risk' | 'complexity'> {
  return { area: areaOf(task.task_def), risk: riskOf(task.task_def), complexity: task.task_def.complexity ?? null };
}

function between(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}
