/** What a new leader does before anything else: no process of a dead leader lives on but the agents that it can go on with. */
import type { Attempt } from '../core/execution.ts';
import { attemptEnded, type EventDraft, type Lifecycle } from './lifecycle.ts';
import type { AdoptedSession, Log, Ports } from './ports.ts';

/** What a runner carries as BATON_MARK; no task's id begins with a hyphen. */
export function runnerMark(repositoryKey: string, id: string): string {
  return `${repositoryKey}:-runner:${id}`;
}

/** Marks of an attempt's processes: its agent's and its runner's. */
export function marksOf(repositoryKey: string, { mark, runner }: Attempt): string[] {
  return runner ? [mark, runnerMark(repositoryKey, runner.id)] : [mark];
}

/**
 * Finds the agents that outlived their engine, by task; ends every other process that was left, and marks the attempts
 * of those interrupted. States and sessions stay, so that all tasks go on where they were.
 */
export async function recover(lifecycle: Lifecycle, ports: Pick<Ports, 'processes' | 'runners' | 'runs' | 'repository' | 'log'>): Promise<Map<string, AdoptedSession>> {
  const { key } = ports.repository;
  const running = lifecycle.all().flatMap((task) => task.attempts.filter(({ outcome }) => outcome === 'running').map((attempt) => ({ task, attempt, isLast: attempt === task.attempts.at(-1) })));
  const looked = await Promise.all(
    running.map(async ({ task, attempt, isLast }) => ({ task, attempt, adopted: isLast ? await adopt(ports, task.task_id, attempt) : undefined })),
  );
  const keep = looked.flatMap(({ attempt, adopted }) => (adopted?.alive === true ? marksOf(key, attempt) : []));
  const roots = looked.flatMap(({ attempt, adopted }) => (adopted === undefined ? [attempt.process, attempt.runner ?? null].filter((one) => one !== null) : []));
  const found = new Map(looked.flatMap(({ task, adopted }) => (adopted === undefined ? [] : [[task.task_id, adopted] as const])));
  try {
    const ended = await ports.processes.sweep(`${key}:`, { keep, roots });
    if (ended > 0) ports.log.warn(`Ended ${ended} process${ended === 1 ? '' : 'es'} that an earlier Baton had left behind.`);
    await markInterrupted(lifecycle, new Set(looked.flatMap(({ attempt, adopted }) => (adopted === undefined ? [attempt.mark] : []))), ports.log);
  } catch (error) {
    await letGo(found, ports.log);
    throw error;
  }
  return found;
}

/** Leaves agents that were found to a later engine: a runner whose line stayed open would believe that it has one. */
export async function letGo(adopted: ReadonlyMap<string, AdoptedSession>, log: Log): Promise<void> {
  const leave = async ([taskId, { session }]: [string, AdoptedSession]): Promise<void> => {
    await session.detach?.().catch((error: unknown) => log.error(`The agent of ${taskId} could not be left at work`, error));
  };
  await Promise.all([...adopted].map(leave));
}

async function adopt({ runners, runs, log }: Pick<Ports, 'runners' | 'runs' | 'log'>, taskId: string, attempt: Attempt): Promise<AdoptedSession | undefined> {
  try {
    return await runners.adopt(attempt, runs.directory(taskId, attempt.attempt_id));
  } catch (error) {
    log.error(`The agent of ${taskId} could not be gone on with`, error);
    return undefined;
  }
}

async function markInterrupted(lifecycle: Lifecycle, marks: ReadonlySet<string>, log: Log): Promise<void> {
  const isOrphan = (attempt: Attempt): boolean => attempt.outcome === 'running' && marks.has(attempt.mark);
  for (const task of lifecycle.all()) {
    if (!task.attempts.some(isOrphan)) continue;
    await lifecycle.change(task.task_id, (draft) => {
      const at = lifecycle.now();
      const ended: EventDraft[] = [];
      draft.interruptions += 1;
      for (const attempt of draft.attempts.filter(isOrphan)) {
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
