/** What the metrics keep: sums over short stretches of time, costs by kind, and a row for every task that ended. */

/** What happened in one stretch of time, without the tasks that ended in it: those have rows of their own. */
export interface Rollup {
  /** Epoch ms at which the stretch begins. */
  readonly start: number;
  readonly started: number;
  readonly attempts: number;
  /** Gate rounds, not single gates. */
  readonly gates_passed: number;
  readonly gates_failed: number;
  /** Decisions that were opened. */
  readonly decisions: number;
  /** Resource snapshots; the sums below are over them. */
  readonly snapshots: number;
  readonly cpu_sum: number;
  readonly memory_sum: number;
  /** MB; 0 without a snapshot. */
  readonly memory_peak: number;
}

/** Who made an attempt, and for what. */
export interface CostKind {
  readonly agent: string;
  /** Empty where the agent's own default was used and it did not say which that is. */
  readonly model: string;
  readonly role: string;
  readonly area: string;
}

export interface CostFigures {
  readonly attempts: number;
  readonly cost_usd: number;
  /** Attempts without a price. */
  readonly unpriced: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
}

export const COST_FIGURES = ['attempts', 'cost_usd', 'unpriced', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens'] as const satisfies readonly (keyof CostFigures)[];

/** What the attempts of one kind that ended in one stretch cost. */
export interface CostRollup extends CostKind, CostFigures {
  /** Epoch ms at which the stretch begins. */
  readonly start: number;
}

/** One end of one task; a task that is run again after a failure has several. Cancelled tasks have none. */
export interface Ending {
  /** Epoch ms. */
  readonly at: number;
  readonly task_id: string;
  readonly completed: boolean;
  /** From the start of the run that ended, waiting for humans included; null when it never started. */
  readonly seconds: number | null;
  /** An attempt or a gate round had failed, and the task went on. */
  readonly retried: boolean;
  /** A human was needed beyond the approvals that the policy asks for. */
  readonly human: boolean;
  /** Whether the first gate round passed; null when there was none. */
  readonly first_pass: boolean | null;
}

export interface MetricsChange {
  readonly rollups: readonly Rollup[];
  readonly costs: readonly CostRollup[];
  readonly endings: readonly Ending[];
}

export interface MetricsWrite extends MetricsChange {
  readonly upkeep?: MetricsUpkeep;
}

/** What the retention asks for; times in epoch ms. */
export interface MetricsUpkeep {
  /** Metrics before it, and the stored resource snapshots, are forgotten. */
  readonly forget_before: number;
  /** Roll-ups before it are put together into stretches of `interval_ms`. */
  readonly coarsen_before: number;
  readonly interval_ms: number;
}

/** The finest stretch that is kept, in ms. */
export const FINEST_MS = 60_000;

/** Width of what is written, in ms: a minute, or the aggregation interval (seconds) where that is shorter. */
export function stretchMs(aggregationInterval: number): number {
  return Math.max(1, Math.min(FINEST_MS, Math.round(aggregationInterval * 1000)));
}

/** Start of the stretch that a moment (epoch ms) falls into. */
export function floor(at: number, stretch: number): number {
  return Math.floor(at / stretch) * stretch;
}

export function emptyRollup(start: number): Rollup {
  return { start, started: 0, attempts: 0, gates_passed: 0, gates_failed: 0, decisions: 0, snapshots: 0, cpu_sum: 0, memory_sum: 0, memory_peak: 0 };
}
