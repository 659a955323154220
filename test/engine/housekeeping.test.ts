import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { BatonError } from '../../src/core/errors.ts';
import { failure, makeEngine, type AgentScript, type TestEngine } from '../support/engine.ts';
import { latch } from '../support/latch.ts';
import { until } from '../support/processes.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });
/** State files are written behind the commits. */
const stateFiles = (test: TestEngine, ...ids: string[]): Promise<void> => {
  const found = (): string[] => readdirSync(join(test.batonDir, 'state')).filter((name) => name.endsWith('.json')).sort();
  return until(`the state files are those of ${ids.join(', ')}`, () => isDeepStrictEqual(found(), ids.map((id) => `${id}.json`)));
};
const refs = (test: TestEngine, under: string): Promise<string> => test.repo.git('for-each-ref', '--format=%(refname)', under);

/** Fails for good, with work in the worktree that nobody has committed; or works until it is ended. */
const script: AgentScript = async (agent) => {
  await agent.write({ [`${agent.request.task_id}.txt`]: 'half done\n' });
  if (agent.request.task_id.startsWith('bad')) return failure('bad_request');
  if (!agent.request.task_id.startsWith('long')) return undefined;
  await agent.killed;
  return failure('interrupted');
};

describe('clean-state (row 168)', () => {
  it('removes records, state files and worktrees of what is not at work; a snapshot keeps what was not committed', async () => {
    const test = await makeEngine({ tasks: [task('bad'), task('good'), task('long')], agent: script });
    await test.engine.send({ type: 'start' });
    const bad = await test.untilState('bad', 'failed');
    await test.untilState('good', 'done');
    await test.until((snapshot) => snapshot.tasks.some((one) => one.id === 'long' && one.state === 'implementing'));
    await test.engine.send({ type: 'pause' });

    const plan = await test.engine.send({ type: 'clean_state', dry_run: true });
    assert.deepEqual([...(plan.task_ids ?? [])].sort(), ['bad', 'good']);
    await stateFiles(test, 'bad', 'good', 'long');
    assert.ok(bad.worktree !== null && existsSync(bad.worktree));

    test.setTasks([task('long')]);
    const done = await test.engine.send({ type: 'clean_state' });
    assert.match(done.message, /^Removed the stored state of 2 tasks\. long is at work and stays\.$/);
    assert.deepEqual((await test.engine.snapshot()).tasks.map((one) => one.id), ['long']);
    await stateFiles(test, 'long');
    assert.ok(!existsSync(bad.worktree));
    const snapshot = (await refs(test, 'refs/baton/snapshots/bad')).trim().split('\n')[0] ?? '';
    assert.equal(await test.repo.git('show', `${snapshot}:bad.txt`), 'half done');
    assert.match(await test.repo.git('log', '--format=%B'), /Baton-Task: good/);
  });

  it('waits until the worktree of a task that is just done is gone', async () => {
    const [removing, going] = [latch(), latch()];
    const seen: string[] = [];
    const test = await makeEngine({
      tasks: [task('good')],
      agent: script,
      throughPorts: (ports) => {
        const { workspace } = ports;
        const remove: typeof workspace.remove = async (...args) => {
          seen.push('removing');
          removing.release();
          await going.held;
          await workspace.remove(...args);
          seen.push('removed');
        };
        return { ...ports, workspace: { ...workspace, remove, snapshot: (...args) => (seen.push('looked at'), workspace.snapshot(...args)) } };
      },
    });
    await test.engine.send({ type: 'start' });
    await removing.held;
    await test.until(({ tasks }) => tasks[0]?.state === 'done' && tasks[0].activity === null, 'its run is over');
    const cleaned = test.engine.send({ type: 'clean_state' });
    // Long enough for a command that does not wait.
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(seen, ['removing']);
    going.release();
    assert.equal((await cleaned).message, 'Removed the stored state of 1 task.');
    assert.deepEqual(seen, ['removing', 'removed']);
  });

  it('reads the definitions again: what is merged is recognised, the rest is queued from the start', async () => {
    const test = await makeEngine({ tasks: [task('bad'), task('good')], agent: script });
    await test.engine.send({ type: 'start' });
    await test.untilState('bad', 'failed');
    await test.untilState('good', 'done');
    await test.engine.send({ type: 'pause' });
    await test.engine.send({ type: 'clean_state' });
    const { tasks } = await test.engine.snapshot();
    assert.deepEqual(tasks.map((one) => [one.id, one.state]).sort(), [['bad', 'new'], ['good', 'done']]);
    assert.equal((await test.record('bad')).attempts.length, 0);
    assert.equal(test.requests.filter((one) => one.task_id === 'good').length, 1);
  });

  it('keeps the record of a task whose work could not be saved', async () => {
    const test = await makeEngine({
      tasks: [task('bad')],
      agent: script,
      throughPorts: (ports) => ({
        ...ports,
        workspace: { ...ports.workspace, snapshot: () => Promise.reject(new BatonError('git', 'The index is locked.')) },
      }),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('bad', 'failed');
    const { message, task_ids } = await test.engine.send({ type: 'clean_state' });
    assert.match(message, /Kept, since their work could not be saved: bad \(The index is locked\.\)/);
    assert.deepEqual(task_ids, []);
    assert.equal((await test.record('bad')).state, 'failed');
  });
});

describe('delete', () => {
  it('takes a finished task away with its definition, and does not queue it again', async () => {
    const test = await makeEngine({ tasks: [task('bad'), task('other')], agent: script });
    await test.engine.send({ type: 'start' });
    const bad = await test.untilState('bad', 'failed');
    await test.untilState('other', 'done');
    const { message } = await test.engine.send({ type: 'delete_task', task_id: 'bad' });
    assert.equal(message, 'Deleted bad (.baton/tasks.yaml).');
    assert.deepEqual((await test.engine.snapshot()).tasks.map((one) => one.id), ['other']);
    assert.ok(bad.worktree !== null && !existsSync(bad.worktree));
  });

  it('takes a task that never began away', async () => {
    const test = await makeEngine({ tasks: [task('one')] });
    await test.engine.send({ type: 'delete_task', task_id: 'one' });
    assert.deepEqual((await test.engine.snapshot()).tasks, []);
  });

  it('refuses one that has begun, and says what to do first', async () => {
    const test = await makeEngine({ tasks: [task('long')], agent: script });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks.some((one) => one.state === 'implementing'));
    await assert.rejects(test.engine.send({ type: 'delete_task', task_id: 'long' }), (error: BatonError) => error.kind === 'conflict' && /--cancel/.test(error.hint ?? ''));
    assert.equal((await test.record('long')).state, 'implementing');
  });
});
