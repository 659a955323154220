import assert from 'node:assert/strict';
import { isWebviewMessage } from '../../../src/shared/dashboard.ts';
import type { Snapshot } from '../../../src/shared/api.ts';
import { dashboardOf, QUEUE_ROWS, type DashboardInput } from '../../../src/vscode/model/dashboard.ts';
import { everyState, running, snapshot, started, taskView } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');
const repository = (changes: Partial<DashboardInput['repositories'][number]> = {}) => ({ key: 'k', name: 'shop', opening: false, failure: undefined, snapshot: undefined, ...changes });
const input = (changes: Partial<DashboardInput> = {}): DashboardInput => ({ trusted: true, folders: ['repository'], repositories: [], ...changes });

function shown(given: Snapshot) {
  const [first] = dashboardOf(input({ repositories: [repository({ snapshot: given })] }), NOW).repositories;
  assert.ok(first?.board);
  return { ...first, board: first.board };
}
const tile = (given: Snapshot, id: string) => shown(given).board.tiles.find((one) => one.id === id);

describe('The dashboard', () => {
  it('shows every task in one place: asked for, at work, queued or ended', () => {
    const { board } = shown(snapshot(NOW));
    assert.deepEqual(board.decisions.map(({ task }) => task), ['clean-build', 'pricing-fix', 'deploy-docs']);
    assert.deepEqual(board.active.map(({ task }) => task), ['flaky-test', 'parser-speed', 'clean-build']);
    assert.deepEqual(board.queue.map(({ task }) => task), ['csv-export', 'rename-api', 'readme-typos', 'after-export', 'rate-limited']);
    assert.deepEqual(board.recent.map(({ task, outcome }) => [task, outcome]), [['bump-deps', 'done'], ['broken-gate', 'failed'], ['not-wanted', 'cancelled'], ['old-done', 'done']]);
  });

  it('counts in its figures what its lists show, and marks what needs the user', () => {
    const given = snapshot(NOW);
    assert.deepEqual(shown(given).board.tiles.map(({ id, value, detail, tone }) => [id, value, detail, tone]), [
      ['needs_you', '3', '3 decisions', 'attention'],
      ['running', '3', '2 of 5 slots in use', 'plain'],
      ['waiting', '3', 'and 2 held', 'plain'],
      ['cost', '$1.02', 'all runs priced', 'plain'],
    ]);
    assert.equal(tile(snapshot(NOW, []), 'needs_you')?.tone, 'plain');
  });

  it('never shows a cost without a price as nothing', () => {
    assert.deepEqual(costOf(1.02, true), ['≥ $1.02', 'some runs are unpriced']);
    assert.deepEqual(costOf(0, true), ['unpriced', 'some runs are unpriced']);
    assert.deepEqual(costOf(0, false), ['$0.00', 'all runs priced']);
  });

  function costOf(today: number, unpriced: boolean): (string | undefined)[] {
    const cost = tile(snapshot(NOW, [], { cost: { today_usd: today, total_usd: today, unpriced, budget_usd: null, committed_usd: 0 } }), 'cost');
    return [cost?.value, cost?.detail];
  }

  it('tells of an active task its step, time, cost and last line', () => {
    const steps = [
      { step_id: 's1', state: 'completed', description: 'One', attempt: 1 },
      { step_id: 's2', state: 'implementing', description: 'Two', attempt: 1 },
    ] as const;
    const [row] = shown(snapshot(NOW, [running('a', NOW, { goal: 'Make\nit', steps, last_line: 'npm   test' })])).board.active;
    assert.deepEqual(row, { task: 'a', goal: 'Make it', step: 'step 2/2 · running the agent', elapsed: '3m12s', cost: '$0.08', lastLine: 'npm test' });
  });

  it('shows the first rows of a long queue in order, and how many more there are', () => {
    const tasks = Array.from({ length: QUEUE_ROWS + 3 }, (_, index) => taskView(`t${index}`, NOW, { position: QUEUE_ROWS + 3 - index }));
    const { queue, queueHidden } = shown(snapshot(NOW, tasks)).board;
    assert.equal(queue.length, QUEUE_ROWS);
    assert.deepEqual(queue.slice(0, 2).map(({ position }) => position), ['1', '2']);
    assert.equal(queueHidden, 3);
    assert.equal(shown(snapshot(NOW, tasks.slice(0, 5))).board.queueHidden, 0);
  });

  it('keeps the ten latest endings', () => {
    const tasks = Array.from({ length: 12 }, (_, index) => started(`t${index}`, NOW, { state: 'done', group: 'done', completed_at: new Date(NOW - index * 1000).toISOString() }));
    assert.deepEqual(shown(snapshot(NOW, tasks.reverse())).board.recent.map(({ task }) => task), ['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7', 't8', 't9']);
  });

  it('says until when and why an account is on hold', () => {
    const accounts = [
      { account: 'a', closed: false, closed_until: null, reason: null },
      { account: 'b', closed: true, closed_until: 'unknown', reason: 'not signed in' },
      { account: 'c', closed: true, closed_until: '2030-05-17T12:44:00.000Z', reason: null },
    ];
    const rows = shown(snapshot(NOW, [], { accounts })).board.accounts;
    assert.deepEqual(rows.slice(0, 2).map(({ held, text }) => [held, text]), [[false, 'open'], [true, 'on hold until sign-in works again: not signed in']]);
    assert.match(rows[2]?.text ?? '', /^on hold until \d\d:44$/);
  });

  it('counts problems, errors first', () => {
    const problem = { file: 'a', line: 1, column: 1, message: 'm', source: 'config' } as const;
    const problems = [{ ...problem, severity: 'warning' }, { ...problem, severity: 'error' }] as const;
    assert.deepEqual(shown(snapshot(NOW, [], { problems })).board.problems, { count: 2, text: '1 error and 1 warning in configuration and tasks' });
    assert.equal(shown(snapshot(NOW)).board.problems.count, 0);
  });

  it('says why the loop stopped by itself, and offers the way on', () => {
    const { loop } = snapshot(NOW);
    const stopped = shown(snapshot(NOW, [], { loop: { ...loop, desired: 'stopped', state: 'stopped', reason: 'the budget is spent' } })).board.loop;
    assert.deepEqual([stopped.tone, stopped.text, stopped.action?.command], ['problem', 'Stopped: the budget is spent', 'start']);
    const on = shown(snapshot(NOW)).board.loop;
    assert.deepEqual([on.tone, on.text, on.slots, on.action?.command], ['on', 'Running', '2 of 5 slots', 'pause']);
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
      { type: 'ready' },
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
