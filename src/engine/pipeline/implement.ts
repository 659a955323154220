/** The implementer's turn: one attempt at the current step, then a commit by Baton. */
import { continuationPrompt, implementerPrompt } from '../../core/prompt.ts';
import { currentStep, type Attempt, type StepExecution, type TaskExecution } from '../../core/execution.ts';
import { completeStep, setStep, stepOf, type EventDraft } from '../lifecycle.ts';
import { gateLines, lastCheckpoint, type PhaseResult, type PipelineContext } from './context.ts';
import { handleFailure, type Failure } from './failure.ts';
import type { Run } from './run.ts';
import { threadsAt } from './threads.ts';
import { dropLeftovers } from './worktree.ts';
import { goOnWithTurn, mayTake, noteProgress, sessionOf, takeTurn, templateOf, type Taken } from './turn.ts';

const ALL_DONE = 'every step is done';

export async function implement(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  const step = currentStep(task);
  if (!step) {
    await context.lifecycle.transition(task.task_id, 'quality_gate', ALL_DONE);
    return 'again';
  }
  if (step.state === 'code_review') {
    await context.lifecycle.transition(task.task_id, 'code_review', `step ${step.step_id} waits for its review`);
    return 'again';
  }
  if (finishedUnrecorded(task, step)) return finishStep(context, run, step.step_id, '', task.attempts.at(-1)?.agent ?? '');
  await dropLeftovers(context, task.task_id);
  const failed = failedUnrecorded(task, step);
  if (failed) return handleFailure(context, task.task_id, failed);
  const adopted = await goOnWithTurn(context, run);
  if (adopted) return afterTurn(context, run, step.step_id, adopted);
  const chosen = mayTake(context, run, task, 'implementer');
  if (!chosen) return 'leave';
  const { model } = chosen;

  const resume = sessionOf(task, chosen, 'implementer');
  const template = await templateOf(context, 'implementer');
  await takeBackHalfDoneWork(context, task, resume);
  const taken = await takeTurn(context, run, {
    role: 'implementer',
    step,
    chosen,
    resume,
    prompt: promptFor(context, task, step, resume, template.text),
    template,
    open: (draft, at) => {
      const current = stepOf(draft, step.step_id);
      if (current.state !== 'implementing') {
        if (current.state === 'rejected') setStep(draft, step.step_id, 'retry', at);
        setStep(draft, step.step_id, 'implementing', at);
        current.attempt += 1;
      }
      current.implementer_model = model;
      return current.attempt;
    },
  });
  return afterTurn(context, run, step.step_id, taken);
}

async function afterTurn(context: PipelineContext, run: Run, stepId: string, { end, attempt }: Taken): Promise<PhaseResult> {
  const { account, agent } = attempt;
  if (end === undefined) return 'leave';
  if (!end.ok) {
    const error = end.error ?? { kind: 'unknown', message: 'The agent failed without saying why.' };
    return handleFailure(context, run.taskId, { error, role: 'implementer', step_id: stepId, account, agent });
  }
  await context.accounts.succeeded(attempt);
  return finishStep(context, run, stepId, end.result, agent);
}

/** A crash fell between the agent's end and the commit of its work: the attempt is not repeated. */
function finishedUnrecorded(task: TaskExecution, step: StepExecution): boolean {
  return lastAttempt(task, step)?.outcome === 'succeeded';
}

/** A crash fell between the agent's failure and its consequence: the failure counts all the same. */
function failedUnrecorded(task: TaskExecution, step: StepExecution): Failure | undefined {
  const last = lastAttempt(task, step);
  if (last?.outcome !== 'failed' || last.error === null) return undefined;
  const { kind, message, status } = last.error;
  return { error: { kind, message, ...(status === undefined ? {} : { status }) }, role: last.role, step_id: step.step_id, account: last.account, agent: last.agent };
}

/** The latest attempt, while its step has not moved on. */
function lastAttempt(task: TaskExecution, step: StepExecution): Attempt | undefined {
  const last = task.attempts.at(-1);
  return step.state === 'implementing' && last?.role === 'implementer' && last.step_id === step.step_id && last.number === step.attempt ? last : undefined;
}

/** The work becomes a commit. An attempt that changed nothing is not done, whatever it said. */
async function finishStep(context: PipelineContext, run: Run, stepId: string, summary: string, agent: string): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  if (task.worktree === null) return 'leave';
  run.activity = 'committing';
  context.changed();
  const { workspace } = context.ports;
  const { sha, changed } = await workspace.checkpoint(task.worktree, commitMessage(task, stepId));
  // By content: an agent may have made an empty commit of its own. After a crash the checkpoint may be there already.
  const before = lastCheckpoint(task);
  if (sha === before || (!changed && before !== null && (await workspace.changes(task.worktree, before, sha)).length === 0)) {
    await context.lifecycle.change(task.task_id, (draft) => {
      draft.feedback = null;
      return undefined;
    });
    return handleFailure(context, task.task_id, {
      error: { kind: 'no_changes', message: 'The agent reported success but changed no file.' },
      role: 'implementer',
      step_id: stepId,
      account: null,
      agent,
    });
  }
  const reviewed = task.workflow === 'reviewed' && context.staffing.isStaffed(task, 'code_reviewer');
  const last = task.steps.every((one) => one.step_id === stepId || one.state === 'completed');
  const follow = await threadsAt(context, task, sha);
  // The gates may need them next.
  const committed = reviewed || !last || task.base_sha === null ? null : { sha, changes: workspace.changes(task.worktree, task.base_sha, sha) };
  committed?.changes.catch(() => undefined); // told to whoever waits for them
  const record = (draft: TaskExecution): readonly EventDraft[] => {
    follow(draft);
    const at = context.lifecycle.now();
    const step = stepOf(draft, stepId);
    step.implementation = { summary, commit: sha };
    step.implementer_model = draft.attempts.at(-1)?.model ?? step.implementer_model;
    draft.head_sha = sha;
    noteProgress(draft);
    // The gates are let into the worktree next.
    if (committed !== null) draft.gated_at = at;
    const closed = context.decisions.closePermissions(draft);
    if (!reviewed) return [completeStep(draft, stepId, at), ...closed];
    setStep(draft, stepId, 'code_review', at);
    return [{ type: 'step_implemented', data: { step_id: stepId, commit: sha } }, ...closed];
  };
  if (reviewed) await context.lifecycle.transition(task.task_id, 'code_review', `step ${stepId} is implemented`, record);
  else if (last) await context.lifecycle.transition(task.task_id, 'quality_gate', ALL_DONE, record);
  else await context.lifecycle.change(task.task_id, record);
  run.committed = committed;
  return 'again';
}

/** An agent that died in the middle leaves half-done work: its session knows it, a new session must not trip over it. */
async function takeBackHalfDoneWork(context: PipelineContext, task: TaskExecution, resume: string | null): Promise<void> {
  const last = task.attempts.at(-1);
  const checkpoint = lastCheckpoint(task);
  const brokenOff = last?.outcome === 'interrupted' || last?.error?.kind === 'crashed';
  if (!brokenOff || resume !== null || task.worktree === null || checkpoint === null) return;
  await context.ports.workspace.reset(task.worktree, task.task_id, checkpoint);
}

function promptFor(context: PipelineContext, task: TaskExecution, step: StepExecution, resume: string | null, template: string): string {
  const gates = gateLines(context);
  if (resume === null) return implementerPrompt({ task: task.task_def, step: step.definition, plan: task.plan, gates, feedback: task.feedback, error: task.error }, template);
  return continuationPrompt({
    task: task.task_def,
    step: step.definition,
    feedback: task.feedback,
    interrupted: task.attempts.at(-1)?.outcome === 'interrupted',
    error: task.error,
  });
}

function commitMessage(task: TaskExecution, stepId: string): string {
  return `${task.task_def.goal}\n\nStep ${stepId} of task ${task.task_id}.\n`;
}
