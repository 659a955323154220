/** The picture that every surface shows, made from the records, the queue's plan and what runs now. Pure. */
import type { Config } from '../core/config/schema.ts';
import { callCost, spendingOf } from '../core/cost.ts';
import type { Estimate } from '../core/estimate.ts';
import type { PriorityBreakdown } from '../core/priority.ts';
import type { QueueEntry, QueuePlan } from '../core/queue.ts';
import { isoTime } from '../core/format.ts';
import { openDecisions, type Attempt, type StepExecution, type TaskExecution } from '../core/execution.ts';
import { isTerminal } from '../core/states.ts';
import { areaOf, riskOf } from '../core/task.ts';
import type { Problem } from '../core/errors.ts';
import type { HealthReport } from '../shared/health.ts';
import type { AccountView, AgentView, CostView, LoopView, RoutingView, Snapshot, StepView, TaskGroup, TaskView } from '../shared/api.ts';
import type { LiveFigures, Run } from './pipeline/run.ts';
import type { SourcedTask, TreeUsage } from './ports.ts';

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
  readonly day: Omit<CostView, 'total_usd' | 'unpriced'>;
  readonly config: Pick<Config, 'models'>;
  readonly budgetOf: (task: TaskExecution) => number | null;
  readonly routingOf: (task: TaskExecution) => RoutingView | null;
  readonly dashboard: Snapshot['dashboard'];
  readonly health: HealthReport;
  /** What the process tree with a mark uses. */
  readonly usageOf?: (mark: string) => TreeUsage | undefined;
  readonly quietHours: string | null;
  /** The views of the last snapshot by task id, where the caller keeps them; they are brought up to date. */
  readonly kept?: Map<string, KeptView>;
}

export function buildSnapshot(parts: SnapshotParts): Snapshot {
  const views: TaskView[] = [];
  const queue: (TaskView | undefined)[] = [];
  for (const task of parts.tasks) {
    const view = taskView(task, parts);
    // The queue's order is known; what has no place in it is sorted.
    if (view.position === null) views.push(view);
    else queue[view.position - 1] = view;
  }
  // One by one: a call takes only so many arguments.
  for (const view of queue) if (view !== undefined) views.push(view);
  forget(parts);
  return {
    seq: parts.seq,
    at: parts.at,
    repository: parts.repository,
    loop: parts.loop,
    tasks: inOrder(views),
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

/** Drops the views of tasks that are no more. */
function forget({ kept, tasks, plan }: SnapshotParts): void {
  if (kept === undefined || kept.size <= tasks.length) return;
  for (const id of kept.keys()) if (!plan.entries.has(id)) kept.delete(id);
}

/** The view of the last snapshot where it still says the same: most of ten thousand tasks stand still, and the same object needs no second look. */
function taskView(task: TaskExecution, parts: SnapshotParts): TaskView {
  const run = parts.runs.get(task.task_id);
  const outside: Outside = {
    entry: parts.plan.entries.get(task.task_id),
    estimate: parts.estimates.get(task.task_id),
    source: parts.source(task.task_id),
    budget_usd: parts.budgetOf(task),
    routing: isTerminal(task.state) ? null : parts.routingOf(task),
  };
  if (run !== undefined) return { ...viewOf(task, outside), ...runningView(task, run, stillOf(task), parts) };
  const known = parts.kept?.get(task.task_id);
  if (known?.task === task && isSame(known.outside, outside)) return known.view;
  const view = viewOf(task, outside);
  parts.kept?.set(task.task_id, { task, outside, view });
  return view;
}

/** What a view was made from. */
export interface KeptView {
  readonly task: TaskExecution;
  readonly outside: Outside;
  readonly view: TaskView;
}

/** What of a view its record does not say. */
interface Outside {
  readonly entry: QueueEntry | undefined;
  readonly estimate: Estimate | undefined;
  readonly source: SourcedTask | undefined;
  readonly budget_usd: number | null;
  readonly routing: RoutingView | null;
}

function isSame(a: Outside, b: Outside): boolean {
  return (
    a.entry === b.entry &&
    a.estimate?.start === b.estimate?.start &&
    a.estimate?.done === b.estimate?.done &&
    a.source === b.source &&
    a.budget_usd === b.budget_usd &&
    isSameRouting(a.routing, b.routing)
  );
}

function isSameRouting(a: RoutingView | null, b: RoutingView | null): boolean {
  if (a === null || b === null) return a === b;
  return a.role === b.role && a.agent === b.agent && a.model === b.model && a.reason === b.reason && a.estimate === b.estimate && a.reserve_usd === b.reserve_usd;
}

function viewOf(task: TaskExecution, { entry, estimate, source, budget_usd, routing }: Outside): TaskView {
  return {
    ...stillOf(task),
    group: entry?.group ?? 'waiting',
    why: entry?.reason.text ?? '',
    score: entry?.score.score ?? 0,
    base_score: entry?.score.base_score ?? 0,
    components: componentsOf(entry?.score),
    explanation: entry?.score.explanation ?? [],
    position: entry?.position ?? null,
    source: source ? { file: source.file, line: source.line } : null,
    eta_start: isoOf(estimate?.start ?? null),
    eta_done: isoOf(estimate?.done ?? null),
    budget_usd,
    routing,
  };
}

/** What a run adds to its task's view: what is not stored, or not stored yet. */
function runningView(task: TaskExecution, run: Run, still: StillView, { config, usageOf }: SnapshotParts): Partial<TaskView> {
  const attempt = task.attempts.at(-1);
  const now = attempt?.outcome === 'running' && run.live ? liveCall(attempt, run.live, config) : undefined;
  const calls = now && [...task.attempts.slice(0, -1), now];
  const used = attempt?.outcome === 'running' ? usageOf?.(attempt.mark) : undefined;
  return {
    agent: run.agent ?? still.agent,
    attempt_id: run.attemptId ?? still.attempt_id,
    activity: run.activity,
    last_line: run.lastLine,
    ...(used && { ...(used.cpu_percent === null ? {} : { cpu_percent: used.cpu_percent }), memory_mb: used.memory_mb }),
    ...(now && calls && { ...spendingOf(calls), attempt_cost_usd: now.cost_usd, steps: task.steps.map((step) => stepView(step, calls)) }),
  };
}

type FromOutside = 'group' | 'why' | 'score' | 'base_score' | 'components' | 'explanation' | 'position' | 'source' | 'eta_start' | 'eta_done' | 'budget_usd' | 'routing';
type StillView = Omit<TaskView, FromOutside>;

/** What a record alone says. Records are never changed in place, so of ten thousand only those that have changed are read again. */
function stillOf(task: TaskExecution): StillView {
  const known = stills.get(task);
  if (known) return known;
  const attempt = task.attempts.at(-1);
  const still: StillView = {
    id: task.task_id,
    goal: task.task_def.goal,
    state: task.state,
    placed: task.place !== null,
    risk: riskOf(task.task_def),
    area: areaOf(task.task_def),
    workflow: task.workflow,
    workflow_reason: task.workflow_reason,
    created_at: task.created_at,
    started_at: task.started_at,
    completed_at: task.completed_at,
    not_before: task.not_before,
    steps: task.steps.map((step) => stepView(step, task.attempts)),
    gates: task.quality_gate_results.at(-1)?.checks ?? [],
    agent: attempt?.agent ?? null,
    model: attempt?.model ?? null,
    attempt_id: attempt?.attempt_id ?? null,
    attempt_started_at: attempt?.started_at ?? null,
    activity: null,
    last_line: null,
    cost_usd: task.total_cost_usd,
    unpriced: task.unpriced,
    usage: task.usage,
    attempt_cost_usd: attempt?.outcome === 'running' ? attempt.cost_usd : null,
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
  stills.set(task, still);
  return still;
}
const stills = new WeakMap<TaskExecution, StillView>();

function isoOf(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
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
function componentsOf(score: PriorityBreakdown | undefined): PriorityBreakdown {
  if (score === undefined) return NO_COMPONENTS;
  const known = components.get(score);
  if (known) return known;
  const { urgency, deadline, sender, age_boost, vip_bonus } = score;
  const made = { urgency, deadline, sender, age_boost, vip_bonus };
  components.set(score, made);
  return made;
}
const components = new WeakMap<PriorityBreakdown, PriorityBreakdown>();
const NO_COMPONENTS: PriorityBreakdown = { urgency: 0, deadline: 0, sender: 0, age_boost: 0, vip_bonus: 0 };

const GROUP_ORDER: Readonly<Record<TaskGroup, number>> = { needs_you: 0, running: 1, waiting: 2, held: 3, done: 4, failed: 5 };

/** By group; the queue by position, finished work newest first. */
function inOrder(views: readonly TaskView[]): TaskView[] {
  const groups = new Map<TaskGroup, TaskView[]>();
  for (const view of views) {
    const group = groups.get(view.group);
    if (group) group.push(view);
    else groups.set(view.group, [view]);
  }
  return [...groups].sort(([a], [b]) => GROUP_ORDER[a] - GROUP_ORDER[b]).flatMap(([, group]) => group.sort(compare));
}

function compare(a: TaskView, b: TaskView): number {
  if (a.position !== null && b.position !== null) return a.position - b.position;
  if (a.completed_at !== null && b.completed_at !== null) return a.completed_at < b.completed_at ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}
