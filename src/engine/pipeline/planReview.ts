/** The review of a plan: approved goes to work, anything else back to the planner, and the third time to the human. */
import { planConcerns, planReviewerPrompt } from '../../core/prompts/planner.ts';
import type { PlanReview } from '../../core/roles.ts';
import { riskOf } from '../../core/task.ts';
import type { Judged } from '../../core/execution.ts';
import { ask } from './ask.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { settlePlan } from './plan.ts';
import type { Run } from './run.ts';
import { isSelfReview, MAX_REJECTIONS } from './verdict.ts';
import { consumeAnswer, noteProgress } from './turn.ts';

/** plan_review → plan_approved | plan_rejected | the human. */
export async function reviewPlan(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  const { plan } = task;
  if (plan === null) throw new Error(`Task ${task.task_id} has no plan to review.`);
  const asked = await ask(context, run, {
    role: 'plan_reviewer',
    step: null,
    keepsSession: false,
    prompt: (template) => planReviewerPrompt({ task: task.task_def, plan, previous: task.plan_review?.status === 'approved' ? null : task.plan_review }, template.text),
  });
  if (asked.kind !== 'answer') return asked.kind;
  const { value, attempt } = asked;
  const self_reviewed = isSelfReview(context, context.lifecycle.get(task.task_id), attempt);
  const review: Judged<PlanReview> = { ...value, self_reviewed };
  const event = { type: 'plan_review', data: { attempt_id: attempt.attempt_id, status: review.status, self_reviewed, concerns: review.concerns ?? [] } };

  if (review.status === 'approved') {
    const mustAsk = self_reviewed && riskOf(task.task_def) === 'high' ? 'the task is of high risk and the reviewer is the planner’s own model' : undefined;
    const why = `the reviewer approves the plan${self_reviewed ? ' (self-reviewed)' : ''}`;
    return settlePlan(context, task, plan, why, 'approved', (draft) => {
      const closed = consumeAnswer(context, draft, attempt.attempt_id);
      noteProgress(draft);
      draft.plan_review = review;
      draft.plan_rejections = 0;
      return [event, ...closed];
    }, mustAsk);
  }
  const rejections = (task.plan_rejections ?? 0) + 1;
  await context.lifecycle.transition(task.task_id, 'plan_rejected', `the reviewer says ${review.status} (round ${rejections} of ${MAX_REJECTIONS})`, (draft) => {
    const closed = consumeAnswer(context, draft, attempt.attempt_id);
    noteProgress(draft);
    draft.plan_review = review;
    draft.plan_rejections = rejections;
    draft.feedback = planConcerns(review);
    return [event, ...closed, ...(rejections < MAX_REJECTIONS ? [retryEvent(rejections, review)] : [])];
  });
  return 'again';
}

/** plan_rejected → planning with the concerns, or → the human when that was the third time. */
export async function revisePlan(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  const { plan, plan_review: review, plan_rejections: rejections = 0 } = task;
  if (rejections < MAX_REJECTIONS || plan === null || review === null) {
    await context.lifecycle.transition(task.task_id, 'planning', 'back to the planner with the concerns');
    return 'again';
  }
  const concerns = planConcerns(review);
  const why = `the plan was rejected ${rejections} times`;
  await context.decisions.park(
    task.task_id,
    {
      kind: 'plan',
      question: `The plan for "${task.task_def.goal}" was rejected ${rejections} times. Use it all the same?\n\n${concerns}`,
      detail: { reason: why, review: review.status, concerns: review.concerns ?? [], plan_review: review, plan },
      resume_state: 'plan_approved',
    },
    why,
  );
  return 'leave';
}

function retryEvent(rejections: number, review: PlanReview) {
  return { type: 'retry', data: { role: 'planner', step_id: null, attempt: rejections + 1, max_attempts: MAX_REJECTIONS, reason: `plan ${review.status}`, message: planConcerns(review), kind: 'plan_rejected' } };
}
