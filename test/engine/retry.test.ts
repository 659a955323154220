import assert from 'node:assert/strict';
import { BatonError } from '../../src/core/errors.ts';
import type { Commit } from '../../src/engine/ports.ts';
import { committingThrough } from '../support/committing.ts';
import { answer, byRole, failure, makeEngine, type EngineSetup } from '../support/engine.ts';

const RETRY = { type: 'retry', task_id: 'one' } as const;
const FRESH = { ...RETRY, fresh: true } as const;

/** Stands before the store: a commit for which `refuses` says yes is not made. */
function refusing(refuses: (commit: Commit) => boolean): Pick<EngineSetup, 'throughPorts'> {
  return {
    throughPorts: (ports) => committingThrough(ports, (commit, store) => (refuses(commit) ? Promise.reject(new BatonError('internal', 'Refused.')) : store(commit))),
  };
}

describe('A task that is run again from scratch', () => {
  it('loses its work once, however often that is asked for at the same time', async () => {
    const removed: string[] = [];
    let broken = true;
    const test = await makeEngine({
      tasks: [{ id: 'one', goal: 'Do one' }],
      agent: async (agent) => {
        if (broken) return failure('bad_request');
        await agent.write({ 'one.txt': 'x\n' });
        return undefined;
      },
      throughPorts: (ports) => ({
        ...ports,
        workspace: {
          ...ports.workspace,
          remove: async (taskId, ...rest) => {
            removed.push(taskId);
            await ports.workspace.remove(taskId, ...rest);
          },
        },
      }),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'failed');
    broken = false;
    const asked = await Promise.allSettled([test.engine.send(FRESH), test.engine.send(FRESH), test.engine.send(RETRY)]);
    assert.deepEqual(asked.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected']);
    for (const one of asked) if (one.status === 'rejected') assert.equal((one.reason as BatonError).kind, 'conflict');
    assert.deepEqual(removed, ['one']);
    await test.untilState('one', 'done');
  });

  it('goes on after no step of before when Baton dies in between', async () => {
    let dies = false;
    const test = await makeEngine({
      driver: 'claude',
      tasks: [{ id: 'one', goal: 'Do one', workflow: 'reviewed' }],
      agent: byRole({
        planner: () => Promise.resolve(answer({ steps: [{ id: 'first', description: 'One' }, { id: 'second', description: 'Two' }] })),
        implementer: async (agent) => {
          if (agent.request.step_id === 'second' && test.requests.filter((one) => one.step_id === 'second').length === 1) return failure('bad_request');
          await agent.write({ [`${agent.request.step_id ?? ''}.txt`]: 'x\n' });
          return undefined;
        },
      }),
      ...refusing(({ tasks }) => dies && tasks?.some(({ state }) => state === 'new') === true),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'failed');
    dies = true;
    await assert.rejects(test.engine.send(FRESH), /Refused/);
    dies = false;
    const asked = test.requests.length;
    await test.engine.send(RETRY);
    await test.untilState('one', 'done');
    assert.equal(test.requests[asked]?.role, 'planner');
    assert.equal(await test.repo.git('ls-tree', '--name-only', 'main', 'first.txt', 'second.txt'), 'first.txt\nsecond.txt');
  });

  it('is planned anew, also when a plan of before was never acted upon', async () => {
    let lost = true;
    const test = await makeEngine({
      driver: 'claude',
      tasks: [{ id: 'one', goal: 'Do one', workflow: 'reviewed' }],
      agent: byRole({ planner: () => Promise.resolve(answer({ steps: [{ id: 'only', description: 'Do it', files: { modify: ['a.txt'] } }] })) }),
      throughPorts: (ports) => ({ ...ports, resolvePath: (...args) => (lost ? Promise.reject(new Error('The disk is gone')) : ports.resolvePath(...args)) }),
    });
    await test.engine.send({ type: 'start' });
    assert.match((await test.untilState('one', 'awaiting_human_review')).decisions.at(-1)?.question ?? '', /The disk is gone/);
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'reject', by: 'ada', via: 'cli' });
    lost = false;
    await test.engine.send(FRESH);
    await test.untilState('one', 'done');
    assert.equal(test.requests.filter(({ role }) => role === 'planner').length, 2);
  });
});

describe('What cannot be stored', () => {
  it('holds the task whose run broke by it, with the reason, lets others run, and is tried again by Start', async () => {
    let refuses = true;
    const test = await makeEngine({
      config: { orchestrator: { max_concurrent_tasks: 1 } },
      tasks: [
        { id: 'one', goal: 'Do one', priority: 'urgent' },
        { id: 'two', goal: 'Do two' },
      ],
      ...refusing(({ tasks }) => refuses && tasks?.some(({ task_id: id, state }) => id === 'one' && state !== 'new') === true),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('two', 'done');
    const { tasks } = await test.until((snapshot) => snapshot.loop.idle);
    const one = tasks.find(({ id }) => id === 'one');
    assert.equal(one?.group, 'held');
    assert.match(one.why, /^Its run broke, and not even that could be stored \(Refused\.\): choose Start to try again\.$/);
    refuses = false;
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
  });

  it('is no Start: nothing runs until one is stored', async () => {
    let refuses = true;
    const test = await makeEngine({ tasks: [{ id: 'one', goal: 'Do one' }], ...refusing(({ meta }) => refuses && meta?.['loop'] !== undefined) });
    await assert.rejects(test.engine.send({ type: 'start' }), /Refused/);
    await test.engine.send({ type: 'refresh' });
    const { loop } = await test.engine.snapshot();
    assert.deepEqual([loop.state, loop.desired], ['never_started', 'stopped']);
    refuses = false;
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
  });
});
