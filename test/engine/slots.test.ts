import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { byRole, failure, makeEngine, type AgentAtWork, type TestEngine } from '../support/engine.ts';
import { tempDir } from '../support/tmp.ts';
import { latch } from '../support/latch.ts';

const ONE_SLOT = { orchestrator: { max_concurrent_tasks: 1, poll_interval: 3600 } };
const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });
const started = (test: TestEngine, id: string): boolean => test.requests.some((one) => one.task_id === id);

async function write(agent: AgentAtWork): Promise<undefined> {
  await agent.write({ [`${agent.request.task_id}-${agent.request.number}.txt`]: 'x\n' });
  return undefined;
}

describe('The slot of an agent that waits for a permission', () => {
  it('is not waited for when the agent ends without its answer, also where it is the only one', async () => {
    const test = await makeEngine({
      config: ONE_SLOT,
      tasks: [task('one')],
      agent: async (agent) => {
        void agent.ask('Bash', { command: 'make all' });
        await test.until((snapshot) => snapshot.tasks[0]?.decisions.length === 1);
        return write(agent);
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    assert.equal(record.decisions[0]?.status, 'withdrawn');
  });

  it('is not waited for by the failure of an agent that died meanwhile', async () => {
    const two = latch();
    const test = await makeEngine({
      config: ONE_SLOT,
      tasks: [task('one', { priority: 'urgent' }), task('two')],
      agent: async (agent) => {
        if (agent.request.task_id === 'one') {
          void agent.ask('Bash', { command: 'make all' });
          await test.until(() => started(test, 'two'));
          return failure('bad_request');
        }
        await two.held;
        return write(agent);
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'failed');
    assert.equal(record.decisions[0]?.status, 'withdrawn');
    assert.equal((await test.record('two')).attempts[0]?.outcome, 'running');
    two.release();
    await test.untilState('two', 'done');
  });

  it('holds up nothing that the agent says after it took its question back, but the next agent', async () => {
    const two = latch();
    const test = await makeEngine({
      driver: 'claude',
      config: ONE_SLOT,
      tasks: [task('one', { priority: 'urgent', workflow: 'reviewed' }), task('two')],
      agent: async (agent) => {
        if (agent.request.task_id === 'two') await two.held;
        if (agent.request.task_id !== 'one' || agent.request.role !== 'implementer') return byRole({})(agent);
        void agent.ask('Bash', { command: 'make all' });
        await test.until(() => started(test, 'two'));
        agent.say({ type: 'permission_withdrawn', request_id: 'p1' });
        return write(agent);
      },
    });
    await test.engine.send({ type: 'start' });
    const { tasks } = await test.until((snapshot) => snapshot.tasks.some((one) => one.id === 'one' && one.state === 'code_review' && one.group === 'waiting'), 'the review to wait for its slot');
    assert.match(tasks.find((one) => one.id === 'one')?.why ?? '', /The one slot is in use/);
    assert.equal(test.requests.some((one) => one.role === 'code_reviewer'), false);
    two.release();
    await test.untilState('one', 'done');
    await test.untilState('two', 'done');
  });
});

describe('An agent at its cap', () => {
  it('is kept for the task that was started for it while that one is set up', async () => {
    const flag = path.join(tempDir(), 'go');
    const test = await makeEngine({
      config: {
        orchestrator: { max_concurrent_tasks: 2, poll_interval: 3600 },
        agents: { solo: { driver: 'command', command: 'solo', max_concurrent: 1 } },
        worktree: { setup: [`while test "$BATON_TASK_ID" = one && ! test -e ${flag}; do sleep 0.05; done`] },
      },
      tasks: [task('one', { priority: 'urgent' }), task('two')],
      agent: write,
    });
    await test.engine.send({ type: 'start' });
    const { tasks } = await test.until((snapshot) => snapshot.tasks.some((one) => one.id === 'one' && one.why.includes('setting up')), 'the set-up');
    assert.equal(tasks.find((one) => one.id === 'two')?.why, 'Agent solo runs 1 at once at most (max_concurrent).');
    writeFileSync(flag, '');
    await test.untilState('two', 'done');
    assert.deepEqual(test.requests.map((one) => one.task_id), ['one', 'two']);
  });

  it('goes at once to one that its gates send back, however long another is set up', async () => {
    const [gate, setup] = [path.join(tempDir(), 'gate'), path.join(tempDir(), 'setup')];
    const test = await makeEngine({
      config: {
        orchestrator: { max_concurrent_tasks: 2, poll_interval: 3600 },
        agents: { solo: { driver: 'command', command: 'solo', max_concurrent: 1 } },
        worktree: { setup: [`while test "$BATON_TASK_ID" = two && ! test -e ${setup}; do sleep 0.05; done`] },
        gates: [{ name: 'check', run: `while ! test -e ${gate}; do sleep 0.05; done; test ! -e 1.txt || test -e 2.txt` }],
      },
      tasks: [task('one', { priority: 'urgent' }), task('two')],
      agent: async (agent) => {
        await agent.write({ [`${test.requests.length}.txt`]: 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks.some((one) => one.id === 'two' && one.why.endsWith('setting up (1 of 1): while test "$BATON_TASK_ID" = two && ! test -e ' + `${setup}; do sleep 0.05; done.`)), 'the set-up of the second, said without an agent');
    writeFileSync(gate, '');
    await test.untilState('one', 'done');
    assert.deepEqual(test.requests.map((one) => one.task_id), ['one', 'one']);
    writeFileSync(setup, '');
    await test.untilState('two', 'done');
  });
});

describe('Gates', () => {
  it('leave the agent to other tasks; work that they send back queues up for it', async () => {
    const flag = path.join(tempDir(), 'go');
    const two = latch();
    const test = await makeEngine({
      config: {
        orchestrator: { max_concurrent_tasks: 2, poll_interval: 3600 },
        agents: { solo: { driver: 'command', command: 'solo', max_concurrent: 1 } },
        gates: [{ name: 'check', run: `while ! test -e ${flag}; do sleep 0.05; done; test ! -e one-1.txt || test -e one-2.txt` }],
      },
      tasks: [task('one', { priority: 'urgent' }), task('two')],
      agent: async (agent) => {
        if (agent.request.task_id === 'two') await two.held;
        return write(agent);
      },
    });
    await test.engine.send({ type: 'start' });
    const atGates = /^Running for \d+s: running gate check\.$/;
    await test.until((snapshot) => started(test, 'two') && snapshot.tasks.some((one) => one.id === 'one' && one.state === 'quality_gate' && atGates.test(one.why)), 'the agent at the second task beside the gates');
    writeFileSync(flag, '');
    const { tasks: sentBack } = await test.until((snapshot) => snapshot.tasks.some((one) => one.id === 'one' && one.state === 'implementing' && one.group === 'waiting'), 'the red work to queue up');
    assert.match(sentBack.find((one) => one.id === 'one')?.why ?? '', /Agent solo runs 1 at once at most/);
    two.release();
    await test.untilState('one', 'done');
    await test.untilState('two', 'done');
    assert.equal(test.peak(), 1);
  });
});
