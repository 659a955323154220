import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { openStore } from '../../src/adapters/store/store.ts';
import { createClock } from '../../src/adapters/system/clock.ts';
import type { Ports } from '../../src/engine/ports.ts';
import { failure, makeEngine, quietLog } from '../support/engine.ts';

const DAY = { since_seconds: 86_400 };

describe('Metrics and health of an engine', () => {
  it('count every start and every end of a sweep of tasks (rows 26–28, 32, 36, 106)', async () => {
    const test = await makeEngine({
      tasks: ['a', 'b', 'c', 'broken'].map((id) => ({ id, goal: `Do ${id}`, priority: 'high' as const, area: id === 'a' ? 'docs' : 'core', workflow: 'direct' as const })),
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
    const seconds = records.map((record) => (Date.parse(record.completed_at ?? '') - Date.parse(record.history.find(({ from }) => from === 'new')?.at ?? '')) / 1000).sort((a, b) => a - b);
    assert.deepEqual([report.p50_latency_seconds, report.p95_latency_seconds], [seconds[1], seconds[2]]);

    const events = await test.ports.store.events(0);
    const of = (type: string) => events.filter((one) => one.type === type).sort((a, b) => String(a.task_id).localeCompare(String(b.task_id)));
    assert.deepEqual(of('task_started').map(({ task_id, data }) => [task_id, data['name'], data['priority']]), ['a', 'b', 'broken', 'c'].map((id) => [id, `Do ${id}`, 'high']));
    assert.ok(of('task_started').every(({ at }) => Date.parse(at) > 0));
    assert.deepEqual(of('task_completed').map(({ task_id, data }) => [task_id, typeof data['seconds']]), ['a', 'b', 'c'].map((id) => [id, 'number']));
    assert.deepEqual(of('task_failed').map(({ task_id, data }) => [task_id, typeof data['seconds'], (data['error'] as { kind: string }).kind]), [['broken', 'number', 'bad_request']]);

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

  it('are stored with the events that they count, and answer the same after a restart', async () => {
    const test = await makeEngine({ tasks: [{ id: 'a', goal: 'Do a', workflow: 'direct' }] });
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    const before = await test.engine.metrics(DAY);
    await test.restart();
    const after = await test.engine.metrics(DAY);
    // The use of processor and memory may have been stored in between; it has a test of its own.
    const moving = { until: '', since: '', series: [], cpu_percent: null, memory_mb: null };
    assert.deepEqual({ ...after, ...moving }, { ...before, ...moving });
    assert.equal(after.tasks_completed, 1);
    await test.close();
    const store = await openStore({ batonDir: test.batonDir, workerPath: path.resolve('src/adapters/store/worker.ts'), log: quietLog() });
    const { endings, rollups, costs } = await store.metrics(0);
    const events = (await store.events(0)).filter(({ type }) => ['task_started', 'task_completed'].includes(type));
    await store.close();
    assert.deepEqual([endings.at.length, costs.start.length, rollups.reduce((sum, one) => sum + one.started, 0)], [1, 1, 1]);
    assert.deepEqual(events.map(({ type, data }) => [type, data['name'] ?? data['seconds']]), [['task_started', 'Do a'], ['task_completed', after.avg_latency_seconds]]);
  });

  it('keep up with what is committed while the stored ones are being read', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let asked: () => void = () => undefined;
    const reading = new Promise<void>((resolve) => (asked = resolve));
    const throughPorts = (ports: Ports): Ports => ({
      ...ports,
      store: {
        commit: (commit) => ports.store.commit(commit),
        loadTasks: () => ports.store.loadTasks(),
        task: (id) => ports.store.task(id),
        events: (since, limit) => ports.store.events(since, limit),
        meta: () => ports.store.meta(),
        history: (query) => ports.store.history(query),
        metrics: async (since) => {
          const read = await ports.store.metrics(since);
          asked();
          await held;
          return read;
        },
        repairs: ports.store.repairs,
        close: () => ports.store.close(),
      },
    });
    const test = await makeEngine({ tasks: [{ id: 'a', goal: 'Do a' }], throughPorts });
    const early = test.engine.metrics(DAY);
    await reading;
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    release();
    assert.equal((await early).tasks_completed, 1);
    assert.equal((await test.engine.metrics(DAY)).tasks_completed, 1);
  });

  it('are not written while they are turned off, and health is known all the same (rows 47, 88)', async () => {
    const test = await makeEngine({ tasks: [{ id: 'a', goal: 'Do a' }], config: { metrics: { enabled: false } }, agent: () => Promise.resolve(failure('bad_request')) });
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'failed');
    const { rollups, costs, endings } = await test.ports.store.metrics(0);
    assert.deepEqual([rollups.length, costs.start.length, endings.at.length], [0, 0, 0]);
    assert.equal((await test.engine.metrics(DAY)).enabled, false);
    assert.equal((await test.engine.health()).checks.error_rate.ok, false);
  });

  it('count what was done before they were turned on, once', async () => {
    const test = await makeEngine({ tasks: [{ id: 'a', goal: 'Do a' }], config: { metrics: { enabled: false } } });
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    assert.equal((await test.engine.metrics(DAY)).tasks_completed, 0);
    test.setConfig({});
    test.setTasks([{ id: 'a', goal: 'Do a' }, { id: 'b', goal: 'Do b' }]);
    await test.untilState('b', 'done');
    assert.equal((await test.engine.metrics(DAY)).tasks_completed, 2);
    await test.restart();
    assert.equal((await test.engine.metrics(DAY)).tasks_completed, 2);
  });

  it('come back from the records when the database was lost', async () => {
    const test = await makeEngine({ tasks: [{ id: 'a', goal: 'Do a' }] });
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    await test.close();
    for (const end of ['', '-wal', '-shm']) await rm(path.join(test.batonDir, `baton.db${end}`), { force: true });
    await test.restart();
    const { tasks_completed, total_cost_usd } = await test.engine.metrics(DAY);
    assert.deepEqual([tasks_completed, total_cost_usd], [1, 0.01]);
  });

  it('forget what is older than the retention, by themselves (row 89)', async () => {
    const clock = createClock();
    let later = 0;
    const test = await makeEngine({
      clock: { now: () => clock.now() + later, after: (ms, callback) => clock.after(ms, callback) },
      config: { metrics: { retention_days: 2 } },
      tasks: [{ id: 'a', goal: 'Do a' }],
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    const week = { since_seconds: 7 * 86_400 };
    assert.equal((await test.engine.metrics(week)).tasks_completed, 1);
    later = 2.1 * 86_400_000;
    test.setTasks([{ id: 'a', goal: 'Do a' }, { id: 'b', goal: 'Do b' }]);
    await test.untilState('b', 'done');
    assert.equal((await test.engine.metrics(week)).tasks_completed, 1);
    assert.equal((await test.ports.store.metrics(0)).endings.at.length, 1);
  });

  it('tell once when health turns worse, not again after a restart, and again after it was well (row 254)', async () => {

    const tasks = (count: number) => ['a', 'b'].slice(0, count).map((id) => ({ id, goal: `Do ${id}` }));
    const clock = createClock();
    let later = 0;
    const test = await makeEngine({
      clock: { now: () => clock.now() + later, after: (ms, callback) => clock.after(ms, callback) },
      config: { orchestrator: { poll_interval: 0.2 } },
      tasks: tasks(1),
      agent: () => Promise.resolve(failure('bad_request')),
    });
    const told = async () => (await test.ports.store.events(0)).filter(({ type }) => type === 'health_degraded').map(({ data }) => [data['from'], data['status'], data['failing'], data['reason']]);
    const alarm = ['healthy', 'degraded', ['error_rate'], '1 of 1 task failed in the last 24 h, 100 % (limit 10 %)'];
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'failed');
    await until(async () => (await told()).length === 1);
    await test.restart();
    await test.engine.send({ type: 'pause' });
    await test.engine.send({ type: 'start' });
    assert.deepEqual(await told(), [alarm]);
    later = 25 * 3_600_000;
    await until(async () => (await test.ports.store.meta())['health'] === 'healthy');
    test.setTasks(tasks(2));
    await test.untilState('b', 'failed');
    await until(async () => (await told()).length === 2);
    assert.deepEqual(await told(), [alarm, alarm]);
  });

  it('measure processor and memory while something runs, show them with the agent, and store a snapshot (rows 64, 116)', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const test = await makeEngine({
      tasks: [{ id: 'a', goal: 'Do a' }],
      agent: async (agent) => {
        const child = spawn(process.execPath, ['-e', 'for (;;) Math.random()'], { env: { ...process.env, BATON_MARK: agent.request.mark }, stdio: 'ignore' });
        await held;
        child.kill('SIGKILL');
        await agent.write({ 'a.txt': 'done\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const { tasks } = await test.until((snapshot) => (snapshot.tasks[0]?.cpu_percent ?? 0) > 1, 'the use of the agent');
    assert.ok((tasks[0]?.memory_mb ?? 0) > 10);
    release();
    await test.untilState('a', 'done');
    await until(async () => (await test.engine.metrics(DAY)).cpu_percent !== null);
    const report = await test.engine.metrics(DAY);
    assert.ok((report.memory_mb?.avg ?? 0) > 20 && (report.memory_mb?.peak ?? 0) >= (report.memory_mb?.avg ?? 0), JSON.stringify(report.memory_mb));
    assert.equal((await test.ports.store.events(0)).filter(({ type }) => type === 'resource_snapshot').length, 1);
    assert.equal((await test.engine.snapshot()).tasks[0]?.cpu_percent, undefined);
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
