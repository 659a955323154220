/** Rows by column: typed arrays are summed and sorted ten times faster than a hundred thousand objects, and move between threads for free. */
import { COST_FIGURES, type CostKind, type Ending, type Rollup } from './rollup.ts';

/** Tasks that ended, in time order. */
export interface EndingColumns {
  /** Epoch ms. */
  readonly at: Float64Array;
  /** NaN where the task never started. */
  readonly seconds: Float64Array;
  /** Bits of ENDING. */
  readonly flags: Float64Array;
}

/** `first_pass` counts only where `gated` is set. */
export const ENDING = { completed: 1, retried: 2, human: 4, gated: 8, first_pass: 16 } as const;

/** Costs in time order; several rows may begin together. */
export interface CostColumns {
  /** What the numbers of `kind` mean. */
  readonly kinds: readonly CostKind[];
  /** Epoch ms. */
  readonly start: Float64Array;
  readonly kind: Float64Array;
  readonly figures: Readonly<Record<(typeof COST_FIGURES)[number], Float64Array>>;
}

export interface StoredMetrics {
  /** Last event that was there when they were read. */
  readonly seq: number;
  readonly rollups: readonly Rollup[];
  readonly costs: CostColumns;
  readonly endings: EndingColumns;
}

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

/** A figure that an agent got wrong must not spoil the sum, nor keep the commit that brings it from being written. */
export function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

export function noEndings(): EndingColumns {
  return { at: new Float64Array(0), seconds: new Float64Array(0), flags: new Float64Array(0) };
}

export function noCosts(): CostColumns {
  return { kinds: [], start: new Float64Array(0), kind: new Float64Array(0), figures: figureColumns(() => new Float64Array(0)) };
}

export function figureColumns(make: (figure: (typeof COST_FIGURES)[number]) => Float64Array): CostColumns['figures'] {
  return Object.fromEntries(COST_FIGURES.map((figure) => [figure, make(figure)])) as unknown as CostColumns['figures'];
}

/** The columns of a table that grows at its end, almost always, and is cut at its beginning. The first column is its time. */
export class Table {
  #columns: Float64Array[];
  #rows: number;

  /** Takes over columns of equal length, ascending by the first. */
  constructor(columns: readonly Float64Array[]) {
    this.#columns = [...columns];
    this.#rows = columns[0]?.length ?? 0;
  }

  get rows(): number {
    return this.#rows;
  }

  /** The column as it is now; it holds until the next change. */
  column(index: number, from = 0): Float64Array {
    return this.#column(index).subarray(from, this.#rows);
  }

  /** First row whose time is not before this one. */
  from(time: number): number {
    const times = this.#column(0);
    let low = 0;
    for (let high = this.#rows; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((times[middle] ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts a row in its place in time, after those of the same time. */
  insert(values: readonly number[]): void {
    if (this.#rows === this.#column(0).length) {
      this.#columns = this.#columns.map((column) => {
        const bigger = new Float64Array(Math.max(64, this.#rows * 2));
        bigger.set(column);
        return bigger;
      });
    }
    const time = values[0] ?? 0;
    const times = this.#column(0);
    let place = this.#rows;
    while (place > 0 && (times[place - 1] ?? 0) > time) place -= 1;
    this.#columns.forEach((column, index) => {
      column.copyWithin(place + 1, place, this.#rows);
      column[place] = values[index] ?? 0;
    });
    this.#rows += 1;
  }

  /** Adds to the columns from the third on, in the row with this time and this value in the second column; inserts it where there is none. */
  add(values: readonly number[]): void {
    const [time = 0, key] = values;
    const times = this.#column(0);
    const keys = this.#column(1);
    for (let row = this.#rows - 1; row >= 0 && (times[row] ?? 0) >= time; row -= 1) {
      if (times[row] !== time || keys[row] !== key) continue;
      for (let index = 2; index < this.#columns.length; index += 1) {
        const column = this.#column(index);
        column[row] = (column[row] ?? 0) + (values[index] ?? 0);
      }
      return;
    }
    this.insert(values);
  }

  /** Takes out what lies before this time, row by row. */
  take(before: number): number[][] {
    const count = this.from(before);
    const taken = Array.from({ length: count }, (_, row) => this.#columns.map((column) => column[row] ?? 0));
    for (const column of this.#columns) column.copyWithin(0, count, this.#rows);
    this.#rows -= count;
    return taken;
  }

  #column(index: number): Float64Array {
    const column = this.#columns[index];
    if (!column) throw new RangeError(`The table has no column ${index}.`);
    return column;
  }
}
