/** Figures over a window of time as the dashboard, `baton metrics --json` and the HTTP server show them. */
import type { Usage } from '../core/execution.ts';

export interface MetricsQuery {
  /** Length of the window that ends now, in seconds. */
  readonly since_seconds: number;
  /** Most buckets that are wanted: several are then put together. All of the configured width, up to 10 000, when absent. */
  readonly max_buckets?: number;
}

/** One stretch of the series; rates are of what ended in it. */
export interface MetricsBucket {
  /** UTC ISO 8601, inclusive; the bucket ends where the next begins. */
  readonly start: string;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly attempts: number;
  readonly gates_passed: number;
  readonly gates_failed: number;
  readonly decisions: number;
  readonly cost_usd: number;
  readonly tokens: number;
  /** Latency of the tasks that completed in it; null when none did. */
  readonly p50_latency_seconds: number | null;
  readonly p95_latency_seconds: number | null;
  /** Averages of the snapshots in it; null when there was none. */
  readonly cpu_percent: number | null;
  readonly memory_mb: number | null;
}

/** What one agent, model, role or area cost in the window. */
export interface CostShare {
  readonly name: string;
  readonly attempts: number;
  readonly cost_usd: number;
  /** Some attempt had no price, so the sum is a lower bound. */
  readonly unpriced: boolean;
  readonly usage: Usage;
}

export interface MetricsReport {
  /** False while `metrics.enabled` is: nothing new is recorded. */
  readonly enabled: boolean;
  readonly since: string;
  readonly until: string;
  readonly tasks_started: number;
  readonly tasks_completed: number;
  /** Cancelled tasks are not failures. */
  readonly tasks_failed: number;
  readonly throughput_per_hour: number;
  /** Null when no task finished in the window. */
  readonly avg_latency_seconds: number | null;
  readonly p50_latency_seconds: number | null;
  readonly p95_latency_seconds: number | null;
  /** failures / (completed + failed); 0 when nothing ended. */
  readonly error_rate: number;
  /** Retried tasks that completed / retried tasks that ended; null when none was retried. */
  readonly retry_success_rate: number | null;
  /** Tasks that needed a human beyond the policy's own approvals / tasks that ended; null when none ended. */
  readonly human_intervention_rate: number | null;
  /** Tasks whose first gate round passed / tasks with a gate round; null when there was none. */
  readonly first_pass_gate_rate: number | null;
  readonly total_cost_usd: number;
  readonly unpriced: boolean;
  readonly cost: {
    readonly by_agent: readonly CostShare[];
    readonly by_model: readonly CostShare[];
    readonly by_role: readonly CostShare[];
    readonly by_area: readonly CostShare[];
  };
  /** Baton and its agents' process trees together; null without a snapshot. */
  readonly cpu_percent: number | null;
  readonly memory_mb: { readonly avg: number; readonly peak: number } | null;
  readonly bucket_seconds: number;
  /** Oldest first, without gaps. */
  readonly series: readonly MetricsBucket[];
}
