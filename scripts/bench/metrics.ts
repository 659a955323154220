/** What a question for figures costs over thirty days of a busy machine: a million events in the store, their roll-ups beside them (row 108). */
import * as path from 'node:path';
import { openStore } from '../../src/adapters/store/store.ts';
import { defaultConfig } from '../../src/core/config/schema.ts';
import { emptyRollup, floor, FINEST_MS, type CostRollup, type Ending, type Rollup } from '../../src/core/metrics/rollup.ts';
import { Lifecycle } from '../../src/engine/lifecycle.ts';
import { Metrics } from '../../src/engine/metrics/metrics.ts';
import { keepTempDir } from '../../test/support/tmp.ts';
import { median, spread, type Benchmark, type Row } from './row.ts';
import { DIST } from './sandbox.ts';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const DAY_MS = 86_400_000;
const TASKS = 100_000;
const EVENTS_A_TASK = 10;
const RUNS = 15;
const BUDGET = 20;
const WINDOWS = { '30 min': 1800, '24 h': 86_400, '7 days': 7 * 86_400, '30 days': 30 * 86_400 } as const;
const LOG = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };

export const metrics: Benchmark = {
  about:
    '1 000 000 events of 100 000 tasks in 30 days, five agents and models, in the SQLite store. Every window is answered in buckets of 5 minutes with percentiles, rates and costs by agent, model, role and area. The first question after a start reads the roll-ups from the store.',
  async run() {
    const temp = keepTempDir();
    try {
      return await run(path.join(temp.path, '.baton'));
    } finally {
      await temp.remove();
    }
  },
};

async function run(batonDir: string): Promise<Row[]> {
  const store = await openStore({ batonDir, workerPath: path.join(DIST, 'storeWorker.js'), log: LOG });
  const lifecycle = new Lifecycle(store, { now: () => NOW, after: () => ({ dispose: () => undefined }) }, LOG);
  const build = (): Metrics => new Metrics({ store, lifecycle, clock: { now: () => NOW, after: () => ({ dispose: () => undefined }) }, log: LOG, config: defaultConfig }, 'begun');
  for (let first = 0; first < TASKS; first += 10_000) await lifecycle.record(events(first), {}, change(first));
  await lifecycle.record([{ type: 'upkeep' }], {}, { ...change(TASKS, 0), upkeep: { forget_before: NOW - 30 * DAY_MS, coarsen_before: floor(NOW - 25 * 3_600_000, 300_000), interval_ms: 300_000 } });

  const rows: Row[] = [];
  const firsts: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const begun = performance.now();
    const fresh = build();
    await fresh.report({ since_seconds: WINDOWS['30 days'] });
    firsts.push(performance.now() - begun);
    fresh.dispose();
  }
  rows.push({ name: 'first question, 30 days', value: median(firsts), unit: 'ms', note: spread(firsts) });
  const loaded = build();
  await loaded.report({ since_seconds: 1800 });
  for (const [name, since_seconds] of Object.entries(WINDOWS)) {
    const times: number[] = [];
    let ended = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const begun = performance.now();
      const report = await loaded.report({ since_seconds });
      times.push(performance.now() - begun);
      ended = report.tasks_completed + report.tasks_failed;
    }
    rows.push({ name, value: median(times), unit: 'ms', budget: BUDGET, note: `${spread(times)}; ${ended} tasks ended` });
  }
  await store.close();
  return rows;
}

/** When the task with this number ended: even over thirty days. */
const endOf = (task: number): number => NOW - 30 * DAY_MS + Math.floor(((task + 0.5) * 30 * DAY_MS) / TASKS);

function events(first: number): { type: string; data: Record<string, unknown> }[] {
  return Array.from({ length: 10_000 * EVENTS_A_TASK }, (_, index) => ({ type: 'attempt_ended', data: { task: first + Math.floor(index / EVENTS_A_TASK), agent: 'claude', cost_usd: 0.01 } }));
}

/** A tenth of the tasks at once, as ten thousand commits would have added it. */
function change(first: number, count = 10_000): { rollups: Rollup[]; costs: CostRollup[]; endings: Ending[] } {
  const tasks = Array.from({ length: count }, (_, index) => first + index);
  return {
    rollups: tasks.map((task) => ({ ...emptyRollup(floor(endOf(task), FINEST_MS)), started: 1, attempts: 3, gates_passed: 1, gates_failed: 1, decisions: 2, snapshots: 1, cpu_sum: 40, memory_sum: 900, memory_peak: 1000 })),
    costs: tasks.map((task) => ({
      start: floor(endOf(task), FINEST_MS),
      agent: `agent-${task % 5}`,
      model: `model-${task % 5}`,
      role: task % 2 === 0 ? 'implementer' : 'code_reviewer',
      area: task % 3 === 0 ? 'core' : 'docs',
      attempts: 3,
      cost_usd: 0.1,
      unpriced: 0,
      input_tokens: 1000,
      output_tokens: 100,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
    })),
    endings: tasks.map((task) => ({ at: endOf(task), task_id: `t${task}`, completed: task % 12 !== 0, seconds: 30 + ((task * 7919) % 3000), retried: task % 7 === 0, human: task % 20 === 0, first_pass: task % 4 !== 0 })),
  };
}
