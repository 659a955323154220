/** One turn of a role: the attempt is stored, its agent runs, and its end is told. What a role does with the end is its phase's business. */
import { durationSeconds } from '../../core/config/schema.ts';
import { emptyUsage, sessionKey, type Attempt, type Role, type RunnerRecord, type StepExecution, type TaskExecution } from '../../core/execution.ts';
import { IMPLEMENTER_TEMPLATE } from '../../core/prompt.ts';
import { CODE_REVIEWER_TEMPLATE } from '../../core/prompts/codeReviewer.ts';
import { PLAN_REVIEWER_TEMPLATE, PLANNER_TEMPLATE } from '../../core/prompts/planner.ts';
import { holdsBack } from '../permissionQuestion.ts';
import type { AgentEnd, AttemptOrder, AttendedSession } from '../ports.ts';
import type { EventDraft } from '../lifecycle.ts';
import { attemptOf, runAttempt, type AttemptPlan } from './attempt.ts';
import type { AgentChoice, ChosenAgent, PipelineContext } from './context.ts';
import type { Run } from './run.ts';

/** Drivers whose sessions can be gone on with. */
const RESUMABLE: readonly string[] = ['claude', 'codex', 'acp'];

const BUILT_IN: Readonly<Record<Role, string>> = {
  planner: PLANNER_TEMPLATE,
  plan_reviewer: PLAN_REVIEWER_TEMPLATE,
  implementer: IMPLEMENTER_TEMPLATE,
  code_reviewer: CODE_REVIEWER_TEMPLATE,
};

export interface PromptTemplate {
  readonly text: string;
  /** Short hash of the text. */
  readonly version: string;
}

export interface Turn {
  readonly role: Role;
  readonly step: StepExecution | null;
  readonly chosen: ChosenAgent;
  /** Session to go on with. */
  readonly resume: string | null;
  readonly prompt: string;
  readonly template: PromptTemplate;
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Changes that belong to the start of the attempt; returns the attempt's number. */
  readonly open: (draft: TaskExecution, at: string) => number;
}

/** The template of a role: the user's own, else the built-in one. */
export async function templateOf(context: PipelineContext, role: Role): Promise<PromptTemplate> {
  const text = (await context.ports.sources.prompt(role)) ?? BUILT_IN[role];
  return { text, version: context.ports.crypto.hash(text).slice(0, 12) };
}

/** The agent for a role, taken, if it may start now; undefined when the task must queue up (again). */
export function mayTake(context: PipelineContext, run: Run, task: TaskExecution, role: Role): ChosenAgent | undefined {
  const choice: AgentChoice = context.staffing.choose(task, role);
  if (choice.kind === 'none' || !run.mayStartAgent || !context.mayStartAttempt() || task.worktree === null) return undefined;
  // The queue judged the role that the run began with; another role may be another agent's.
  if (context.accounts.hold(choice.agent.account) !== undefined || context.isBusy(choice.agent, task.task_id)) return undefined;
  const reserve = context.budgets.claim(task, role, choice);
  if (reserve === undefined) return undefined;
  // At once: until the attempt is stored, other runs must not count the agent as free, nor the money.
  run.agent = choice.agent.name;
  run.reserved = null;
  run.reserved_usd = reserve;
  return choice;
}

/** The session that a role would go on with, where its agent can. */
export function sessionOf(task: TaskExecution, chosen: ChosenAgent, role: Role): string | null {
  return RESUMABLE.includes(chosen.agent.config.driver) ? (task.sessions[sessionKey(chosen.agent.name, role)] ?? null) : null;
}

/** How a turn went. */
export interface Taken {
  /** Undefined when it was broken off, which is noted, or left to a later engine. */
  readonly end: AgentEnd | undefined;
  readonly attempt: Attempt;
}

/**
 * Runs the turn. The attempt, the runner that it is given to and what `open` changes are stored before the agent starts,
 * so that a crash leaves a trace to recover from.
 */
export async function takeTurn(context: PipelineContext, run: Run, turn: Turn): Promise<Taken> {
  const cap = context.budgets.capFor(context.lifecycle.get(run.taskId), run.reserved_usd);
  const runner = await context.ports.runners.take();
  const { task, attempt, order } = await openAttempt(context, run, turn, runner.record).then(
    (opened) => ({ ...opened, order: orderOf(context, opened, turn, cap) }),
    (error: unknown) => {
      runner.release();
      throw error;
    },
  );
  const session = async (): Promise<AttendedSession> => {
    const started = runner.start(order);
    // While the agent works.
    if (turn.role === 'implementer') context.ports.gates.prepare();
    return started;
  };
  return settle(context, run, { task, attempt, cwd: order.request.cwd, session });
}

/** Goes on with the attempt whose agent outlived the engine that started it; undefined when there is none. */
export async function goOnWithTurn(context: PipelineContext, run: Run): Promise<Taken | undefined> {
  const { adopted } = run;
  const task = context.lifecycle.get(run.taskId);
  const attempt = task.attempts.at(-1);
  if (adopted === null || attempt?.outcome !== 'running' || task.worktree === null) return undefined;
  run.adopted = null;
  return settle(context, run, { task, attempt, cwd: task.worktree, session: adopted });
}

async function settle(context: PipelineContext, run: Run, plan: AttemptPlan): Promise<Taken> {
  const end = await runAttempt(context, run, plan);
  const { attempt } = plan;
  if (end === undefined || run.aborted === 'cancel') return { end: undefined, attempt };
  if (run.interrupted && end.ok) return { end: undefined, attempt };
  if (run.interrupted) await noteInterruption(context, run, 'Baton was stopped');
  else if (!end.ok && end.error?.kind === 'interrupted') await noteInterruption(context, run, end.error.message);
  else return { end, attempt };
  return { end: undefined, attempt };
}

function orderOf(context: PipelineContext, { task, attempt, worktree }: Opened, turn: Turn, cap: number | undefined): AttemptOrder {
  const { role, step, chosen } = turn;
  const { orchestrator, permissions, runner } = context.config();
  return {
    agent: chosen.agent.name,
    directory: context.ports.runs.directory(task.task_id, attempt.attempt_id),
    limits: { start: orchestrator.start_timeout, silence: orchestrator.silence_timeout, total: orchestrator.claude_timeout },
    permissions,
    granted: task.permissions ?? [],
    orphan_grace: durationSeconds(runner.orphan_grace) ?? 0,
    request: {
      task_id: task.task_id,
      attempt_id: attempt.attempt_id,
      number: attempt.number,
      role,
      step_id: attempt.step_id,
      mark: attempt.mark,
      agent: chosen.agent.config,
      model: chosen.model,
      cwd: worktree,
      prompt: turn.prompt,
      resume: turn.resume,
      env: {
        BATON_TASK_ID: task.task_id,
        BATON_ROLE: role,
        BATON_STEP_ID: step?.step_id ?? '',
        BATON_ATTEMPT: String(attempt.number),
        BATON_WORKTREE: worktree,
      },
      ...(turn.schema === undefined ? {} : { output_schema: turn.schema }),
      ...(holdsBack(permissions) ? { ask_all: true } : {}),
      ...(cap === undefined ? {} : { max_budget_usd: Math.round(cap * 10_000) / 10_000 }),
    },
  };
}

/** An answer that was acted upon, in the draft of what follows from it; who gave it waits for no permission any more. */
export function consumeAnswer(context: PipelineContext, draft: TaskExecution, attemptId: string): EventDraft[] {
  attemptOf(draft, attemptId).answer = null;
  return context.decisions.closePermissions(draft);
}

/** Work has gone on: what went wrong before counts no more. */
export function noteProgress(draft: TaskExecution): void {
  draft.feedback = null;
  draft.error = null;
  draft.not_before = null;
  draft.interruptions = 0;
  draft.unknown_failures = 0;
}

interface Opened {
  readonly task: TaskExecution;
  readonly attempt: Attempt;
  readonly worktree: string;
}

async function openAttempt(context: PipelineContext, run: Run, turn: Turn, runner: RunnerRecord | null): Promise<Opened> {
  const { role, step, chosen } = turn;
  const { agent, model, reason } = chosen;
  const task = await context.lifecycle.change(run.taskId, (draft) => {
    const at = context.lifecycle.now();
    const number = turn.open(draft, at);
    draft.not_before = null;
    draft.models[role] = model ?? agent.name;
    const attemptId = `a${draft.attempts.length + 1}`;
    draft.attempts.push({
      attempt_id: attemptId,
      role,
      step_id: step?.step_id ?? null,
      number,
      agent: agent.name,
      driver: agent.config.driver,
      model,
      account: agent.account,
      mark: `${context.ports.repository.key}:${draft.task_id}:${attemptId}`,
      session_id: null,
      process: null,
      runner,
      started_at: at,
      ended_at: null,
      outcome: 'running',
      error: null,
      exit_code: null,
      usage: emptyUsage(),
      cost_usd: null,
      turns: 0,
      reason,
      ...(run.reserved_usd > 0 ? { reserved_usd: run.reserved_usd } : {}),
      prompt_version: turn.template.version,
    });
    const data = { attempt_id: attemptId, role, step_id: step?.step_id ?? null, agent: agent.name, model, reason };
    return [{ type: 'routing', data }, { type: 'attempt_started', data }];
  });
  const attempt = task.attempts.at(-1);
  if (attempt === undefined || task.worktree === null) throw new Error(`Task ${run.taskId} has no worktree to work in.`);
  return { task, attempt, worktree: task.worktree };
}

async function noteInterruption(context: PipelineContext, run: Run, reason: string): Promise<void> {
  await context.lifecycle.change(run.taskId, (draft) => {
    draft.interruptions += 1;
    return [{ type: 'interrupted', data: { reason, in_a_row: draft.interruptions } }];
  });
}
