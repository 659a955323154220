/** Repositories for a dashboard to show: busy, degraded, empty, and one with ten thousand tasks; each with the figures of a window. */
import { emptyUsage } from '../../src/core/execution.ts';
import type { Snapshot, TaskView } from '../../src/shared/api.ts';
import type { MetricsBucket, MetricsQuery, MetricsReport } from '../../src/shared/metrics.ts';
import { awaitingMerge, awaitingPermission, everyState, running, snapshot, started, taskView } from './snapshotEngine.ts';
import { emptyMetrics, healthyReport } from './reports.ts';

const MINUTE = 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();

export const DASHBOARD_SCENES = ['busy', 'degraded', 'empty', 'huge'] as const;
export type DashboardScene = (typeof DASHBOARD_SCENES)[number];

export function sceneSnapshot(scene: DashboardScene, now: number): Snapshot {
  switch (scene) {
    case 'empty':
      return snapshot(now, [], { cost: { today_usd: 0, total_usd: 0, unpriced: false, budget_usd: null, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } } });
    case 'busy':
      return busy(now);
    case 'degraded':
      return degraded(now);
    case 'huge':
      return { ...busy(now), tasks: hugeTasks(10_000, now) };
  }
}

export function sceneMetrics(scene: DashboardScene, query: MetricsQuery, now: number): MetricsReport {
  return scene === 'empty' ? emptyMetrics(iso(now)) : someMetrics(query, now, scene === 'degraded' ? 0.4 : 0.07);
}

const STEPS = ['completed', 'implementing', 'pending', 'pending', 'pending'].map((state, index) => ({ step_id: `s${index}`, state: state as 'completed', description: `Part ${index + 1}`, attempt: 1 }));

function busy(now: number): Snapshot {
  const done = (id: string, goal: string, minutes: number, cost_usd: number, more: Partial<TaskView> = {}): TaskView =>
    started(id, now, { goal, state: 'done', group: 'done', started_at: iso(now - minutes * MINUTE - 12 * MINUTE), completed_at: iso(now - minutes * MINUTE), cost_usd, ...more });
  const waits = [
    ['csv-export', 'Export invoices as CSV', 4.2],
    ['rename-api', 'Rename getFoo to foo in the public API', 3.35],
    ['date-zones', 'Show dates in the zone of the customer', 3.1],
    ['search-index', 'Rebuild the search index without locking the table', 2.9],
    ['login-limit', 'Limit failed sign-ins to five a minute', 2.6],
    ['readme-typos', 'Fix the typos in the README', 2.1],
    ['drop-moment', 'Replace moment by Intl', 2.1],
    ['old-browsers', 'Drop the polyfills for browsers that nobody has', 1.3],
  ] as const;
  const tasks = [
    running('flaky-test', now, { goal: 'Make the date test independent of the time zone', steps: STEPS, last_line: 'npm test -- --grep dates', score: 3.4, eta_start: iso(now - 3 * MINUTE), eta_done: iso(now + 6 * MINUTE), cost_usd: 0.42 }),
    running('parser-speed', now, { goal: 'Parse numbers without regular expressions', state: 'quality_gate', activity: 'running gate test', eta_start: iso(now - 9 * MINUTE), eta_done: iso(now + 2 * MINUTE), cost_usd: 0.18, attempt_started_at: iso(now - 41_000), last_line: '214 passing (8s)' }),
    awaitingPermission('clean-build', now, 'rm -rf build && npm test', { goal: 'Rebuild the fixtures from the sources' }),
    awaitingMerge('pricing-fix', now, { goal: 'Round prices half to even', score: 4.2 }),
    ...waits.map(([id, goal, score], index) =>
      taskView(id, now, { goal, score, position: index + 1, placed: index === 1, created_at: iso(now - (12 + index * index * 25) * MINUTE), why: index === 0 ? 'Starts now: 3 of 5 slots free.' : `All 5 slots are in use and ${index} tasks are ahead.`, eta_start: iso(now + index * 7 * MINUTE), eta_done: iso(now + (index * 7 + 11) * MINUTE) }),
    ),
    taskView('after-export', now, { goal: 'Document the CSV export', group: 'held', why: 'Waits for csv-export (new).' }),
    started('rate-limited', now, { goal: 'Translate the error messages', state: 'implementing', group: 'held', why: 'Account openai opens in 14m (14:05 UTC): usage limit reached', not_before: iso(now + 14 * MINUTE), retry_count: 1 }),
    done('bump-deps', 'Update the development dependencies', 2, 0.21),
    done('rename-total', 'Name the total after what it is', 9, 0.08),
    started('broken-gate', now, { goal: 'Speed up the search in large catalogues', state: 'failed', group: 'failed', completed_at: iso(now - 31 * MINUTE), error: 'Gates failed 3 times: test (exit 1)', error_kind: 'gates_failed', cost_usd: 0.42, unpriced: true }),
    done('slugify', 'Keep accented letters in slugs', 44, 0.12),
    started('not-wanted', now, { goal: 'Add a dark theme', state: 'failed', group: 'failed', completed_at: iso(now - 61 * MINUTE), error: 'cancelled by the user', error_kind: 'cancelled' }),
    done('receipt', 'Print the tax number on receipts', 95, 0.33),
    done('utf8', 'Read CSV files with a byte order mark', 130, 0.19),
  ];
  return snapshot(now, tasks, {
    cost: { today_usd: 4.12, total_usd: 61.4, unpriced: false, budget_usd: 20, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } },
    accounts: [
      { account: 'anthropic', closed: false, closed_until: null, reason: null },
      { account: 'openai', closed: true, closed_until: iso(now + 14 * MINUTE), reason: 'usage limit reached' },
    ],
    agents: [
      { name: 'claude', driver: 'claude', available: true, version: '2.1.0', install: null, account: 'anthropic' },
      { name: 'codex', driver: 'codex', available: true, version: '0.98.0', install: null, account: 'openai' },
    ],
    health: healthyReport(iso(now)),
  });
}

function degraded(now: number): Snapshot {
  const calm = busy(now);
  const { checks } = healthyReport(iso(now));
  return {
    ...calm,
    tasks: everyState(now),
    loop: { ...calm.loop, desired: 'paused', state: 'paused', slots_used: 0 },
    cost: { today_usd: 20.4, total_usd: 120, unpriced: true, budget_usd: 20, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } },
    accounts: [{ account: 'anthropic', closed: true, closed_until: 'unknown', reason: 'Not signed in: run "claude login" in a terminal' }],
    agents: [
      { name: 'claude', driver: 'claude', available: true, version: '2.1.0', install: null, account: 'anthropic' },
      { name: 'codex', driver: 'codex', available: false, version: null, install: 'npm install -g @openai/codex', account: 'anthropic' },
    ],
    problems: [
      { file: '.baton/tasks.yaml', line: 3, column: 5, message: 'depends on "nothing", which is no task', severity: 'error', source: 'tasks' },
      { file: '.baton/orchestrator.yaml', line: 9, column: 1, message: 'unknown key', severity: 'warning', source: 'config' },
    ] as unknown as Snapshot['problems'],
    health: {
      status: 'degraded',
      timestamp: iso(now),
      checks: { ...checks, task_backlog: { ok: false, message: '31 tasks pending (limit 20)' }, error_rate: { ok: false, message: '12 of 30 tasks failed in the last 24 h, 40 % (limit 10 %)' } },
    },
  };
}

/** A tenth is done, the rest waits in order. */
export function hugeTasks(count: number, now: number): TaskView[] {
  return Array.from({ length: count }, (_, index) =>
    index % 10 === 9
      ? started(`task-${index}`, now, { goal: `Done piece of work number ${index}`, state: 'done', group: 'done', completed_at: iso(now - index * MINUTE) })
      : taskView(`task-${index}`, now, { goal: `Piece of work number ${index}, one of many`, position: index + 1, score: 9 - (index / count) * 8, created_at: iso(now - (index % 5000) * MINUTE), why: `All 5 slots are in use and ${index} tasks are ahead.`, eta_start: iso(now + index * MINUTE), eta_done: iso(now + (index + 10) * MINUTE) }),
  );
}

/** A working week's shape: little at night, more by day; always the same numbers. */
function someMetrics({ since_seconds, max_buckets = 25 }: MetricsQuery, now: number, failing: number): MetricsReport {
  const width = Math.ceil(since_seconds / (max_buckets - 1) / 300) * 300;
  const first = Math.floor((now / 1000 - since_seconds) / width) * width;
  const scale = width / 3600;
  let state = 7;
  const random = (): number => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const series: MetricsBucket[] = Array.from({ length: max_buckets }, (_, index) => {
    const start = (first + index * width) * 1000;
    const busyness = Math.max(0, Math.sin(((new Date(start).getUTCHours() - 5) / 24) * 2 * Math.PI)) + 0.15;
    const ended = Math.round(busyness * 5 * scale * (0.5 + random()));
    const failed = Math.min(ended, Math.round(ended * failing * 2 * random()));
    const rounds = Math.round(ended * (1 + random() / 2));
    const gatesFailed = Math.round(rounds * (failing + 0.1) * random());
    const p50 = ended - failed > 0 ? 420 + Math.round(500 * random()) : null;
    return {
      start: iso(start),
      started: ended,
      completed: ended - failed,
      failed,
      attempts: ended * 2,
      gates_passed: rounds - gatesFailed,
      gates_failed: gatesFailed,
      decisions: 0,
      cost_usd: ended * (0.12 + random() * 0.2),
      tokens: 0,
      p50_latency_seconds: p50,
      p95_latency_seconds: p50 === null ? null : p50 * (1.4 + random()),
      cpu_percent: null,
      memory_mb: null,
    };
  });
  const sum = (of: (one: MetricsBucket) => number) => series.reduce((all, one) => all + of(one), 0);
  const [completed, failed, cost] = [sum((one) => one.completed), sum((one) => one.failed), sum((one) => one.cost_usd)];
  const share = (name: string, part: number, unpriced = false) => ({ name, attempts: Math.round(sum((one) => one.attempts) * part), cost_usd: unpriced ? 0 : cost * part, unpriced, usage: emptyUsage() });
  return {
    ...emptyMetrics(iso(now)),
    since: iso(now - since_seconds * 1000),
    tasks_started: completed + failed,
    tasks_completed: completed,
    tasks_failed: failed,
    throughput_per_hour: completed / (since_seconds / 3600),
    avg_latency_seconds: 640,
    p50_latency_seconds: 612,
    p95_latency_seconds: 1480,
    error_rate: completed + failed === 0 ? 0 : failed / (completed + failed),
    retry_success_rate: 0.83,
    human_intervention_rate: 0.12,
    first_pass_gate_rate: 0.78,
    total_cost_usd: cost,
    cost: { by_agent: [share('claude', 0.62), share('codex', 0.31), share('reviewer', 0.07), share('local', 0.1, true)], by_model: [], by_role: [], by_area: [] },
    bucket_seconds: width,
    series,
  };
}
