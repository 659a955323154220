/** What the store costs at ten thousand tasks: filling it, single and concurrent commits, opening it again, loading. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openStore, type OpenedStore } from '../../src/adapters/store/store.ts';
import { readStore } from '../../src/adapters/store/readStore.ts';
import type { TaskExecution } from '../../src/core/execution.ts';
import type { NewEvent } from '../../src/engine/ports.ts';
import { newExecution } from '../../src/core/execution.ts';
import { keepTempDir } from '../../test/support/tmp.ts';
import type { Benchmark, Row } from './row.ts';
import { DIST } from './sandbox.ts';

const TASKS = 10_000;
const AT = '2026-11-20T12:00:00.000Z';
const LOG = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };

export const store: Benchmark = {
  about: 'The SQLite store with 10 000 records of some 5 KB. A commit is durable (WAL, synchronous=FULL) when it counts as done.',
  async run() {
    const temp = keepTempDir();
    try {
      return await measure(path.join(temp.path, '.baton'));
    } finally {
      await temp.remove();
    }
  },
};

async function measure(batonDir: string): Promise<Row[]> {
  const open = (): Promise<OpenedStore> => openStore({ batonDir, workerPath: path.join(DIST, 'storeWorker.js'), log: LOG });
  const rows: Row[] = [];
  const time = async <T>(name: string, work: () => Promise<T>, commits?: number): Promise<T> => {
    const begun = performance.now();
    const result = await work();
    const ms = performance.now() - begun;
    rows.push(commits === undefined ? { name, value: ms, unit: 'ms' } : { name, value: (commits / ms) * 1000, unit: '/s', note: `${commits} in ${ms.toFixed(0)} ms` });
    return result;
  };
  let opened = await time('open an empty store', open);
  await time('commits of new tasks, all at once', () => Promise.all(Array.from({ length: TASKS }, (_, index) => opened.commit({ tasks: [usualTask(index)], events: [event(index)] }))), TASKS);
  await opened.close();
  opened = await time('open, 10 000 tasks', open);
  const tasks = await time('load all tasks', () => opened.loadTasks());
  const commitNext = (index: number): Promise<unknown> => opened.commit({ tasks: [next(tasks, index)], events: [event(index)] });
  await time('commits one after another', async () => {
    for (let round = 0; round < 1000; round++) await commitNext(round);
  }, 1000);
  const lanes = Array.from({ length: 10 }, (_, lane) => lane);
  await time('commits by ten tasks at once', () => Promise.all(lanes.map(async (lane) => {
    for (let round = 0; round < 300; round++) await commitNext(1000 + lane * 100 + (round % 100));
  })), 3000);
  await opened.close();
  await time('open read-only and load, another process', async () => {
    const reader = readStore({ batonDir });
    await reader.loadTasks();
    await reader.close();
  });
  rows.push({ name: 'database', value: fs.statSync(path.join(batonDir, 'baton.db')).size / 1e6, unit: 'MB' });
  return rows;
}

/** A record of a usual size: a plan, a few steps and attempts, about 5 KB. */
function usualTask(index: number): TaskExecution {
  const text = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit. ';
  return {
    ...newExecution({ id: `task-${index}`, goal: `Do task ${index}` }, 'c0ffee', AT),
    plan: { summary: text, steps: Array.from({ length: 5 }, (_, step) => ({ id: `s${step}`, description: text.repeat(3) })) },
    history: Array.from({ length: 15 }, () => ({ from: 'new' as const, to: 'planning' as const, at: AT, why: text })),
    feedback: text.repeat(10),
  };
}

function event(index: number): NewEvent {
  return { at: AT, type: 'taskChanged', task_id: `task-${index}`, data: { index } };
}

function next(tasks: TaskExecution[], index: number): TaskExecution {
  const task = tasks[index % tasks.length];
  if (task === undefined) throw new Error('no tasks');
  task.rev++;
  return task;
}
