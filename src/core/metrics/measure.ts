/**
 * What a committed change of a task adds to the metrics. Pure, and read from the two records alone, so that the history of a task
 * that was there before its metrics can be measured by the same rules.
 */
import type { Attempt, Decision, HistoryEntry, TaskExecution } from '../execution.ts';
import { areaOf } from '../task.ts';
import { emptyRollup, floor, type CostRollup, type Ending, type MetricsChange, type Rollup } from './rollup.ts';

/** What the step from one record of a task to the next adds; undefined when that is nothing. `before` undefined measures the whole record. */
export function measure(before: TaskExecution | undefined, after: TaskExecution, stretch: number): MetricsChange | undefined {
  const rollups: Rollup[] = [];
  const add = (at: string, what: Partial<Rollup>): void => void rollups.push({ ...emptyRollup(floor(Date.parse(at), stretch)), ...what });
  const moves = after.history.slice(before?.history.length ?? 0);
  if (after.started_at !== null) for (const move of moves) if (isStart(move)) add(move.at, { started: 1 });
  for (const round of after.quality_gate_results.slice(before?.quality_gate_results.length ?? 0)) add(round.at, round.passed ? { gates_passed: 1 } : { gates_failed: 1 });
  const known = new Set(before?.decisions.map((decision) => decision.id));
  for (const decision of after.decisions) if (!known.has(decision.id)) add(decision.since, { decisions: 1 });
  const ended = endedAttempts(before, after);
  for (const attempt of ended) add(attempt.ended_at ?? '', { attempts: 1 });
  const costs = ended.map((attempt) => costOfAttempt(attempt, areaOf(after.task_def), stretch));
  const endings = moves.flatMap((move) => (isEnd(move, after) ? [endingOf(move, after)] : []));
  if (rollups.length === 0 && endings.length === 0) return undefined;
  return { rollups, costs, endings };
}

/** A task that was found done is not work of Baton: it never started. */
function isEnd(move: HistoryEntry, task: TaskExecution): boolean {
  if (move.to === 'done') return task.started_at !== null;
  return move.to === 'failed' && !isCancel(move, task);
}

/** What the user gave up is no failure, also when it was run again since. Records of earlier versions tell it of their last move only. */
export function isCancel(move: HistoryEntry, task: TaskExecution): boolean {
  return (move.error ?? (move === task.history.at(-1) ? task.error?.kind : undefined)) === 'cancelled';
}

function isStart(move: HistoryEntry): boolean {
  return move.from === 'new' && (move.to === 'planning' || move.to === 'implementing');
}

/** Attempts that ended between the two records, also those that a crash ended. */
function endedAttempts(before: TaskExecution | undefined, after: TaskExecution): Attempt[] {
  return after.attempts.filter((attempt, index) => attempt.ended_at !== null && (before?.attempts[index]?.ended_at ?? null) === null);
}

function costOfAttempt(attempt: Attempt, area: string, stretch: number): CostRollup {
  return {
    start: floor(Date.parse(attempt.ended_at ?? attempt.started_at), stretch),
    agent: attempt.agent,
    model: attempt.model ?? '',
    role: attempt.role,
    area,
    attempts: 1,
    cost_usd: attempt.cost_usd ?? 0,
    unpriced: attempt.cost_usd === null ? 1 : 0,
    ...attempt.usage,
  };
}

function endingOf(move: HistoryEntry, task: TaskExecution): Ending {
  const until = move.at;
  const rounds = task.quality_gate_results.filter((round) => round.at <= until);
  const since = task.history.findLast((one) => one.at <= until && isStart(one))?.at ?? task.started_at;
  return {
    at: Date.parse(until),
    task_id: task.task_id,
    completed: move.to === 'done',
    seconds: since === null ? null : Math.max(0, (Date.parse(until) - Date.parse(since)) / 1000),
    retried: wasRetried(task, until),
    human: task.decisions.some((decision) => decision.since <= until && tookAHuman(decision)),
    first_pass: rounds[0]?.passed ?? null,
  };
}

function wasRetried(task: TaskExecution, until: string): boolean {
  const failures = [
    ...task.attempts.flatMap((attempt) => (attempt.outcome === 'failed' && attempt.ended_at !== null ? [attempt.ended_at] : [])),
    ...task.quality_gate_results.flatMap((round) => (round.passed ? [] : [round.at])),
  ].sort();
  const first = failures[0];
  return first !== undefined && task.attempts.some((attempt) => attempt.started_at >= first && attempt.started_at <= until);
}

/** The kinds that a policy asks for in the course of things; being sent back or refused is more than that. */
const BY_POLICY: ReadonlySet<Decision['kind']> = new Set(['start', 'plan', 'merge']);

function tookAHuman({ kind, answer }: Decision): boolean {
  return !BY_POLICY.has(kind) || (answer !== null && answer.verdict !== 'approve');
}
