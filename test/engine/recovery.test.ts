import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BatonError } from '../../src/core/errors.ts';
import { canonicalContent } from '../../src/core/task.ts';
import { committingThrough } from '../support/committing.ts';
import { makeEngine } from '../support/engine.ts';
import { latch } from '../support/latch.ts';
import { until } from '../support/processes.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });

describe('An engine that closes', () => {
  it('starts nothing any more, whatever it was about to do (row 231)', async () => {
    const created: string[] = [];
    let looks = 0;
    let release: () => void = () => undefined;
    let arrive: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const test = await makeEngine({
      tasks: [task('one')],
      throughPorts: (ports) => ({
        ...ports,
        workspace: {
          ...ports.workspace,
          create: (taskId, target) => {
            created.push(taskId);
            return ports.workspace.create(taskId, target);
          },
        },
        sources: {
          ...ports.sources,
          // The first look belongs to the command Start, the second to the loop.
          stopRequested: () => {
            looks += 1;
            if (looks === 1) return Promise.resolve(false);
            arrive();
            return new Promise((resolve) => {
              release = () => resolve(false);
            });
          },
        },
      }),
    });
    await test.engine.send({ type: 'start' });
    await arrived;
    const closed = test.close();
    release();
    await closed;
    assert.deepEqual(created, []);
  });

  it('while one task merges and another waits for its turn puts the worktrees in order, and the next merges both', async () => {
    const [merging, going] = [latch(), latch()];
    const test = await makeEngine({
      tasks: [task('one'), task('two')],
      config: { gates: [{ name: 'leaves', run: 'echo left > left.txt' }] },
      throughPorts: (ports) => ({
        ...ports,
        workspace: {
          ...ports.workspace,
          buildMerge: async (options) => {
            merging.release();
            await going.held;
            return ports.workspace.buildMerge(options);
          },
        },
      }),
    });
    await test.engine.send({ type: 'start' });
    await merging.held;
    const { tasks } = await test.until((snapshot) => snapshot.tasks.some((one) => one.activity === 'waiting for its turn to merge'));
    const closed = test.close();
    going.release();
    await closed;
    for (const { worktree } of tasks) assert.equal(existsSync(path.join(worktree ?? '', 'left.txt')), false, worktree ?? '');
    assert.equal((await test.repo.git('log', '--format=%s', 'main')).split('\n').length, 1, 'nothing has landed');

    await test.restart();
    await test.untilState('one', 'done');
    await test.untilState('two', 'done');
    assert.deepEqual((await test.repo.git('log', '--format=%(trailers:key=Baton-Task,valueonly,separator=%x2C)', 'main')).split('\n').sort().filter(Boolean), ['one', 'two']);
    assert.equal(existsSync(path.join(test.repo.root, 'left.txt')), false);
    assert.equal(test.requests.length, 2);
  });
});

describe('A configuration that cannot be read at the moment', () => {
  it('is said in the log and ends nothing', async () => {
    const warned: string[] = [];
    let fails = false;
    const test = await makeEngine({
      tasks: [task('one')],
      throughPorts: (ports) => ({
        ...ports,
        log: { ...ports.log, warn: (message) => void warned.push(message) },
        sources: { ...ports.sources, config: () => (fails ? Promise.reject(new Error('Too many open files.')) : ports.sources.config()) },
      }),
    });
    fails = true;
    test.setConfig({});
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    assert.deepEqual(warned, ['Failed while reading the configuration: Too many open files.']);
  });
});

describe('A merge that another git has landed', () => {
  it('is recognised when the target has moved by it, and not made twice (row 190)', async () => {
    const test = await makeEngine({
      tasks: [task('one')],
      // As when the git of an engine that was killed goes on by itself.
      throughPorts: (ports) => ({
        ...ports,
        workspace: {
          ...ports.workspace,
          advance: async (target, mergeSha, expectedSha) => {
            await ports.workspace.advance(target, mergeSha, expectedSha);
            return { kind: 'moved' };
          },
        },
      }),
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    assert.match(record.history.at(-1)?.why ?? '', /found merged/);
    assert.equal(record.merge_sha, await test.repo.git('rev-parse', 'main'));
    assert.equal((await test.repo.git('log', '--format=%(trailers:key=Baton-Task,valueonly)', 'main')).trim(), 'one');
  });

  it('makes its task done in one step when it is queued while the loop runs, so that nothing starts on it', async () => {
    const test = await makeEngine();
    await test.engine.send({ type: 'start' });
    const hash = test.ports.crypto.hash(canonicalContent(task('one')));
    const sha = await test.repo.commit(`Done elsewhere\n\nBaton-Task: one\nBaton-Hash: ${hash}`);
    test.setTasks([task('one')]);
    const record = await test.untilState('one', 'done');
    assert.equal(record.rev, 1);
    assert.equal(record.merge_sha, sha);
    assert.equal(test.requests.length, 0);
    assert.deepEqual(record.history.map(({ to }) => to), ['new', 'implementing', 'quality_gate', 'done']);
  });
});

describe('A hook that hangs after the merge', () => {
  it('is ended by who cancels or stops, and the task is done: its merge has happened', async function () {
    if (process.platform === 'win32') this.skip();
    for (const command of [{ type: 'cancel', task_id: 'one' }, { type: 'stop_now' }] as const) {
      const test = await makeEngine({ tasks: [task('one')] });
      const up = path.join(test.repo.root, '.git', 'up');
      writeFileSync(path.join(test.repo.root, '.git/hooks/post-merge'), `#!/bin/sh\ntouch ${up}\nsleep 300\n`, { mode: 0o755 });
      await test.engine.send({ type: 'start' });
      await until('the hook is up', () => existsSync(up));
      await test.engine.send(command);
      const record = await test.record('one');
      assert.equal(record.state, 'done');
      assert.equal(record.merge_sha, await test.repo.git('rev-parse', 'main'));
    }
  });
});

describe('A restart', () => {
  it('puts in order what every dead agent left before it starts any (rows 126, 189)', async () => {
    let dead = false;
    const reset: string[] = [];
    const tasks = ['one', 'two', 'three'].map((id) => task(id));
    const test = await makeEngine({
      tasks,
      throughPorts: (ports) => ({
        ...committingThrough(ports, (commit, store) => (dead ? Promise.reject(new BatonError('store', 'This engine is dead.')) : store(commit))),
        log: { ...ports.log, error: (message, cause) => (dead ? undefined : ports.log.error(message, cause)) },
        workspace: {
          ...ports.workspace,
          reset: (worktree, taskId, sha) => {
            reset.push(taskId);
            return ports.workspace.reset(worktree, taskId, sha);
          },
        },
      }),
      agent: async (agent) => {
        if (test.requests.length <= tasks.length) await agent.killed;
        await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks.every((one) => one.attempt_id !== null));
    dead = true;
    await test.close();
    dead = false;
    await test.restart();
    for (const { id } of tasks) await test.untilState(id, 'done');
    assert.deepEqual(reset.sort(), tasks.map(({ id }) => id).sort());
  });

  it('lets an answer expire that the successor of the agent which asked has finished without', async () => {
    const test = await makeEngine({
      driver: 'claude',
      tasks: [task('one')],
      agent: async (agent) => {
        if (agent.request.resume === null) await Promise.race([agent.ask('Bash', { command: 'make all' }), agent.killed]);
        await agent.write({ 'one.txt': 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.decisions.length === 1);
    await test.restart();
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'approve', by: 'me', via: 'cli' });
    const record = await test.untilState('one', 'done');
    assert.deepEqual(record.decisions.map(({ kind, status, applied_at }) => [kind, status, applied_at]), [['permission', 'expired', null]]);
  });

  it('writes the checkpoint that a crash has swallowed, and goes on counting (rows 12, 13)', async () => {
    let swallow = true;
    const test = await makeEngine({
      tasks: [task('one')],
      throughPorts: (ports) => ({ ...ports, writeCheckpoint: (checkpoint) => (swallow ? Promise.resolve() : ports.writeCheckpoint(checkpoint)) }),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    const file = path.join(test.batonDir, 'checkpoint.json');
    assert.equal(existsSync(file), false);
    swallow = false;
    await test.restart();
    test.setTasks([task('one'), task('two')]);
    await test.untilState('two', 'done');
    await test.close();
    const checkpoint = JSON.parse(readFileSync(file, 'utf8')) as { sequence: number; last: { task_id: string; to: string } };
    assert.equal(checkpoint.sequence, 2);
    assert.deepEqual([checkpoint.last.task_id, checkpoint.last.to], ['two', 'done']);
    rmSync(file);
    await test.restart();
    await test.close();
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), checkpoint);
  });
});

describe('A store that cannot be written any more', () => {
  it('stops the loop with the reason instead of trying as fast as it can', async () => {
    let full = false;
    let refused = 0;
    const test = await makeEngine({
      tasks: [task('one'), task('two')],
      throughPorts: (ports) => ({
        ...committingThrough(ports, (commit, store) => {
          if (!full) return store(commit);
          refused += 1;
          return Promise.reject(new BatonError('store', 'The disk is full.'));
        }),
        log: { ...ports.log, error: () => undefined },
      }),
      agent: async (agent) => {
        full = refused === 0;
        await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const { loop } = await test.until((snapshot) => snapshot.loop.state === 'stopped');
    assert.match(loop.reason ?? '', /nothing can be stored: The disk is full/);
    assert.ok(refused < 20, `${refused} attempts to store`);
    full = false;
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
  });
});

describe('What a gate leaves in the worktree', () => {
  it('is no part of the work: one approval is enough, and only the agent’s files land', async () => {
    const test = await makeEngine({
      tasks: [task('one')],
      config: { merge: { policy: 'review' }, gates: [{ name: 'report', run: 'echo "$$" > report.txt; echo changed >> one.txt' }] },
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'approve', by: 'me', via: 'cli' });
    const record = await test.untilState('one', 'done');
    assert.equal(record.decisions.length, 1);
    assert.deepEqual((await test.repo.git('ls-tree', '--name-only', 'main')).split('\n'), ['.gitignore', 'README.md', 'one.txt']);
    assert.equal(readFileSync(path.join(test.repo.root, 'one.txt'), 'utf8'), 'done\n');
  });
});
