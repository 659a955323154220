/** The loop's checkpoint file: where things stood after each task that ended or was parked. */
import type { Lifecycle } from './lifecycle.ts';
import type { Disposable, Log, NewEvent } from './ports.ts';

const WORTH_A_CHECKPOINT = new Set(['done', 'failed', 'awaiting_human_review']);

/** Writes a checkpoint after every transition that ends or parks a task; a file that cannot be written stops nothing. */
export function keepCheckpoint(
  lifecycle: Lifecycle,
  write: (checkpoint: Record<string, unknown>) => Promise<void>,
  runId: () => string | null,
  log: Log,
): Disposable & { settled: () => Promise<void> } {
  let sequence = 0;
  let tail = Promise.resolve();
  const subscription = lifecycle.onCommitted(({ events }) => {
    const event = events.find((one) => one.type === 'task_state' && WORTH_A_CHECKPOINT.has(String(one.data['to'])));
    if (!event) return;
    sequence += 1;
    const checkpoint = picture(lifecycle, event, sequence, runId());
    tail = tail.then(() => write(checkpoint)).catch((error: unknown) => log.warn(`The checkpoint could not be written: ${String(error)}`));
  });
  return { dispose: () => subscription.dispose(), settled: () => tail };
}

function picture(lifecycle: Lifecycle, event: NewEvent, sequence: number, runId: string | null): Record<string, unknown> {
  const states: Record<string, number> = {};
  for (const task of lifecycle.all()) states[task.state] = (states[task.state] ?? 0) + 1;
  return {
    run_id: runId,
    sequence,
    saved_at: event.at,
    last: { task_id: event.task_id, ...event.data },
    by_state: states,
    active: lifecycle.active().map((task) => ({ task_id: task.task_id, state: task.state })),
  };
}
