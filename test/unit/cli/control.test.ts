import assert from 'node:assert/strict';
import { COMPLEXITIES, PRIORITIES, RISKS, WORKFLOWS } from '../../../src/core/task.ts';
import { cli } from '../../support/cli.ts';
import { changeSchema, documentOf } from '../../support/cliSchemas.ts';
import { MemoryEngine, taskView } from '../../support/memoryEngine.ts';

describe('baton add', () => {
  it('queues a goal with everything that was said about it', async () => {
    const engine = new MemoryEngine();
    const { code, stdout } = await cli(engine, [
      ...['add', 'Fix', 'the rounding', '--id', 'round', '--risk', 'high', '--area', 'core', '--complexity', 'small', '--priority', 'urgent'],
      ...['--deadline', 'by Friday', '--sender', 'ceo@example.com', '--depends-on', 'a,b', '--depends-on', 'c', '--label', 'bug', '--context', 'src/money.js'],
      ...['--constraint', 'No new dependency, please', '--agent', 'claude', '--workflow', 'direct', '--gate', 'test', '--requires-approval', '--budget', '1.5', '--description', 'See the report.'],
    ]);
    assert.equal(code, 0);
    assert.equal(stdout, 'Queued round.\n');
    assert.deepEqual(engine.commands, [
      {
        type: 'add_task',
        task: {
          id: 'round',
          goal: 'Fix the rounding',
          description: 'See the report.',
          risk: 'high',
          area: 'core',
          complexity: 'small',
          priority: 'urgent',
          deadline: 'by Friday',
          sender: 'ceo@example.com',
          depends_on: ['a', 'b', 'c'],
          labels: ['bug'],
          context_files: ['src/money.js'],
          constraints: ['No new dependency, please'],
          agent: 'claude',
          workflow: 'direct',
          gates: ['test'],
          requires_approval: true,
          budget_usd: 1.5,
          source: 'cli',
        },
      },
    ]);
  });

  it('sends only what was said', async () => {
    const engine = new MemoryEngine();
    await cli(engine, ['add', 'Fix it']);
    assert.deepEqual(engine.commands, [{ type: 'add_task', task: { goal: 'Fix it', source: 'cli' } }]);
  });

  it('reads goal and description from standard input', async () => {
    const engine = new MemoryEngine();
    await cli(engine, ['add', '-'], { stdin: 'Fix it\n\nLine one\nLine two\n' });
    assert.deepEqual(engine.commands, [{ type: 'add_task', task: { goal: 'Fix it', description: 'Line one\nLine two', source: 'cli' } }]);
  });

  it('gives the new id in JSON', async () => {
    assert.deepEqual(documentOf(changeSchema, (await cli(new MemoryEngine(), ['add', 'Fix it', '--json'])).stdout), {
      ok: true,
      dry_run: false,
      message: 'Queued made-from-goal.',
      task_id: 'made-from-goal',
    });
  });

  it('queues nothing with --dry-run (row 59)', async () => {
    const engine = new MemoryEngine();
    const { stdout } = await cli(engine, ['add', 'Fix it', '--id', 'x', '--dry-run']);
    assert.deepEqual([stdout, engine.commands], ['Dry run: Would queue task x: Fix it\n', []]);
  });

  for (const [argv, said] of [
    [['add'], /The goal is empty/],
    [['add', ' '], /The goal is empty/],
    [['add', 'x', '--id', '../evil'], /"\.\.\/evil" is not a valid task id/],
    [['add', 'x', '--risk', 'huge'], /Allowed choices are low, medium, high/],
    [['add', 'x', '--budget', '-1'], /no amount of dollars/],
    [['add', 'x', '--colour', 'red'], /unknown option '--colour'/i],
  ] as const) {
    it(`refuses ${argv.slice(1).join(' ') || 'no goal'} with exit code 2`, async () => {
      const engine = new MemoryEngine();
      const { code, stderr } = await cli(engine, argv);
      assert.equal(code, 2);
      assert.match(stderr, said);
      assert.equal(stderr.split('\n').length, 2);
      assert.deepEqual(engine.commands, []);
    });
  }
});

describe('baton add --help', () => {
  it('names every choice that the schema knows', async () => {
    const { stdout } = await cli(new MemoryEngine(), ['add', '--help'], { columns: 200 });
    for (const [option, choices] of [['risk', RISKS], ['complexity', COMPLEXITIES], ['priority', PRIORITIES], ['workflow', WORKFLOWS]] as const) {
      const line = stdout.split('\n').find((one) => one.includes(`--${option} <`)) ?? '';
      for (const choice of choices) assert.match(line, new RegExp(`\\b${choice}\\b`));
    }
  });
});

describe('baton pause, resume, stop, message', () => {
  for (const [argv, commands, said] of [
    [['pause'], [{ type: 'pause' }], 'Paused: running attempts finish, nothing new starts.\n'],
    [['resume'], [{ type: 'start' }], 'Baton runs.\n'],
    [['stop'], [{ type: 'stop', reason: 'baton stop' }], 'Stopping after the running attempts.\n'],
    [['stop', '--now', '--reason', 'fire drill'], [{ type: 'stop_now', reason: 'fire drill' }], 'Stopped.\n'],
    [['message', 'a', 'Use', 'the old API'], [{ type: 'message', task_id: 'a', text: 'Use the old API' }], 'The agent of a has your message.\n'],
  ] as const) {
    it(`${argv.join(' ')} sends its command and says what was done`, async () => {
      const engine = new MemoryEngine([taskView('a', { state: 'implementing' })]);
      const { code, stdout, closed, opened } = await cli(engine, argv);
      assert.deepEqual([code, stdout, closed], [0, said, 1]);
      assert.deepEqual(engine.commands, commands);
      // No leader: it works on the stored state itself, but starts no agent.
      assert.deepEqual(opened, [{ folder: '/repo', prefer: 'client-or-lead', passive: true }]);
    });

    it(`${argv.join(' ')} --json gives the documented JSON (row 74)`, async () => {
      const engine = new MemoryEngine([taskView('a', { state: 'implementing' })]);
      assert.equal(documentOf(changeSchema, (await cli(engine, [...argv, '--json'])).stdout).dry_run, false);
    });

    it(`${argv.join(' ')} --dry-run sends nothing (row 59)`, async () => {
      const engine = new MemoryEngine([taskView('a', { state: 'implementing' })]);
      const { code, stdout } = await cli(engine, [...argv, '--dry-run']);
      assert.equal(code, 0);
      assert.match(stdout, /^Dry run: Would /);
      assert.deepEqual(engine.commands, []);
    });
  }

  it('says that nobody runs after pause and resume on the stored state', async () => {
    for (const name of ['pause', 'resume']) {
      assert.match((await cli(new MemoryEngine(), [name], { role: 'leader' })).stdout, /No Baton runs on this repository now/);
    }
  });

  it('refuses an empty message', async () => {
    assert.equal((await cli(new MemoryEngine([taskView('a')]), ['message', 'a', '-'], { stdin: '\n' })).code, 2);
  });
});
