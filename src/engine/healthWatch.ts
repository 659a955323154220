/** Notices when health turns worse and says so once: an event of the store, which webhooks tell. What was said is stored, so that a restart does not repeat it. */
import { HEALTH_CHECKS, type HealthReport, type HealthStatus } from '../shared/health.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Clock, Disposable, Log } from './ports.ts';

/** Ten thousand tasks that are queued at once are looked at a few times, not ten thousand. */
const PAUSE_MS = 1000;
const RANK: Readonly<Record<HealthStatus, number>> = { unknown: 0, healthy: 0, degraded: 1, unhealthy: 2 };

export interface HealthWatchOptions {
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly log: Log;
  readonly report: () => HealthReport;
}

/** Looks after every commit; the loop's heartbeat is one, so that what only time brings is seen too. `stored` is what is kept under `health`. */
export function watchHealth(options: HealthWatchOptions, stored: unknown): Disposable {
  const { lifecycle, clock, log } = options;
  let known: HealthStatus = stored === 'degraded' || stored === 'unhealthy' ? stored : 'healthy';
  let last = -Infinity;
  let later: Disposable | undefined;
  const look = (): void => {
    later?.dispose();
    later = undefined;
    last = clock.now();
    const report = options.report();
    const from = known;
    if (report.status === from || RANK[report.status] === RANK[from]) return;
    known = report.status;
    const isWorse = RANK[report.status] > RANK[from];
    lifecycle.record(isWorse ? [{ type: 'health_degraded', data: dataOf(report, from) }] : [], { health: known }).catch((error: unknown) => {
      log.error('The state of health could not be stored', error);
    });
  };
  const subscription = lifecycle.onCommitted(() => {
    if (later) return;
    const since = clock.now() - last;
    // A clock that was set back must not silence it.
    if (since >= PAUSE_MS || since < 0) look();
    else later = clock.after(PAUSE_MS - since, look);
  });
  return {
    dispose: () => {
      later?.dispose();
      subscription.dispose();
    },
  };
}

function dataOf({ status, checks }: HealthReport, from: HealthStatus): Record<string, unknown> {
  const failing = HEALTH_CHECKS.filter((name) => !checks[name].ok);
  return { status, from, failing, reason: failing.map((name) => checks[name].message).join('; ') };
}
