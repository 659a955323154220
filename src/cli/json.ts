/** The public JSON shapes of the commands. Keys may be added; none is renamed or removed. */
import type { DecisionKind, TaskExecution } from '../core/execution.ts';
import { isActive, TASK_STATES, type TaskState } from '../core/states.ts';
import type { PriorityBreakdown } from '../core/priority.ts';
import type { CostView, Snapshot, TaskView } from '../shared/api.ts';
import { secondsSince } from './format.ts';

export interface QueueEntry {
  readonly id: string;
  readonly goal: string;
  readonly state: TaskState;
  readonly score: number;
  readonly base_score: number;
  readonly components: PriorityBreakdown;
  readonly wait_seconds: number;
  readonly position: number | null;
  readonly eta_start: string | null;
  readonly eta_done: string | null;
  readonly why: string;
}
export interface QueueDocument {
  readonly tasks: readonly QueueEntry[];
}

export interface SummaryDocument {
  readonly total_tasks: number;
  readonly by_state: Readonly<Record<TaskState, number>>;
  readonly active_tasks: number;
  readonly needs_human_review: number;
  readonly total_cost_usd: number;
  /** Some call had no price: the sum is a lower bound. */
  readonly unpriced: boolean;
  /** Of today (UTC) by agent, model, role and area, and of the latest days. */
  readonly cost: CostView;
}

export interface TaskEntry {
  readonly id: string;
  readonly goal: string;
  readonly state: TaskState;
  readonly risk: string;
  readonly area: string;
  readonly total_cost_usd: number;
  /** Some call had no price: the sum is a lower bound. */
  readonly unpriced: boolean;
  readonly error: string | null;
  readonly eta_start: string | null;
  readonly eta_done: string | null;
  readonly decisions: readonly { readonly id: string; readonly kind: DecisionKind; readonly question: string; readonly since: string }[];
  /** `review` only: the changed files, what to look at first first. */
  readonly review_order?: readonly { readonly path: string; readonly level: string; readonly reason: string; readonly added: number | null; readonly removed: number | null }[];
}
export interface TasksDocument {
  readonly tasks: readonly TaskEntry[];
}

/** The state file's object. */
export type TaskDocument = TaskExecution;

export interface RunDocument {
  readonly run_id: string;
  readonly completed: number;
  readonly failed: number;
  readonly needs_review: number;
  readonly duration_seconds: number;
  readonly total_cost_usd: number;
  /** Some call had no price: the sum is a lower bound. */
  readonly unpriced: boolean;
  readonly tasks: readonly { readonly id: string; readonly state: TaskState }[];
}

export interface DoctorDocument {
  readonly ok: boolean;
  /** `ok` is false for an error alone; `note` is something that could be there and need not. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly level: 'fine' | 'note' | 'warning' | 'error'; readonly message: string; readonly fix: string | null }[];
}

/** What a command that changes something says. */
export interface ChangeDocument {
  readonly ok: true;
  readonly dry_run: boolean;
  readonly message: string;
  readonly task_id?: string;
  /** clean-state: the tasks whose state was removed, or would be. */
  readonly task_ids?: readonly string[];
  /** edit: where the definition stands. */
  readonly file?: string;
  readonly line?: number;
}

export interface ErrorDocument {
  readonly error: { readonly kind: string; readonly message: string; readonly file?: string; readonly line?: number };
}

/** The oldest open decision first. */
export function openDecisionsOf(task: TaskView): TaskView['decisions'] {
  return task.decisions.filter((decision) => decision.status === 'open').sort((a, b) => a.since.localeCompare(b.since));
}

/** Parked for a human, or asking one while its state stays (permission, question). */
export function needsHuman(task: TaskView): boolean {
  return task.state === 'awaiting_human_review' || openDecisionsOf(task).length > 0;
}

/** The tasks that are not finished and not at work, in the order in which they would start. */
export function queueOf(snapshot: Snapshot): TaskView[] {
  const last = Number.POSITIVE_INFINITY;
  return snapshot.tasks
    .filter((task) => task.group === 'waiting' || task.group === 'held' || task.group === 'needs_you')
    .sort((a, b) => (a.position ?? last) - (b.position ?? last) || 0);
}

export function queueDocument(snapshot: Snapshot): QueueDocument {
  return {
    tasks: queueOf(snapshot).map((task) => ({
      id: task.id,
      goal: task.goal,
      state: task.state,
      score: task.score,
      base_score: task.base_score,
      components: componentsOf(task.components),
      wait_seconds: Math.floor(secondsSince(task.created_at, snapshot.at)),
      position: task.position,
      eta_start: task.eta_start,
      eta_done: task.eta_done,
      why: task.why,
    })),
  };
}

/** The documented keys alone: the engine's object may hold more. */
function componentsOf({ urgency, deadline, sender, age_boost, vip_bonus }: PriorityBreakdown): PriorityBreakdown {
  return { urgency, deadline, sender, age_boost, vip_bonus };
}

export function summaryDocument(snapshot: Snapshot): SummaryDocument {
  const byState = Object.fromEntries(TASK_STATES.map((state) => [state, 0])) as Record<TaskState, number>;
  for (const task of snapshot.tasks) byState[task.state] += 1;
  return {
    total_tasks: snapshot.tasks.length,
    by_state: byState,
    active_tasks: snapshot.tasks.filter((task) => isActive(task.state)).length,
    needs_human_review: snapshot.tasks.filter(needsHuman).length,
    total_cost_usd: snapshot.cost.total_usd,
    unpriced: snapshot.cost.unpriced,
    cost: snapshot.cost,
  };
}

export function tasksDocument(tasks: readonly TaskView[]): TasksDocument {
  return {
    tasks: tasks.map((task) => ({
      id: task.id,
      goal: task.goal,
      state: task.state,
      risk: task.risk,
      area: task.area,
      total_cost_usd: task.cost_usd,
      unpriced: task.unpriced,
      error: task.error,
      eta_start: task.eta_start,
      eta_done: task.eta_done,
      decisions: openDecisionsOf(task).map(({ id, kind, question, since }) => ({ id, kind, question, since })),
    })),
  };
}
