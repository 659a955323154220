/**
 * Takes one task as far as it gets: looks at its stored state, runs the phase that belongs to it, and looks again.
 * Since every phase starts from what is stored, going on after a restart is the same as going on.
 */
import { messageOf } from '../../core/errors.ts';
import { isActive } from '../../core/states.ts';
import type { TaskExecution } from '../../core/execution.ts';
import { begin } from './begin.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { reviewCode } from './codeReview.ts';
import { resumeState } from './failure.ts';
import { implement } from './implement.ts';
import { finishLanded } from './merge.ts';
import { beginSteps, plan } from './plan.ts';
import { revisePlan, reviewPlan } from './planReview.ts';
import type { Committed, Run } from './run.ts';
import { verify } from './verify.ts';
import { dropLeftovers } from './worktree.ts';

/** Interruptions in a row before a human is asked. */
const MAX_INTERRUPTIONS = 3;

export async function drive(context: PipelineContext, run: Run): Promise<void> {
  let result: PhaseResult = 'again';
  while (result === 'again' && !run.signal.aborted) {
    const task = context.lifecycle.get(run.taskId);
    if (!isActive(task.state) || isWaiting(context, task)) return;
    const committed = run.committed;
    run.committed = null;
    try {
      result = await phase(context, run, task, committed);
    } catch (error) {
      if (run.aborted !== undefined) return;
      // Whoever looks at it may work in the worktree.
      await dropLeftovers(context, task.task_id).catch((second: unknown) => context.ports.log.error(`What gates left in the worktree of ${task.task_id} is still there`, second));
      await parkBroken(context, task.task_id, error);
      return;
    }
  }
}

async function phase(context: PipelineContext, run: Run, task: TaskExecution, committed: Committed | null): Promise<PhaseResult> {
  if (task.interruptions >= MAX_INTERRUPTIONS) return askAfterInterruptions(context, task);
  switch (task.state) {
    case 'new':
      return begin(context, run);
    case 'planning':
      return plan(context, run);
    case 'plan_review':
      return reviewPlan(context, run);
    case 'plan_rejected':
      return revisePlan(context, run);
    case 'plan_approved':
      return beginSteps(context, run);
    case 'implementing':
      return implement(context, run);
    case 'code_review':
      return reviewCode(context, run);
    case 'quality_gate':
      // What is sent back from here queues up where the agent is at its cap by then.
      run.leaveAgent();
      return task.merge_sha !== null && (await finishLanded(context, task)) ? 'leave' : verify(context, run, committed);
    default:
      throw new Error(`There is no phase for a task in state ${task.state}.`);
  }
}

async function askAfterInterruptions(context: PipelineContext, task: TaskExecution): Promise<PhaseResult> {
  const why = `It was interrupted ${task.interruptions} times in a row.`;
  await context.decisions.park(
    task.task_id,
    { kind: 'question', question: `${why} Go on with it?`, detail: { error: 'interrupted' }, resume_state: resumeState(task.state) },
    why,
  );
  return 'leave';
}

/** A fault of Baton or of the machine, not of the work: nothing is lost, a human looks. */
async function parkBroken(context: PipelineContext, taskId: string, error: unknown): Promise<void> {
  const message = messageOf(error);
  context.ports.log.error(`Task ${taskId} could not go on`, error);
  const task = context.lifecycle.get(taskId);
  if (!isActive(task.state)) return;
  await context.decisions.park(
    taskId,
    { kind: 'question', question: `Baton could not go on: ${message} Try again?`, detail: { error: 'internal', message }, resume_state: resumeState(task.state) },
    message,
    (draft) => {
      draft.error = { kind: 'internal', message, at: context.lifecycle.now() };
      return undefined;
    },
  );
}

function isWaiting(context: PipelineContext, task: TaskExecution): boolean {
  return task.not_before !== null && Date.parse(task.not_before) > context.ports.clock.now();
}
