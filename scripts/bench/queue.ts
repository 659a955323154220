/** The queue's plan and the snapshot of ten thousand tasks: what every change of a task and every look of a surface costs. */
import { configSchema } from '../../src/core/config/schema.ts';
import type { TaskExecution } from '../../src/core/execution.ts';
import { estimateTimes } from '../../src/core/estimate.ts';
import { planQueue, type QueueFacts } from '../../src/core/queue.ts';
import { buildSnapshot } from '../../src/engine/snapshot.ts';
import { healthyReport } from '../../test/support/reports.ts';
import { T0, task } from '../../test/support/tasks.ts';
import { median, spread, type Benchmark } from './row.ts';

const TASKS = 10_000;
const RUNS = 40;
const WARM_UP = 5;
/** Both run after every change: together they must not hold up what else the host does. */
const PLAN_BUDGET_MS = 20;
const SNAPSHOT_BUDGET_MS = 20;

export const queue: Benchmark = {
  about: 'Order, reasons, scores and estimated times of 10 000 tasks (a third of them with dependencies, a tenth finished), and the complete snapshot that surfaces get at most four times a second.',
  run() {
    const tasks = Array.from({ length: TASKS }, (_, index) => taskNumber(index));
    const config = configSchema.parse({});
    let facts: QueueFacts = {
      now: T0 + 3_600_000,
      config,
      loop: 'running',
      running: new Map(),
      agents: new Map([['agent', { available: true, enabled: true, install: null, account: 'account', max_concurrent: null, priced: true }]]),
      agentOf: () => 'agent',
      accounts: new Map(),
    };
    const times = { plan: [] as number[], estimates: [] as number[], snapshot: [] as number[] };
    let last: unknown;
    for (let run = 0; run < WARM_UP + RUNS; run++) {
      // What happens between two looks: time passes, and one task has changed.
      facts = { ...facts, now: facts.now + 250 };
      tasks[run * 7] = { ...taskNumber(run * 7), rev: run + 2 };
      const begun = performance.now();
      const plan = planQueue(tasks, facts);
      const planned = performance.now();
      const estimates = estimateTimes(tasks, plan, facts);
      const estimated = performance.now();
      const snapshot = buildSnapshot({
        seq: run,
        at: new Date(facts.now).toISOString(),
        repository: { root: '/', name: 'sample' },
        loop: { desired: 'running', state: 'running', since: '', reason: null, run_id: '', slots: 5, slots_used: 0, idle: false, leader: null },
        tasks,
        plan,
        estimates,
        runs: new Map(),
        source: () => undefined,
        accounts: [],
        agents: [],
        schedules: [],
        quietHours: null,
        problems: [],
        day: { today_usd: 0, budget_usd: null, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } },
        config,
        budgetOf: () => null,
        routingOf: () => null,
        dashboard: config.dashboard,
        health: healthyReport(''),
      });
      const pictured = performance.now();
      last = snapshot;
      if (run < WARM_UP) continue;
      times.plan.push(planned - begun);
      times.estimates.push(estimated - planned);
      times.snapshot.push(pictured - estimated);
    }
    return Promise.resolve([
      { name: 'queue plan, 10 000 tasks', value: median(times.plan), unit: 'ms', budget: PLAN_BUDGET_MS, note: spread(times.plan) },
      { name: 'estimated times, 10 000 tasks', value: median(times.estimates), unit: 'ms', note: spread(times.estimates) },
      { name: 'snapshot, 10 000 tasks', value: median(times.snapshot), unit: 'ms', budget: SNAPSHOT_BUDGET_MS, note: spread(times.snapshot) },
      { name: 'snapshot as JSON, 10 000 tasks', value: JSON.stringify(last).length / 1e6, unit: 'MB' },
    ]);
  },
};

const WORDS = ['URGENT: fix the login', 'tidy the code', 'no rush: rename things', 'add a page by tomorrow', 'speed the query up'];

function taskNumber(index: number): TaskExecution {
  const goal = `${WORDS[index % WORDS.length] ?? ''} (${index})`;
  const depends = index % 3 === 0 && index > 10 ? { depends_on: [`task-${index - 7}`] } : {};
  const created = { created_at: new Date(T0 - index * 1000).toISOString() };
  return task(`task-${index}`, { ...created, def: { goal, ...depends }, ...(index % 10 === 9 ? { state: 'done', started_at: new Date(T0 - 600_000).toISOString(), completed_at: new Date(T0).toISOString() } : {}) });
}
