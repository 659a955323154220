/**
 * Consent is the human's: an answer to a decision is refused when it comes from inside an attempt, that is from a
 * process that an agent started. The marker in the environment tells, and where it was taken away, the ancestry.
 * What a process that detached from its whole ancestry can do is a stated limit.
 */
import { BatonError } from '../core/errors.ts';
import type { EngineApi, Snapshot } from '../shared/api.ts';
import type { CliDeps, CliIo } from './io.ts';

/** Throws `refused` when this command line runs inside an attempt. */
export async function requireHuman(io: CliIo, deps: CliDeps, api: EngineApi, snapshot: Snapshot): Promise<void> {
  const mark = io.env['BATON_MARK'];
  if (mark !== undefined && mark !== '') throw refused();
  const ancestors = await deps.ancestors();
  if (ancestors.some((ancestor) => ancestor.mark !== null)) throw refused();

  const above = new Set(ancestors.map((ancestor) => ancestor.pid));
  for (const view of snapshot.tasks) {
    if (view.attempt_id === null || view.group === 'done' || view.group === 'failed') continue;
    const task = await api.task(view.id);
    const running = task?.attempts.filter((attempt) => attempt.outcome === 'running') ?? [];
    if (running.some((attempt) => attempt.process !== null && above.has(attempt.process.pid))) throw refused();
  }
}

function refused(): BatonError {
  return new BatonError('refused', 'An agent may not answer a decision: this command runs inside one of Baton’s attempts, and only a human can consent.', {
    hint: 'Run it in a terminal of your own, or answer in VS Code’s "Needs You" view.',
  });
}
