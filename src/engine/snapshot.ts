/** The picture that every surface shows, made from the records, the queue's plan and what runs now. Pure. */
import type { Config } from '../core/config/schema.ts';
import { callCost, spendingOf } from '../core/cost.ts';
import type { Estimate } from '../core/estimate.ts';
import type { PriorityBreakdown } from '../core/priority.ts';
import type { QueuePlan } from '../core/queue.ts';
import { openDecisions, type Attempt, type StepExecution, type TaskExecution } from '../core/execution.ts';
import { isTerminal } from '../core/states.ts';
import { areaOf, riskOf } from '../core/task.ts';
import type { Problem } from '../core/errors.ts';
import type { HealthReport } from '../shared/health.ts';
import type { AccountView, AgentView, CostView, LoopView, RoutingView, Snapshot, StepView, TaskGroup, TaskView } from '../shared/api.ts';
import type { LiveFigures, Run } from './pipeline/run.ts';
import type { SourcedTask } from './ports.ts';

export interface SnapshotParts {
  readonly seq: number;
  readonly at: string;
  readonly repository: Snapshot['repository'];
  readonly loop: LoopView;
  readonly tasks: readonly TaskExecution[];
  readonly plan: QueuePlan;
  /** By task id. */
  readonly estimates: ReadonlyMap<string, Estimate>;
  readonly runs: ReadonlyMap<string, Run>;
  readonly source: (taskId: string) => SourcedTask | undefined;
  readonly accounts: readonly AccountView[];
  readonly agents: readonly AgentView[];
  readonly problems: readonly Problem[];
  readonly schedules: NonNullable<Snapshot['schedules']>;
  readonly day: Pick<CostView, 'today_usd' | 'budget_usd' | 'committed_usd'>;
  readonly config: Pick<Config, 'models'>;
  readonly budgetOf: (task: TaskExecution) => number | null;
  readonly routingOf: (task: TaskExecution) => RoutingView | null;
  readonly dashboard: Snapshot['dashboard'];
  readonly health: HealthReport;
  readonly quietHours: string | null;
}

export function buildSnapshot(parts: SnapshotParts): Snapshot {
  const views = parts.tasks.map((task) => taskView(task, parts));
  return {
    seq: parts.seq,
    at: parts.at,
    repository: parts.repository,
    loop: parts.loop,
    tasks: views.sort(compare),
    accounts: parts.accounts,
    agents: parts.agents,
    problems: parts.problems,
    schedules: parts.schedules,
    quiet_hours: parts.quietHours,
    cost: {
      ...parts.day,
      total_usd: views.reduce((sum, view) => sum + view.cost_usd, 0),
      unpriced: views.some((view) => view.unpriced),
    },
    dashboard: parts.dashboard,
    health: parts.health,
  };
}

function taskView(task: TaskExecution, parts: SnapshotParts): TaskView {
  const entry = parts.plan.entries.get(task.task_id);
  const run = parts.runs.get(task.task_id);
  const estimate = parts.estimates.get(task.task_id);
  const attempt = task.attempts.at(-1);
  const source = parts.source(task.task_id);
  const running = attempt?.outcome === 'running' ? attempt : undefined;
  const now = running === undefined || !run?.live ? undefined : liveCall(running, run.live, parts.config);
  const calls = now === undefined ? task.attempts : [...task.attempts.slice(0, -1), now];
  const total = now === undefined ? { cost_usd: task.total_cost_usd, unpriced: task.unpriced, usage: task.usage } : spendingOf(calls);
  return {
    id: task.task_id,
    goal: task.task_def.goal,
    state: task.state,
    group: entry?.group ?? 'waiting',
    why: entry?.reason.text ?? '',
    score: entry?.score.score ?? 0,
    base_score: entry?.score.base_score ?? 0,
    components: breakdown(entry?.score),
    explanation: entry?.score.explanation ?? [],
    position: entry?.position ?? null,
    placed: task.place !== null,
    risk: riskOf(task.task_def),
    area: areaOf(task.task_def),
    workflow: task.workflow,
    workflow_reason: task.workflow_reason,
    source: source ? { file: source.file, line: source.line } : null,
    created_at: task.created_at,
    started_at: task.started_at,
    completed_at: task.completed_at,
    not_before: task.not_before,
    eta_start: isoOf(estimate?.start ?? null),
    eta_done: isoOf(estimate?.done ?? null),
    steps: task.steps.map((step) => stepView(step, calls)),
    gates: task.quality_gate_results.at(-1)?.checks ?? [],
    agent: run?.agent ?? attempt?.agent ?? null,
    model: attempt?.model ?? null,
    attempt_id: run?.attemptId ?? attempt?.attempt_id ?? null,
    attempt_started_at: attempt?.started_at ?? null,
    activity: run?.activity ?? null,
    last_line: run?.lastLine ?? null,
    ...total,
    attempt_cost_usd: running === undefined ? null : (now ?? running).cost_usd,
    budget_usd: parts.budgetOf(task),
    routing: isTerminal(task.state) ? null : parts.routingOf(task),
    branch: task.branch,
    worktree: task.worktree,
    target_branch: task.target_branch,
    base_sha: task.base_sha,
    head_sha: task.head_sha,
    error: task.error?.message ?? null,
    error_kind: task.error?.kind ?? null,
    retry_count: task.retry_count,
    max_retries: task.max_retries,
    rev: task.rev,
    taken_over: task.taken_over?.by ?? null,
    decisions: openDecisions(task),
  };
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

type LiveCall = Pick<Attempt, 'step_id' | 'cost_usd' | 'usage' | 'outcome'>;

/** A running attempt as it stands now: what its agent has reported, whether that is stored or not. */
function liveCall(attempt: Attempt, live: LiveFigures, config: Pick<Config, 'models'>): LiveCall {
  return { step_id: attempt.step_id, outcome: attempt.outcome, usage: live.usage, cost_usd: callCost(live.cost_usd, live.usage, attempt.model, config) };
}

function stepView(step: StepExecution, calls: readonly LiveCall[]): StepView {
  const view = { step_id: step.step_id, state: step.state, description: step.definition.description, attempt: step.attempt };
  const own = calls.filter((one) => one.step_id === step.step_id);
  if (own.length === 0) return view;
  const { cost_usd, unpriced } = spendingOf(own);
  return { ...view, cost_usd, unpriced };
}

/** Only the parts: a snapshot travels to other windows. */
function breakdown(score: PriorityBreakdown | undefined): PriorityBreakdown {
  const { urgency = 0, deadline = 0, sender = 0, age_boost = 0, vip_bonus = 0 } = score ?? {};
  return { urgency, deadline, sender, age_boost, vip_bonus };
}

const GROUP_ORDER: Readonly<Record<TaskGroup, number>> = { needs_you: 0, running: 1, waiting: 2, held: 3, done: 4, failed: 5 };

/** By group; the queue by position, finished work newest first. */
function compare(a: TaskView, b: TaskView): number {
  const group = GROUP_ORDER[a.group] - GROUP_ORDER[b.group];
  if (group !== 0) return group;
  if (a.position !== null && b.position !== null) return a.position - b.position;
  if (a.completed_at !== null && b.completed_at !== null) return a.completed_at < b.completed_at ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}
