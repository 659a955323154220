/** The health of an engine as surfaces, `baton health --json` and `/healthz` show it. */

/** `unknown`: never run. 0 failing checks = healthy, 1–2 = degraded, 3 or more = unhealthy. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy' | 'unknown';

export const HEALTH_CHECKS = ['scheduler_alive', 'task_backlog', 'error_rate', 'last_completion'] as const;
export type HealthCheckName = (typeof HEALTH_CHECKS)[number];

export interface HealthCheck {
  readonly ok: boolean;
  /** One sentence with the value and its threshold. */
  readonly message: string;
}

export interface HealthReport {
  readonly status: HealthStatus;
  /** UTC ISO 8601 with milliseconds. */
  readonly timestamp: string;
  readonly checks: Readonly<Record<HealthCheckName, HealthCheck>>;
}
