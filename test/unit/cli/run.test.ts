import assert from 'node:assert/strict';
import type { Command, Snapshot, TaskView } from '../../../src/shared/api.ts';
import type { Signal } from '../../../src/cli/io.ts';
import { cli, type CliWorld } from '../../support/cli.ts';
import { changeSchema, documentOf, queueSchema, runSchema } from '../../support/cliSchemas.ts';
import { FakeClock } from '../../support/fakeClock.ts';
import { AT, decision, MemoryEngine, taskView } from '../../support/memoryEngine.ts';

/** Plays the engine: each started loop goes through the scenes, one macrotask apart. */
function playing(engine: MemoryEngine, scenes: readonly (() => void | Promise<void>)[], on: Command['type'] = 'start'): MemoryEngine {
  engine.onCommand = (command) => {
    if (command.type !== on) return;
    const play = (index: number): void => {
      const scene = scenes[index];
      if (!scene) return;
      setImmediate(() => {
        void Promise.resolve(scene()).then(() => play(index + 1));
      });
    };
    play(0);
  };
  return engine;
}

const types = (engine: MemoryEngine) => engine.commands.map((command) => command.type);
const running = { state: 'implementing', agent: 'claude', model: 'sonnet', attempt_id: 'a1', attempt_started_at: AT, started_at: AT } as const satisfies Partial<TaskView>;
const cost = (usd: number) => (now: Snapshot) => ({ cost: { ...now.cost, today_usd: usd, total_usd: usd } });

describe('baton run --once', () => {
  it('starts the loop, ends when nothing is runnable, and ends with the run summary', async () => {
    const clock = new FakeClock(Date.parse(AT));
    const engine = new MemoryEngine([taskView('one'), taskView('two', { position: 2 })]);
    playing(engine, [
      () => engine.change('one', running),
      () => engine.change('one', { state: 'quality_gate' }),
      () => engine.change('one', { state: 'done', completed_at: AT, cost_usd: 0.38 }),
      () => engine.update(cost(0.38)),
      () => engine.change('two', { state: 'implementing' }),
      () => clock.advance(90_000),
      () => engine.change('two', { state: 'done', completed_at: AT }),
    ]);
    const { code, stdout, opened, closed } = await cli(engine, ['run', '--once'], { role: 'leader', clock });
    assert.equal(code, 0);
    assert.deepEqual(opened, [{ folder: '/repo', prefer: 'lead', passive: false }]);
    assert.deepEqual(types(engine), ['refresh', 'start', 'stop']);
    assert.equal(closed, 1);
    assert.equal(engine.listening, 0);
    assert.equal(
      stdout,
      [
        '10:00:00 ▶ one implementing by claude (sonnet): Goal of one',
        '10:00:00   one implementing -> quality_gate',
        '10:00:00 ✅ one done (0s, $0.38)',
        '10:00:00 ▶ two implementing: Goal of two',
        '10:00:00 ✅ two done ($0.00)',
        '',
        'Run Summary',
        'Ended: 2026-03-02T10:01:30.000Z',
        'Total Duration: 90.0s',
        'Total Cost: $0.38',
        'Tasks Completed: 2',
        'Tasks Failed: 0',
        'Tasks Needing Review: 0',
        '',
      ].join('\n'),
    );
  });

  it('ends with 1 when a task failed, and says how to run it again', async () => {
    const engine = new MemoryEngine([taskView('one')]);
    playing(engine, [() => engine.change('one', running), () => engine.change('one', { state: 'failed', error: 'Gates failed 3 times', completed_at: AT })]);
    const { code, stdout } = await cli(engine, ['run', '--once'], { role: 'leader' });
    assert.equal(code, 1);
    assert.match(stdout, /❌ one failed: Gates failed 3 times \(0s, \$0\.00\)/);
    assert.match(stdout, /❌ Failed:\n {2}one: Gates failed 3 times \(again: baton task one --retry\)\n/);
  });

  it('does not count a cancelled task, nor one that had failed before', async () => {
    const engine = new MemoryEngine([taskView('one'), taskView('earlier', { state: 'failed', error: 'x', completed_at: AT }), taskView('older', { state: 'done', completed_at: AT })]);
    playing(engine, [
      () => {
        engine.record('one', { error: { kind: 'cancelled', message: 'cancelled', at: AT } });
        engine.change('one', { state: 'failed', error: 'cancelled', completed_at: AT });
      },
    ]);
    const { code, stdout } = await cli(engine, ['run', '--once', '--json'], { role: 'leader' });
    assert.equal(code, 0);
    const run = documentOf(runSchema, stdout);
    assert.deepEqual([run.completed, run.failed, run.tasks], [0, 0, [{ id: 'one', state: 'failed' }]]);
  });

  it('reports parked, held and left-out tasks with the reason and the command that answers', async () => {
    const engine = new MemoryEngine([taskView('one'), taskView('two', { group: 'held', why: 'Waits for one, which waits for you.' })], {
      problems: [{ file: '.baton/tasks.yaml', line: 3, column: 5, severity: 'error', source: 'task', message: 'goal is required' }],
    });
    const ask = decision('d1', 'one', { question: 'Merge 2 files into main?' });
    playing(engine, [() => engine.change('one', running), () => engine.change('one', { state: 'awaiting_human_review', decisions: [ask] })]);
    const { code, stdout } = await cli(engine, ['run', '--once'], { role: 'leader' });
    assert.equal(code, 0);
    assert.match(stdout, /^error \.baton\/tasks\.yaml:3:5: goal is required\n/);
    assert.match(stdout, /🔍 one needs you: Merge 2 files into main\? \(baton task one --approve\)/);
    assert.match(stdout, /Tasks Needing Review: 1\n\n🔍 Needs you:\n {2}one: Merge 2 files into main\? \(baton task one --approve\)\n/);
    assert.match(stdout, /⏳ Not run:\n {2}two: Waits for one, which waits for you\.\n/);
    assert.match(stdout, /⚠️ Left out because of errors in their files:\n {2}\.baton\/tasks\.yaml:3:5: goal is required\n$/);
  });

  it('gives the documented JSON and nothing else (row 74)', async () => {
    const engine = new MemoryEngine([taskView('one', { cost_usd: 1 }), taskView('two')]);
    playing(engine, [
      () => engine.change('one', { state: 'done', completed_at: AT }),
      () => engine.update(cost(1.25)),
      () => engine.change('two', { state: 'awaiting_human_review', decisions: [decision('d1', 'two')] }),
    ]);
    const { stdout, stderr } = await cli(engine, ['run', '--once', '--json'], { role: 'leader', isTTY: true });
    assert.equal(stderr, '');
    assert.deepEqual(documentOf(runSchema, stdout), {
      run_id: '2026-03-02T10:00:00',
      completed: 1,
      failed: 0,
      needs_review: 1,
      duration_seconds: 0,
      total_cost_usd: 0.25,
      unpriced: false,
      tasks: [
        { id: 'one', state: 'done' },
        { id: 'two', state: 'awaiting_human_review' },
      ],
    });
  });

  it('says in its JSON and its summary what had no price, instead of $0 (row 236)', async () => {
    for (const argv of [['run', '--once', '--json'], ['run', '--once']]) {
      const engine = new MemoryEngine([taskView('one')]);
      playing(engine, [() => engine.change('one', { state: 'done', completed_at: AT, unpriced: true })]);
      const { stdout } = await cli(engine, argv, { role: 'leader' });
      if (argv.includes('--json')) assert.equal(documentOf(runSchema, stdout).unpriced, true);
      else assert.match(stdout, /^Total Cost: unpriced$/m);
    }
  });

  it('ends at once when there is nothing to do', async () => {
    const { code, stdout } = await cli(new MemoryEngine(), ['run', '--once'], { role: 'leader' });
    assert.equal(code, 0);
    assert.match(stdout, /Tasks Completed: 0/);
  });

  it('ends when the loop stops for another reason, such as the stop hook', async () => {
    const engine = new MemoryEngine([taskView('one'), taskView('two')]);
    playing(engine, [() => engine.loop({ state: 'stopped', desired: 'stopped', reason: '.claude_stop exists' })]);
    assert.equal((await cli(engine, ['run', '--once'], { role: 'leader' })).code, 0);
    assert.deepEqual(types(engine), ['refresh', 'start']);
  });

  it('leaves a loop that was wanted before as wanted as it was', async () => {
    const engine = new MemoryEngine([], { loop: { desired: 'running', state: 'running', since: AT, reason: null, idle: false, run_id: null, slots_used: 0, slots: 5, leader: null } });
    await cli(engine, ['run', '--once'], { role: 'leader' });
    assert.deepEqual(types(engine), ['refresh', 'start']);
  });
});

describe('baton run --task and --tasks', () => {
  it('runs one task alone and ends with it (row 185)', async () => {
    const engine = new MemoryEngine([taskView('one'), taskView('two')]);
    playing(engine, [() => engine.change('two', running), () => engine.change('two', { state: 'done', completed_at: AT })]);
    const { code, opened } = await cli(engine, ['run', '--task', 'two'], { role: 'leader' });
    assert.equal(code, 0);
    assert.deepEqual(opened[0]?.only, ['two']);
    assert.equal((await engine.snapshot()).tasks[0]?.state, 'new');
  });

  it('fails for a task that does not exist, before anything starts', async () => {
    const engine = new MemoryEngine([taskView('one')]);
    const { code, stderr } = await cli(engine, ['run', '--task', 'nine'], { role: 'leader' });
    assert.deepEqual([code, engine.commands], [1, []]);
    assert.match(stderr, /There is no task "nine"/);
  });

  it('asks a running leader to take the task first', async () => {
    const engine = new MemoryEngine([taskView('one'), taskView('two')]);
    playing(engine, [() => engine.change('two', { state: 'done', completed_at: AT })]);
    await cli(engine, ['run', '--task', 'two'], { role: 'client' });
    assert.deepEqual(engine.commands, [{ type: 'refresh' }, { type: 'run_next', task_id: 'two' }, { type: 'start' }]);
  });

  it('queues the new tasks of a file, reports its faults, and runs those tasks only', async () => {
    const engine = new MemoryEngine([taskView('known'), taskView('other')]);
    const sourced = (id: string) => ({ definition: { id, goal: `Goal of ${id}` } });
    playing(engine, [() => engine.change('fresh', { state: 'done', completed_at: AT }), () => engine.change('known', { state: 'done', completed_at: AT })]);
    const { code, stderr, opened } = await cli(engine, ['run', '--once', '--tasks', 'more.yaml'], {
      role: 'leader',
      files: {
        'more.yaml': { tasks: [sourced('known'), sourced('fresh')], problems: [{ file: 'more.yaml', line: 9, column: 3, severity: 'error', source: 'task', message: 'goal is required' }] },
      },
    });
    assert.equal(code, 0);
    assert.equal(stderr, 'baton: more.yaml:9:3: goal is required\n');
    assert.deepEqual(opened[0]?.only, ['known', 'fresh']);
    assert.deepEqual(engine.commands.filter((command) => command.type === 'add_task').map((command) => command.task.id), ['fresh']);
    assert.equal((await engine.snapshot()).tasks.find((task) => task.id === 'other')?.state, 'new');
  });

  it('fails when the file is not there', async () => {
    assert.equal((await cli(new MemoryEngine(), ['run', '--tasks', 'none.yaml'])).code, 1);
  });
});

describe('baton run --dry-run (row 59)', () => {
  it('says what would start, in order, and starts nothing', async () => {
    const engine = new MemoryEngine([
      taskView('later', { position: 2, score: 2.1 }),
      taskView('first', { position: 1, score: 4.4 }),
      taskView('held', { group: 'held', position: 3, why: 'Waits for first.' }),
    ]);
    const { code, stdout, opened } = await cli(engine, ['run', '--dry-run']);
    assert.equal(code, 0);
    assert.equal(
      stdout,
      [
        'Dry run: Would start 2 tasks, at most 5 at a time.',
        '  1. first (score 4.4): Goal of first',
        '  2. later (score 2.1): Goal of later',
        '  -  held: Waits for first.',
        '',
      ].join('\n'),
    );
    assert.deepEqual(engine.commands, []);
    assert.deepEqual(opened[0], { folder: '/repo', prefer: 'client-or-lead', passive: true });
    const json = (await cli(engine, ['run', '--once', '--dry-run', '--json'])).stdout;
    assert.equal(documentOf(changeSchema, json).dry_run, true);
    assert.deepEqual(documentOf(queueSchema, json).tasks.map((task) => task.id), ['first', 'later', 'held']);
  });
});

describe('baton run and signals', () => {
  /** A run whose only task never ends by itself. */
  function busy(given: Partial<CliWorld> = {}): { engine: MemoryEngine; send: (signal: Signal) => void; result: ReturnType<typeof cli>; started: Promise<void> } {
    const engine = new MemoryEngine([taskView('one')], {
      loop: { desired: 'stopped', state: 'never_started', since: AT, reason: null, idle: false, run_id: null, slots_used: 1, slots: 5, leader: { pid: 7, host: 'vscode' } },
    });
    let started = (): void => undefined;
    const ready = new Promise<void>((resolve) => (started = resolve));
    playing(engine, [() => engine.change('one', running), () => setImmediate(started)]);
    let send: (signal: Signal) => void = () => undefined;
    const result = cli(engine, ['run'], { role: 'leader', signals: (deliver) => (send = deliver), ...given });
    return { engine, send: (signal) => send(signal), result, started: ready };
  }

  it('Ctrl-C with nobody at work offers no second one', async () => {
    const { engine, send, result, started } = busy();
    await started;
    engine.change('one', { state: 'awaiting_human_review', group: 'held' });
    send('interrupt');
    await new Promise(setImmediate);
    engine.loop({ state: 'stopped' });
    assert.doesNotMatch((await result).stdout, /Ctrl-C again/);
  });

  it('Ctrl-C once lets running attempts finish', async () => {
    const { engine, send, result, started } = busy();
    await started;
    send('interrupt');
    await new Promise(setImmediate);
    assert.deepEqual(engine.commands.at(-1), { type: 'stop', reason: 'Ctrl-C' });
    assert.equal((await engine.snapshot()).loop.state, 'stopping');
    engine.change('one', { state: 'done', completed_at: AT });
    engine.loop({ state: 'stopped' });
    const { code, stdout, closed } = await result;
    assert.deepEqual([code, closed], [0, 1]);
    assert.match(stdout, /Stopping after the running attempts\. Ctrl-C again stops now\./);
    assert.match(stdout, /Tasks Completed: 1/);
  });

  it('Ctrl-C twice stops now', async () => {
    const { engine, send, result, started } = busy();
    await started;
    send('interrupt');
    send('interrupt');
    const { stdout } = await result;
    assert.deepEqual(engine.commands.slice(-2), [
      { type: 'stop', reason: 'Ctrl-C' },
      { type: 'stop_now', reason: 'Ctrl-C twice' },
    ]);
    assert.match(stdout, /Stopping now/);
    assert.equal((await engine.snapshot()).tasks[0]?.state, 'implementing');
  });

  it('a closed terminal or a service manager stops now', async () => {
    const { engine, send, result, started } = busy();
    await started;
    send('terminate');
    await result;
    assert.equal(engine.commands.at(-1)?.type, 'stop_now');
  });

  it('Ctrl-C only leaves where another Baton leads, and says that it goes on', async () => {
    const { engine, send, result, started } = busy({ role: 'client' });
    await started;
    send('interrupt');
    const { code, stdout } = await result;
    assert.equal(code, 0);
    assert.deepEqual(types(engine), ['refresh', 'start']);
    assert.match(stdout, /^Baton runs on this repository already, in VS Code \(pid 7\): following it\. Ctrl-C only leaves\.\n/);
    assert.match(stdout, /The loop goes on in VS Code \(pid 7\); "baton stop" ends it\.\n$/);
  });

  it('an interrupted --once is not a success', async () => {
    const engine = new MemoryEngine([taskView('one')]);
    let send: (signal: Signal) => void = () => undefined;
    playing(engine, [() => engine.change('one', running), () => send('terminate')]);
    const { code } = await cli(engine, ['run', '--once'], { role: 'leader', signals: (deliver) => (send = deliver) });
    assert.equal(code, 1);
  });

  it('an engine that fails ends the command with its error and the cursor visible', async () => {
    const engine = new MemoryEngine([taskView('one')]);
    engine.onCommand = (command) => {
      if (command.type === 'start') throw new Error('the store is gone');
    };
    const { code, stderr, stdout, closed } = await cli(engine, ['run'], { role: 'leader', isTTY: true });
    assert.deepEqual([code, closed], [1, 1]);
    assert.match(stderr, /The store is gone/);
    assert.ok(stdout.endsWith('\x1b[?25h'));
  });
});
