/**
 * One attempt: an agent at work on a step, from its start to the last process of its tree. Reads the session's messages
 * into transcript, live figures and the attempt's record; answers permission requests by policy or by a human; ends an
 * agent that hangs.
 */
import { callCost, spendingOf } from '../../core/cost.ts';
import { messageOf } from '../../core/errors.ts';
import { emptyUsage, sessionKey, type Attempt, type TaskExecution } from '../../core/execution.ts';
import { attemptEnded } from '../lifecycle.ts';
import type { AgentEnd, AgentMessage, AgentRequest, AgentSession } from '../ports.ts';
import type { PipelineContext } from './context.ts';
import { PermissionDesk } from './permissionDesk.ts';
import type { Run } from './run.ts';
import { Watchdog } from './watchdog.ts';

/** Live figures are stored at least this often, so that a crash loses little of what was spent. */
const USAGE_COMMIT_MS = 5_000;

export interface AttemptPlan {
  readonly task: TaskExecution;
  readonly attempt: Attempt;
  readonly request: AgentRequest;
}

/** Runs the attempt to its end and stores its outcome. Never rejects for what an agent does. */
export async function runAttempt(context: PipelineContext, run: Run, plan: AttemptPlan): Promise<AgentEnd> {
  const { task, attempt, request } = plan;
  const { clock, runs } = context.ports;
  const write = (entry: Record<string, unknown>): void =>
    runs.append(task.task_id, attempt.attempt_id, { at: new Date(clock.now()).toISOString(), ...entry });
  write({ type: 'prompt', text: request.prompt, role: request.role, agent: attempt.agent, model: attempt.model, resume: request.resume });

  run.attemptId = attempt.attempt_id;
  run.agent = attempt.agent;
  run.activity = `${attempt.agent} is starting`;
  run.live = { usage: emptyUsage(), cost_usd: null, turns: 0 };
  context.changed();

  let end: AgentEnd;
  try {
    const session = await context.ports.agents.driver(request.agent.driver)?.start(request);
    end = session
      ? await attend(context, run, plan, session, write)
      : failed('unsupported', `No driver for agents of kind "${request.agent.driver}" is built in.`);
  } catch (error) {
    end = failed('start_failed', messageOf(error));
  }
  write({ type: 'end', end });
  await store(context, run, plan, end);
  run.reserved_usd = 0;
  run.session = null;
  run.attemptId = null;
  run.lastLine = null;
  return end;
}

/** Follows a session until its end message, then makes sure that nothing of it is left. */
async function attend(
  context: PipelineContext,
  run: Run,
  plan: AttemptPlan,
  session: AgentSession,
  write: (entry: Record<string, unknown>) => void,
): Promise<AgentEnd> {
  const { orchestrator } = context.config();
  const { request } = plan;
  let verdict: AgentEnd | undefined;
  const endEarly = (end: AgentEnd): void => {
    verdict ??= end;
    void session.kill(end.error?.message ?? 'ended').catch((error: unknown) => context.ports.log.error('An agent could not be ended', error));
  };
  const watchdog = new Watchdog(
    context.ports.clock,
    { start: orchestrator.start_timeout, silence: orchestrator.silence_timeout, total: orchestrator.claude_timeout },
    (kind, seconds) => endEarly(failed(kind, WATCHDOG_TEXT[kind](seconds))),
  );
  const onAbort = (): void => endEarly(failed('interrupted', run.aborted === 'cancel' ? 'The task was cancelled.' : 'Baton was stopped.'));
  run.signal.addEventListener('abort', onAbort, { once: true });
  if (run.signal.aborted) onAbort();
  const desk = new PermissionDesk(context, run, plan, session, watchdog, write);
  run.session = session;
  let reported: AgentEnd | undefined;
  let storedUsageAt = context.ports.clock.now();
  // A protocol agent that has only been spawned has not said anything yet; a command may work without a word.
  let spawned = request.agent.driver === 'command';
  try {
    for await (const message of session.messages) {
      if (spawned || message.type !== 'started') watchdog.sign();
      spawned = true;
      if (message.type === 'end') {
        reported = message.end;
        break;
      }
      write(message);
      follow(run, message);
      if (message.type === 'started') await recordStart(context, plan, message);
      else if (message.type === 'permission') desk.request(message);
      else if (message.type === 'permission_withdrawn') await desk.withdrawn(message.request_id);
      else if (message.type === 'usage' && context.ports.clock.now() - storedUsageAt >= USAGE_COMMIT_MS) {
        storedUsageAt = context.ports.clock.now();
        await recordUsage(context, run, plan);
      }
      context.changed();
    }
  } finally {
    watchdog.dispose();
    run.signal.removeEventListener('abort', onAbort);
    await session.kill('the attempt is over');
    await desk.close(run.aborted === 'stop');
  }
  return verdict ?? reported ?? failed('crashed', 'The agent ended without a result.');
}

const WATCHDOG_TEXT = {
  start_timeout: (seconds: number) => `The agent said nothing for ${seconds} s after its start.`,
  silence: (seconds: number) => `The agent was silent for ${seconds} s.`,
  time_limit: (seconds: number) => `The attempt took longer than ${seconds} s.`,
} as const;

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
    attempt.outcome = end.ok ? 'succeeded' : run.aborted === 'cancel' ? 'cancelled' : run.aborted === 'stop' ? 'interrupted' : 'failed';
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
