/**
 * The lines of the human-readable audit log (`.baton/ORCHESTRATOR_RUN_LOG.md`), in the wording of the requirements with the
 * task id wherever that lacks it. Pure: an event and its task in, Markdown out. Times are UTC.
 */
import { spendingOf } from './cost.ts';
import type { GateCheck, GateRound, TaskExecution, Usage } from './execution.ts';
import { formatCost, formatMoney } from './format.ts';

export const RUN_LOG_TITLE = '# Orchestrator Run Log\n';

export type RunLogCategory = 'task' | 'routing' | 'llm_call' | 'quality_gate' | 'retry' | 'human_review';

export interface RunLogEvent {
  /** UTC ISO 8601 with milliseconds. */
  readonly at: string;
  readonly type: string;
  readonly task_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export function runHeader(runId: string, startedAt: string, taskIds: readonly string[]): string {
  return `\n## Run: ${runId}\n\n**Started**: ${startedAt}\n\n**Tasks**: ${taskIds.length === 0 ? 'none' : taskIds.join(', ')}\n\n### Execution Log\n\n`;
}

export interface RunFigures {
  readonly ended_at: string;
  readonly seconds: number;
  readonly cost_usd: number;
  readonly unpriced: boolean;
  readonly completed: number;
  readonly failed: number;
  readonly needs_review: number;
}

/**
 * What happened to the tasks between a run's start and its end (ISO times), read from their own records.
 * @param diedAt when it really ended, of a run that was closed by the leader after it
 */
export function runFigures(tasks: readonly TaskExecution[], startedAt: string, endedAt: string, diedAt?: unknown): RunFigures {
  const within = (at: string | null): boolean => at !== null && at >= startedAt && at <= endedAt;
  const ends = tasks.flatMap((task) => task.history.filter((entry) => within(entry.at)).slice(-1).map((entry) => ({ task, to: entry.to })));
  const calls = spendingOf(tasks.flatMap((task) => task.attempts).filter((attempt) => within(attempt.ended_at)));
  const ended_at = typeof diedAt === 'string' ? diedAt : endedAt;
  return {
    ended_at,
    seconds: Math.max(0, (Date.parse(ended_at) - Date.parse(startedAt)) / 1000),
    cost_usd: calls.cost_usd,
    unpriced: calls.unpriced,
    completed: ends.filter(({ to }) => to === 'done').length,
    // A cancelled task is not a failure.
    failed: ends.filter(({ task, to }) => to === 'failed' && task.error?.kind !== 'cancelled').length,
    needs_review: tasks.filter((task) => task.state === 'awaiting_human_review').length,
  };
}

export function runSummary(figures: RunFigures): string {
  return [
    '',
    '### Run Summary',
    '',
    `**Ended**: ${figures.ended_at}`,
    '',
    `**Total Duration**: ${seconds(figures.seconds)}`,
    `**Total Cost**: ${formatCost(figures.cost_usd, figures.unpriced)}`,
    `**Tasks Completed**: ${figures.completed}`,
    `**Tasks Failed**: ${figures.failed}`,
    `**Tasks Needing Review**: ${figures.needs_review}`,
    '',
  ].join('\n');
}

/** The log's text for an event, or undefined when the event has no place in it. `task` is the record after the event. */
export function runLogEntry(event: RunLogEvent, task: TaskExecution | undefined): string | undefined {
  const line = (icon: string, category: RunLogCategory, message: string): string =>
    `- \`${event.at.slice(11, 19)}\` ${icon} **${category}**: ${oneLine(message)}\n`;
  const { data } = event;
  const id = event.task_id ?? '';
  const about = `(task=${id})`;
  const of = (name: string): string => text(data[name]);
  const info = (message: string): string => line('ℹ️', 'task', message);
  const human = (message: string): string => line('🔍', 'human_review', message);
  const retry = (message: string): string => line('⚠️', 'retry', `⚠️ ${message}`);
  switch (event.type) {
    case 'task_added':
      return info(`Task ${id} queued: ${of('goal')}`);
    case 'task_removed':
      return info(`Task ${id} removed: ${text(data['why'] ?? 'its definition is gone')}`);
    case 'task_started':
      return info(`Task ${id} started: ${of('name')}`);
    case 'task_state':
      return stateLine(line, id, data, task);
    case 'routing':
      return line('ℹ️', 'routing', `Routing [${of('role')}] → ${text(data['model'] ?? data['agent'])}: ${of('reason')} ${about}`);
    case 'attempt_ended':
      return callLine(line, data, about);
    case 'gate_round':
      return gateLines(line, id, data as unknown as GateRound);
    case 'pull_request':
      return human(`Pull request #${of('number')} for ${of('head_sha').slice(0, 8)}: ${of('url')} ${about}`);
    case 'base_checked':
      return baseLines(line, id, data);
    case 'retry':
      return retry(
        `Retry attempt ${of('attempt')}/${of('max_attempts')} for ${typeof data['step_id'] === 'string' ? `step ${of('step_id')}` : (WITHOUT_STEP[of('role')] ?? 'the workspace')}: ${text(data['message'] ?? data['reason'])} ${typeof data['delay_seconds'] === 'number' ? `(task=${id}, wait=${seconds(data['delay_seconds'])})` : about}`,
      );
    case 'answer_unreadable':
      return retry(`Answer of [${of('role')}] cannot be read: ${of('reason')} ${about}`);
    case 'held':
      return retry(`Account ${of('account')} closed until ${text(data['until'] ?? 'sign-in')}: ${of('reason')} ${about}`);
    case 'session_lost':
      return retry(`Session of [${of('role')}] ${of('agent')} is lost: a new one begins ${about}`);
    case 'retry_now':
      return retry(`Retry asked for now ${about}`);
    case 'account_opened':
      return line('ℹ️', 'retry', `Account ${of('account')} is open again`);
    case 'budget_reached':
      return line('⚠️', 'human_review', `⚠️ Budget reached by [${of('role')}]: ${of('reason')} ${about}`);
    case 'budget_exceeded':
      return human(`🔍 Budget exceeded: ${of('reason')}, and the next attempt reserves ${formatMoney(Number(data['reserve_usd'] ?? 0))} ${about}`);
    case 'interrupted':
      return retry(`Interrupted: ${of('reason')} ${about}`);
    case 'decision_opened':
      return human(`🔍 Human review required for ${id}: ${of('question')}`);
    case 'decision_answered':
      return human(`${data['verdict'] === 'approve' ? '✅' : data['verdict'] === 'reject' ? '❌' : '🔄'} ${of('kind')} answered by ${of('by')}: ${of('verdict')}${data['always'] === undefined ? '' : ` always (${of('always')})`}${typeof data['text'] !== 'string' ? '' : `: ${of('text')}`} ${about}`);
    case 'decision_withdrawn':
      return human(`${of('kind')} withdrawn ${about}`);
    case 'taken_over':
      return human(`Session taken over by ${of('by')} ${about}`);
    case 'handed_back':
      return human(`Session handed back by ${of('by')} ${about}`);
    case 'plan_edited':
      return human(`Plan edited by ${of('by')} ${about}`);
    case 'commented':
      return human(`Comment ${of('thread_id')} by ${of('by')} ${about}`);
    case 'orchestrator_paused':
      return info('Paused: running attempts finish, nothing new starts');
    case 'orchestrator_resumed':
      return info('Resumed');
    case 'orchestrator_stopped':
      return info(`Stopped: ${text(data['reason'] ?? 'by the user')}`);
    default:
      return undefined;
  }
}

/** What is tried again where no step is concerned. */
const WITHOUT_STEP: Readonly<Record<string, string>> = { planner: 'the plan', plan_reviewer: 'the plan review' };

type Line = (icon: string, category: RunLogCategory, message: string) => string;

function stateLine(line: Line, id: string, data: RunLogEvent['data'], task: TaskExecution | undefined): string {
  const to = text(data['to']);
  if (to !== 'done' && to !== 'failed') return line('ℹ️', 'task', `Task ${id}: ${text(data['from'])} → ${to}: ${text(data['why'])}`);
  const took = task?.started_at && task.completed_at ? `duration=${seconds((Date.parse(task.completed_at) - Date.parse(task.started_at)) / 1000)}, ` : '';
  const cost = `cost=${formatCost(task?.total_cost_usd ?? 0, task?.unpriced ?? false)}`;
  const icon = to === 'done' ? '✅' : '❌';
  return line(icon, 'task', `${icon} Task completed: ${to} (task=${id}, ${took}${cost})${to === 'failed' ? `: ${text(data['why'])}` : ''}`);
}

function callLine(line: Line, data: RunLogEvent['data'], about: string): string {
  const ok = data['outcome'] === 'succeeded';
  const cost = typeof data['cost_usd'] === 'number' ? formatMoney(data['cost_usd']) : 'unpriced';
  const error = data['error'] as { message?: string } | null | undefined;
  const usage = data['usage'] as Usage | undefined;
  const tokens = usage && usage.input_tokens + usage.output_tokens > 0 ? `, ${usage.input_tokens}+${usage.output_tokens} tokens` : '';
  const call = `${ok ? '✅' : '❌'} LLM call [${text(data['role'])}] ${text(data['agent'])}/${text(data['model'] ?? 'default')} (cost=${cost}, ${seconds(Number(data['seconds'] ?? 0))}${tokens})`;
  return line(ok ? 'ℹ️' : '❌', 'llm_call', `${call}${ok ? '' : `: ${text(error?.message ?? data['outcome'])}`} ${about}`);
}

function gateLines(line: Line, id: string, round: GateRound): string {
  const took = Math.max(0, ...round.checks.map((check) => check.seconds));
  const where = round.subject === 'merge' ? ', on the merge result' : '';
  const head = round.passed
    ? line('✅', 'quality_gate', `Quality Gate ✅ PASSED (task=${id}, ${seconds(took)}${where})`)
    : line('❌', 'quality_gate', `Quality Gate ❌ FAILED (task=${id}, ${seconds(took)}${where})`);
  const checks = round.checks.flatMap((check) => {
    if (check.status === 'failed') return [`  - ❌ ${check.name} failed\n`];
    return check.status === 'warning' ? [`  - ⚠️ ${check.name} warned\n`] : [];
  });
  return [head, ...checks].join('');
}

function baseLines(line: Line, id: string, data: Readonly<Record<string, unknown>>): string {
  const checks = Array.isArray(data['checks']) ? (data['checks'] as Pick<GateCheck, 'name' | 'status'>[]) : [];
  const red = checks.filter((check) => check.status !== 'passed').map((check) => check.name);
  const green = checks.filter((check) => check.status === 'passed').map((check) => check.name);
  const said = [...(red.length === 0 ? [] : [`❌ ${red.join(', ')}`]), ...(green.length === 0 ? [] : [`✅ ${green.join(', ')}`])].join(', ');
  return line(red.length === 0 ? 'ℹ️' : '⚠️', 'quality_gate', `Base ${text(data['base_sha']).slice(0, 8)} of ${text(data['target'])} without the task: ${said} (task=${id})`);
}

function seconds(value: number): string {
  return `${value.toFixed(1)}s`;
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** An entry is one line, whatever an error or a goal holds. */
function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ').trim();
}
