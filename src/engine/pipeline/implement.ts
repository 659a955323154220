/** The implementer's turn: one attempt at the current step, then a commit by Baton. */
import { continuationPrompt, implementerPrompt } from '../../core/prompt.ts';
import { currentStep, emptyUsage, type Attempt, type StepExecution, type TaskExecution } from '../../core/execution.ts';
import { setStep, stepOf } from '../lifecycle.ts';
import type { AgentInfo } from '../ports.ts';
import { runAttempt } from './attempt.ts';
import { lastCheckpoint, type PhaseResult, type PipelineContext } from './context.ts';
import { handleFailure, type Failure } from './failure.ts';
import type { Run } from './run.ts';

/** Drivers whose sessions can be gone on with. */
const RESUMABLE: readonly string[] = ['claude', 'codex', 'acp'];

export async function implement(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  const step = currentStep(task);
  if (!step) {
    await context.lifecycle.transition(task.task_id, 'quality_gate', 'every step is done');
    return 'again';
  }
  if (finishedUnrecorded(task, step)) return completeStep(context, run, step.step_id, '', task.attempts.at(-1)?.agent ?? '');
  const failed = failedUnrecorded(task, step);
  if (failed) return handleFailure(context, task.task_id, failed);
  const choice = context.agentFor(task);
  if (choice.kind === 'none' || !run.needsSlot || !context.mayStartAttempt() || task.worktree === null) return 'leave';
  const { agent } = choice;

  const resume = RESUMABLE.includes(agent.config.driver) ? (task.sessions[agent.name] ?? null) : null;
  await cleanUpAfterInterruption(context, task, resume);
  const started = await openAttempt(context, task, step, agent, choice.model, choice.reason);
  const attempt = started.attempts.at(-1);
  if (!attempt) return 'leave';
  const end = await runAttempt(context, run, {
    task: started,
    attempt,
    request: {
      task_id: task.task_id,
      attempt_id: attempt.attempt_id,
      number: attempt.number,
      role: 'implementer',
      step_id: step.step_id,
      mark: attempt.mark,
      agent: agent.config,
      model: choice.model,
      cwd: task.worktree,
      prompt: promptFor(context, started, step, resume),
      resume,
      env: {
        BATON_TASK_ID: task.task_id,
        BATON_ROLE: 'implementer',
        BATON_STEP_ID: step.step_id,
        BATON_ATTEMPT: String(attempt.number),
        BATON_WORKTREE: task.worktree,
      },
      ...(task.task_def.budget_usd === undefined ? {} : { max_budget_usd: task.task_def.budget_usd }),
    },
  });
  if (run.signal.aborted) {
    await noteInterruption(context, run);
    return 'leave';
  }
  if (!end.ok) {
    const error = end.error ?? { kind: 'unknown', message: 'The agent failed without saying why.' };
    return handleFailure(context, task.task_id, { error, step_id: step.step_id, account: agent.account, agent: agent.name });
  }
  await context.accounts.succeeded(agent.account);
  return completeStep(context, run, step.step_id, end.result, agent.name);
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
  return { error: { kind, message, ...(status === undefined ? {} : { status }) }, step_id: step.step_id, account: last.account, agent: last.agent };
}

/** The latest attempt, while its step has not moved on. */
function lastAttempt(task: TaskExecution, step: StepExecution): Attempt | undefined {
  const last = task.attempts.at(-1);
  return step.state === 'implementing' && last?.step_id === step.step_id && last.number === step.attempt ? last : undefined;
}

/** The work becomes a commit. An attempt that changed nothing is not done, whatever it said. */
async function completeStep(context: PipelineContext, run: Run, stepId: string, summary: string, agent: string): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  if (task.worktree === null) return 'leave';
  run.activity = 'committing';
  context.changed();
  const { sha } = await context.ports.workspace.checkpoint(task.worktree, commitMessage(task, stepId));
  if (sha === lastCheckpoint(task)) {
    await context.lifecycle.change(task.task_id, (draft) => {
      draft.feedback = null;
      return undefined;
    });
    return handleFailure(context, task.task_id, {
      error: { kind: 'no_changes', message: 'The agent reported success but changed no file.' },
      step_id: stepId,
      account: null,
      agent,
    });
  }
  await context.lifecycle.change(task.task_id, (draft) => {
    const at = context.lifecycle.now();
    const step = setStep(draft, stepId, 'completed', at);
    step.implementation = { summary, commit: sha };
    draft.head_sha = sha;
    draft.feedback = null;
    draft.error = null;
    draft.not_before = null;
    draft.interruptions = 0;
    draft.unknown_failures = 0;
    return [{ type: 'step_completed', data: { step_id: stepId, commit: sha } }, ...context.decisions.closePermissions(draft)];
  });
  return 'again';
}

/** The attempt and the step's new state are stored before the agent starts, so that a crash leaves a trace to recover from. */
async function openAttempt(
  context: PipelineContext,
  task: TaskExecution,
  step: StepExecution,
  agent: AgentInfo,
  model: string | null,
  reason: string,
): Promise<TaskExecution> {
  return context.lifecycle.change(task.task_id, (draft) => {
    const at = context.lifecycle.now();
    const current = stepOf(draft, step.step_id);
    if (current.state !== 'implementing') {
      if (current.state === 'rejected') setStep(draft, step.step_id, 'retry', at);
      setStep(draft, step.step_id, 'implementing', at);
      current.attempt += 1;
    }
    current.implementer_model = model;
    draft.not_before = null;
    draft.models.implementer = model ?? agent.name;
    const attemptId = `a${draft.attempts.length + 1}`;
    const attempt: Attempt = {
      attempt_id: attemptId,
      role: 'implementer',
      step_id: step.step_id,
      number: current.attempt,
      agent: agent.name,
      driver: agent.config.driver,
      model,
      account: agent.account,
      mark: `${context.ports.repository.key}:${draft.task_id}:${attemptId}`,
      session_id: null,
      process: null,
      started_at: at,
      ended_at: null,
      outcome: 'running',
      error: null,
      exit_code: null,
      usage: emptyUsage(),
      cost_usd: null,
      turns: 0,
    };
    draft.attempts.push(attempt);
    const data = { attempt_id: attemptId, role: 'implementer', step_id: step.step_id, agent: agent.name, model, reason };
    return [{ type: 'routing', data }, { type: 'attempt_started', data }];
  });
}

/** An agent that died in the middle leaves half-done work: its session knows it, a new session must not trip over it. */
async function cleanUpAfterInterruption(context: PipelineContext, task: TaskExecution, resume: string | null): Promise<void> {
  const last = task.attempts.at(-1);
  const checkpoint = lastCheckpoint(task);
  if (last?.outcome !== 'interrupted' || resume !== null || task.worktree === null || checkpoint === null) return;
  await context.ports.workspace.reset(task.worktree, task.task_id, checkpoint);
}

async function noteInterruption(context: PipelineContext, run: Run): Promise<void> {
  if (run.aborted !== 'stop') return;
  await context.lifecycle.change(run.taskId, (draft) => {
    draft.interruptions += 1;
    return [{ type: 'interrupted', data: { reason: 'Baton was stopped', in_a_row: draft.interruptions } }];
  });
}

function promptFor(context: PipelineContext, task: TaskExecution, step: StepExecution, resume: string | null): string {
  const gates = (context.config().gates ?? []).map((gate) => ({ name: gate.name, run: gate.run }));
  if (resume === null) return implementerPrompt({ task: task.task_def, step: step.definition, gates, feedback: task.feedback, error: task.error });
  const previous = task.attempts.at(-2);
  return continuationPrompt({
    task: task.task_def,
    step: step.definition,
    feedback: task.feedback,
    interrupted: previous?.outcome === 'interrupted',
    error: task.error,
  });
}

function commitMessage(task: TaskExecution, stepId: string): string {
  return `${task.task_def.goal}\n\nStep ${stepId} of task ${task.task_id}.\n`;
}
