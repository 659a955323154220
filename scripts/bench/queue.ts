/** What ten thousand tasks cost when one of them changes: the queue's plan, estimated times, the snapshot that surfaces get, and the dashboard's picture of it. */
import { configSchema } from '../../src/core/config/schema.ts';
import type { TaskExecution } from '../../src/core/execution.ts';
import { estimateTimes, type Estimate } from '../../src/core/estimate.ts';
import { Planner, type QueueFacts, type RunningFact } from '../../src/core/queue.ts';
import { buildSnapshot, type KeptView } from '../../src/engine/snapshot.ts';
import { dashboardOf } from '../../src/vscode/model/dashboard.ts';
import { metricsQuery } from '../../src/vscode/model/charts.ts';
import { sceneMetrics } from '../../test/support/dashboardScenes.ts';
import { healthyReport } from '../../test/support/reports.ts';
import { T0, task } from '../../test/support/tasks.ts';
import { median, spread, type Benchmark, type Row } from './row.ts';

const TASKS = 10_000;
const RUNS = 40;
const WARM_UP = 5;
const SLOTS = 5;
/** Each runs after every change, in the process that also serves other extensions. */
const BUDGET_MS = 20;
const STAGES = ['queue plan', 'estimated times', 'snapshot', 'dashboard picture'] as const;
const BUDGETED: readonly string[] = ['queue plan', 'snapshot', 'dashboard picture'];

/** What happens between two looks, besides that time passes: the records and what is at work are changed in place. */
type Change = (queue: { readonly tasks: TaskExecution[]; readonly running: Map<string, RunningFact>; readonly now: number }, run: number) => void;

const CHANGES: Readonly<Record<string, Change>> = {
  'a task goes a step further': ({ tasks }, run) => {
    const index = run % SLOTS;
    const one = tasks[index];
    if (one !== undefined) tasks[index] = { ...one, rev: one.rev + 1, total_cost_usd: run };
  },
  'a task ends, the next begins, all others move up': ({ tasks, running, now }, run) => {
    const [ends, begins] = [tasks[run], tasks[run + SLOTS]];
    if (ends === undefined || begins === undefined) return;
    const at = new Date(now).toISOString();
    tasks[run] = { ...ends, state: 'done', completed_at: at };
    tasks[run + SLOTS] = { ...begins, state: 'implementing', started_at: at };
    running.delete(ends.task_id);
    running.set(begins.task_id, atWork(now));
  },
};

export const queue: Benchmark = {
  about:
    'A queue of 10 000 tasks (a third of them with dependencies, a tenth finished, five at work): from a change in one of them to the picture that the dashboard’s page gets, which is plan (order, reasons, scores), estimated times, the complete snapshot that surfaces get at most four times a second, and the picture as it is serialised. First for what happens all the time, then for the change that concerns every task that waits.',
  run() {
    return Promise.resolve(Object.entries(CHANGES).flatMap(([what, change]) => measure(what, change)));
  },
};

function measure(what: string, change: Change): Row[] {
  const tasks = Array.from({ length: TASKS }, (_, index) => taskNumber(index));
  const byId = new Map(tasks.map((one) => [one.task_id, one]));
  const config = configSchema.parse({});
  const running = new Map<string, RunningFact>();
  let now = T0 + 3_600_000;
  for (let index = 0; index < SLOTS; index++) running.set(`task-${index}`, atWork(now));
  const planner = new Planner();
  const views = new Map<string, KeptView>();
  const kept = new Map<string, Estimate>();
  const figures = { report: sceneMetrics('busy', metricsQuery('24h'), now), failure: undefined };
  const times = new Map<string, number[]>([...STAGES, 'all'].map((name) => [name, []]));
  let last: unknown;
  for (let run = 0; run < WARM_UP + RUNS; run++) {
    now += 250;
    change({ tasks, running, now }, run);
    for (const index of [run % SLOTS, run, run + SLOTS]) byId.set(`task-${index}`, tasks[index] ?? taskNumber(index));
    const facts: QueueFacts = {
      now,
      byId,
      config,
      loop: 'running',
      running,
      agents: new Map([['agent', { available: true, enabled: true, install: null, account: 'account', max_concurrent: null, priced: true }]]),
      agentOf: () => 'agent',
      accounts: new Map(),
    };
    const marks = [performance.now()];
    const plan = planner.plan(tasks, facts);
    marks.push(performance.now());
    const estimates = estimateTimes(tasks, plan, facts, kept);
    marks.push(performance.now());
    const snapshot = buildSnapshot({
      seq: run,
      at: new Date(now).toISOString(),
      repository: { root: '/', name: 'sample' },
      loop: { desired: 'running', state: 'running', since: '', reason: null, run_id: '', slots: SLOTS, slots_used: SLOTS, idle: false, leader: null },
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
      kept: views,
    });
    marks.push(performance.now());
    const repository = { key: 'k', name: 'sample', opening: false, failure: undefined, figures, snapshot, rows: { first: 0, count: 95 } };
    JSON.stringify(dashboardOf({ trusted: true, window: '24h', folders: ['repository'], repositories: [repository] }, now));
    marks.push(performance.now());
    last = snapshot;
    if (run < WARM_UP) continue;
    for (const [index, stage] of STAGES.entries()) times.get(stage)?.push((marks[index + 1] ?? 0) - (marks[index] ?? 0));
    times.get('all')?.push((marks.at(-1) ?? 0) - (marks[0] ?? 0));
  }
  const row = (name: string, key: string, budget?: number): Row => ({ name, value: median(times.get(key) ?? []), unit: 'ms', ...(budget === undefined ? {} : { budget }), note: spread(times.get(key) ?? []) });
  return [
    ...STAGES.map((stage) => row(`${stage}: ${what}`, stage, BUDGETED.includes(stage) ? BUDGET_MS : undefined)),
    row(`the whole way: ${what}`, 'all'),
    { name: `snapshot as JSON: ${what}`, value: JSON.stringify(last).length / 1e6, unit: 'MB' },
  ];
}

const WORDS = ['URGENT: fix the login', 'tidy the code', 'no rush: rename things', 'add a page by tomorrow', 'speed the query up'];

function atWork(since: number): RunningFact {
  return { agent: 'agent', since, activity: null, waits_for_human: false, uses_slot: true };
}

function taskNumber(index: number): TaskExecution {
  const goal = `${WORDS[index % WORDS.length] ?? ''} (${index})`;
  const depends = index % 3 === 0 && index > 100 ? { depends_on: [`task-${index - 7}`] } : {};
  const created = { created_at: new Date(T0 - index * 1000).toISOString() };
  const begun = index < SLOTS ? { state: 'implementing' as const, started_at: new Date(T0 + 3_600_000).toISOString() } : {};
  const ended = index % 10 === 9 && index > 100 ? { state: 'done' as const, started_at: new Date(T0 - 600_000).toISOString(), completed_at: new Date(T0).toISOString() } : {};
  return task(`task-${index}`, { ...created, def: { goal, ...depends }, ...begun, ...ended });
}
