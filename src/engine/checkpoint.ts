/** The loop's checkpoint file: where things stood after each task that ended or was parked. */
import type { HistoryEntry } from '../core/execution.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Disposable, Log } from './ports.ts';

const WORTH_A_CHECKPOINT: ReadonlySet<string> = new Set(['done', 'failed', 'awaiting_human_review']);

/**
 * Writes a checkpoint after every transition that ends or parks a task, and with `refresh` the one that a crash may have swallowed; a file
 * that cannot be written stops nothing.
 */
export function keepCheckpoint(
  lifecycle: Lifecycle,
  write: (checkpoint: Record<string, unknown>) => Promise<void>,
  runId: () => string | null,
  log: Log,
): Disposable & { refresh: () => void; settled: () => Promise<void> } {
  let tail = Promise.resolve();
  let isWaiting = false;
  const work = async (): Promise<void> => {
    isWaiting = false;
    const checkpoint = picture(lifecycle, runId());
    if (checkpoint) await write(checkpoint);
  };
  const refresh = (): void => {
    // The one that waits for its turn tells of all that happens until then: ten thousand tasks that are parked at once are not as many files.
    if (isWaiting) return;
    isWaiting = true;
    tail = tail.then(work).catch((error: unknown) => log.warn(`The checkpoint could not be written: ${String(error)}`));
  };
  const subscription = lifecycle.onCommitted(({ events }) => {
    if (events.some((one) => one.type === 'task_state' && WORTH_A_CHECKPOINT.has(String(one.data['to'])))) refresh();
  });
  return { dispose: () => subscription.dispose(), refresh, settled: () => tail };
}

/** Undefined before the first task ended or was parked. `sequence` counts such moves, whichever process saw them. */
function picture(lifecycle: Lifecycle, runId: string | null): Record<string, unknown> | undefined {
  const states: Record<string, number> = {};
  let sequence = 0;
  let last: (HistoryEntry & { task_id: string }) | undefined;
  for (const task of lifecycle.all()) {
    states[task.state] = (states[task.state] ?? 0) + 1;
    for (const entry of task.history) {
      if (!WORTH_A_CHECKPOINT.has(entry.to)) continue;
      sequence += 1;
      if (last === undefined || entry.at >= last.at) last = { task_id: task.task_id, ...entry };
    }
  }
  if (last === undefined) return undefined;
  const { at: saved_at, ...move } = last;
  return {
    run_id: runId,
    sequence,
    saved_at,
    last: move,
    by_state: states,
    active: lifecycle.active().map((task) => ({ task_id: task.task_id, state: task.state })),
  };
}
