/** The metrics in memory, in time order, so that any window is answered by one pass over what lies in it. */
import type { CostRollup, Ending, MetricsChange, Rollup } from './measure.ts';

/** Endings by column; typed arrays sort and slice ten times faster than a hundred thousand objects. */
export interface EndingColumns {
  /** Epoch ms, ascending. */
  readonly at: Float64Array;
  /** NaN where the task never started. */
  readonly seconds: Float64Array;
  /** Bits of ENDING. */
  readonly flags: Uint8Array;
}

/** `first_pass` counts only where `gated` is set. */
export const ENDING = { completed: 1, retried: 2, human: 4, gated: 8, first_pass: 16 } as const;

/** Flags of an ending, as the store keeps them too. */
export function endingFlags(ending: Ending): number {
  return (
    (ending.completed ? ENDING.completed : 0) |
    (ending.retried ? ENDING.retried : 0) |
    (ending.human ? ENDING.human : 0) |
    (ending.first_pass === null ? 0 : ENDING.gated) |
    (ending.first_pass === true ? ENDING.first_pass : 0)
  );
}

export class Series {
  #rollups: Rollup[] = [];
  #costs: CostRollup[] = [];
  #at: Float64Array = new Float64Array(64);
  #seconds: Float64Array = new Float64Array(64);
  #flags: Uint8Array = new Uint8Array(64);
  #endings = 0;

  /** Takes in what was stored, in any order. */
  load(rollups: readonly Rollup[], costs: readonly CostRollup[], endings: EndingColumns): void {
    this.#rollups = [...rollups].sort(byStart);
    this.#costs = [...costs].sort(byStart);
    this.#at = endings.at;
    this.#seconds = endings.seconds;
    this.#flags = endings.flags;
    this.#endings = endings.at.length;
  }

  add(change: MetricsChange): void {
    for (const rollup of change.rollups) mergeInto(this.#rollups, rollup, (one) => one.start === rollup.start, addRollups);
    for (const cost of change.costs) mergeInto(this.#costs, cost, (one) => sameCost(one, cost), addCosts);
    for (const ending of change.endings) this.#push(ending);
  }

  /** Forgets what lies before this moment (epoch ms). */
  prune(before: number): void {
    this.#rollups.splice(0, lowerBound(this.#rollups, (one) => one.start, before));
    this.#costs.splice(0, lowerBound(this.#costs, (one) => one.start, before));
    const gone = this.#endings - this.endings(before).at.length;
    for (const column of [this.#at, this.#seconds, this.#flags]) column.copyWithin(0, gone, this.#endings);
    this.#endings -= gone;
  }

  /** Roll-ups that begin at or after this moment (epoch ms). */
  rollups(since: number): readonly Rollup[] {
    return this.#rollups.slice(lowerBound(this.#rollups, (one) => one.start, since));
  }

  costs(since: number): readonly CostRollup[] {
    return this.#costs.slice(lowerBound(this.#costs, (one) => one.start, since));
  }

  /** Endings at or after this moment; views that hold until the next change. */
  endings(since: number): EndingColumns {
    let low = 0;
    for (let high = this.#endings; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((this.#at[middle] ?? 0) < since) low = middle + 1;
      else high = middle;
    }
    const [from, to] = [low, this.#endings];
    return { at: this.#at.subarray(from, to), seconds: this.#seconds.subarray(from, to), flags: this.#flags.subarray(from, to) };
  }

  #push(ending: Ending): void {
    if (this.#endings === this.#at.length) {
      const size = Math.max(64, this.#endings * 2);
      this.#at = grown(new Float64Array(size), this.#at);
      this.#seconds = grown(new Float64Array(size), this.#seconds);
      this.#flags = grown(new Uint8Array(size), this.#flags);
    }
    // Almost always the last: only a clock that was set back puts one before others.
    let place = this.#endings;
    while (place > 0 && (this.#at[place - 1] ?? 0) > ending.at) place -= 1;
    for (const column of [this.#at, this.#seconds, this.#flags]) column.copyWithin(place + 1, place, this.#endings);
    this.#at[place] = ending.at;
    this.#seconds[place] = ending.seconds ?? NaN;
    this.#flags[place] = endingFlags(ending);
    this.#endings += 1;
  }
}

/** Sum of two roll-ups; it begins where the first one does. */
export function addRollups(a: Rollup, b: Rollup): Rollup {
  return {
    start: a.start,
    started: a.started + b.started,
    attempts: a.attempts + b.attempts,
    gates_passed: a.gates_passed + b.gates_passed,
    gates_failed: a.gates_failed + b.gates_failed,
    decisions: a.decisions + b.decisions,
    snapshots: a.snapshots + b.snapshots,
    cpu_sum: a.cpu_sum + b.cpu_sum,
    memory_sum: a.memory_sum + b.memory_sum,
    memory_peak: Math.max(a.memory_peak, b.memory_peak),
  };
}

/** Sum of two costs of the same kind; it begins where the first one does. */
export function addCosts(a: CostRollup, b: CostRollup): CostRollup {
  return {
    ...a,
    attempts: a.attempts + b.attempts,
    cost_usd: a.cost_usd + b.cost_usd,
    unpriced: a.unpriced + b.unpriced,
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
  };
}

function sameCost(a: CostRollup, b: CostRollup): boolean {
  return a.start === b.start && a.agent === b.agent && a.model === b.model && a.role === b.role && a.area === b.area;
}

/** Adds to the element that it belongs to, looked for from the end, or puts it in its place in time. */
function mergeInto<T extends { readonly start: number }>(list: T[], one: T, same: (candidate: T) => boolean, sum: (a: T, b: T) => T): void {
  let place = list.length;
  for (; place > 0; place -= 1) {
    const candidate = list[place - 1];
    if (candidate === undefined || candidate.start < one.start) break;
    if (!same(candidate)) continue;
    list[place - 1] = sum(candidate, one);
    return;
  }
  list.splice(place, 0, one);
}

function grown<A extends Float64Array | Uint8Array>(bigger: A, old: A): A {
  bigger.set(old);
  return bigger;
}

function lowerBound<T>(list: readonly T[], value: (one: T) => number, wanted: number): number {
  let low = 0;
  for (let high = list.length; low < high; ) {
    const middle = (low + high) >>> 1;
    const one = list[middle];
    if (one !== undefined && value(one) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byStart(a: { readonly start: number }, b: { readonly start: number }): number {
  return a.start - b.start;
}
