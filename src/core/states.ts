/** The task and step state machines: which states exist and which edges between them are legal. */
import { BatonError } from './errors.ts';

export const TASK_STATES = [
  'new',
  'planning',
  'plan_review',
  'plan_approved',
  'plan_rejected',
  'implementing',
  'code_review',
  'quality_gate',
  'awaiting_human_review',
  'done',
  'failed',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

export const STEP_STATES = [
  'pending',
  'implementing',
  'code_review',
  'approved',
  'rejected',
  'retry',
  'completed',
  'failed',
] as const;
export type StepState = (typeof STEP_STATES)[number];

/** Edges besides the two that every non-terminal state has (parked, failed). */
const TASK_EDGES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  new: ['planning', 'implementing'],
  planning: ['plan_review', 'plan_approved'],
  plan_review: ['plan_approved', 'plan_rejected'],
  plan_rejected: ['planning', 'plan_approved'],
  plan_approved: ['implementing'],
  implementing: ['code_review', 'quality_gate'],
  code_review: ['implementing', 'quality_gate'],
  quality_gate: ['done', 'implementing'],
  // The state its decision names; never done: an approved merge goes through quality_gate first.
  awaiting_human_review: ['new', 'planning', 'plan_review', 'plan_approved', 'implementing', 'code_review', 'quality_gate'],
  done: ['new'],
  failed: ['new'],
};

const STEP_EDGES: Readonly<Record<StepState, readonly StepState[]>> = {
  pending: ['implementing'],
  implementing: ['code_review', 'completed', 'retry', 'failed'],
  code_review: ['approved', 'rejected', 'retry', 'failed'],
  approved: ['completed'],
  rejected: ['retry', 'approved', 'failed'],
  retry: ['implementing'],
  completed: [],
  failed: ['pending'],
};

/** True for the states in which a task rests for good: done and failed. */
export function isTerminal(state: TaskState): boolean {
  return state === 'done' || state === 'failed';
}

/** True when the task is neither finished nor waiting for a human. */
export function isActive(state: TaskState): boolean {
  return !isTerminal(state) && state !== 'awaiting_human_review';
}

export function isTaskEdge(from: TaskState, to: TaskState): boolean {
  if (TASK_EDGES[from].includes(to)) return true;
  if (isTerminal(from)) return false;
  return to === 'failed' || (to === 'awaiting_human_review' && from !== 'awaiting_human_review');
}

export function isStepEdge(from: StepState, to: StepState): boolean {
  return STEP_EDGES[from].includes(to);
}

/** Throws `illegal_transition` unless the task machine has the edge. */
export function assertTaskEdge(taskId: string, from: TaskState, to: TaskState): void {
  if (!isTaskEdge(from, to)) {
    throw new BatonError('illegal_transition', `Task ${taskId} cannot go from ${from} to ${to}.`);
  }
}

/** Throws `illegal_transition` unless the step machine has the edge. */
export function assertStepEdge(taskId: string, stepId: string, from: StepState, to: StepState): void {
  if (!isStepEdge(from, to)) {
    throw new BatonError('illegal_transition', `Step ${stepId} of task ${taskId} cannot go from ${from} to ${to}.`);
  }
}

/** Reads a task state as a user may type it (`awaiting_human` is accepted); undefined when it is none. */
export function parseTaskState(text: string): TaskState | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'awaiting_human') return 'awaiting_human_review';
  return TASK_STATES.find((state) => state === word);
}
