/** The review of a step's code: approved completes the step, anything else goes back to the implementer, and the third time to the human. */
import { currentStep, type Judged, type StepExecution, type TaskExecution } from '../../core/execution.ts';
import { codeReviewerPrompt, findings, reviewFeedback } from '../../core/prompts/codeReviewer.ts';
import type { CodeReview } from '../../core/roles.ts';
import { riskOf } from '../../core/task.ts';
import { completeStep, setStep, stepOf, type EventDraft } from '../lifecycle.ts';
import { ask } from './ask.ts';
import { gateLines, type PhaseResult, type PipelineContext } from './context.ts';
import type { Run } from './run.ts';
import { consumeAnswer, noteProgress } from './turn.ts';
import { isSelfReview, MAX_REJECTIONS } from './verdict.ts';

/** code_review → implementing (next step, or this one again) | quality_gate | the human. */
export async function reviewCode(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  const step = currentStep(task);
  if (step?.state !== 'code_review') {
    await context.lifecycle.transition(task.task_id, step ? 'implementing' : 'quality_gate', step ? 'on with the next step' : 'every step is done');
    return 'again';
  }
  const asked = await ask(context, run, {
    role: 'code_reviewer',
    step,
    keepsSession: false,
    prompt: async (template) =>
      codeReviewerPrompt(
        {
          task: task.task_def,
          step: step.definition,
          diff: await diffOf(context, task, step),
          summary: step.implementation?.summary ?? '',
          gates: gateLines(context),
          previous: step.code_review,
        },
        template.text,
      ),
  });
  if (asked.kind !== 'answer') return asked.kind;
  const { value, attempt } = asked;
  const self_reviewed = isSelfReview(context, context.lifecycle.get(task.task_id), attempt);
  const review: Judged<CodeReview> = { ...value, self_reviewed };
  const model = attempt.model ?? attempt.agent;
  const event = {
    type: 'code_review',
    data: { attempt_id: attempt.attempt_id, step_id: step.step_id, status: review.status, self_reviewed, findings: review.required_changes?.length ?? 0 },
  };
  const record = (draft: TaskExecution): EventDraft[] => {
    const closed = consumeAnswer(context, draft, attempt.attempt_id);
    noteProgress(draft);
    const own = stepOf(draft, step.step_id);
    own.code_review = review;
    own.reviewer_model = model;
    return [event, ...closed];
  };
  return review.status === 'approved' ? approve(context, task, step, review, record) : reject(context, task, step, review, record);
}

/** Puts the review into the draft of what follows from it. */
type Recorder = (draft: TaskExecution) => EventDraft[];

async function approve(context: PipelineContext, task: TaskExecution, step: StepExecution, review: Judged<CodeReview>, record: Recorder): Promise<PhaseResult> {
  if (review.self_reviewed === true && riskOf(task.task_def) === 'high') {
    const why = 'the task is of high risk and the reviewer is the author’s own model';
    await context.decisions.park(
      task.task_id,
      { kind: 'code_review', question: `Approve step ${step.step_id} of "${task.task_def.goal}"? Its reviewer is the author's own model.`, detail: detailOf(step, review, why), resume_state: 'implementing', head_sha: task.head_sha },
      why,
      record,
    );
    return 'leave';
  }
  const last = task.steps.every((one) => one.step_id === step.step_id || one.state === 'completed');
  const why = `the reviewer approves step ${step.step_id}${review.self_reviewed === true ? ' (self-reviewed)' : ''}`;
  await context.lifecycle.transition(task.task_id, last ? 'quality_gate' : 'implementing', why, (draft) => {
    const events = record(draft);
    const at = context.lifecycle.now();
    setStep(draft, step.step_id, 'approved', at);
    return [...events, completeStep(draft, step.step_id, at)];
  });
  return 'again';
}

async function reject(context: PipelineContext, task: TaskExecution, step: StepExecution, review: Judged<CodeReview>, record: Recorder): Promise<PhaseResult> {
  const rejections = (step.rejections ?? 0) + 1;
  const round = `the reviewer says ${review.status} to step ${step.step_id} (round ${rejections} of ${MAX_REJECTIONS})`;
  const settle: Recorder = (draft) => {
    const events = record(draft);
    stepOf(draft, step.step_id).rejections = rejections;
    setStep(draft, step.step_id, 'rejected', context.lifecycle.now());
    draft.feedback = reviewFeedback(review);
    return events;
  };
  if (rejections >= MAX_REJECTIONS) {
    const why = `step ${step.step_id} was rejected ${rejections} times`;
    await context.decisions.park(
      task.task_id,
      {
        kind: 'code_review',
        question: `Step ${step.step_id} of "${task.task_def.goal}" was rejected ${rejections} times. Approve it all the same?\n\n${findings(review)}`,
        detail: detailOf(step, review, why),
        resume_state: 'implementing',
        head_sha: task.head_sha,
      },
      why,
      settle,
    );
    return 'leave';
  }
  await context.lifecycle.transition(task.task_id, 'implementing', `${round}: back to the implementer`, (draft) => {
    const events = settle(draft);
    setStep(draft, step.step_id, 'retry', context.lifecycle.now());
    const data = { step_id: step.step_id, attempt: rejections + 1, max_attempts: MAX_REJECTIONS, reason: round, message: findings(review), kind: 'review_rejected' };
    return [...events, { type: 'retry', data }];
  });
  return 'again';
}

function detailOf(step: StepExecution, review: Judged<CodeReview>, reason: string): Record<string, unknown> {
  return { reason, step_id: step.step_id, review, findings: review.required_changes ?? [], commit: step.implementation?.commit ?? null };
}

/** What the step changed, all its attempts together: since the step before it, or since the task began. */
async function diffOf(context: PipelineContext, task: TaskExecution, step: StepExecution): Promise<string> {
  const index = task.steps.findIndex((one) => one.step_id === step.step_id);
  const base = task.steps.slice(0, index).findLast((one) => one.implementation?.commit)?.implementation?.commit ?? task.base_sha;
  const head = step.implementation?.commit ?? task.head_sha;
  return task.worktree === null || base === null || head === null ? '' : context.ports.workspace.diff(task.worktree, base, head);
}
