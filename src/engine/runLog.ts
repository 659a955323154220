/** Writes the run log from committed events. A log that cannot be written stops nothing. */
import { runFigures, runHeader, runLogEntry, runSummary } from '../core/runLog.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Disposable, RunLog } from './ports.ts';

/** A run is loop start to stop: its header comes with the start, its summary with the stop. */
export function keepRunLog(lifecycle: Lifecycle, log: RunLog): Disposable {
  return lifecycle.onCommitted(({ task, events }) => {
    for (const event of events) {
      const runId = typeof event.data['run_id'] === 'string' ? event.data['run_id'] : event.at;
      if (event.type === 'orchestrator_started') {
        log.append(runHeader(runId, event.at, lifecycle.active().map((one) => one.task_id)));
        continue;
      }
      const entry = runLogEntry(event, task);
      if (entry !== undefined) log.append(entry);
      // A run's id is the time of its start.
      if (event.type === 'orchestrator_stopped') log.append(runSummary(runFigures(lifecycle.all(), runId, event.at, event.data['ended_at'])));
    }
  });
}
