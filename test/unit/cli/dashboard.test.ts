import assert from 'node:assert/strict';
import { statusOf } from '../../../src/cli/dashboardDocument.ts';
import { widthOf } from '../../../src/cli/text.ts';
import { BatonError } from '../../../src/core/errors.ts';
import type { LoopView } from '../../../src/shared/api.ts';
import { cli } from '../../support/cli.ts';
import { dashboardSchema, documentOf } from '../../support/cliSchemas.ts';
import { sceneMetrics, sceneSnapshot, type DashboardScene } from '../../support/dashboardScenes.ts';
import { FakeClock } from '../../support/fakeClock.ts';
import { MemoryEngine } from '../../support/memoryEngine.ts';
import { emptyMetrics, healthyReport } from '../../support/reports.ts';
import { Screen } from '../../support/screen.ts';
import { started } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');

function engine(scene: DashboardScene = 'busy'): MemoryEngine {
  const snapshot = sceneSnapshot(scene, NOW);
  const made = new MemoryEngine(snapshot.tasks, snapshot);
  made.figures = (query) => sceneMetrics(scene, query, NOW);
  return made;
}

const bare = (text: string): string => text.replaceAll(/\x1b\[[?\d]*[A-Za-z]/g, '');

describe('baton dashboard (row 23)', () => {
  it('shows what needs you, what runs, what waits, what it costs and how it is on one screen (rows 15–20, 24)', async () => {
    const { code, stdout } = await cli(engine(), ['dashboard'], { columns: 160 });
    assert.equal(code, 0);
    for (const part of [
      /^Baton shop {2}● running for 30m {2}healthy {2}2\/5 slots +12:30:00 UTC$/m,
      /2 need you · 2 running · 8 waiting \(done in 1h\) · 2 held · today \$4\.12 of \$20\.00 · 9\d\.?\d? % completed/,
      /◆ clean-build Allow Bash: rm -rf build/,
      /▸ flaky-test implementing 3m12s · step 2\/5 · \$0\.42 · done in 6m/,
      /Throughput +[▁-█·]+ {2}[\d.]+ \/ h/,
      /^\| 1 \| +4\.2 \| csv-export +\| new +\| +12m \|/m,
      /✓ bump-deps 12m · \$0\.21 · 2m ago/,
      /✗ broken-gate/,
      /✓ 2 tasks pending \(limit 20\)/,
      /! account openai opens in 14m: usage/,
    ]) assert.match(stdout, part);
  });

  for (const [width, scene] of [[40, 'busy'], [60, 'degraded'], [80, 'busy'], [100, 'degraded'], [200, 'busy'], [80, 'empty']] as const) {
    it(`fits a terminal of ${width} columns: ${scene}`, async () => {
      const { stdout } = await cli(engine(scene), ['dashboard'], { columns: width });
      for (const line of stdout.split('\n')) assert.ok(widthOf(line) <= width, `"${line}" takes ${widthOf(line)} cells`);
    });
  }

  it('is green for what runs, yellow for what waits and red for what failed, and says the same without colours (row 22)', async () => {
    const { stdout } = await cli(engine(), ['dashboard'], { columns: 120, isTTY: true });
    assert.match(stdout, /\x1b\[32m● running\x1b\[39m/);
    assert.match(stdout, /\x1b\[32mimplementing\x1b\[39m/);
    assert.match(stdout, /\x1b\[33m8 waiting\x1b\[39m/);
    assert.match(stdout, /\x1b\[33mnew +\x1b\[39m/);
    assert.match(stdout, /\x1b\[31m✗ \x1b\[39m/);
    const plain = await cli(engine(), ['dashboard'], { columns: 120 });
    assert.equal(bare(stdout).replaceAll(/ +$/gm, ''), plain.stdout);
    const noColour = await cli(engine(), ['dashboard'], { columns: 120, isTTY: true, env: { NO_COLOR: '1' } });
    assert.doesNotMatch(noColour.stdout, /\x1b/);
  });

  it('gives the documented JSON (row 74)', async () => {
    const document = documentOf(dashboardSchema, (await cli(engine(), ['dashboard', '--json'])).stdout);
    assert.deepEqual([document.status.state, document.queue.length, document.active.map(({ id }) => id), document.recent[0]?.id], ['running', 12, ['flaky-test', 'parser-speed', 'clean-build'], 'bump-deps']);
    const { tasks_completed: completed = 0, tasks_failed: failed = 0 } = document.metrics ?? {};
    assert.equal(document.completion_rate, completed / (completed + failed));
    assert.equal(document.health?.status, 'healthy');
    assert.equal(documentOf(dashboardSchema, (await cli(engine('empty'), ['dashboard', '--json'])).stdout).completion_rate, null);
  });

  it('gives every task at work with its state, attempts and elapsed time (row 18)', async () => {
    const made = engine('empty');
    made.update(() => ({ at: new Date(NOW).toISOString(), tasks: [started('t', NOW, { state: 'code_review', group: 'running', activity: 'reviewing', attempt_id: 'a3' })] }));
    const { active } = documentOf(dashboardSchema, (await cli(made, ['dashboard', '--json'])).stdout);
    assert.deepEqual(active.map(({ id, state, attempts, elapsed_seconds }) => [id, state, attempts, elapsed_seconds]), [['t', 'code_review', 3, 192]]);
    assert.match((await cli(made, ['dashboard'], { columns: 120 })).stdout, /▸ t code_review 3m12s · attempt 3/);
  });

  it('lists as many of the latest endings as the configuration says, newest first (rows 19, 95)', async () => {
    const made = engine();
    made.update(() => ({ dashboard: { refresh_interval: 5, max_recent_tasks: 3 } }));
    const { recent } = documentOf(dashboardSchema, (await cli(made, ['dashboard', '--json'])).stdout);
    assert.deepEqual(recent.map(({ id }) => id), ['bump-deps', 'rename-total', 'broken-gate']);
  });

  it('says that the stored state cannot be read, in both forms (row 16)', async () => {
    const connect = () => Promise.reject(new BatonError('store', 'The database is damaged.', { hint: 'Restore it.' }));
    const json = await cli(engine(), ['dashboard', '--json'], { connect });
    assert.deepEqual([json.code, documentOf(dashboardSchema, json.stdout).status], [1, { state: 'error', since: null, message: 'The database is damaged.' }]);
    assert.match((await cli(engine(), ['dashboard'], { connect })).stdout, /^error: The database is damaged\.\nRestore it\./);
  });

  for (const [columns, rows] of [[120, 40], [120, 24], [80, 40], [80, 24], [60, 20]] as const) {
    it(`keeps what needs you, what runs and the queue on a terminal of ${columns} × ${rows}`, async () => {
      const clock = new FakeClock(NOW);
      const screen = new Screen(columns);
      let interrupt = (): void => undefined;
      const run = cli(engine(), ['dashboard', '--watch'], { clock, isTTY: true, columns, rows, signals: (send) => (interrupt = () => send('interrupt')), watch: (part) => screen.write(part) });
      await clock.advance(0);
      const shown = bare(screen.text().join('\n'));
      interrupt();
      await clock.advance(0);
      await run;
      assert.ok(shown.split('\n').length <= rows);
      for (const part of ['Needs you', '◆ clean-build', 'Active', '▸ flaky-test', 'Queue (10)', 'csv-export']) assert.ok(shown.includes(part), part);
      assert.ok(!shown.includes('more lines'));
    });
  }

  it('fills the terminal and no more with --watch, redraws at the interval and leaves it clean (rows 21, 72, 94)', async () => {
    const clock = new FakeClock(NOW);
    const screen = new Screen(120);
    let text = '';
    let interrupt = (): void => undefined;
    const made = engine();
    const run = cli(made, ['dashboard', '--watch', '--interval', '2'], { clock, isTTY: true, columns: 120, rows: 27, signals: (send) => (interrupt = () => send('interrupt')), watch: (part) => { text += part; screen.write(part); } });
    await clock.advance(0);
    assert.equal(screen.text().length, 27);
    assert.ok(screen.text().every((line) => !line.includes('more lines')));
    const before = screen.text()[0];
    made.silently(() => ({ at: new Date(NOW + 2000).toISOString() }));
    await clock.advance(2000);
    assert.notEqual(screen.text()[0], before);
    interrupt();
    await clock.advance(0);
    assert.equal((await run).code, 0);
    assert.equal(screen.flickers, 0);
    assert.match(text, /\x1b\[\?25h\x1b\[\?1049l$/);
  });
});

describe('The state of the engine (row 16)', () => {
  const since = new Date(NOW).toISOString();
  const loop = (state: LoopView['state'], more: Partial<LoopView> = {}): LoopView => ({ desired: 'running', state, since, reason: null, idle: false, run_id: null, slots_used: 0, slots: 5, leader: null, ...more });
  const healthy = healthyReport(since);
  const stale = { ...healthy, checks: { ...healthy.checks, scheduler_alive: { ok: false, message: 'Last sign of life of the loop 2h ago (limit 1m30s)' } } };

  it('is running while somebody leads a loop that gives signs of life', () => {
    assert.equal(statusOf({ loop: loop('running'), health: healthy }, true).state, 'running');
    assert.equal(statusOf({ loop: loop('stopping'), health: healthy }, true).state, 'running');
  });

  it('is an error when the last sign of life is too old', () => {
    assert.deepEqual(statusOf({ loop: loop('running'), health: stale }, false), { state: 'error', since, message: 'Last sign of life of the loop 2h ago (limit 1m30s).' });
    assert.equal(statusOf({ loop: loop('running'), health: stale }, true).state, 'error');
  });

  it('is stopped when nothing is stored, when it was stopped or paused, and when nobody leads', () => {
    assert.deepEqual(statusOf({ loop: loop('never_started'), health: healthy }, true), { state: 'stopped', since: null, message: 'Baton was never started here.' });
    assert.match(statusOf({ loop: loop('stopped', { reason: 'the stop-hook file .claude_stop is there' }), health: healthy }, true).message, /stop-hook/);
    assert.equal(statusOf({ loop: loop('paused'), health: healthy }, true).state, 'stopped');
    assert.match(statusOf({ loop: loop('running'), health: healthy }, false).message, /baton run/);
  });

  it('knows of no rate before anything has ended', async () => {
    const made = new MemoryEngine([]);
    made.figures = () => emptyMetrics(since);
    assert.equal(documentOf(dashboardSchema, (await cli(made, ['dashboard', '--json'])).stdout).completion_rate, null);
  });
});
