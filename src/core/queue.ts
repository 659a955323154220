/**
 * The queue: who runs next, and for every task why it does not run now. Pure: everything it knows is handed in, so the
 * same facts always give the same plan.
 */
import type { Config } from './config/schema.ts';
import type { Problem } from './errors.ts';
import type { TaskExecution } from './execution.ts';
import { scorePriority, type PriorityScore } from './priority.ts';
import { Ranking } from './queueRank.ts';
import { blockedBy, capacityOf, SlotReasons, type Reason } from './queueReasons.ts';
import { isTerminal } from './states.ts';

export type LoopState = 'never_started' | 'running' | 'paused' | 'stopping' | 'stopped';
export type QueueGroup = 'running' | 'waiting' | 'held' | 'needs_you' | 'done' | 'failed';

/** A task that the engine is working on at this moment (an agent, gates, set-up, a merge). */
export interface RunningFact {
  /** Agent at work, if any. */
  readonly agent: string | null;
  /** The agent that its first turn was started for, before that begins. */
  readonly reserved?: string | null;
  /** Epoch ms. */
  readonly since: number;
  /** What it does, in the words of the attempt; the task's state says it where this is null. */
  readonly activity: string | null;
  /** A permission or question of its agent is open: it uses no slot meanwhile. */
  readonly waits_for_human: boolean;
  /** False while a human is asked, and for a run that began with gates or a merge, which need no agent. */
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
  /** The same tasks by id, where they are kept so already. */
  readonly byId?: ReadonlyMap<string, TaskExecution>;
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
  /** By task id. Those of a Planner hold until its next plan. */
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
  return new Planner().plan(tasks, facts);
}

/**
 * Plans the same queue again and again: always what `planQueue` would say, but order and entries that still hold are kept, as the same
 * objects, so that ten thousand tasks of which one has changed cost little here and with those who compare.
 */
export class Planner {
  readonly #ranking = new Ranking();
  readonly #slotReasons = new SlotReasons();
  readonly #entries = new Map<string, QueueEntry>();

  plan(tasks: readonly TaskExecution[], facts: QueueFacts): QueuePlan {
    const byId = facts.byId ?? new Map(tasks.map((task) => [task.task_id, task]));
    const { now, config, utcOffsetMinutes = 0 } = facts;
    const scoring = { now, config, utcOffsetMinutes, scoreOf: (task: TaskExecution) => scoreOf(task, facts) };
    const { ranks, circles } = this.#ranking.of(tasks, scoring);
    const capacity = capacityOf(tasks, facts, this.#slotReasons);
    const [order, runnable, start]: [string[], string[], string[]] = [[], [], []];
    let wake_at: number | null = null;
    for (const { task, own, score, inherited_from, place } of ranks) {
      const id = task.task_id;
      const claim = { id, score: own, effective_score: score, inherited_from, effective_place: place };
      if (!isQueued(task, facts)) {
        this.#note({ ...claim, position: null, runnable: false, reason: capacity.unqueued(task) });
        continue;
      }
      const reason = blockedBy(task, facts, byId, circles) ?? capacity.next(task);
      order.push(id);
      if (CAPACITY_REASONS.has(reason.code)) runnable.push(id);
      if (reason.code === 'next') start.push(id);
      if (reason.until !== null && (wake_at === null || reason.until < wake_at)) wake_at = reason.until;
      this.#note({ ...claim, position: order.length, runnable: CAPACITY_REASONS.has(reason.code), reason });
    }
    for (const task of tasks) {
      if (!isTerminal(task.state)) continue;
      const own = scoring.scoreOf(task);
      const claim = { id: task.task_id, score: own, effective_score: own.score, inherited_from: null, effective_place: null };
      this.#note({ ...claim, position: null, runnable: false, reason: capacity.unqueued(task) });
    }
    this.#forget(tasks.length, byId);
    return { entries: this.#entries, order, runnable, start, wake_at };
  }

  /** Keeps the entry of the last plan where it says the same. */
  #note(now: Omit<QueueEntry, 'group'>): void {
    const before = this.#entries.get(now.id);
    if (before === undefined || !isSameEntry(before, now)) this.#entries.set(now.id, { ...now, group: groupOf(now.reason) });
  }

  /** Drops the entries of tasks that are no more. */
  #forget(count: number, byId: ReadonlyMap<string, TaskExecution>): void {
    if (this.#entries.size === count) return;
    for (const id of this.#entries.keys()) if (!byId.has(id)) this.#entries.delete(id);
  }
}

function isSameEntry(a: Omit<QueueEntry, 'group'>, b: Omit<QueueEntry, 'group'>): boolean {
  return (
    a.position === b.position &&
    a.score === b.score &&
    a.effective_score === b.effective_score &&
    a.inherited_from === b.inherited_from &&
    a.effective_place === b.effective_place &&
    a.runnable === b.runnable &&
    (a.reason === b.reason || (a.reason.code === b.reason.code && a.reason.until === b.reason.until && a.reason.text === b.reason.text))
  );
}

/** Reasons that only others' work stands behind: the task itself could run. */
const CAPACITY_REASONS: ReadonlySet<Reason['code']> = new Set(['next', 'slots', 'agent_busy']);

/** A task is queued when the loop would have to start something for it: not finished, not parked, not at work. */
function isQueued(task: TaskExecution, facts: QueueFacts): boolean {
  return !isTerminal(task.state) && task.state !== 'awaiting_human_review' && !facts.running.has(task.task_id);
}

/** The score of a task, made anew only when its definition, the configuration or the clock has changed it: a queue of thousands is planned at every turn. */
function scoreOf(task: TaskExecution, facts: QueueFacts): PriorityScore {
  const { config, now, utcOffsetMinutes = 0 } = facts;
  const known = scores.get(task.task_def);
  if (known && known.config === config && known.created_at === task.created_at && known.utcOffsetMinutes === utcOffsetMinutes && known.at <= now && now < known.score.until) return known.score;
  const score = scorePriority(task.task_def, { config, now, firstSeen: Date.parse(task.created_at), utcOffsetMinutes });
  scores.set(task.task_def, { config, created_at: task.created_at, utcOffsetMinutes, at: now, score });
  return score;
}
const scores = new WeakMap<TaskExecution['task_def'], { config: Config; created_at: string; utcOffsetMinutes: number; at: number; score: PriorityScore }>();

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
