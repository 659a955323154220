/** What a benchmark gives back, and the figures that all of them need. */

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'KiB' | '×' | '%' | '/s' | 'MB' | '';
  /** Most that `value` may be, in the same unit; absent where nothing was promised. */
  readonly budget?: number;
  /** How it was measured, or what it was measured beside, in a few words. */
  readonly note?: string;
}

export interface Benchmark {
  /** What it measures and how, in one or two sentences for docs/BENCHMARKS.md. */
  readonly about: string;
  run(): Promise<readonly Row[]>;
}

/** The middle of the values; NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Fastest and slowest, as a note: `310–402 over 15 runs`. */
export function spread(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)} over ${values.length} runs`;
}

/** A value over its budget, or one that could not be measured. */
export function isOver(row: Row): boolean {
  return row.budget !== undefined && !(row.value <= row.budget);
}

/** The value with as many digits as it deserves. */
export function shown(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
