/**
 * A task's last run as a tree of spans, read from its record alone: what a restart has interrupted is told as completely as the rest.
 * Names of attributes are those of the semantic conventions of OpenTelemetry where there are some, else `baton.*`.
 */
import type { Attributes } from '@opentelemetry/api';
import type { Attempt, GateRound, StepExecution, TaskExecution } from '../../core/execution.ts';
import { isTerminal } from '../../core/states.ts';
import { areaOf, riskOf } from '../../core/task.ts';

/** Times are epoch ms. */
export interface SpanTree {
  readonly name: 'task.run' | 'step.run' | 'llm.call' | 'quality_gate.run';
  readonly start: number;
  readonly end: number;
  /** Whether it is a call to another system. */
  readonly client: boolean;
  readonly attributes: Attributes;
  /** Set where it failed. */
  readonly error: string | null;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes; readonly at: number }[];
  readonly children: readonly SpanTree[];
}

/** The run that has ended in done or failed; undefined for a task that is not at its end or has never been worked on. */
export function spansOf(task: TaskExecution): SpanTree | undefined {
  const last = task.history.at(-1);
  if (!isTerminal(task.state) || last === undefined || task.started_at === null) return undefined;
  // A task that was run again has told its earlier runs already.
  const previous = task.history.findLastIndex((move, index) => isTerminal(move.to) && index < task.history.length - 1);
  const start = task.history.slice(previous + 1).find((move) => move.from === 'new' && (move.to === 'planning' || move.to === 'implementing'))?.at;
  if (start === undefined) return undefined;
  const run: Window = { start: Date.parse(start), end: Date.parse(last.at) };
  const attempts = task.attempts.filter((attempt) => Date.parse(attempt.started_at) >= run.start);
  const rounds = task.quality_gate_results.filter((round) => Date.parse(round.at) >= run.start);
  const steps = task.steps.flatMap((step) => stepSpan(step, attempts, run));
  const told = new Set(task.steps.map((step) => step.step_id));
  const calls = attempts.filter((attempt) => attempt.step_id === null || !told.has(attempt.step_id)).map((attempt) => callSpan(attempt, run));
  const cancelled = task.error?.kind === 'cancelled';
  const failed = task.state === 'failed' && !cancelled;
  return {
    name: 'task.run',
    ...run,
    client: false,
    attributes: {
      'baton.task.id': task.task_id,
      'baton.task.area': areaOf(task.task_def),
      'baton.task.risk': riskOf(task.task_def),
      'baton.task.workflow': task.workflow,
      'baton.task.retries': task.retry_count,
      'baton.outcome': task.state === 'done' ? 'done' : cancelled ? 'cancelled' : 'failed',
      // Of the run, not of the task: a sum over traces counts nothing twice.
      'baton.cost_usd': attempts.reduce((sum, attempt) => sum + (attempt.cost_usd ?? 0), 0),
      'baton.cost_complete': attempts.every((attempt) => attempt.cost_usd !== null),
      ...(task.merge_sha !== null && { 'vcs.ref.head.revision': task.merge_sha }),
      ...(failed && { 'error.type': task.error?.kind ?? '_OTHER' }),
    },
    error: failed ? (task.error?.message ?? last.why) : null,
    events: [],
    children: inOrder([...steps, ...calls, ...rounds.map(roundSpan)]),
  };
}

interface Window {
  readonly start: number;
  readonly end: number;
}

/** A step of which something happened in the run; it holds its calls, and one that is not completed ends with its last call. */
function stepSpan(step: StepExecution, attempts: readonly Attempt[], run: Window): SpanTree[] {
  const calls = attempts.filter((attempt) => attempt.step_id === step.step_id).map((attempt) => callSpan(attempt, run));
  const begun = step.started_at === null ? NaN : Date.parse(step.started_at);
  if (calls.length === 0 && !(begun >= run.start)) return [];
  const completed = step.completed_at === null ? NaN : Date.parse(step.completed_at);
  const ends = [completed, ...calls.map((call) => call.end)].filter((end) => end >= run.start);
  const failed = step.state === 'failed';
  return [
    {
      name: 'step.run',
      start: Math.min(...[begun, ...calls.map((call) => call.start)].filter((start) => start >= run.start)),
      end: ends.length === 0 ? run.end : Math.max(...ends),
      client: false,
      attributes: {
        'baton.step.id': step.step_id,
        'baton.step.attempts': calls.length,
        'baton.outcome': step.state,
        ...(failed && { 'error.type': step.error?.kind ?? '_OTHER' }),
      },
      error: failed ? (step.error?.message ?? '') : null,
      events: [],
      children: inOrder(calls),
    },
  ];
}

/** Whom the drivers of one provider's own program call; the others may call anyone. */
const PROVIDERS: Readonly<Record<string, string>> = { claude: 'anthropic', codex: 'openai' };

function callSpan(attempt: Attempt, run: Window): SpanTree {
  const { usage, error } = attempt;
  const provider = PROVIDERS[attempt.driver];
  const failed = attempt.outcome === 'failed';
  const start = Date.parse(attempt.started_at);
  return {
    name: 'llm.call',
    start,
    end: Math.max(start, attempt.ended_at === null ? run.end : Date.parse(attempt.ended_at)),
    client: true,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': attempt.agent,
      ...(provider !== undefined && { 'gen_ai.provider.name': provider }),
      ...(attempt.model !== null && { 'gen_ai.request.model': attempt.model }),
      ...(attempt.session_id !== null && { 'gen_ai.conversation.id': attempt.session_id }),
      // By the conventions all that went in, with what came from a cache; Baton counts the kinds apart.
      'gen_ai.usage.input_tokens': usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
      'gen_ai.usage.cache_read.input_tokens': usage.cache_read_tokens,
      'gen_ai.usage.cache_creation.input_tokens': usage.cache_write_tokens,
      'gen_ai.usage.output_tokens': usage.output_tokens,
      // Unpriced is never 0.
      ...(attempt.cost_usd !== null && { 'baton.cost_usd': attempt.cost_usd }),
      'baton.attempt.id': attempt.attempt_id,
      'baton.attempt.number': attempt.number,
      'baton.role': attempt.role,
      'baton.outcome': attempt.outcome,
      'baton.turns': attempt.turns,
      ...(error !== null && { 'error.type': error.kind }),
    },
    error: failed ? (error?.message ?? '') : null,
    events: [],
    children: [],
  };
}

/** Gates run side by side, so that only the round has times of its own. */
function roundSpan(round: GateRound): SpanTree {
  const end = Date.parse(round.at);
  const start = round.started_at === undefined ? end - Math.max(0, ...round.checks.map((check) => check.seconds)) * 1000 : Date.parse(round.started_at);
  const red = round.checks.filter((check) => check.status === 'failed' && check.required).map((check) => check.name);
  return {
    name: 'quality_gate.run',
    start,
    end,
    client: false,
    attributes: {
      'baton.gate.round': round.round,
      'baton.gate.subject': round.subject,
      'baton.gate.names': round.checks.map((check) => check.name),
      'baton.outcome': round.passed ? 'passed' : 'failed',
      ...(!round.passed && { 'error.type': 'gates_failed' }),
    },
    error: round.passed ? null : `${red.join(', ')} failed`,
    events: round.checks.map((check) => ({
      name: 'gate',
      at: end,
      attributes: {
        'baton.gate.name': check.name,
        'baton.gate.status': check.status,
        'baton.gate.required': check.required,
        'baton.gate.seconds': check.seconds,
        ...(check.exit_code !== null && { 'baton.gate.exit_code': check.exit_code }),
      },
    })),
    children: [],
  };
}

function inOrder(spans: SpanTree[]): SpanTree[] {
  return spans.sort((a, b) => a.start - b.start);
}
