/**
 * What the store costs at ten thousand tasks (or as many as the first argument says): filling it, single and concurrent commits, opening
 * it again, loading. Run: node scripts/bench/store.ts [tasks]
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openStore, type OpenedStore } from '../../src/adapters/store/store.ts';
import { readStore } from '../../src/adapters/store/readStore.ts';
import type { TaskExecution } from '../../src/core/execution.ts';
import { taskRecord } from '../../test/adapters/store/fixture.ts';

const count = Number(process.argv[2] ?? 10_000);
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'baton-bench-'));
const batonDir = path.join(root, '.baton');
const log = { debug: () => undefined, info: () => undefined, warn: (message: string) => console.warn(message), error: (message: string) => console.error(message) };
const open = (): Promise<OpenedStore> => openStore({ batonDir, workerPath: path.resolve('src/adapters/store/worker.ts'), log });

/** A record of a usual size: a plan, a few steps and attempts, about 5 KB. */
function usualTask(index: number): TaskExecution {
  const text = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit. ';
  return taskRecord(`task-${index}`, {
    plan: { summary: text, steps: Array.from({ length: 5 }, (_, step) => ({ id: `s${step}`, description: text.repeat(3) })) },
    history: Array.from({ length: 15 }, () => ({ from: 'new' as const, to: 'planning' as const, at: '2026-11-20T12:00:00.000Z', why: text })),
    feedback: text.repeat(10),
  });
}

async function measure<T>(what: string, work: () => Promise<T>, per?: number): Promise<T> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const result = await work();
  const ms = performance.now() - start;
  delay.disable();
  const rate = per === undefined ? '' : `  ${Math.round((per / ms) * 1000)}/s`;
  console.log(`${what.padEnd(58)} ${ms.toFixed(0).padStart(7)} ms${rate}  (longest block of the caller ${(delay.max / 1e6).toFixed(0)} ms)`);
  return result;
}

try {
  let store = await measure('open an empty store', open);
  await measure(`commit ${count} tasks, all at once`, () => Promise.all(Array.from({ length: count }, (_, index) => store.commit({ tasks: [usualTask(index)], events: [event(index)] }))), count);
  await measure('close (writes the state files that wait)', () => store.close());
  store = await measure(`open ${count} tasks (compares every state file)`, open);
  const tasks = await measure('load all tasks', () => store.loadTasks());
  await measure('1000 commits, one after another', async () => {
    for (let round = 0; round < 1000; round++) await store.commit({ tasks: [next(tasks, round)], events: [event(round)] });
  }, 1000);
  await measure('3 transitions each of 1000 tasks, 10 at a time', async () => {
    await Promise.all(Array.from({ length: 10 }, async (_, lane) => {
      for (let round = 0; round < 300; round++) await store.commit({ tasks: [next(tasks, 1000 + lane * 100 + (round % 100))], events: [event(round)] });
    }));
  }, 3000);
  await store.close();
  await measure('open read-only and load all (another process)', async () => {
    const reader = readStore({ batonDir });
    await reader.loadTasks();
    await reader.close();
  });
  console.log(`database ${(fs.statSync(path.join(batonDir, 'baton.db')).size / 1e6).toFixed(1)} MB, heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(0)} MB`);
} finally {
  fs.rmSync(root, { recursive: true, force: true });
}

function event(index: number): { at: string; type: string; task_id: string; data: Record<string, unknown> } {
  return { at: '2026-11-20T12:00:00.000Z', type: 'taskChanged', task_id: `task-${index}`, data: { index } };
}

function next(tasks: TaskExecution[], index: number): TaskExecution {
  const task = tasks[index % tasks.length];
  if (task === undefined) throw new Error('no tasks');
  task.rev++;
  return task;
}
