/** The dashboard's rows, each from one task, decision, check or account. */
import { plural } from '../../core/format.ts';
import type { Decision } from '../../core/execution.ts';
import { HEALTH_CHECKS, type HealthCheckName, type HealthStatus } from '../../shared/health.ts';
import type { AccountView, AgentView, Snapshot, TaskView } from '../../shared/api.ts';
import type { AccountRow, ActiveRow, DecisionRow, HealthView, ProblemsView, QueueRow, RecentRow, Tone } from '../../shared/dashboard.ts';
import { openDecisions } from './actions.ts';
import { decisionFacts, decisionTitle } from './decisionItem.ts';
import { age, ahead, between, elapsed, localTime, oneLine } from './format.ts';
import { estimateText, isCancelled, queueGroup, runningTime, spent, taskPhase } from './taskItem.ts';

export function decisionRow(task: TaskView, decision: Decision, now: number): DecisionRow {
  return {
    task: task.id,
    decision: decision.id,
    title: decisionTitle(decision),
    goal: oneLine(task.goal),
    facts: decisionFacts(task, decision).join(' · '),
    age: age(now - Date.parse(decision.since)),
  };
}

export function activeRow(task: TaskView, now: number): ActiveRow {
  const [decision] = openDecisions(task);
  const doing = decision === undefined ? (task.activity ?? '') : 'waits for you';
  const left = ahead(task.eta_done, now);
  // Attempts are called a1, a2, … within their task.
  const attempts = Number(task.attempt_id?.slice(1) ?? 1);
  return {
    task: task.id,
    goal: oneLine(task.goal),
    step: [...new Set([taskPhase(task), doing, attempts > 1 ? `attempt ${attempts}` : ''])].filter((part) => part !== '').join(' · '),
    progress: task.steps.length > 1 ? { done: task.steps.filter((step) => step.state === 'completed').length, total: task.steps.length } : null,
    elapsed: runningTime(task, now),
    cost: spent(task),
    eta: left === '' ? '' : left === 'now' ? 'done soon' : `done in ${left}`,
    lastLine: task.last_line === null ? '' : oneLine(task.last_line, 200),
  };
}

export function queueRow(task: TaskView, now: number): QueueRow {
  return {
    task: task.id,
    goal: oneLine(task.goal),
    position: task.position === null ? '' : String(task.position),
    score: task.score.toFixed(1),
    wait: age(now - Date.parse(task.created_at)),
    eta: ahead(task.eta_done, now),
    etaDetail: estimateText(task, now),
    held: queueGroup(task) === 'held',
    why: oneLine(task.placed ? `Placed by hand. ${task.why}` : task.why, 200),
  };
}

export function recentRow(task: TaskView, now: number): RecentRow {
  return {
    task: task.id,
    goal: oneLine(task.goal),
    outcome: task.state === 'done' ? 'done' : isCancelled(task) ? 'cancelled' : 'failed',
    took: task.started_at === null ? '' : elapsed(between(task.started_at, task.completed_at)),
    cost: spent(task),
    ended: task.completed_at === null ? '' : localTime(task.completed_at, now),
  };
}

const CHECK_NAMES: Readonly<Record<HealthCheckName, string>> = { scheduler_alive: 'Loop', task_backlog: 'Backlog', error_rate: 'Error rate', last_completion: 'Last completion' };
const HEALTH_TONES: Readonly<Record<HealthStatus, Tone>> = { healthy: 'good', degraded: 'warning', unhealthy: 'bad', unknown: 'muted' };

const HEALTH_WORDS: Readonly<Record<HealthStatus, string>> = { healthy: 'Healthy', degraded: 'Degraded', unhealthy: 'Unhealthy', unknown: 'Not started' };

export function healthOf({ health, problems }: Snapshot): HealthView {
  return {
    tone: HEALTH_TONES[health.status],
    status: HEALTH_WORDS[health.status],
    checks: HEALTH_CHECKS.map((name) => ({ name: CHECK_NAMES[name], ...health.checks[name] })),
    problems: problemsOf(problems),
  };
}

function problemsOf(problems: Snapshot['problems']): ProblemsView {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const parts = [errors > 0 ? plural(errors, 'error') : '', problems.length > errors ? plural(problems.length - errors, 'warning') : ''].filter((part) => part !== '');
  return { count: problems.length, text: parts.length === 0 ? 'No problems in configuration and tasks' : `${parts.join(' and ')} in configuration and tasks` };
}

export function accountRows({ accounts, agents }: Snapshot, now: number): AccountRow[] {
  return accounts.map((account) => ({
    ...accountState(account, now),
    agents: agents.filter((agent) => agent.account === account.account).map((agent) => ({ name: agent.name, available: agent.available, text: agentText(agent) })),
  }));
}

function accountState({ account, closed, closed_until: until, reason }: AccountView, now: number): Pick<AccountRow, 'name' | 'held' | 'text'> {
  if (!closed) return { name: account, held: false, text: 'open' };
  const left = until === null || until === 'unknown' ? Number.NaN : Date.parse(until) - now;
  const when = Number.isNaN(left) ? 'on hold until sign-in works again' : `on hold until ${localTime(until ?? '', now)}${left > 0 ? `, opens in ${elapsed(left)}` : ''}`;
  return { name: account, held: true, text: reason === null ? when : `${when}: ${oneLine(reason)}` };
}

function agentText({ available, version, install }: AgentView): string {
  if (available) return version ?? '';
  return install === null ? 'not installed' : `not installed: ${install}`;
}
