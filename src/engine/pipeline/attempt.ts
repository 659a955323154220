/**
 * One attempt: an agent at work on a step, from its start, or from where an earlier engine left it, to the last process of
 * its tree. Reads the session's messages into live figures and the attempt's record, and has permission requests answered
 * by policy or by a human. Transcript and time limits are its runner's business.
 */
import { callCost, spendingOf } from '../../core/cost.ts';
import { messageOf } from '../../core/errors.ts';
import { emptyUsage, sessionKey, type Attempt, type TaskExecution } from '../../core/execution.ts';
import { attemptEnded } from '../lifecycle.ts';
import type { AdoptedSession, AgentEnd, AgentMessage, AttendedSession } from '../ports.ts';
import type { PipelineContext } from './context.ts';
import { PermissionDesk } from './permissionDesk.ts';
import type { Run } from './run.ts';

/** Live figures are stored at least this often, so that a crash loses little of what was spent. */
const USAGE_COMMIT_MS = 5_000;

export interface AttemptPlan {
  readonly task: TaskExecution;
  readonly attempt: Attempt;
  /** The worktree. */
  readonly cwd: string;
  /** Starts the agent, or is the one that is at work already. */
  readonly session: (() => Promise<AttendedSession>) | AdoptedSession;
}

/**
 * Runs the attempt to its end and stores its outcome; undefined when the engine has gone and left the agent at work. Never
 * rejects for what an agent does.
 */
export async function runAttempt(context: PipelineContext, run: Run, plan: AttemptPlan): Promise<AgentEnd | undefined> {
  const { attempt } = plan;
  run.attemptId = attempt.attempt_id;
  run.agent = attempt.agent;
  run.reserved = null;
  run.activity = `${attempt.agent} is starting`;
  run.live = { usage: attempt.usage, cost_usd: attempt.cost_usd, turns: attempt.turns };
  context.changed();

  let end: AgentEnd | undefined;
  try {
    end = typeof plan.session === 'function' ? await attend(context, run, plan, await plan.session()) : await attend(context, run, plan, plan.session.session, plan.session.pending);
  } catch (error) {
    end = failed('start_failed', messageOf(error));
  }
  if (end !== undefined) await store(context, run, plan, end);
  run.reserved_usd = 0;
  run.session = null;
  run.attemptId = null;
  run.lastLine = null;
  return end;
}

/** Follows a session until its end message, then makes sure that nothing of it is left. `pending`: what an adopted agent waits for. */
async function attend(context: PipelineContext, run: Run, plan: AttemptPlan, session: AttendedSession, pending?: readonly string[]): Promise<AgentEnd | undefined> {
  let verdict: AgentEnd | undefined;
  let ending: Promise<void> | undefined;
  const failing = (what: string) => (error: unknown): void => context.ports.log.error(`An agent could not be ${what}`, error);
  const onAbort = (): void => {
    if (run.aborted === 'close' && session.detach !== undefined) {
      run.left = true;
      // An answer that is on its way to the agent still gets there.
      void desk.settled().then(() => session.detach?.()).catch(failing('left at work'));
      return;
    }
    verdict ??= failed('interrupted', run.aborted === 'cancel' ? 'The task was cancelled.' : 'Baton was stopped.');
    ending ??= session.kill(verdict.error?.message ?? '').catch(failing('ended'));
  };
  const desk = new PermissionDesk(context, run, plan, session);
  run.signal.addEventListener('abort', onAbort, { once: true });
  if (run.signal.aborted) onAbort();
  run.session = session;
  let reported: AgentEnd | undefined;
  let storedUsageAt = context.ports.clock.now();
  try {
    if (pending !== undefined) await desk.adopt(pending);
    for await (const message of session.messages) {
      if (message.type === 'end') {
        reported = message.end;
        break;
      }
      // Stored first: whoever sees the agent at work can take its session over.
      if (message.type === 'started') await recordStart(context, plan, message);
      follow(run, message);
      if (message.type === 'permission') desk.request(message);
      else if (message.type === 'permission_withdrawn') desk.withdrawn(message.request_id);
      else if (message.type === 'usage' && context.ports.clock.now() - storedUsageAt >= USAGE_COMMIT_MS) {
        storedUsageAt = context.ports.clock.now();
        await recordUsage(context, run, plan);
      }
      context.changed();
    }
  } finally {
    run.signal.removeEventListener('abort', onAbort);
    // An end that came before the engine had let go is an end all the same.
    if (reported !== undefined) run.left = false;
    if (!run.left) await (ending ?? session.kill('the attempt is over'));
    // Whoever resumes its session will be asked the same again.
    await desk.close(run.interrupted || reported?.error?.kind === 'interrupted');
  }
  if (run.left) return undefined;
  // One that had ended well before it could be ended has done its work.
  if (reported?.ok === true) return reported;
  return verdict ?? reported ?? failed('crashed', 'The agent ended without a result.');
}

/** Keeps what the surfaces show of a running agent. */
function follow(run: Run, message: AgentMessage): void {
  switch (message.type) {
    case 'started':
      run.activity = `${run.agent ?? 'the agent'} is at work`;
      return;
    case 'text':
    case 'log':
      run.lastLine = lastLine(message.text) ?? run.lastLine;
      return;
    case 'tool_call':
      run.lastLine = message.title;
      return;
    case 'retrying':
    case 'limit':
      run.lastLine = message.message;
      return;
    case 'usage':
      run.live = { usage: message.usage, cost_usd: message.cost_usd, turns: message.turns };
      return;
    default:
  }
}

async function recordStart(context: PipelineContext, plan: AttemptPlan, message: AgentMessage & { type: 'started' }): Promise<void> {
  const known = attemptOf(context.lifecycle.get(plan.task.task_id), plan.attempt.attempt_id);
  if (known.process?.pid === message.process?.pid && known.session_id === message.session_id && (message.model === null || known.model === message.model)) return;
  await context.lifecycle.change(plan.task.task_id, (draft) => {
    const attempt = attemptOf(draft, plan.attempt.attempt_id);
    attempt.process = message.process;
    attempt.model = message.model ?? attempt.model;
    attempt.session_id = message.session_id ?? attempt.session_id;
    if (attempt.session_id) draft.sessions[sessionKey(attempt.agent, attempt.role)] = attempt.session_id;
    return undefined;
  });
}

async function recordUsage(context: PipelineContext, run: Run, plan: AttemptPlan): Promise<void> {
  await context.lifecycle.change(plan.task.task_id, (draft) => {
    price(context, run, draft, attemptOf(draft, plan.attempt.attempt_id));
    return undefined;
  });
}

/** The attempt's record gets its outcome; the task's totals are made anew from all attempts. */
async function store(context: PipelineContext, run: Run, plan: AttemptPlan, end: AgentEnd): Promise<void> {
  await context.lifecycle.change(plan.task.task_id, (draft) => {
    const attempt = attemptOf(draft, plan.attempt.attempt_id);
    const at = context.lifecycle.now();
    attempt.ended_at = at;
    attempt.exit_code = end.exit_code;
    attempt.outcome = end.ok ? 'succeeded' : run.aborted === 'cancel' ? 'cancelled' : run.interrupted || end.error?.kind === 'interrupted' ? 'interrupted' : 'failed';
    if (end.ok && attempt.role !== 'implementer') attempt.answer = end.structured === undefined ? end.result : JSON.stringify(end.structured);
    if (!end.ok && end.error) {
      attempt.error = { kind: end.error.kind, message: end.error.message, at, ...(end.error.status === undefined ? {} : { status: end.error.status }) };
    }
    price(context, run, draft, attempt);
    return [attemptEnded(attempt)];
  });
}

function price(context: PipelineContext, run: Run, draft: TaskExecution, attempt: Attempt): void {
  const live = run.live ?? { usage: emptyUsage(), cost_usd: null, turns: 0 };
  attempt.usage = live.usage;
  attempt.turns = live.turns;
  attempt.cost_usd = callCost(live.cost_usd, live.usage, attempt.model, context.config());
  const total = spendingOf(draft.attempts);
  draft.usage = total.usage;
  draft.total_cost_usd = total.cost_usd;
  draft.unpriced = total.unpriced;
}

export function attemptOf(draft: TaskExecution, attemptId: string): Attempt {
  const attempt = draft.attempts.find((one) => one.attempt_id === attemptId);
  if (!attempt) throw new Error(`Task ${draft.task_id} has no attempt ${attemptId}.`);
  return attempt;
}

function failed(kind: string, message: string): AgentEnd {
  return { ok: false, result: '', exit_code: null, error: { kind, message } };
}

function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line.length > 0);
}
