/** Whether the machine is healthy: four checks with their thresholds, each with a sentence that says the value. Pure. */
import type { Config } from './config/schema.ts';
import { formatDuration, plural } from './format.ts';

export interface HealthFacts {
  /** Epoch ms. */
  readonly now: number;
  /** The user's wish; null before the first Start. */
  readonly desired: 'running' | 'paused' | 'stopped' | null;
  /** Last sign of life of the loop, epoch ms; null when none is known or what is stored is no time. */
  readonly heartbeat: number | null;
  /** Tasks that are neither finished, nor at work, nor waiting for a human. */
  readonly pending: number;
  /** Since when work waits that could be done, epoch ms; null when none does. */
  readonly waiting_since: number | null;
  /** Tasks that ended in the last 24 h; cancelled ones are none. */
  readonly completed_24h: number;
  readonly failed_24h: number;
  /** Epoch ms; null when no task ever completed. */
  readonly last_completion: number | null;
}

interface Check {
  readonly ok: boolean;
  readonly message: string;
}

export interface HealthVerdict {
  readonly status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  readonly checks: {
    readonly scheduler_alive: Check;
    readonly task_backlog: Check;
    readonly error_rate: Check;
    readonly last_completion: Check;
  };
}

/** Seconds after which a heartbeat is stale: three looks of the safety net, and never less than 90 s. */
export function heartbeatLimit(pollInterval: number): number {
  return Math.max(3 * pollInterval, 90);
}

/** 0 failing checks = healthy, 1–2 = degraded, 3 or more = unhealthy; `unknown` when the loop was never started. */
export function judgeHealth(facts: HealthFacts, config: Pick<Config, 'health_check' | 'orchestrator'>): HealthVerdict {
  const { health_check: limits, orchestrator } = config;
  const checks = {
    scheduler_alive: schedulerAlive(facts, orchestrator.poll_interval),
    task_backlog: taskBacklog(facts, limits.max_backlog),
    error_rate: errorRate(facts, limits.max_error_rate),
    last_completion: lastCompletion(facts, limits.max_idle_time),
  };
  const failing = Object.values(checks).filter((check) => !check.ok).length;
  return { status: facts.desired === null ? 'unknown' : failing === 0 ? 'healthy' : failing < 3 ? 'degraded' : 'unhealthy', checks };
}

function schedulerAlive({ now, desired, heartbeat }: HealthFacts, pollInterval: number): Check {
  if (desired === null) return { ok: true, message: 'The loop was never started' };
  if (desired !== 'running') return { ok: true, message: `The loop is ${desired}, so no sign of life is expected` };
  const limit = heartbeatLimit(pollInterval);
  if (heartbeat === null) return { ok: false, message: `The loop should run but has given no sign of life (limit ${formatDuration(limit)})` };
  const age = Math.max(0, (now - heartbeat) / 1000);
  return { ok: age < limit, message: `Last sign of life of the loop ${formatDuration(age)} ago (limit ${formatDuration(limit)})` };
}

function taskBacklog({ pending }: HealthFacts, most: number): Check {
  return { ok: pending <= most, message: `${plural(pending, 'task')} pending (limit ${most})` };
}

function errorRate({ completed_24h: completed, failed_24h: failed }: HealthFacts, most: number): Check {
  const total = completed + failed;
  const rate = total === 0 ? 0 : failed / total;
  const said = total === 0 ? 'No task ended in the last 24 h' : `${failed} of ${plural(total, 'task')} failed in the last 24 h, ${percent(rate)}`;
  return { ok: rate <= most, message: `${said} (limit ${percent(most)})` };
}

/** Work that was queued after the last completion has not waited longer than it is there. */
function lastCompletion({ now, last_completion: last, waiting_since: waiting }: HealthFacts, most: number): Check {
  const ago = last === null ? 'No task completed yet' : `Last completion ${formatDuration(Math.max(0, (now - last) / 1000))} ago`;
  if (waiting === null) return { ok: true, message: `${ago}, and no work is waiting` };
  const idle = Math.max(0, (now - Math.max(last ?? waiting, waiting)) / 1000);
  const since = last === null || waiting > last ? `, work waits for ${formatDuration(idle)}` : ' while work is waiting';
  return { ok: idle <= most, message: `${ago}${since} (limit ${formatDuration(most)})` };
}

/** Digits where they tell something: 10.1 % is over 10 %. */
function percent(rate: number): string {
  return `${Number((rate * 100).toFixed(2))} %`;
}
