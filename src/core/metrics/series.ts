/** The metrics in memory, in time order, so that any window is answered by one pass over what lies in it. */
import { endingFlags, figureColumns, finite, Table, type CostColumns, type EndingColumns } from './columns.ts';
import { COST_FIGURES, floor, type CostKind, type CostRollup, type MetricsChange, type Rollup } from './rollup.ts';

export class Series {
  #rollups: Rollup[];
  readonly #kinds: CostKind[];
  readonly #numbers = new Map<string, number>();
  #costs: Table;
  readonly #endings: Table;

  /** Takes over what was stored; every list in time order. */
  constructor(rollups: readonly Rollup[], costs: CostColumns, endings: EndingColumns) {
    this.#rollups = [...rollups];
    this.#kinds = [...costs.kinds];
    this.#kinds.forEach((kind, number) => this.#numbers.set(keyOf(kind), number));
    this.#costs = new Table([costs.start, costs.kind, ...COST_FIGURES.map((figure) => costs.figures[figure])]);
    this.#endings = new Table([endings.at, endings.seconds, endings.flags]);
  }

  add(change: MetricsChange): void {
    for (const rollup of change.rollups) if (Number.isFinite(rollup.start)) mergeInto(this.#rollups, rollup);
    for (const cost of change.costs) if (Number.isFinite(cost.start)) this.#costs.add([cost.start, this.#numberOf(cost), ...COST_FIGURES.map((figure) => finite(cost[figure]))]);
    for (const ending of change.endings) if (Number.isFinite(ending.at)) this.#endings.insert([ending.at, ending.seconds ?? NaN, endingFlags(ending)]);
  }

  /** Forgets what lies before this moment (epoch ms). */
  prune(before: number): void {
    this.#rollups.splice(0, this.#from(before));
    this.#costs.take(before);
    this.#endings.take(before);
  }

  /** Puts roll-ups that begin before this moment together into stretches of `interval` ms. */
  coarsen(before: number, interval: number): void {
    const rollups: Rollup[] = [];
    for (const one of this.#rollups.splice(0, this.#from(before))) mergeInto(rollups, { ...one, start: floor(one.start, interval) });
    this.#rollups = [...rollups, ...this.#rollups];
    const costs = new Table([0, 1, ...COST_FIGURES].map(() => new Float64Array(0)));
    for (const [start = 0, ...rest] of this.#costs.take(before)) costs.add([floor(start, interval), ...rest]);
    for (const row of this.#costs.take(Infinity)) costs.add(row);
    this.#costs = costs;
  }

  /** Roll-ups that begin at or after this moment (epoch ms). */
  rollups(since: number): readonly Rollup[] {
    return this.#rollups.slice(this.#from(since));
  }

  /** Costs that begin at or after this moment; views that hold until the next change. */
  costs(since: number): CostColumns {
    const from = this.#costs.from(since);
    return {
      kinds: this.#kinds,
      start: this.#costs.column(0, from),
      kind: this.#costs.column(1, from),
      figures: figureColumns((figure) => this.#costs.column(2 + COST_FIGURES.indexOf(figure), from)),
    };
  }

  /** Endings at or after this moment; views that hold until the next change. */
  endings(since: number): EndingColumns {
    const from = this.#endings.from(since);
    return { at: this.#endings.column(0, from), seconds: this.#endings.column(1, from), flags: this.#endings.column(2, from) };
  }

  #numberOf({ agent, model, role, area }: CostRollup): number {
    const kind = { agent, model, role, area };
    const key = keyOf(kind);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#kinds.push(kind) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  #from(time: number): number {
    let low = 0;
    for (let high = this.#rollups.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((this.#rollups[middle]?.start ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Sum of two roll-ups of one stretch. */
function addRollups(a: Rollup, b: Rollup): Rollup {
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

/** Adds to the roll-up of the same stretch, looked for from the end, or puts it in its place in time. */
function mergeInto(list: Rollup[], one: Rollup): void {
  let place = list.length;
  while (place > 0 && (list[place - 1]?.start ?? 0) > one.start) place -= 1;
  const before = list[place - 1];
  if (before?.start === one.start) list[place - 1] = addRollups(before, one);
  else list.splice(place, 0, one);
}

function keyOf({ agent, model, role, area }: CostKind): string {
  return JSON.stringify([agent, model, role, area]);
}
