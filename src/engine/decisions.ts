/**
 * Decisions that only a human may settle: opened with the change that needs them, stored with the task, answered once.
 * An answer takes effect in the same commit that records it, so neither a crash nor a second click can apply it twice.
 */
import { readPlan } from '../core/answers.ts';
import { budgetDetail, readBudgetAnswer, type BudgetAnswer, type BudgetDetail } from '../core/budget.ts';
import { BatonError, messageOf } from '../core/errors.ts';
import { currentStep, openDecisions, type Always, type Decision, type DecisionAnswer, type DecisionKind, type TaskExecution } from '../core/execution.ts';
import { formatMoney } from '../core/format.ts';
import { ruleOf } from '../core/permissionGrant.ts';
import { conflictFeedback, redBaseFeedback } from '../core/prompt.ts';
import { RED_BASE } from './baseGates.ts';
import { findings } from '../core/prompts/codeReviewer.ts';
import { planConcerns } from '../core/prompts/planner.ts';
import type { CodeReview, Plan, PlanReview } from '../core/roles.ts';
import { markSent, openThreads, threadsPrompt } from '../core/threads.ts';
import type { TaskState } from '../core/states.ts';
import { Emitter } from './emitter.ts';
import { addStep, completeStep, type EventDraft, forgiveFailures, type Lifecycle, type Mutation, nextFixId, setStep } from './lifecycle.ts';
import type { Crypto, Log } from './ports.ts';

export interface DecisionDraft {
  readonly kind: DecisionKind;
  readonly question: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  /** Where the task goes on when approved. */
  readonly resume_state: TaskState;
  readonly head_sha?: string | null;
  readonly attempt_id?: string | null;
}

export type AnswerDraft = Omit<DecisionAnswer, 'at' | 'text' | 'input' | 'always'> & {
  readonly text?: string | undefined;
  readonly input?: Record<string, unknown> | undefined;
  readonly always?: Always | undefined;
};

export class Decisions {
  readonly #lifecycle: Lifecycle;
  readonly #crypto: Crypto;
  readonly #answered: Emitter<Decision>;

  constructor(lifecycle: Lifecycle, crypto: Crypto, log: Log) {
    this.#lifecycle = lifecycle;
    this.#crypto = crypto;
    this.#answered = new Emitter((error) => log.error('A listener of answered decisions failed', error));
  }

  /** Calls back with each decision right after its answer was stored. */
  get onAnswered(): Emitter<Decision>['event'] {
    return this.#answered.event;
  }

  /** Parks a task with a decision. */
  async park(taskId: string, decision: DecisionDraft, why: string, mutate?: Mutation): Promise<TaskExecution> {
    return this.#lifecycle.transition(taskId, 'awaiting_human_review', why, (draft) => [
      ...(mutate?.(draft) ?? []),
      ...this.#open(draft, decision),
    ]);
  }

  /** Opens a decision that leaves the task's state as it is (permission, a running agent's question). */
  async ask(taskId: string, decision: DecisionDraft): Promise<Decision> {
    let id = '';
    const task = await this.#lifecycle.change(taskId, (draft) => {
      const events = this.#open(draft, decision);
      id = draft.decisions.at(-1)?.id ?? '';
      return events;
    });
    return find(task, id);
  }

  /** Closes open decisions of a task that nobody needs to answer any more. */
  withdraw(draft: TaskExecution, matches: (decision: Decision) => boolean): EventDraft[] {
    return openDecisions(draft)
      .filter(matches)
      .map((decision) => {
        decision.status = 'withdrawn';
        return { type: 'decision_withdrawn', data: { decision_id: decision.id, kind: decision.kind } };
      });
  }

  /** The agent has finished its turn: nobody waits for its permissions any more, and an answer that came too late must not serve another. */
  closePermissions(draft: TaskExecution): EventDraft[] {
    for (const decision of draft.decisions) {
      if (decision.kind === 'permission' && decision.status === 'answered' && decision.applied_at === null) decision.status = 'expired';
    }
    return this.withdraw(draft, (decision) => decision.kind === 'permission');
  }

  /**
   * Records a human's answer and applies it. Rejects with `not_found` (no such open decision) or `conflict`
   * (the task changed under the decision, which must then be asked again).
   */
  async answer(taskId: string, decisionId: string | undefined, answer: AnswerDraft): Promise<{ decision: Decision; task: TaskExecution }> {
    const decision = pick(this.#lifecycle.get(taskId), decisionId);
    const record = (draft: TaskExecution): Decision => {
      const target = find(draft, decision.id);
      if (target.status !== 'open') throw new BatonError('conflict', `Decision ${decision.id} of task ${taskId} was settled already.`);
      target.status = 'answered';
      target.answer = {
        verdict: answer.verdict,
        text: answer.text ?? null,
        input: answer.input ?? null,
        ...(answer.always === undefined ? {} : { always: answer.always }),
        by: answer.by,
        via: answer.via,
        at: this.#lifecycle.now(),
      };
      return target;
    };
    const event = {
      type: 'decision_answered',
      data: { decision_id: decision.id, kind: decision.kind, verdict: answer.verdict, by: answer.by, via: answer.via, text: answer.text ?? null, ...(answer.always === undefined ? {} : { always: answer.always }) },
    };
    const task = await this.#settle(taskId, decision, answer, record, event);
    const settled = find(task, decision.id);
    this.#answered.fire(settled);
    return { decision: settled, task };
  }

  async #settle(
    taskId: string,
    decision: Decision,
    answer: AnswerDraft,
    record: (draft: TaskExecution) => Decision,
    event: EventDraft,
  ): Promise<TaskExecution> {
    if (decision.kind === 'permission') {
      if (answer.input && decision.detail['editable'] === false) {
        throw new BatonError('unsupported', 'This agent runs what it asked for as it is, or not at all.', { hint: 'Reject it, and say in the reason what to run instead.' });
      }
      return this.#lifecycle.change(taskId, (draft) => {
        record(draft);
        const rule = answer.verdict === 'approve' && answer.always === 'task' ? ruleOf(decision) : undefined;
        if (rule) draft.permissions = [...(draft.permissions ?? []), rule];
        return [event];
      });
    }
    const parked = 'awaiting_human_review';
    if (decision.kind === 'budget') return this.#settleBudget(taskId, decision, answer, record, event);
    const edited = decision.kind === 'plan' && answer.verdict === 'approve' && answer.input ? editedPlan(answer.input) : undefined;
    const by = `${answer.by} by ${answer.via === 'vscode' ? 'VS Code' : 'the command line'}`;
    if (answer.verdict === 'reject') {
      return this.#lifecycle.transition(taskId, 'failed', `rejected by ${by}${answer.text ? `: ${answer.text}` : ''}`, (draft) => {
        const settled = record(draft);
        settled.applied_at = this.#lifecycle.now();
        draft.error = { kind: 'rejected', message: answer.text ?? `Rejected by ${answer.by}`, at: this.#lifecycle.now() };
        return [event, ...this.withdraw(draft, () => true)];
      }, parked);
    }
    if (answer.verdict === 'request_changes') {
      const about = decision.kind === 'plan' ? 'plan' : 'change';
      const threads = openThreads(this.#lifecycle.get(taskId), about);
      if (!answer.text?.trim() && threads.length === 0) throw new BatonError('usage', 'Say what should change: a change request needs a text or a comment on a line.');
      const feedback = [answer.text?.trim() ?? '', threads.length === 0 ? '' : threadsPrompt(threads)].filter((part) => part !== '').join('\n\n');
      return this.#lifecycle.transition(taskId, reworkState(decision), `changes requested by ${by}`, (draft) => {
        const settled = record(draft);
        settled.applied_at = this.#lifecycle.now();
        markSent(draft, about);
        requestRework(draft, withFindings(decision, draft, withConflict(decision, draft, feedback)), this.#lifecycle.now());
        return [event];
      }, parked);
    }
    return this.#lifecycle.transition(taskId, decision.resume_state, `approved by ${by}`, (draft) => {
      const settled = record(draft);
      // Start and merge approvals are used up later, by the very start or merge they allow.
      if (decision.kind !== 'start' && decision.kind !== 'merge') {
        settled.applied_at = this.#lifecycle.now();
        forgiveFailures(draft);
        if (decision.kind === 'plan' || decision.kind === 'code_review') draft.feedback = null;
        if (answer.text) draft.feedback = answer.text;
      }
      if (edited) draft.plan = edited;
      return decision.kind === 'code_review' ? [event, ...approveStep(draft, this.#lifecycle.now())] : [event];
    }, parked);
  }

  /** Raised, or on with a cheaper model: the task goes on. Refused: a task's budget ends the task, a day's or area's holds what it holds until tomorrow. */
  #settleBudget(taskId: string, decision: Decision, answer: AnswerDraft, record: (draft: TaskExecution) => Decision, event: EventDraft): Promise<TaskExecution> {
    const detail = budgetDetail(decision);
    if (answer.verdict === 'request_changes') {
      throw new BatonError('usage', 'A budget takes an amount, a cheaper model or a refusal, not a change request.', { hint: 'Approve it with a new amount, or reject it.' });
    }
    const refused = answer.verdict === 'reject';
    const given = refused ? null : budgetAnswer(detail, answer.input);
    const stops = refused && detail.scope === 'task';
    const what = given === null ? (stops ? 'stopped over its budget' : 'left until the day is over') : `budget raised to ${formatMoney(given.budget_usd)}${given.cheaper ? ', on with a cheaper model' : ''}`;
    return this.#lifecycle.transition(taskId, stops ? 'failed' : decision.resume_state, `${what} by ${answer.by}${answer.text ? `: ${answer.text}` : ''}`, (draft) => {
      const settled = record(draft);
      settled.applied_at = this.#lifecycle.now();
      if (settled.answer && given) settled.answer.input = { ...given };
      if (given && detail.scope === 'task') {
        draft.budget_usd = given.budget_usd;
        if (given.cheaper) draft.economy = true;
      }
      draft.error = stops ? { kind: 'rejected', message: answer.text ?? `Stopped over its budget of ${formatMoney(detail.limit_usd)} by ${answer.by}`, at: this.#lifecycle.now() } : null;
      return [event, ...(stops ? this.withdraw(draft, () => true) : [])];
    }, 'awaiting_human_review');
  }

  #open(draft: TaskExecution, decision: DecisionDraft): EventDraft[] {
    const id = `d${draft.decisions.length + 1}-${this.#crypto.id().slice(0, 6)}`;
    // A consent that is asked for anew has outlived its use: nothing may bring the old one back.
    for (const old of draft.decisions) if (old.kind === decision.kind && old.status === 'answered' && old.applied_at === null && old.kind !== 'permission') old.status = 'expired';
    draft.decisions.push({
      id,
      task_id: draft.task_id,
      kind: decision.kind,
      question: decision.question,
      detail: { ...decision.detail },
      since: this.#lifecycle.now(),
      expires_at: null,
      status: 'open',
      resume_state: decision.resume_state,
      content_hash: draft.content_hash,
      head_sha: decision.head_sha ?? null,
      attempt_id: decision.attempt_id ?? null,
      answer: null,
      applied_at: null,
    });
    return [{ type: 'decision_opened', data: { decision_id: id, kind: decision.kind, question: decision.question } }];
  }
}

/** Uses an approval up, in the draft of the change that it allows. */
export function useApproval(draft: TaskExecution, decisionId: string, at: string): void {
  const decision = find(draft, decisionId);
  if (decision.applied_at !== null) throw new BatonError('conflict', `Approval ${decisionId} of task ${draft.task_id} was used already.`);
  decision.applied_at = at;
}

/** Puts feedback before the implementer: in the step that is open, else in a new one. Starts the counts again. */
export function requestRework(draft: TaskExecution, feedback: string, at: string): void {
  const open = draft.steps.find((step) => step.state !== 'completed');
  if (open) {
    if (open.state === 'failed') setStep(draft, open.step_id, 'pending', at);
    if (open.state === 'code_review') setStep(draft, open.step_id, 'rejected', at);
    if (open.state === 'rejected') setStep(draft, open.step_id, 'retry', at);
    open.attempt = 0;
    open.rejections = 0;
  } else if (draft.steps.length > 0) {
    const id = nextFixId(draft);
    addStep(draft, { id, description: 'Make the requested changes' });
  }
  draft.feedback = feedback;
  forgiveFailures(draft);
}

/** A request to resolve a conflict tells the agent which files conflict with what, besides the human's words. */
function withConflict(decision: Decision, task: TaskExecution, text: string): string {
  if (decision.detail['reason'] === RED_BASE) return `${redBaseFeedback(decision.detail)}\n\n${text}`;
  const files = decision.detail['files_in_the_way'];
  if (decision.detail['reason'] !== 'conflict' || !Array.isArray(files)) return text;
  return `${conflictFeedback(conflictsIn(decision.detail, files), task.target_branch ?? 'the target branch')}\n\n${text}`;
}

/** The files of a conflict with both sides, as far as the decision holds them. */
function conflictsIn(detail: Decision['detail'], files: readonly unknown[]): { path: string; hunks: string }[] {
  const known = new Map(Array.isArray(detail['conflicts']) ? (detail['conflicts'] as { path: string; hunks: string }[]).map((one) => [one.path, one.hunks] as const) : []);
  return files.map((path) => ({ path: String(path), hunks: known.get(String(path)) ?? '' }));
}

/** A human's approval of a step's code stands for the reviewer's. */
function approveStep(draft: TaskExecution, at: string): EventDraft[] {
  const step = draft.steps.find((one) => one.state === 'code_review' || one.state === 'rejected');
  if (!step) return [];
  setStep(draft, step.step_id, 'approved', at);
  return [completeStep(draft, step.step_id, at)];
}

/** What a reviewer found goes to the agent together with the human's words, which come first. */
function withFindings(decision: Decision, task: TaskExecution, text: string): string {
  const review = decision.kind === 'plan' ? task.plan_review : decision.kind === 'code_review' ? currentStep(task)?.code_review : null;
  if (!review || review.status === 'approved') return text;
  return `${text}\n\nBesides, the reviewer said:\n\n${decision.kind === 'plan' ? planConcerns(review as PlanReview) : findings(review as CodeReview)}`;
}

/** How to go on over a budget; rejects with `usage` when it cannot be. */
function budgetAnswer(detail: BudgetDetail, input: Record<string, unknown> | undefined): BudgetAnswer {
  try {
    return readBudgetAnswer(detail, input);
  } catch (error) {
    throw new BatonError('usage', messageOf(error), { cause: error });
  }
}

/** The plan that a human approved in place of the planner's; rejects with `usage` when it cannot be carried out. */
function editedPlan(input: Record<string, unknown>): Plan {
  try {
    return readPlan(input);
  } catch (error) {
    throw new BatonError('usage', `The edited plan cannot be used: ${messageOf(error)}.`, { cause: error });
  }
}

/** A change request leads back to work; before any work has begun, to the queue. */
function reworkState(decision: Decision): TaskState {
  if (decision.kind === 'start' || decision.resume_state === 'new') return 'new';
  if (decision.kind === 'plan' || decision.resume_state === 'planning' || decision.resume_state === 'plan_review') return 'planning';
  return 'implementing';
}

function pick(task: TaskExecution, decisionId: string | undefined): Decision {
  const open = openDecisions(task);
  const decision = decisionId === undefined ? open[0] : open.find((one) => one.id === decisionId);
  if (decision) return decision;
  const what = decisionId === undefined ? 'has no open decision' : `has no open decision ${decisionId}`;
  throw new BatonError('not_found', `Task ${task.task_id} ${what}.`, { hint: 'See what waits for you with `baton review`.' });
}

function find(task: TaskExecution, decisionId: string): Decision {
  const decision = task.decisions.find((one) => one.id === decisionId);
  if (!decision) throw new BatonError('not_found', `Task ${task.task_id} has no decision ${decisionId}.`);
  return decision;
}
