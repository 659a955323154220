/** One leader after another: each notes that it works, so that the next one knows when it died and closes its run for it. */
import type { EventDraft, Lifecycle } from './lifecycle.ts';
import type { StoredLoop } from './loop.ts';

/** Stored under `leader` in the store's meta while one works: when it began. */
export type LeaderMark = string | undefined;

/**
 * What is to be told of a leader that died while its loop was on, and the loop as it goes on: every stop is told, also this one.
 * Undefined when nobody died, or nothing was on.
 */
export function closeDeadRun(lifecycle: Lifecycle, stored: StoredLoop | undefined, mark: unknown, heartbeat: number | null): { readonly stored: StoredLoop; readonly events: readonly EventDraft[] } | undefined {
  if (typeof mark !== 'string' || stored === undefined || stored.desired === 'stopped') return undefined;
  const at = lifecycle.now();
  return {
    stored: { ...stored, run_id: at },
    events: [
      { type: 'orchestrator_stopped', data: { reason: 'Baton ended unexpectedly', run_id: stored.run_id, ended_at: lastSign(lifecycle, mark, heartbeat) } },
      { type: 'orchestrator_started', data: { reason: null, run_id: at } },
    ],
  };
}

/** The latest moment at which the dead one is known to have lived. */
function lastSign(lifecycle: Lifecycle, mark: string, heartbeat: number | null): string {
  const signs = lifecycle.all().flatMap((task) => [task.history.at(-1)?.at ?? '', task.attempts.at(-1)?.started_at ?? '']);
  if (heartbeat !== null) signs.push(new Date(heartbeat).toISOString());
  return signs.reduce((last, one) => (one > last ? one : last), mark);
}
