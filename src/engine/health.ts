/** The health of an engine, from the records and the loop alone: it is known with metrics switched off. */
import type { Config } from '../core/config/schema.ts';
import type { TaskExecution } from '../core/execution.ts';
import { judgeHealth, type HealthFacts } from '../core/health.ts';
import { isCancel } from '../core/metrics/measure.ts';
import { isActive } from '../core/states.ts';
import type { HealthReport } from '../shared/health.ts';

export interface HealthParts {
  /** Epoch ms. */
  readonly now: number;
  readonly config: Config;
  readonly tasks: readonly TaskExecution[];
  readonly isRunning: (taskId: string) => boolean;
  readonly desired: HealthFacts['desired'];
  /** Epoch ms; null when there is none. */
  readonly heartbeat: number | null;
}

const DAY_MS = 86_400_000;

export function healthReport(parts: HealthParts): HealthReport {
  const { status, checks } = judgeHealth(healthFacts(parts), parts.config);
  return { status, timestamp: new Date(parts.now).toISOString(), checks };
}

/** One pass over the records; the history of a task is looked at only where it moved in the last day. */
function healthFacts({ now, tasks, isRunning, desired, heartbeat }: HealthParts): HealthFacts {
  const at = new Date(now).toISOString();
  const dayAgo = new Date(now - DAY_MS).toISOString();
  let pending = 0;
  let waitingSince: string | null = null;
  let lastCompletion: string | null = null;
  let completed = 0;
  let failed = 0;
  for (const task of tasks) {
    if (isActive(task.state) && !isRunning(task.task_id)) {
      pending += 1;
      const due = task.not_before === null || task.not_before <= at;
      if (due && (waitingSince === null || task.created_at < waitingSince)) waitingSince = task.created_at;
    }
    // What was found done when it was queued is nothing that Baton completed.
    if (task.started_at !== null && task.state === 'done' && task.completed_at !== null && (lastCompletion === null || task.completed_at > lastCompletion)) lastCompletion = task.completed_at;
    const last = task.history.at(-1);
    if (last === undefined || last.at < dayAgo) continue;
    for (const move of task.history) {
      if (move.at < dayAgo) continue;
      if (move.to === 'done' && task.started_at !== null) completed += 1;
      if (move.to === 'failed' && !isCancel(move, task)) failed += 1;
    }
  }
  return {
    now,
    desired,
    heartbeat,
    pending,
    waiting_since: waitingSince === null ? null : Date.parse(waitingSince),
    completed_24h: completed,
    failed_24h: failed,
    last_completion: lastCompletion === null ? null : Date.parse(lastCompletion),
  };
}
