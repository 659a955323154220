import assert from 'node:assert/strict';
import { createClock } from '../../src/adapters/system/clock.ts';
import { failure, makeEngine } from '../support/engine.ts';

const DAY = { since_seconds: 86_400 };

describe('Metrics and health of an engine', () => {
  it('count every start and every end of a sweep of tasks (rows 32, 36, 106)', async () => {
    const test = await makeEngine({
      tasks: ['a', 'b', 'c', 'broken'].map((id) => ({ id, goal: `Do ${id}`, area: id === 'a' ? 'docs' : 'core', workflow: 'direct' as const })),
      agent: async (agent) => {
        const { request } = agent;
        if (request.task_id === 'broken') return failure('bad_request');
        await agent.write({ [`${request.task_id}.txt`]: 'done\n' });
        return undefined;
      },
    });
    assert.equal((await test.engine.health()).status, 'unknown');
    await test.engine.send({ type: 'start' });
    await test.untilState('broken', 'failed');
    for (const id of ['a', 'b', 'c']) await test.untilState(id, 'done');

    const report = await test.engine.metrics(DAY);
    assert.deepEqual([report.tasks_started, report.tasks_completed, report.tasks_failed, report.error_rate], [4, 3, 1, 0.25]);
    assert.equal(report.throughput_per_hour, 3 / 24);
    assert.deepEqual(report.cost.by_area.map(({ name, attempts }) => [name, attempts]).sort(), [['core', 3], ['docs', 1]]);
    assert.equal(Math.round(report.total_cost_usd * 100), 4);
    assert.equal(report.first_pass_gate_rate, 1);
    const records = await Promise.all(['a', 'b', 'c'].map((id) => test.record(id)));
    const seconds = records.map((record) => (Date.parse(record.completed_at ?? '') - Date.parse(record.started_at ?? '')) / 1000).sort((a, b) => a - b);
    assert.deepEqual([report.p50_latency_seconds, report.p95_latency_seconds], [seconds[1], seconds[2]]);

    const health = await test.engine.health();
    assert.equal(health.status, 'degraded');
    assert.equal(health.checks.error_rate.message, '1 of 4 tasks failed in the last 24 h, 25 % (limit 10 %)');
    assert.deepEqual((await test.engine.snapshot()).health.checks, health.checks);
  });

  it('leave a cancelled task out of errors and health', async () => {
    const test = await makeEngine({ tasks: [{ id: 'a', goal: 'Do a' }], agent: ({ killed }) => killed.then(() => undefined) });
    await test.engine.send({ type: 'start' });
    await test.until(({ tasks }) => tasks[0]?.attempt_id !== null, 'an attempt');
    await test.engine.send({ type: 'cancel', task_id: 'a' });
    const { tasks_failed, error_rate } = await test.engine.metrics(DAY);
    assert.deepEqual([tasks_failed, error_rate, (await test.engine.health()).status], [0, 0, 'healthy']);
  });

  it('fail for who looks while no leader has given a sign of life for 90 s (rows 16, 38)', async () => {
    const clock = createClock();
    let later = 0;
    const test = await makeEngine({ clock: { now: () => clock.now() + later, after: (ms, callback) => clock.after(ms, callback) } });
    await test.engine.send({ type: 'start' });
    assert.equal((await test.engine.health()).status, 'healthy');
    await test.restart({ passive: true });
    assert.equal((await test.engine.health()).status, 'healthy');
    later = 91_000;
    const { status, checks } = await test.engine.health();
    assert.deepEqual([status, checks.scheduler_alive.ok], ['degraded', false]);
  });
});
