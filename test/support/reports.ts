/** Reports of health and metrics for tests of what shows them. */
import type { HealthReport } from '../../src/shared/health.ts';
import type { MetricsReport } from '../../src/shared/metrics.ts';

/** The health of a machine that has nothing to complain of. */
export function healthyReport(timestamp: string): HealthReport {
  const ok = (message: string): { ok: true; message: string } => ({ ok: true, message });
  return {
    status: 'healthy',
    timestamp,
    checks: {
      scheduler_alive: ok('Last sign of life of the loop 3s ago (limit 1m30s)'),
      task_backlog: ok('2 tasks pending (limit 20)'),
      error_rate: ok('0 of 5 tasks failed in the last 24 h, 0 % (limit 10 %)'),
      last_completion: ok('Last completion 4m ago while work is waiting (limit 1h)'),
    },
  };
}

/** The figures of a day in which nothing happened. */
export function emptyMetrics(until: string): MetricsReport {
  return {
    enabled: true,
    since: new Date(Date.parse(until) - 86_400_000).toISOString(),
    until,
    tasks_started: 0,
    tasks_completed: 0,
    tasks_failed: 0,
    throughput_per_hour: 0,
    avg_latency_seconds: null,
    p50_latency_seconds: null,
    p95_latency_seconds: null,
    error_rate: 0,
    retry_success_rate: null,
    human_intervention_rate: null,
    first_pass_gate_rate: null,
    total_cost_usd: 0,
    unpriced: false,
    cost: { by_agent: [], by_model: [], by_role: [], by_area: [] },
    cpu_percent: null,
    memory_mb: null,
    bucket_seconds: 300,
    series: [],
  };
}
