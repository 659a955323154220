/** The order of the queue: manual place, then score, then what is waited for, then age, then id; raised by what waits for a task. */
import type { TaskExecution } from './execution.ts';
import type { PriorityScore } from './priority.ts';
import type { Reason } from './queueReasons.ts';
import { isTerminal } from './states.ts';

export interface Rank {
  readonly task: TaskExecution;
  /** Its own score, before it inherits. */
  readonly own: PriorityScore;
  place: number | null;
  score: number;
  inherited_from: string | null;
  /** Unfinished tasks that must be done before, counted along the longest chain (a tie goes to what is waited for); null in a circle and behind one. */
  depth: number | null;
  /** From 1, and why it does not run: for tasks that are queued, once the order is known. */
  position: number | null;
  reason: Reason | null;
  /** Epoch ms from which its age counts. */
  readonly born: number;
}

/** Gives every unfinished task its own rank, in the order of the tasks, raised by what waits for it, directly or through others. */
export function rankTasks(tasks: readonly TaskExecution[], scoreOf: (task: TaskExecution) => PriorityScore): Rank[] {
  const all: Rank[] = [];
  const waiting: Rank[] = [];
  for (const task of tasks) {
    if (isTerminal(task.state)) continue;
    const own = scoreOf(task);
    const rank: Rank = { task, own, place: task.place, score: own.score, inherited_from: null, depth: 0, position: null, reason: null, born: own.born };
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
export function inOrder(ranks: readonly Rank[]): Rank[] {
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
  if (a.born !== b.born) return a.born - b.born;
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
