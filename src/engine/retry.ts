/** Trying a task again: one that waits gets its next attempt now, one that has failed is queued again, where it was or from scratch. */
import { BatonError } from '../core/errors.ts';
import type { TaskExecution } from '../core/execution.ts';
import type { Command, CommandReply } from '../shared/api.ts';
import { removeWork, saveWork } from './housekeeping.ts';
import { forgiveFailures, setStep } from './lifecycle.ts';
import type { Loop } from './loop.ts';
import type { PipelineContext } from './pipeline/context.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/** A failed task starts again where it can; a task that waits for its next attempt gets it now. */
export async function retry(context: PipelineContext, loop: Loop, { task_id: taskId, fresh = false }: Of<'retry'>): Promise<CommandReply> {
  const { lifecycle, accounts } = context;
  const task = lifecycle.get(taskId);
  await accounts.reopenSignIns();
  if (task.state !== 'failed') {
    if (task.not_before === null) throw nothingToRetry(task);
    await lifecycle.change(taskId, (draft) => {
      draft.not_before = null;
      return [{ type: 'retry_now' }];
    });
    return { message: `Task ${taskId} is tried again now.`, task_id: taskId };
  }
  // A run that has just failed is about to end.
  await loop.ended(taskId);
  const done = await loop.aside(taskId, async () => {
    const now = lifecycle.get(taskId);
    if (now.state !== 'failed') throw nothingToRetry(now);
    if (fresh) await startOver(context, now);
    await lifecycle.transition(taskId, 'new', fresh ? 'run again from scratch' : 'run again', (draft) => {
      runAgain(draft, lifecycle.now());
      if (fresh) forgetPlace(draft);
      return undefined;
    });
  });
  if (!done) throw new BatonError('conflict', `Task ${taskId} is being queued again already.`, { hint: `See it with: baton task ${taskId}.` });
  return { message: `Task ${taskId} is queued again${fresh ? ' from scratch' : ''}.`, task_id: taskId };
}

function nothingToRetry({ task_id: id, state }: TaskExecution): BatonError {
  return new BatonError('conflict', `Task ${id} is ${state}: there is nothing to retry.`, { hint: 'Only a failed or waiting task can be retried.' });
}

/** Its steps are forgotten before their commits go: a crash in between must not leave a task that goes on after steps whose work is nowhere. */
async function startOver(context: PipelineContext, task: TaskExecution): Promise<void> {
  await saveWork(context, task);
  await context.lifecycle.change(task.task_id, (draft) => {
    forgetWork(draft);
    return undefined;
  });
  await removeWork(context, task);
}

function forgetWork(draft: TaskExecution): void {
  draft.steps = [];
  draft.plan = null;
  draft.plan_review = null;
  draft.workflow_reason = '';
  draft.sessions = {};
  draft.feedback = null;
  draft.permissions = [];
  draft.taken_over = null;
  draft.threads = [];
  for (const attempt of draft.attempts) attempt.answer = null;
}

function forgetPlace(draft: TaskExecution): void {
  draft.worktree = null;
  draft.prepared_at = null;
  draft.branch = null;
  draft.target_branch = null;
  draft.base_sha = null;
  draft.head_sha = null;
  delete draft.pull_request;
}

/** Keeps plan, completed steps, branch and cost, zeroes the counters. */
function runAgain(draft: TaskExecution, at: string): void {
  forgiveFailures(draft);
  draft.not_before = null;
  for (const step of draft.steps) {
    // What waits for its review goes on there: nobody implements it again.
    if (step.state === 'implementing') setStep(draft, step.step_id, 'failed', at);
    if (step.state === 'failed') setStep(draft, step.step_id, 'pending', at);
    if (step.state === 'completed') continue;
    step.attempt = 0;
    step.rejections = 0;
  }
}
