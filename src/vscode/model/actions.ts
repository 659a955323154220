/** What may be done with a task or a decision now: the one rule behind menus, palette lists and handlers. */
import type { Decision, DecisionKind, Verdict } from '../../core/execution.ts';
import { isTerminal } from '../../core/states.ts';
import type { TaskView } from '../../shared/api.ts';

export const TASK_ACTIONS = [
  'approve',
  'reject',
  'requestChanges',
  'answer',
  'review',
  'report',
  'transcript',
  'worktree',
  'retry',
  'retryFresh',
  'cancel',
  'runNext',
  'move',
  'clearPlace',
  'message',
  'takeOver',
  'handBack',
  'openFile',
  'delete',
] as const;
export type TaskAction = (typeof TASK_ACTIONS)[number];

/** Everything that applies to a task, in the order of TASK_ACTIONS. */
export function actionsOf(task: TaskView): TaskAction[] {
  return TASK_ACTIONS.filter((action) => applies(action, task));
}

export function applies(action: TaskAction, task: TaskView): boolean {
  switch (action) {
    case 'approve':
      return decisionFor(task, 'approve') !== undefined;
    case 'reject':
      return decisionFor(task, 'reject') !== undefined;
    case 'requestChanges':
      return decisionFor(task, 'request_changes') !== undefined;
    case 'answer':
      return openDecisions(task).some(isAnswered);
    case 'review':
      return task.branch !== null && task.base_sha !== null;
    case 'report':
      return task.started_at !== null;
    case 'transcript':
      return task.attempt_id !== null || task.started_at !== null;
    case 'worktree':
      return task.worktree !== null;
    case 'retryFresh':
      return task.state === 'failed';
    case 'retry':
      // A task that waits for its next attempt may have it now.
      return task.state === 'failed' || (task.not_before !== null && !isTerminal(task.state) && !isRunning(task));
    case 'cancel':
      return !isTerminal(task.state);
    case 'runNext':
    case 'move':
      return isQueued(task);
    case 'clearPlace':
      return task.placed && isQueued(task);
    case 'message':
      return isRunning(task);
    case 'takeOver':
      return task.state === 'implementing' && task.worktree !== null && typeof task.taken_over !== 'string';
    case 'handBack':
      return typeof task.taken_over === 'string';
    case 'openFile':
      return task.source !== null;
    case 'delete':
      return isTerminal(task.state) || (task.started_at === null && !isRunning(task));
  }
}

/** The engine is at work on it, be it that its agent waits for an answer. The activity is there only then. */
export function isRunning(task: TaskView): boolean {
  return task.activity !== null;
}

/** The task has a place in the queue that a user may change. */
export function isQueued(task: TaskView): boolean {
  return task.position !== null && !isTerminal(task.state) && !isRunning(task);
}

export function openDecisions(task: TaskView): Decision[] {
  return task.decisions.filter((decision) => decision.status === 'open');
}

/** Decisions that take more than yes, no or changes: their answers are offered in a list. */
export function isAnswered({ kind }: Decision): boolean {
  return kind === 'permission' || kind === 'question' || kind === 'budget';
}

/** Verdicts that a kind of decision takes. */
const VERDICTS_OF: Readonly<Record<DecisionKind, readonly Verdict[]>> = {
  start: ['approve', 'reject'],
  plan: ['approve', 'reject', 'request_changes'],
  permission: ['approve', 'reject'],
  code_review: ['approve', 'reject', 'request_changes'],
  merge: ['approve', 'reject', 'request_changes'],
  budget: ['approve', 'reject'],
  question: ['approve', 'reject', 'request_changes'],
};

export function takes(decision: Decision, verdict: Verdict): boolean {
  return VERDICTS_OF[decision.kind].includes(verdict);
}

/** The oldest open decision of the task that takes this verdict. */
export function decisionFor(task: TaskView, verdict: Verdict): Decision | undefined {
  return openDecisions(task)
    .filter((decision) => takes(decision, verdict))
    .sort((a, b) => (a.since < b.since ? -1 : 1))[0];
}
