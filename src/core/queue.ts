/**
 * The queue: who runs next, and for every task why it does not run now. Pure: everything it knows is handed in, so the
 * same facts always give the same plan.
 */
import type { Config } from './config/schema.ts';
import { findCycles } from './dependencies.ts';
import type { Problem } from './errors.ts';
import type { TaskExecution } from './execution.ts';
import { bornAt, scorePriority, type PriorityScore } from './priority.ts';
import { blockedBy, capacityOf, type Reason } from './queueReasons.ts';
import { isTerminal } from './states.ts';

export type LoopState = 'never_started' | 'running' | 'paused' | 'stopping' | 'stopped';
export type QueueGroup = 'running' | 'waiting' | 'held' | 'needs_you' | 'done' | 'failed';

/** A task that the engine is working on at this moment (an agent, gates, set-up, a merge). */
export interface RunningFact {
  /** Agent at work, if any. */
  readonly agent: string | null;
  /** Epoch ms. */
  readonly since: number;
  /** What it does, in the words of the attempt; the task's state says it where this is null. */
  readonly activity: string | null;
  /** A permission or question of its agent is open: it uses no slot meanwhile. */
  readonly waits_for_human: boolean;
  /** False while a human is asked, and for gates and merges, which need no agent. */
  readonly uses_slot: boolean;
}

export interface AgentFact {
  readonly available: boolean;
  /** False when the configuration turns it off, or when what it needs is missing. */
  readonly enabled: boolean;
  /** Command that installs it. */
  readonly install: string | null;
  readonly account: string;
  /** Cap on parallel runs; null for none. */
  readonly max_concurrent: number | null;
  /** False when neither the agent nor its model has a price. */
  readonly priced: boolean;
}

export interface AccountFact {
  /** Epoch ms at which it opens; null until sign-in works again. */
  readonly closed_until: number | null;
  readonly reason: string;
}

export interface SpendFact {
  /** Dollars spent today and reserved by running attempts, in all and by area. */
  readonly today_usd: number;
  readonly by_area: ReadonlyMap<string, number>;
  /** Epoch ms at which the next day begins. */
  readonly day_ends: number;
  /** The limits that hold today; those of the configuration when absent. */
  readonly day_limit?: number | undefined;
  readonly area_limits?: ReadonlyMap<string, number | undefined>;
}

export interface QueueFacts {
  /** Epoch ms. */
  readonly now: number;
  readonly config: Config;
  readonly loop: LoopState;
  /** Why the loop is stopped, where that is not the user's own Stop. */
  readonly loop_reason?: string | null;
  /** By task id. */
  readonly running: ReadonlyMap<string, RunningFact>;
  /** By agent name. */
  readonly agents: ReadonlyMap<string, AgentFact>;
  /** The agent that a task's next attempt would use; null when it needs none (gates), else why nobody can do it, as words that go on a sentence. */
  readonly agentOf: (task: TaskExecution) => string | null | { readonly missing: string };
  /** Accounts that are closed now, by name. */
  readonly accounts: ReadonlyMap<string, AccountFact>;
  /** Errors in definitions, by task id. */
  readonly problems?: ReadonlyMap<string, readonly Problem[]>;
  /** Ids that have no record here but are done on the target branch. */
  readonly merged?: ReadonlySet<string>;
  readonly spend?: SpendFact;
  /** Dollars that the task's next attempt reserves; `budget.reserve_usd` when absent. */
  readonly reserveOf?: (task: TaskExecution) => number;
  /** Whether the agent and model of the task's next attempt have a price; that of its agent when absent. */
  readonly pricedOf?: (task: TaskExecution) => boolean;
  /** Other reasons to hold a task, as whole sentences, by task id. */
  readonly holds?: ReadonlyMap<string, string>;
  /** See PriorityContext. */
  readonly utcOffsetMinutes?: number;
}

export interface QueueEntry {
  readonly id: string;
  readonly score: PriorityScore;
  /** The score that counts: the highest of the task's own and of the tasks that wait for it. */
  readonly effective_score: number;
  /** The task whose urgency (or place) this one inherited, if any. */
  readonly inherited_from: string | null;
  /** The manual place that counts, own or inherited; lower runs first. */
  readonly effective_place: number | null;
  /** From 1, over all tasks that are queued; null for a task that is running, parked or finished. */
  readonly position: number | null;
  readonly group: QueueGroup;
  /** Nothing but a free slot is missing. */
  readonly runnable: boolean;
  readonly reason: Reason;
}

export interface QueuePlan {
  readonly entries: ReadonlyMap<string, QueueEntry>;
  /** Ids of the queued tasks, first to run first. */
  readonly order: readonly string[];
  /** Those of `order` that lack nothing but perhaps a slot. */
  readonly runnable: readonly string[];
  /** Those of `runnable` that are to be started now: slots, agents' caps and budgets allow it. */
  readonly start: readonly string[];
  /** Epoch ms of the next time at which this plan may change by itself; null when only an event can change it. */
  readonly wake_at: number | null;
}

/** Orders the tasks (manual place, then score, then age, then id) and says for each why it does not run. */
export function planQueue(tasks: readonly TaskExecution[], facts: QueueFacts): QueuePlan {
  const byId = new Map(tasks.map((task) => [task.task_id, task]));
  const scores = new Map(tasks.map((task) => [task.task_id, scoreOf(task, facts)]));
  const queued = tasks.filter((task) => isQueued(task, facts));
  const ranks = rank(tasks.filter((task) => !isTerminal(task.state)), byId, scores);
  const order = [...queued].sort((a, b) => compare(ranks.get(a.task_id), ranks.get(b.task_id)));
  const circles = findCycles(
    tasks.filter((task) => task.state === 'new').map((task) => ({ id: task.task_id, depends_on: task.task_def.depends_on ?? [] })),
  );

  const reasons = new Map<string, Reason>();
  const runnable: string[] = [];
  const start: string[] = [];
  const capacity = capacityOf(tasks, facts);
  for (const task of order) {
    const reason = blockedBy(task, facts, byId, circles) ?? capacity.next(task);
    reasons.set(task.task_id, reason);
    if (CAPACITY_REASONS.has(reason.code)) runnable.push(task.task_id);
    if (reason.code === 'next') start.push(task.task_id);
  }

  const positions = new Map(order.map((task, index) => [task.task_id, index + 1]));
  const lackOnlySlots = new Set(runnable);
  const entries = new Map<string, QueueEntry>();
  for (const task of tasks) {
    const id = task.task_id;
    const score = scores.get(id) ?? scoreOf(task, facts);
    const own = ranks.get(id);
    const reason = reasons.get(id) ?? capacity.unqueued(task);
    entries.set(id, {
      id,
      score,
      effective_score: own?.score ?? score.score,
      inherited_from: own?.inherited_from ?? null,
      effective_place: own?.place ?? null,
      position: positions.get(id) ?? null,
      group: groupOf(reason),
      runnable: lackOnlySlots.has(id),
      reason,
    });
  }
  return { entries, order: order.map((task) => task.task_id), runnable, start, wake_at: wakeAt(reasons.values()) };
}

/** Reasons that only others' work stands behind: the task itself could run. */
const CAPACITY_REASONS: ReadonlySet<Reason['code']> = new Set(['next', 'slots', 'agent_busy']);

/** A task is queued when the loop would have to start something for it: not finished, not parked, not at work. */
function isQueued(task: TaskExecution, facts: QueueFacts): boolean {
  return !isTerminal(task.state) && task.state !== 'awaiting_human_review' && !facts.running.has(task.task_id);
}

function scoreOf(task: TaskExecution, facts: QueueFacts): PriorityScore {
  return scorePriority(task.task_def, {
    config: facts.config,
    now: facts.now,
    firstSeen: Date.parse(task.created_at),
    ...(facts.utcOffsetMinutes === undefined ? {} : { utcOffsetMinutes: facts.utcOffsetMinutes }),
  });
}

interface Rank {
  place: number | null;
  score: number;
  inherited_from: string | null;
  /** Unfinished tasks that must be done before, counted along the longest chain: a tie goes to what is waited for. */
  depth: number;
  born: number;
  id: string;
}

/** Gives every unfinished task its own rank, raised by what waits for it, directly or through others. */
function rank(open: readonly TaskExecution[], byId: ReadonlyMap<string, TaskExecution>, scores: ReadonlyMap<string, PriorityScore>): Map<string, Rank> {
  const ranks = new Map<string, Rank>();
  for (const task of open) {
    const born = bornAt(task.task_def, Date.parse(task.created_at));
    ranks.set(task.task_id, { place: task.place, score: scores.get(task.task_id)?.score ?? 0, inherited_from: null, depth: 0, born, id: task.task_id });
  }
  // The common queue has no dependencies, and nothing to hand down.
  if (!open.some((task) => (task.task_def.depends_on?.length ?? 0) > 0)) return ranks;
  const ranked = [...ranks.values()];
  const best = { score: [...ranked].sort((a, b) => b.score - a.score), place: ranked.filter((one) => one.place !== null).sort((a, b) => (a.place ?? 0) - (b.place ?? 0)) };
  inherit(best.score, ranks, byId, (below, from) => {
    if (below.score < from.score) Object.assign(below, { score: from.score, inherited_from: from.id });
  });
  inherit(best.place, ranks, byId, (below, from) => {
    if (below.place === null || (from.place !== null && from.place < below.place)) Object.assign(below, { place: from.place, inherited_from: from.id });
  });
  for (const [id, depth] of depths(open, ranks)) {
    const own = ranks.get(id);
    if (own) own.depth = depth;
  }
  return ranks;
}

/**
 * Hands what a task has down to everything it waits for. The best come first, so that each task is reached once, by the
 * best of those that wait for it (a chain of 10 000 stays linear), and circles end.
 */
function inherit(bestFirst: readonly Rank[], ranks: ReadonlyMap<string, Rank>, byId: ReadonlyMap<string, TaskExecution>, give: (below: Rank, from: Rank) => void): void {
  const settled = new Set<string>();
  for (const from of bestFirst) {
    const work = [from.id];
    for (let id = work.pop(); id !== undefined; id = work.pop()) {
      if (settled.has(id)) continue;
      settled.add(id);
      const task = byId.get(id);
      if (task?.state !== 'new') continue;
      for (const dependency of task.task_def.depends_on ?? []) {
        const below = ranks.get(dependency);
        if (!below || settled.has(dependency)) continue;
        give(below, from);
        work.push(dependency);
      }
    }
  }
}

/** Length of the longest chain of unfinished tasks below each task; what is part of a circle counts as 0. */
function depths(open: readonly TaskExecution[], ranks: ReadonlyMap<string, Rank>): Map<string, number> {
  const dependents = new Map<string, string[]>();
  const missing = new Map<string, number>();
  for (const task of open) {
    const wanted = task.state === 'new' ? new Set(task.task_def.depends_on ?? []) : new Set<string>();
    const unfinished = [...wanted].filter((id) => ranks.has(id));
    missing.set(task.task_id, unfinished.length);
    for (const id of unfinished) {
      const waiting = dependents.get(id);
      if (waiting) waiting.push(task.task_id);
      else dependents.set(id, [task.task_id]);
    }
  }
  const depth = new Map<string, number>();
  let level = [...missing].filter(([, count]) => count === 0).map(([id]) => id);
  for (let at = 0; level.length > 0; at += 1) {
    const next: string[] = [];
    for (const id of level) {
      depth.set(id, at);
      for (const dependent of dependents.get(id) ?? []) {
        const left = (missing.get(dependent) ?? 0) - 1;
        missing.set(dependent, left);
        if (left === 0) next.push(dependent);
      }
    }
    level = next;
  }
  return depth;
}

function compare(a: Rank | undefined, b: Rank | undefined): number {
  if (!a || !b) return 0;
  if (a.place !== b.place) {
    if (a.place === null) return 1;
    if (b.place === null) return -1;
    return a.place - b.place;
  }
  if (a.score !== b.score) return b.score - a.score;
  if (a.depth !== b.depth) return a.depth - b.depth;
  if (a.born !== b.born) return a.born - b.born;
  return a.id < b.id ? -1 : 1;
}

function groupOf(reason: Reason): QueueGroup {
  switch (reason.code) {
    case 'done':
    case 'failed':
    case 'running':
      return reason.code;
    case 'needs_decision':
      return 'needs_you';
    case 'next':
    case 'slots':
    case 'agent_busy':
    case 'dependency':
    case 'loop':
      return 'waiting';
    case 'definition':
    case 'cycle':
    case 'dependency_unknown':
    case 'dependency_failed':
    case 'not_before':
    case 'agent_missing':
    case 'account_closed':
    case 'budget':
    case 'attention':
    case 'hold':
      return 'held';
  }
}

function wakeAt(reasons: Iterable<Reason>): number | null {
  let earliest: number | null = null;
  for (const { until } of reasons) if (until !== null && (earliest === null || until < earliest)) earliest = until;
  return earliest;
}

/**
 * New manual places that put `id` right before `before` (at the end when null) in the given order; only tasks whose place
 * changes are named. Everything ahead of a placed task is placed too, since a place outranks every score.
 * @param order the queued tasks in their present order with their own places
 */
export function placeBefore(order: readonly { readonly id: string; readonly place: number | null }[], id: string, before: string | null): Map<string, number> {
  const others = order.filter((entry) => entry.id !== id);
  const found = before === null ? -1 : others.findIndex((entry) => entry.id === before);
  const index = found < 0 ? others.length : found;
  const ahead = others.slice(0, index);
  const last = ahead.at(-1)?.place ?? null;
  const next = others[index]?.place ?? null;
  if (ahead.every((entry) => entry.place !== null)) {
    const place = between(last, next);
    if (place !== undefined) return new Map([[id, place]]);
  }
  const placed = [...ahead.map((entry) => entry.id), id, ...others.slice(index).flatMap((entry) => (entry.place === null ? [] : [entry.id]))];
  const current = new Map(order.map((entry) => [entry.id, entry.place]));
  return new Map(placed.map((one, at) => [one, at + 1] as const).filter(([one, place]) => current.get(one) !== place));
}

/** A number strictly between two places; undefined when halving has used up the precision. */
function between(low: number | null, high: number | null): number | undefined {
  if (low === null) return high === null ? 1 : high - 1;
  if (high === null) return low + 1;
  const middle = (low + high) / 2;
  return low < middle && middle < high ? middle : undefined;
}
