import assert from 'node:assert/strict';
import { makeEngine } from '../support/engine.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });

describe('The attention budget (row 246)', () => {
  it('starts nothing new while that many tasks wait for a human, says so, and goes on as soon as one is answered', async () => {
    const test = await makeEngine({
      config: { merge: { policy: 'review' }, attention: { max_awaiting: 1 }, orchestrator: { max_concurrent_tasks: 1 } },
      tasks: [task('first', { priority: 'urgent' }), task('second')],
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('first', 'awaiting_human_review');
    const held = await test.until((snapshot) => snapshot.loop.idle);
    const second = held.tasks.find((one) => one.id === 'second');
    assert.equal(second?.group, 'held');
    assert.equal(second.why, '1 task waits for you, and attention.max_awaiting is 1: nothing new starts.');
    assert.deepEqual(test.requests.map((one) => one.task_id), ['first']);

    await test.engine.send({ type: 'decide', task_id: 'first', verdict: 'approve', by: 'me', via: 'cli' });
    await test.untilState('second', 'awaiting_human_review');
    assert.deepEqual(test.requests.map((one) => one.task_id), ['first', 'second']);
  });

  it('counts an agent that waits for a permission, and holds up nothing that has begun', async () => {
    const test = await makeEngine({
      config: { attention: { max_awaiting: 1 }, permissions: [{ tool: '*', then: 'ask' }] },
      tasks: [task('asking', { priority: 'urgent' })],
      driver: 'claude',
      agent: async (agent) => {
        if (agent.request.task_id === 'asking') await agent.ask('Bash', { command: 'npm test' });
        await agent.write({ [`${agent.request.task_id}.txt`]: 'done\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks.some((one) => one.decisions.length > 0));
    test.setTasks([task('asking', { priority: 'urgent' }), task('new')]);
    const held = await test.until((snapshot) => snapshot.tasks.some((one) => one.id === 'new' && one.why.includes('max_awaiting')));
    assert.equal(held.tasks.find((one) => one.id === 'asking')?.state, 'implementing');
    await test.engine.send({ type: 'decide', task_id: 'asking', verdict: 'approve', by: 'me', via: 'cli' });
    await test.untilState('asking', 'done');
    await test.untilState('new', 'done');
  });

  it('hands the quiet hours to the surfaces', async () => {
    const test = await makeEngine({ config: { attention: { quiet_hours: '22:00-07:00' } } });
    assert.equal((await test.engine.snapshot()).quiet_hours, '22:00-07:00');
  });
});
