/** What a new leader does before anything else: no process of a dead leader lives on, no attempt pretends to run. */
import { attemptEnded, type EventDraft, type Lifecycle } from './lifecycle.ts';
import type { Log, Processes } from './ports.ts';

/** Ends orphans and marks their attempts interrupted; states and sessions stay, so that the tasks go on where they were. */
export async function recover(lifecycle: Lifecycle, processes: Processes, repositoryKey: string, log: Log): Promise<void> {
  const roots = lifecycle.all().flatMap((task) => task.attempts.flatMap((attempt) => (attempt.outcome === 'running' && attempt.process ? [attempt.process] : [])));
  const ended = await processes.sweep(`${repositoryKey}:`, { roots });
  if (ended > 0) log.warn(`Ended ${ended} process${ended === 1 ? '' : 'es'} that an earlier Baton had left behind.`);
  for (const task of lifecycle.all()) {
    const orphans = task.attempts.filter((attempt) => attempt.outcome === 'running');
    if (orphans.length === 0) continue;
    await lifecycle.change(task.task_id, (draft) => {
      const at = lifecycle.now();
      const ended: EventDraft[] = [];
      draft.interruptions += 1;
      for (const attempt of draft.attempts) {
        if (attempt.outcome !== 'running') continue;
        attempt.outcome = 'interrupted';
        attempt.ended_at = at;
        attempt.error = { kind: 'interrupted', message: 'Baton ended while the agent was at work.', at };
        ended.push(attemptEnded(attempt));
      }
      return [...ended, { type: 'interrupted', data: { reason: 'Baton ended unexpectedly', in_a_row: draft.interruptions } }];
    });
    log.info(`Task ${task.task_id} was interrupted and goes on where it was.`);
  }
}
