/** The order of the queue: manual place, then score, then what is waited for, then age, then id; raised by what waits for a task. */
import type { Config } from './config/schema.ts';
import { findCycles } from './dependencies.ts';
import type { TaskExecution } from './execution.ts';
import type { PriorityScore } from './priority.ts';
import { isTerminal } from './states.ts';

export interface Rank {
  task: TaskExecution;
  /** Its own score, before it inherits. */
  own: PriorityScore;
  place: number | null;
  score: number;
  inherited_from: string | null;
  /** Unfinished tasks that must be done before, counted along the longest chain (a tie goes to what is waited for); null in a circle and behind one. */
  depth: number | null;
  /** Unfinished tasks wait for it. */
  awaited: boolean;
}

export interface Order {
  /** Every unfinished task, first to run first. */
  readonly ranks: readonly Rank[];
  /** For each task in a circle of dependencies: the ids of that circle. */
  readonly circles: ReadonlyMap<string, readonly string[]>;
}

/** What scores are made from besides the tasks. */
export interface Scoring {
  /** Epoch ms. */
  readonly now: number;
  readonly config: Config;
  readonly utcOffsetMinutes: number;
  readonly scoreOf: (task: TaskExecution) => PriorityScore;
}

/**
 * Orders the unfinished tasks, and keeps the order until something that decides it has changed: of ten thousand tasks, one has as a rule gone
 * a step further or has ended, which moves no other.
 */
export class Ranking {
  /** In the order of the tasks. */
  #ranks: Rank[] = [];
  #order: Order = { ranks: [], circles: new Map() };
  #scoring: Scoring | undefined;
  /** Epoch ms at which time changes the first score. */
  #until = 0;

  /** The order of these tasks now; what it returns holds until the next call. */
  of(tasks: readonly TaskExecution[], scoring: Scoring): Order {
    if (!this.#holds(scoring) || !this.#takeIn(tasks, scoring)) this.#rank(tasks, scoring);
    return this.#order;
  }

  /** Scores of unchanged tasks still hold. */
  #holds({ now, config, utcOffsetMinutes }: Scoring): boolean {
    const before = this.#scoring;
    return before !== undefined && before.config === config && before.utcOffsetMinutes === utcOffsetMinutes && before.now <= now && now < this.#until;
  }

  #rank(tasks: readonly TaskExecution[], scoring: Scoring): void {
    const ranks = rankTasks(tasks, scoring.scoreOf);
    // Nothing in a circle, or behind one, ever gets a depth: as a rule there is none to look for.
    const stuck = ranks.filter((rank) => rank.depth === null);
    const circles = findCycles(stuck.map(({ task }) => ({ id: task.task_id, depends_on: waitsFor(task) })));
    this.#ranks = ranks;
    this.#order = { ranks: inOrder(ranks), circles };
    this.#scoring = scoring;
    this.#until = ranks.reduce((least, { own }) => Math.min(least, own.until), Infinity);
  }

  /** Takes in records that have changed and tasks that have ended where that moves nobody else; false when the order has to be made anew. */
  #takeIn(tasks: readonly TaskExecution[], { scoreOf }: Scoring): boolean {
    const ended = new Set<Rank>();
    const changed: { rank: Rank; task: TaskExecution; own: PriorityScore }[] = [];
    let next = 0;
    for (const task of tasks) {
      if (isTerminal(task.state)) continue;
      let rank = this.#ranks[next++];
      while (rank !== undefined && rank.task.task_id !== task.task_id) {
        if (!standsAlone(rank)) return false;
        ended.add(rank);
        rank = this.#ranks[next++];
      }
      if (rank === undefined) return false;
      if (rank.task === task) continue;
      const own = scoreOf(task);
      if (!isSameClaim(rank, task, own)) return false;
      changed.push({ rank, task, own });
    }
    for (const rank of this.#ranks.slice(next)) {
      if (!standsAlone(rank)) return false;
      ended.add(rank);
    }
    for (const { rank, task, own } of changed) {
      rank.task = task;
      rank.own = own;
      this.#until = Math.min(this.#until, own.until);
    }
    if (ended.size > 0) {
      this.#ranks = this.#ranks.filter((rank) => !ended.has(rank));
      this.#order = { ...this.#order, ranks: this.#order.ranks.filter((rank) => !ended.has(rank)) };
    }
    return true;
  }
}

/** Its going moves nobody else. */
function standsAlone({ task, awaited }: Rank): boolean {
  return !awaited && waitsFor(task).length === 0;
}

/** Nothing that decides the order, of it or of others, has changed with its record. */
function isSameClaim({ task: before, own: earlier }: Rank, task: TaskExecution, own: PriorityScore): boolean {
  const [was, is] = [waitsFor(before), waitsFor(task)];
  return before.place === task.place && earlier.score === own.score && earlier.born === own.born && was.length === is.length && was.every((id, index) => id === is[index]);
}

/** Gives every unfinished task its own rank, in the order of the tasks, raised by what waits for it, directly or through others. */
function rankTasks(tasks: readonly TaskExecution[], scoreOf: (task: TaskExecution) => PriorityScore): Rank[] {
  const all: Rank[] = [];
  const waiting: Rank[] = [];
  for (const task of tasks) {
    if (isTerminal(task.state)) continue;
    const own = scoreOf(task);
    const rank: Rank = { task, own, place: task.place, score: own.score, inherited_from: null, depth: 0, awaited: false };
    all.push(rank);
    if (waitsFor(task).length > 0) waiting.push(rank);
  }
  // The common queue has no dependencies, and nothing to hand down.
  if (waiting.length === 0) return all;
  const ranks = new Map<string, Rank>();
  for (const rank of all) ranks.set(rank.task.task_id, rank);
  inherit([...waiting].sort((a, b) => b.score - a.score), ranks, (below, from) => {
    if (below.score >= from.score) return;
    below.score = from.score;
    below.inherited_from = from.task.task_id;
  });
  const placed = waiting.filter((one) => one.place !== null).sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
  inherit(placed, ranks, (below, from) => {
    if (below.place !== null && (from.place === null || from.place >= below.place)) return;
    below.place = from.place;
    below.inherited_from = from.task.task_id;
  });
  setDepths(waiting, ranks);
  return all;
}

/** First to run first. Few scores are shared by many tasks, which mostly stand in order of their age already: each score is sorted by itself. */
function inOrder(ranks: readonly Rank[]): Rank[] {
  const placed: Rank[] = [];
  const byScore = new Map<number, Rank[]>();
  for (const rank of ranks) {
    if (rank.place !== null) {
      placed.push(rank);
      continue;
    }
    const same = byScore.get(rank.score);
    if (same) same.push(rank);
    else byScore.set(rank.score, [rank]);
  }
  const groups = [...byScore].sort(([a], [b]) => b - a).map(([, group]) => group.sort(compareRanks));
  return [placed.sort(compareRanks), ...groups].flat();
}

function compareRanks(a: Rank, b: Rank): number {
  if (a.place !== b.place) {
    if (a.place === null) return 1;
    if (b.place === null) return -1;
    return a.place - b.place;
  }
  if (a.score !== b.score) return b.score - a.score;
  const deeper = (a.depth ?? 0) - (b.depth ?? 0);
  if (deeper !== 0) return deeper;
  if (a.own.born !== b.own.born) return a.own.born - b.own.born;
  return a.task.task_id < b.task.task_id ? -1 : 1;
}

/** Dependencies concern only tasks that have not begun. */
function waitsFor(task: TaskExecution): readonly string[] {
  return (task.state === 'new' ? task.task_def.depends_on : undefined) ?? NOTHING;
}
const NOTHING: readonly string[] = [];

/**
 * Hands what a task has down to everything it waits for. The best come first, so that each task is reached once, by the
 * best of those that wait for it (a chain of 10 000 stays linear), and circles end.
 */
function inherit(bestFirst: readonly Rank[], ranks: ReadonlyMap<string, Rank>, hand: (below: Rank, from: Rank) => void): void {
  const settled = new Set<Rank>();
  for (const from of bestFirst) {
    const work = [from];
    for (let rank = work.pop(); rank !== undefined; rank = work.pop()) {
      if (settled.has(rank)) continue;
      settled.add(rank);
      for (const dependency of waitsFor(rank.task)) {
        const below = ranks.get(dependency);
        if (!below || settled.has(below)) continue;
        hand(below, from);
        work.push(below);
      }
    }
  }
}

/** Length of the longest chain of unfinished tasks below each task that waits. */
function setDepths(waiting: readonly Rank[], ranks: ReadonlyMap<string, Rank>): void {
  const dependents = new Map<Rank, Rank[]>();
  const missing = new Map<Rank, number>();
  for (const rank of waiting) {
    let count = 0;
    const wanted = waitsFor(rank.task);
    for (const id of wanted.length > 1 ? new Set(wanted) : wanted) {
      const below = ranks.get(id);
      if (!below) continue;
      count += 1;
      const others = dependents.get(below);
      below.awaited = true;
      if (others) others.push(rank);
      else dependents.set(below, [rank]);
    }
    if (count === 0) continue;
    missing.set(rank, count);
    rank.depth = null;
  }
  let level = [...dependents.keys()].filter((rank) => !missing.has(rank));
  for (let at = 0; level.length > 0; at += 1) {
    const next: Rank[] = [];
    for (const rank of level) {
      rank.depth = at;
      for (const dependent of dependents.get(rank) ?? []) {
        const left = (missing.get(dependent) ?? 0) - 1;
        missing.set(dependent, left);
        if (left === 0) next.push(dependent);
      }
    }
    level = next;
  }
}
