/** A small engine over the real store: adds tasks, records decisions, and shows both. Enough to see who leads and whose commands arrive. */
import * as path from 'node:path';
import { openStore } from '../../../src/adapters/store/store.ts';
import { BatonError } from '../../../src/core/errors.ts';
import type { Attempt } from '../../../src/core/execution.ts';
import type { Clock, Log } from '../../../src/engine/ports.ts';
import type { BuiltEngine } from '../../../src/host/election.ts';
import type { Repository } from '../../../src/host/repositoryKey.ts';
import type { Command, Snapshot, TaskView } from '../../../src/shared/api.ts';
import { emptyMetrics, healthyReport } from '../../support/reports.ts';
import { AT, changed, taskRecord, WORKER } from '../store/fixture.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return { dispose: () => clearTimeout(timer) };
  },
};

export interface SmallEngine extends BuiltEngine {
  /** Calls every listener with the present picture. */
  announce(): Promise<void>;
  readonly listeners: number;
}

export async function smallEngine(repository: Pick<Repository, 'root'>, log: Log): Promise<SmallEngine> {
  const store = await openStore({ batonDir: path.join(repository.root, '.baton'), workerPath: WORKER, log });
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let seq = 0;

  const snapshot = async (): Promise<Snapshot> => {
    const tasks = (await store.loadTasks()).map((task) => ({
      id: task.task_id,
      goal: task.task_def.goal,
      state: task.state,
      attempt_id: task.attempts.find(({ outcome }) => outcome === 'running')?.attempt_id ?? null,
    }));
    return {
      seq: ++seq,
      at: AT,
      repository: { root: repository.root, name: path.basename(repository.root) },
      loop: { desired: 'running', state: 'running', since: AT, reason: null, idle: false, run_id: null, slots_used: 0, slots: 1, leader: { pid: process.pid, host: 'cli' } },
      // The views' other fields are the real engine's matter.
      tasks: tasks as Partial<TaskView>[] as TaskView[],
      accounts: [],
      agents: [],
      problems: [],
      cost: { today_usd: 0, total_usd: 0, unpriced: false, budget_usd: null, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } },
      dashboard: { refresh_interval: 5, max_recent_tasks: 10 },
      health: healthyReport(AT),
    };
  };
  const announce = async (): Promise<void> => {
    const picture = await snapshot();
    for (const listener of [...listeners]) listener(picture);
  };
  const send = async (command: Command): Promise<{ message: string; task_id?: string }> => {
    if (command.type === 'add_task') {
      const id = command.task.id ?? `t${seq}`;
      await store.commit({ tasks: [taskRecord(id, { task_def: { ...command.task, id } })], events: [{ at: AT, type: 'taskAdded', task_id: id, data: { by: process.pid } }] });
      await announce();
      return { message: `Task ${id} was added.`, task_id: id };
    }
    if (command.type === 'decide') {
      const task = await store.task(command.task_id);
      if (task === undefined) throw new BatonError('not_found', `There is no task ${command.task_id}.`, { hint: 'List them with: baton list-tasks', location: { file: 'tasks.yaml', line: 3, column: 5 } });
      await store.commit({ tasks: [changed(task, { feedback: command.verdict })] });
      return { message: `${command.verdict} by ${command.by}.` };
    }
    if (command.type === 'refresh') throw new TypeError('a fault of the engine');
    return { message: command.type };
  };
  return {
    api: {
      snapshot,
      onSnapshot: (listener) => {
        listeners.add(listener);
        return { dispose: () => void listeners.delete(listener) };
      },
      send,
      task: (taskId) => store.task(taskId),
      changes: (taskId) => Promise.resolve({ base_sha: taskId, head_sha: 'h', worktree: null, files: [] }),
      metrics: (query) => Promise.resolve({ ...emptyMetrics(AT), bucket_seconds: query.since_seconds / (query.max_buckets ?? 1) }),
      health: () => Promise.resolve(healthyReport(AT)),
    },
    announce,
    get listeners() {
      return listeners.size;
    },
    close: () => store.close(),
  };
}

/** A running attempt whose root process is `pid`. */
export function runningAttempt(pid: number): Attempt {
  return {
    attempt_id: 'a1',
    role: 'implementer',
    step_id: null,
    number: 1,
    agent: 'claude',
    driver: 'claude',
    model: null,
    account: 'anthropic',
    mark: 'key/t1/a1',
    session_id: null,
    process: { pid, started: AT },
    started_at: AT,
    ended_at: null,
    outcome: 'running',
    error: null,
    exit_code: null,
    usage: { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 },
    cost_usd: null,
    turns: 0,
  };
}
