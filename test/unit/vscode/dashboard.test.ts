import assert from 'node:assert/strict';
import { isWebviewMessage } from '../../../src/shared/dashboard.ts';
import type { Snapshot } from '../../../src/shared/api.ts';
import { DECISION_ROWS, FIRST_ROWS, dashboardOf, type DashboardInput, type Figures } from '../../../src/vscode/model/dashboard.ts';
import type { MetricsReport } from '../../../src/shared/metrics.ts';
import { emptyMetrics } from '../../support/reports.ts';
import { awaitingMerge, everyState, running, snapshot, started, taskView } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');
const NONE: Figures = { report: undefined, failure: undefined };
const iso = (minutes: number): string => new Date(NOW + minutes * 60_000).toISOString();
const repository = (changes: Partial<DashboardInput['repositories'][number]> = {}) => ({ key: 'k', name: 'shop', opening: false, failure: undefined, snapshot: undefined, figures: NONE, rows: FIRST_ROWS, ...changes });
const input = (changes: Partial<DashboardInput> = {}): DashboardInput => ({ trusted: true, window: '24h', folders: ['repository'], repositories: [], ...changes });

function shown(given: Snapshot, more: Partial<DashboardInput['repositories'][number]> = {}) {
  const [first] = dashboardOf(input({ repositories: [repository({ snapshot: given, ...more })] }), NOW).repositories;
  assert.ok(first?.board);
  return { ...first, board: first.board };
}
const tile = (given: Snapshot, id: string, more?: Parameters<typeof shown>[1]) => shown(given, more).board.tiles.find((one) => one.id === id);

describe('The dashboard', () => {
  it('shows every task in one place: asked for, at work, queued or ended', () => {
    const { board } = shown(snapshot(NOW));
    assert.deepEqual(board.decisions.map(({ task }) => task), ['clean-build', 'pricing-fix', 'deploy-docs']);
    assert.deepEqual(board.active.map(({ task }) => task), ['flaky-test', 'parser-speed', 'clean-build']);
    assert.deepEqual(board.queue.rows.map(({ task }) => task), ['csv-export', 'rename-api', 'readme-typos', 'after-export', 'rate-limited']);
    assert.deepEqual(board.recent.rows.map(({ task, outcome }) => [task, outcome]), [['bump-deps', 'done'], ['broken-gate', 'failed'], ['not-wanted', 'cancelled'], ['old-done', 'done']]);
  });

  it('counts in its figures what its lists show, and marks what needs the user', () => {
    const given = snapshot(NOW);
    assert.deepEqual(shown(given).board.tiles.map(({ id, value, detail, tone }) => [id, value, detail, tone]), [
      ['needs_you', '3', '3 decisions', 'attention'],
      ['running', '3', '2 of 5 slots in use', 'plain'],
      ['waiting', '3', 'ETA unknown · 2 held', 'plain'],
      ['cost', '$1.02', 'no daily budget', 'plain'],
      ['first_pass', '–', 'no gated task ended', 'plain'],
    ]);
    assert.equal(tile(snapshot(NOW, []), 'needs_you')?.tone, 'plain');
  });

  it('never shows a cost without a price as nothing', () => {
    assert.deepEqual(costOf(1.02, true), ['≥ $1.02', 'some runs are unpriced']);
    assert.deepEqual(costOf(0, true), ['unpriced', 'some runs are unpriced']);
    assert.deepEqual(costOf(0, false), ['$0.00', 'no daily budget']);
  });

  function costOf(today: number, unpriced: boolean): (string | undefined)[] {
    const cost = tile(snapshot(NOW, [], { cost: { today_usd: today, total_usd: today, unpriced, budget_usd: null, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } } }), 'cost');
    return [cost?.value, cost?.detail];
  }

  it('tells of an active task its step, time, cost and last line', () => {
    const steps = [
      { step_id: 's1', state: 'completed', description: 'One', attempt: 1 },
      { step_id: 's2', state: 'implementing', description: 'Two', attempt: 1 },
    ] as const;
    const [row] = shown(snapshot(NOW, [running('a', NOW, { goal: 'Make\nit', steps, last_line: 'npm   test', eta_done: iso(6) })])).board.active;
    assert.deepEqual(row, { task: 'a', goal: 'Make it', step: 'step 2/2 · running the agent', progress: { done: 1, total: 2 }, elapsed: '3m12s', cost: '$0.08', eta: 'done in 6m', lastLine: 'npm test' });
  });

  it('measures today’s cost against the budget, and warns when it is spent', () => {
    const given = (today_usd: number, budget_usd: number) => tile(snapshot(NOW, [], { cost: { today_usd, total_usd: 0, unpriced: false, budget_usd, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } } }), 'cost');
    const { value, of, detail, share, tone } = given(4.1234, 20) ?? {};
    assert.deepEqual([value, of, detail, tone], ['$4.12', '/ $20.00', '$15.88 left', 'plain']);
    assert.ok(Math.abs((share ?? 0) - 0.206) < 0.001);
    assert.deepEqual([given(20.5, 20)?.tone, given(20.5, 20)?.share, given(20.5, 20)?.detail], ['attention', 1, 'today’s budget is spent']);
  });

  it('says when the whole queue will be done, and nothing where one end is unknown (row 73)', () => {
    const waiting = (...ends: (number | null)[]) => tile(snapshot(NOW, ends.map((end, index) => taskView(`t${index}`, NOW, { position: index + 1, eta_done: end === null ? null : iso(end) }))), 'waiting')?.detail;
    assert.equal(waiting(10, 70, 30), 'ETA 1h10m');
    assert.equal(waiting(10, null), 'ETA unknown');
    assert.equal(waiting(), 'none held');
  });

  it('shows each queued task’s score, wait, end and reason', () => {
    const [row] = shown(snapshot(NOW, [taskView('a', NOW, { position: 1, placed: true, score: 4.25, eta_start: iso(10), eta_done: iso(70) })])).board.queue.rows;
    assert.deepEqual(row && { ...row, etaDetail: undefined }, { task: 'a', goal: 'Do a', position: '1', score: '4.3', wait: '12m', eta: '1h10m', etaDetail: undefined, held: false, why: 'Placed by hand. Next to start: position 1, a slot is free.' });
    assert.match(row?.etaDetail ?? '', /^starts in 10m \(.*\) · done in 1h10m \(.*\)$/);
  });

  it('sends of a long queue the rows that are in sight, in order, and how many there are', () => {
    const count = 10_000;
    const tasks = Array.from({ length: count }, (_, index) => taskView(`t${index}`, NOW, { position: count - index }));
    const queue = (first: number, size: number) => shown(snapshot(NOW, tasks), { rows: { first, count: size } }).board.queue;
    const middle = queue(5000, 100);
    assert.deepEqual([middle.total, middle.first, middle.rows.length, middle.rows[0]?.position], [count, 5000, 100, '5001']);
    const end = queue(9990, 100);
    assert.deepEqual([end.first, end.rows.at(-1)?.position], [9900, '10000']);
    const short = shown(snapshot(NOW, tasks.slice(0, 5)), { rows: { first: 5000, count: 100 } }).board.queue;
    assert.deepEqual([short.first, short.rows.length], [0, 5]);
  });

  it('shows the most pressing decisions, and how many more there are', () => {
    const { decisions, decisionsHidden } = shown(snapshot(NOW, Array.from({ length: DECISION_ROWS + 2 }, (_, index) => awaitingMerge(`t${index}`, NOW)))).board;
    assert.deepEqual([decisions.length, decisionsHidden], [DECISION_ROWS, 2]);
  });

  it('says how many of those that ended were completed, and how many first gate rounds passed (row 24)', () => {
    const report = { ...emptyMetrics(iso(0)), tasks_completed: 42, tasks_failed: 3, first_pass_gate_rate: 0.781 };
    const figures = { report, failure: undefined };
    assert.equal(shown(snapshot(NOW), { figures }).board.recent.summary, '93.3 % of 45 completed, last 24 hours');
    assert.deepEqual([tile(snapshot(NOW), 'first_pass', { figures })?.value, tile(snapshot(NOW), 'first_pass', { figures })?.share], ['78.1 %', 0.781]);
    assert.equal(shown(snapshot(NOW), { figures: { report: emptyMetrics(iso(0)), failure: undefined } }).board.recent.summary, '');
  });

  it('says how many retried tasks completed and how many tasks needed a human, once something has ended', () => {
    const rates = (more: Partial<MetricsReport>) => shown(snapshot(NOW), { figures: { report: { ...emptyMetrics(iso(0)), ...more }, failure: undefined } }).board.recent.rates;
    const named = rates({ tasks_completed: 9, tasks_failed: 1, retry_success_rate: 0.8333, human_intervention_rate: 0.1 });
    assert.deepEqual(named.map(({ name, value }) => [name, value]), [['Retry success', '83.3 %'], ['Human intervention', '10 %']]);
    assert.match(named[1]?.meaning ?? '', /^Tasks that needed you .+, last 24 hours\.$/);
    assert.deepEqual(rates({ tasks_completed: 1, human_intervention_rate: 0 }).map(({ value, meaning }) => [value, meaning])[0], ['–', 'No task that ended had been retried in the last 24 hours.']);
    assert.deepEqual(rates({}), []);
  });

  it('keeps as many of the latest endings as the configuration says (rows 19, 95)', () => {
    const tasks = Array.from({ length: 12 }, (_, index) => started(`t${index}`, NOW, { state: 'done', group: 'done', completed_at: new Date(NOW - index * 1000).toISOString() })).reverse();
    const recent = (max_recent_tasks: number) => shown(snapshot(NOW, tasks, { dashboard: { refresh_interval: 5, max_recent_tasks } })).board.recent.rows.map(({ task }) => task);
    assert.deepEqual(recent(10), ['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7', 't8', 't9']);
    assert.deepEqual(recent(3), ['t0', 't1', 't2']);
  });

  it('says until when and why an account is on hold', () => {
    const accounts = [
      { account: 'a', closed: false, closed_until: null, reason: null },
      { account: 'b', closed: true, closed_until: 'unknown', reason: 'not signed in' },
      { account: 'c', closed: true, closed_until: '2030-05-17T12:44:00.000Z', reason: null },
    ];
    const rows = shown(snapshot(NOW, [], { accounts })).board.accounts;
    assert.deepEqual(rows.slice(0, 2).map(({ held, text }) => [held, text]), [[false, 'open'], [true, 'on hold until sign-in works again: not signed in']]);
    assert.match(rows[2]?.text ?? '', /^on hold until \d\d:44, opens in 14m$/);
  });

  it('lists under each account its agents, and how to get one that is missing', () => {
    const agent = { driver: 'claude', available: true, version: '2.1.0', install: null, account: 'a' };
    const rows = shown(snapshot(NOW, [], { accounts: [{ account: 'a', closed: false, closed_until: null, reason: null }], agents: [{ ...agent, name: 'one' }, { ...agent, name: 'two', available: false, version: null, install: 'npm i two' }] })).board.accounts;
    assert.deepEqual(rows[0]?.agents, [{ name: 'one', available: true, text: '2.1.0' }, { name: 'two', available: false, text: 'not installed: npm i two' }]);
  });

  it('gives every health check with its reason, and the verdict', () => {
    const given = snapshot(NOW);
    const checks = { ...given.health.checks, task_backlog: { ok: false, message: '21 tasks pending (limit 20)' } };
    const health = shown({ ...given, health: { ...given.health, status: 'degraded', checks } }).board.health;
    assert.deepEqual([health.tone, health.status, health.checks.map(({ name, ok }) => [name, ok])], ['warning', 'Degraded', [['Loop', true], ['Backlog', false], ['Error rate', true], ['Last completion', true]]]);
    assert.equal(health.checks[1]?.message, '21 tasks pending (limit 20)');
  });

  it('counts problems, errors first', () => {
    const problem = { file: 'a', line: 1, column: 1, message: 'm', source: 'config' } as const;
    const problems = [{ ...problem, severity: 'warning' }, { ...problem, severity: 'error' }] as const;
    assert.deepEqual(shown(snapshot(NOW, [], { problems })).board.health.problems, { count: 2, text: '1 error and 1 warning in configuration and tasks' });
    assert.equal(shown(snapshot(NOW)).board.health.problems.count, 0);
  });

  it('says why the loop stopped by itself, and offers the way on', () => {
    const { loop } = snapshot(NOW);
    const stopped = shown(snapshot(NOW, [], { loop: { ...loop, desired: 'stopped', state: 'stopped', reason: 'the budget is spent' } })).board.loop;
    assert.deepEqual([stopped.tone, stopped.text, stopped.action?.command], ['bad', 'Stopped: the budget is spent', 'start']);
    const on = shown(snapshot(NOW)).board.loop;
    assert.deepEqual([on.tone, on.text, on.slots, on.action?.command], ['good', 'Running', '2 of 5 slots', 'pause']);
  });

  it('teaches what to do wherever it is empty', () => {
    const view = (changes: Partial<DashboardInput>) => dashboardOf(input(changes), NOW);
    assert.equal(view({ folders: [] }).notice?.action?.command, 'openFolder');
    assert.equal(view({ trusted: false, repositories: [repository({ snapshot: snapshot(NOW) })] }).notice?.action?.command, 'manageTrust');
    assert.deepEqual(view({ trusted: false, repositories: [repository({ snapshot: snapshot(NOW) })] }).repositories, []);
    for (const state of ['no_git', 'old_git', 'not_repository'] as const) assert.equal(view({ folders: [state] }).notice?.action?.command, 'refresh', state);
    assert.ok(view({ folders: ['checking'] }).notice);
    const of = (changes: Parameters<typeof repository>[0]) => view({ repositories: [repository(changes)] }).repositories[0]?.notice?.action?.command;
    assert.equal(of({}), 'newTask');
    assert.equal(of({ failure: 'The database is locked.' }), 'refresh');
    assert.equal(of({ snapshot: snapshot(NOW, []) }), 'newTask');
    assert.equal(of({ snapshot: snapshot(NOW, [], { agents: [] }) }), 'installAgent');
    assert.equal(of({ snapshot: snapshot(NOW, everyState(NOW), { loop: { ...snapshot(NOW).loop, desired: 'stopped', state: 'never_started' } }) }), 'start');
    assert.equal(of({ snapshot: snapshot(NOW) }), undefined);
  });
});

describe('A message of the dashboard’s page', () => {
  it('is taken when it names ids and a known command', () => {
    for (const message of [
      { type: 'ready', window: '7d' },
      { type: 'window', window: '30d' },
      { type: 'rows', repository: 'k', range: { first: 0, count: 200 } },
      { type: 'task', repository: 'k', task: 't' },
      { type: 'decision', repository: 'k', task: 't', decision: 'd' },
      { type: 'command', command: 'start', repository: 'k' },
      { type: 'command', command: 'showLog', repository: null },
    ]) assert.equal(isWebviewMessage(message), true, JSON.stringify(message));
  });

  it('is refused in any other shape', () => {
    for (const message of [
      undefined,
      null,
      'ready',
      [],
      {},
      { type: 'eval' },
      { type: 'ready' },
      { type: 'window', window: '1y' },
      { type: 'rows', repository: 'k' },
      { type: 'rows', repository: '', range: { first: 0, count: 1 } },
      ...[[-1, 10], [0, 0], [0.5, 10], [0, 1e9], [Number.NaN, 1], ['0', 1]].map(([first, count]) => ({ type: 'rows', repository: 'k', range: { first, count } })),
      { type: 'task', repository: 'k' },
      { type: 'task', repository: 1, task: 't' },
      { type: 'task', repository: 'k', task: '' },
      { type: 'decision', repository: 'k', task: 't' },
      { type: 'command', command: 'workbench.action.quit', repository: null },
      { type: 'command', command: 'toString', repository: null },
      { type: 'command', command: 'start' },
    ]) assert.equal(isWebviewMessage(message), false, JSON.stringify(message));
  });
});
