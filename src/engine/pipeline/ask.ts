/**
 * Asks a planner or reviewer and reads its answer by its schema. The answer is stored with the end of the attempt, so that
 * a restart acts on it instead of asking again; one that cannot be read is asked for once more in the same session.
 */
import { answerSchema, readAnswer, type Answers, type AnsweringRole } from '../../core/answers.ts';
import type { Attempt, StepExecution, TaskExecution } from '../../core/execution.ts';
import { askAgainPrompt, askAgainSection, goOnPrompt } from '../../core/prompts/followUp.ts';
import type { AgentEnd } from '../ports.ts';
import { attemptOf } from './attempt.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { handleFailure } from './failure.ts';
import type { Run } from './run.ts';
import { consumeAnswer, goOnWithTurn, mayTake, sessionOf, takeTurn, templateOf, type PromptTemplate, type Taken } from './turn.ts';

export interface Question<R extends AnsweringRole> {
  readonly role: R;
  readonly step: StepExecution | null;
  /** The whole prompt, for a session that knows nothing. */
  readonly prompt: (template: PromptTemplate) => Promise<string> | string;
  /** A planner goes on in the session of its last plan; a reviewer looks afresh. */
  readonly keepsSession: boolean;
  /** What goes on in a session that is kept: why the role is asked again. */
  readonly again?: string | undefined;
  /** What the schema cannot see; says what is wrong. */
  readonly check?: (value: Answers[R]) => Promise<string | undefined>;
}

export type Asked<R extends AnsweringRole> =
  | { readonly kind: 'answer'; readonly value: Answers[R]; readonly attempt: Attempt }
  | { readonly kind: PhaseResult };

/** The worktree before an agent that is to change nothing. */
interface Before {
  readonly head_sha: string;
  readonly dirty: boolean;
}

/** Ends of an attempt that mean that the agent could not keep to the schema. */
const UNREADABLE: readonly string[] = ['invalid_answer', 'bad_output'];

export async function ask<R extends AnsweringRole>(context: PipelineContext, run: Run, question: Question<R>): Promise<Asked<R>> {
  const task = context.lifecycle.get(run.taskId);
  const given = unread(task, question);
  if (given) return read(context, task, question, given);
  const adopted = await goOnWithTurn(context, run);
  // What it changed before belongs to it too.
  if (adopted) return afterTurn(context, task, question, adopted, { head_sha: task.head_sha ?? task.base_sha ?? '', dirty: false });

  const chosen = mayTake(context, run, task, question.role);
  if (!chosen) return { kind: 'leave' };
  const template = await templateOf(context, question.role);
  const last = lastOf(task, question);
  const session = sessionOf(task, chosen, question.role);
  const sameAgent = last !== undefined && last.agent === chosen.agent.name;
  const unreadable = last?.outcome === 'failed' && last.error?.kind === 'bad_output' ? last.error.message : undefined;
  const midway = sameAgent && (last.outcome === 'interrupted' || last.outcome === 'failed');
  const resume = question.keepsSession || midway ? session : null;
  const whole = (): Promise<string> | string => question.prompt(template);
  const prompt =
    resume === null
      ? `${await whole()}${unreadable === undefined ? '' : askAgainSection(unreadable)}`
      : unreadable !== undefined
        ? askAgainPrompt(question.role, unreadable)
        : midway
          ? goOnPrompt(question.role)
          : (question.again ?? (await whole()));
  await dropChangesOf(context, task, last);
  const before = await context.ports.workspace.state(task.worktree ?? '');
  const taken = await takeTurn(context, run, {
    role: question.role,
    step: question.step,
    chosen,
    resume,
    prompt,
    template,
    schema: answerSchema(question.role),
    open: (draft) => draft.attempts.filter((one) => one.role === question.role && one.step_id === (question.step?.step_id ?? null)).length + 1,
  });
  return afterTurn(context, task, question, taken, before);
}

async function afterTurn<R extends AnsweringRole>(context: PipelineContext, task: TaskExecution, question: Question<R>, { end, attempt: { account, agent } }: Taken, before: Before): Promise<Asked<R>> {
  if (end === undefined) return { kind: 'leave' };
  await undoChanges(context, task, before);
  const attempt = context.lifecycle.get(task.task_id).attempts.at(-1);
  if (!attempt) return { kind: 'leave' };
  if (!end.ok && !UNREADABLE.includes(end.error?.kind ?? '')) {
    return { kind: await handleFailure(context, task.task_id, failureOf(end, question, account, agent)) };
  }
  await context.accounts.succeeded(attempt);
  if (!end.ok) return { kind: await unreadableAnswer(context, task.task_id, question, attempt, end.error?.message ?? 'the answer did not fit the schema') };
  return read(context, context.lifecycle.get(task.task_id), question, attempt);
}

/** Whether a question of this role is half-way answered: its last attempt ended well and nothing came of it yet. */
function unread<R extends AnsweringRole>(task: TaskExecution, question: Question<R>): Attempt | undefined {
  const last = lastOf(task, question);
  return last?.outcome === 'succeeded' && typeof last.answer === 'string' ? last : undefined;
}

/** The task's last attempt, if this role made it for this very thing. */
function lastOf<R extends AnsweringRole>(task: TaskExecution, question: Question<R>): Attempt | undefined {
  const last = task.attempts.at(-1);
  return last?.role === question.role && last.step_id === (question.step?.step_id ?? null) ? last : undefined;
}

async function read<R extends AnsweringRole>(context: PipelineContext, task: TaskExecution, question: Question<R>, attempt: Attempt): Promise<Asked<R>> {
  const answer = readAnswer(question.role, attempt.answer ?? '');
  const fault = answer.ok ? await question.check?.(answer.value) : answer.fault;
  if (answer.ok && fault === undefined) return { kind: 'answer', value: answer.value, attempt };
  return { kind: await unreadableAnswer(context, task.task_id, question, attempt, fault ?? 'it could not be read') };
}

/** The first time the agent is asked again, at once; then it is an error, and the human's. */
async function unreadableAnswer<R extends AnsweringRole>(context: PipelineContext, taskId: string, question: Question<R>, attempt: Attempt, fault: string): Promise<PhaseResult> {
  const task = await context.lifecycle.change(taskId, (draft) => {
    const closed = consumeAnswer(context, draft, attempt.attempt_id);
    const stored = attemptOf(draft, attempt.attempt_id);
    const at = context.lifecycle.now();
    stored.outcome = 'failed';
    stored.error = { kind: 'bad_output', message: fault, at };
    return [{ type: 'answer_unreadable', data: { attempt_id: attempt.attempt_id, role: question.role, step_id: attempt.step_id, reason: fault } }, ...closed];
  });
  const earlier = task.attempts.at(-2);
  const second = earlier?.role === attempt.role && earlier.step_id === attempt.step_id && earlier.error?.kind === 'bad_output' && !isSettled(task, earlier);
  if (!second) return 'again';
  return handleFailure(context, task.task_id, {
    error: { kind: 'bad_output', message: `The ${question.role.replace('_', ' ')} (${attempt.agent}) gave no answer that can be read, twice: ${fault}.` },
    role: question.role,
    step_id: attempt.step_id,
    account: null,
    agent: attempt.agent,
  });
}

/** A human has said "try again" since: that is a new question. */
function isSettled(task: TaskExecution, attempt: Attempt): boolean {
  return task.decisions.some((one) => one.answer !== null && one.kind !== 'permission' && one.answer.at > (attempt.ended_at ?? ''));
}

function failureOf<R extends AnsweringRole>(end: AgentEnd, question: Question<R>, account: string, agent: string) {
  const error = end.error ?? { kind: 'unknown', message: 'The agent failed without saying why.' };
  return { error, role: question.role, step_id: question.step?.step_id ?? null, account, agent };
}

/** One that was interrupted has nobody left to take its changes back. */
async function dropChangesOf(context: PipelineContext, task: TaskExecution, last: Attempt | undefined): Promise<void> {
  const head = task.head_sha ?? task.base_sha;
  if (last?.outcome !== 'interrupted' || task.worktree === null || head === null) return;
  const now = await context.ports.workspace.state(task.worktree);
  if (now.dirty || now.head_sha !== head) await context.ports.workspace.reset(task.worktree, task.task_id, head);
}

/** Who plans or reviews changes nothing: what it changed all the same is set aside, lest it be committed as somebody's work. */
async function undoChanges(context: PipelineContext, task: TaskExecution, before: Before): Promise<void> {
  if (task.worktree === null || before.dirty) return;
  const now = await context.ports.workspace.state(task.worktree);
  if (!now.dirty && now.head_sha === before.head_sha) return;
  context.ports.log.warn(`${task.task_id}: a planner or reviewer changed files; the changes were set aside.`);
  await context.ports.workspace.reset(task.worktree, task.task_id, before.head_sha);
}

