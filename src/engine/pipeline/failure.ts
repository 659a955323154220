/** What follows a failed attempt: wait and try again, hold the account, ask the human, or fail (SPEC §7). */
import { formatDuration } from '../../core/format.ts';
import { classifyError, closesAccount, type ClassifiedError } from '../../core/classify.ts';
import { afterFailure } from '../../core/retry.ts';
import { areaOf } from '../../core/task.ts';
import { sessionKey, type Role, type TaskError, type TaskExecution } from '../../core/execution.ts';
import type { TaskState } from '../../core/states.ts';
import { setStep, stepOf } from '../lifecycle.ts';
import type { AgentEnd } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';

export interface Failure {
  readonly error: NonNullable<AgentEnd['error']>;
  /** Who failed; null while the workspace was being prepared. */
  readonly role: Role | null;
  /** The step that was at work; null while the workspace was being prepared. */
  readonly step_id: string | null;
  /** The account that was used; null when no agent was involved. */
  readonly account: string | null;
  readonly agent: string | null;
}

/** Stores the consequence of a failure. 'leave': the task waits, is parked or has failed; 'again': go on at once. */
export async function handleFailure(context: PipelineContext, taskId: string, failure: Failure): Promise<PhaseResult> {
  const task = context.lifecycle.get(taskId);
  if (failure.error.kind === 'session_not_found' && failure.agent !== null && failure.role !== null) {
    const key = sessionKey(failure.agent, failure.role);
    if (task.sessions[key] !== undefined) return forgetSession(context, task, failure, key);
  }
  const classified = classify(failure);
  if (classified.kind === 'budget' && reachedBudget(context, task)) return stopAtBudget(context, task, failure);
  const error: TaskError = {
    kind: classified.kind === 'unknown' ? failure.error.kind : classified.kind,
    message: failure.error.message,
    at: context.lifecycle.now(),
    ...(failure.error.status === undefined ? {} : { status: failure.error.status }),
  };
  const closes = failure.account === null ? undefined : closesAccount(classified.kind);
  if (closes === 'limit') return holdAccount(context, task, failure, failure.account ?? '', error);
  if (closes === 'sign_in') await context.accounts.closeForSignIn(failure.account ?? '', error.message);

  const attempt = task.retry_count + 1;
  // What could not be read was asked for again already: that was the one retry of an unknown error.
  const unknown = task.unknown_failures + (classified.kind === 'bad_output' ? 2 : classified.decision === 'unknown' ? 1 : 0);
  const next = afterFailure(context.config(), {
    area: areaOf(task.task_def),
    workflow: task.workflow,
    role: failure.role ?? 'implementer',
    error: classified,
    attempt,
    unknown,
  });
  switch (next.then) {
    case 'retry':
      return retryLater(context, task, failure, error, { seconds: next.delay_seconds, limit: next.max_attempts, attempt, unknown, reason: next.reason });
    case 'fail':
      return fail(context, task, failure, error, `${error.message} (${next.reason})`);
    case 'human':
      return askHuman(context, task, failure, error, `${error.message} (${next.reason})`);
  }
}

/** A setup command's last words are not an error message: only that it failed is known. */
function classify(failure: Failure): ClassifiedError {
  return failure.error.kind === 'setup_failed' ? classifyError({ kind: 'unknown' }) : classifyError(failure.error);
}

interface Wait {
  readonly seconds: number;
  readonly limit: number;
  readonly attempt: number;
  readonly unknown: number;
  readonly reason: string;
}

async function retryLater(context: PipelineContext, task: TaskExecution, failure: Failure, error: TaskError, wait: Wait): Promise<PhaseResult> {
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.retry_count = wait.attempt;
    draft.max_retries = wait.limit - 1;
    draft.unknown_failures = wait.unknown;
    draft.error = error;
    draft.not_before = new Date(context.ports.clock.now() + wait.seconds * 1000).toISOString();
    backToRetry(draft, failure, error);
    return [
      {
        type: 'retry',
        data: {
          role: failure.role,
          step_id: failure.step_id,
          attempt: wait.attempt + 1,
          max_attempts: wait.limit,
          delay_seconds: wait.seconds,
          reason: wait.reason,
          message: error.message,
          kind: error.kind,
        },
      },
    ];
  });
  context.ports.log.info(`${task.task_id}: attempt ${wait.attempt + 1} of ${wait.limit} in ${formatDuration(wait.seconds)}: ${error.message}`);
  return 'leave';
}

/** A provider's limit is nobody's fault: the account closes, the task keeps its count and its session. */
async function holdAccount(
  context: PipelineContext,
  task: TaskExecution,
  failure: Failure,
  account: string,
  error: TaskError,
): Promise<PhaseResult> {
  const hold = await context.accounts.closeForLimit(account, error.message, failure.error.resets_at ?? null);
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.error = error;
    backToRetry(draft, failure, error);
    return [{ type: 'held', data: { account, until: hold.until === null ? null : new Date(hold.until).toISOString(), reason: error.message } }];
  });
  return 'leave';
}

/** The agent stopped at what was left of a budget. One that spent nothing met a limit of its own, which Baton knows nothing of. */
function reachedBudget(context: PipelineContext, task: TaskExecution): boolean {
  return context.budgets.covers(task) && (task.attempts.at(-1)?.cost_usd ?? 0) > 0;
}

/** Nobody's fault: the task keeps its count and its session, and the loop asks about the budget. */
async function stopAtBudget(context: PipelineContext, task: TaskExecution, failure: Failure): Promise<PhaseResult> {
  const error: TaskError = { kind: 'budget', message: failure.error.message, at: context.lifecycle.now() };
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.error = error;
    backToRetry(draft, failure, error);
    return [{ type: 'budget_reached', data: { role: failure.role, step_id: failure.step_id, reason: failure.error.message } }];
  });
  return 'leave';
}

async function forgetSession(context: PipelineContext, task: TaskExecution, failure: Failure, key: string): Promise<PhaseResult> {
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.sessions = Object.fromEntries(Object.entries(draft.sessions).filter(([name]) => name !== key));
    backToRetry(draft, failure, null);
    return [{ type: 'session_lost', data: { agent: failure.agent, role: failure.role } }];
  });
  return 'again';
}

async function fail(context: PipelineContext, task: TaskExecution, failure: Failure, error: TaskError, why: string): Promise<PhaseResult> {
  await context.lifecycle.transition(task.task_id, 'failed', why, (draft) => {
    draft.error = error;
    if (failure.step_id !== null && failure.role === 'implementer') failStep(draft, failure.step_id, error);
    return context.decisions.withdraw(draft, () => true);
  });
  return 'leave';
}

async function askHuman(context: PipelineContext, task: TaskExecution, failure: Failure, error: TaskError, why: string): Promise<PhaseResult> {
  await context.decisions.park(
    task.task_id,
    {
      kind: 'question',
      question: `${why} Try again?`,
      detail: { error: error.kind, message: error.message, step_id: failure.step_id },
      resume_state: resumeState(task.state),
    },
    why,
    (draft) => {
      draft.error = error;
      backToRetry(draft, failure, error);
      return undefined;
    },
  );
  return 'leave';
}

/** Where a parked task goes on: a rejected plan is revised by planning. */
export function resumeState(state: TaskState): TaskState {
  return state === 'plan_rejected' ? 'planning' : state;
}

function backToRetry(draft: TaskExecution, failure: Failure, error: TaskError | null): void {
  // A reviewer's failure does not undo the work that it was to judge.
  if (failure.step_id === null || failure.role !== 'implementer') return;
  const step = stepOf(draft, failure.step_id);
  if (step.state === 'implementing' || step.state === 'code_review') setStep(draft, failure.step_id, 'retry', draft.history.at(-1)?.at ?? '', error);
}

function failStep(draft: TaskExecution, stepId: string, error: TaskError): void {
  const step = stepOf(draft, stepId);
  if (step.state === 'implementing' || step.state === 'code_review' || step.state === 'rejected') setStep(draft, stepId, 'failed', error.at, error);
}
