/** Planning: a planner's plan, on its way to a reviewer, to the human or straight to work, and its steps once it is approved. */
import type { TaskExecution } from '../../core/execution.ts';
import { orderSteps, planPaths } from '../../core/planSteps.ts';
import { plannerPrompt } from '../../core/prompts/planner.ts';
import type { Plan } from '../../core/roles.ts';
import { riskOf } from '../../core/task.ts';
import { followPlan } from '../../core/threads.ts';
import { addStep, type Mutation } from '../lifecycle.ts';
import { ask } from './ask.ts';
import { gateLines, type PhaseResult, type PipelineContext } from './context.ts';
import type { Run } from './run.ts';
import { consumeAnswer, noteProgress } from './turn.ts';

/** planning → plan_review, or where no reviewer is there → plan_approved or the human. */
export async function plan(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  const asked = await ask(context, run, {
    role: 'planner',
    step: null,
    keepsSession: true,
    prompt: (template) =>
      plannerPrompt({ task: task.task_def, gates: gateLines(context), rejected: task.plan, feedback: task.feedback }, template.text),
    again: task.feedback === null ? undefined : `Your plan for "${task.task_def.goal}" was sent back:\n\n${task.feedback.trim()}\n\nMake a new, complete plan that answers this, as one JSON object in the form that was described.\n`,
    check: (made) => pathFault(context, task, made),
  });
  if (asked.kind !== 'answer') return asked.kind;
  const { value, attempt } = asked;
  const keep: Mutation = (draft) => {
    const closed = consumeAnswer(context, draft, attempt.attempt_id);
    noteProgress(draft);
    draft.plan = value;
    followPlan(draft, value);
    return [{ type: 'plan', data: { attempt_id: attempt.attempt_id, steps: value.steps.length, summary: value.summary ?? null } }, ...closed];
  };
  if (context.staffing.isStaffed(task, 'plan_reviewer')) {
    await context.lifecycle.transition(task.task_id, 'plan_review', `planned in ${count(value)}`, keep);
    return 'again';
  }
  return settlePlan(context, task, value, `planned in ${count(value)}; there is no reviewer`, 'there is no reviewer', keep);
}

/** An approved plan goes to work, or to the human first where the policy says so. */
export async function settlePlan(
  context: PipelineContext,
  task: TaskExecution,
  value: Plan,
  why: string,
  review: string,
  keep: Mutation,
  mustAsk?: string,
): Promise<PhaseResult> {
  const reason = mustAsk ?? askReason(context, task);
  if (reason === undefined) {
    await context.lifecycle.transition(task.task_id, 'plan_approved', why, keep);
    return 'again';
  }
  await context.decisions.park(
    task.task_id,
    {
      kind: 'plan',
      question: `Approve the plan for "${task.task_def.goal}" (${count(value)})?`,
      detail: { reason, review, plan: value },
      resume_state: 'plan_approved',
    },
    `waits for the plan's approval: ${reason}`,
    keep,
  );
  return 'leave';
}

/** plan_approved → implementing, with a step for each step of the plan, each after those it depends on. */
export async function beginSteps(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  await context.lifecycle.transition(task.task_id, 'implementing', 'the plan is approved', (draft) => {
    if (draft.steps.length > 0) return undefined;
    const steps = draft.plan === null ? [] : orderSteps(draft.plan);
    for (const step of steps) addStep(draft, { ...step });
    if (steps.length === 0) addStep(draft, { id: 'implement', description: draft.task_def.goal });
    return undefined;
  });
  return 'again';
}

function askReason(context: PipelineContext, task: TaskExecution): string | undefined {
  const policy = context.config().approval.plan;
  if (policy === 'always') return 'approval.plan asks for every plan';
  return policy === 'high' && riskOf(task.task_def) === 'high' ? 'the task is of high risk' : undefined;
}

/** Wherever a plan comes from: no path in it may lead out of the worktree. */
export async function pathFault(context: PipelineContext, task: TaskExecution, value: Plan): Promise<string | undefined> {
  if (task.worktree === null) return undefined;
  for (const path of planPaths(value)) {
    if ((await context.ports.resolvePath(task.worktree, path)) === null) return `steps: the file ${JSON.stringify(path)} leads out of the working directory`;
  }
  return undefined;
}

function count(value: Plan): string {
  return value.steps.length === 1 ? '1 step' : `${value.steps.length} steps`;
}
