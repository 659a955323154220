import assert from 'node:assert/strict';
import { lastDue, nextDue } from '../../src/core/cron.ts';
import { BatonError } from '../../src/core/errors.ts';
import type { Ports, SourcedSchedule } from '../../src/engine/ports.ts';
import { makeEngine, type TestEngine } from '../support/engine.ts';
import { FakeClock } from '../support/fakeClock.ts';
import { until } from '../support/processes.ts';

const HOUR = 3_600_000;
const schedule = (more: Partial<SourcedSchedule['schedule']> = {}): SourcedSchedule => sourced({ name: 'nightly', cron: '0 3 * * *', timezone: 'UTC', template: 'check', set: { what: 'links' }, enabled: true, ...more });
const sourced = (schedule: SourcedSchedule['schedule']): SourcedSchedule => ({
  schedule,
  nextDue: (after) => nextDue(schedule, after),
  lastDue: (since, until) => lastDue(schedule, since, until),
  file: '.baton/schedules.yaml',
  line: 2,
  column: 3,
  template: { file: '.baton/templates/check.md', text: '---\nrisk: low\n---\n# Check the {{what}} of {{date}}\n' },
});
const clockAt = (time: string): FakeClock => new FakeClock(Date.parse(time));
const follow = (clock: FakeClock, schedules: SourcedSchedule[], more: object = {}): Promise<TestEngine> => makeEngine({ clock, schedules: () => ({ schedules, problems: [] }), ...more });
const ids = async (test: TestEngine): Promise<string[]> => (await test.engine.snapshot()).tasks.map((one) => one.id).sort();

/** The store is real and answers in its own time, while the clock stands. */
async function untilTasks(test: TestEngine, count: number): Promise<string[]> {
  await until(`${count} tasks`, async () => (await ids(test)).length >= count);
  return ids(test);
}

/** Whatever was under way is through: a commit that was asked for later has been answered. */
async function settled(test: TestEngine): Promise<void> {
  for (let round = 0; round < 10; round += 1) await test.ports.store.commit({});
}

describe('Scheduled tasks (row 243)', () => {
  it('are queued at their time, once, from their template', async () => {
    const clock = clockAt('2026-03-02T02:59:30.000Z');
    const test = await follow(clock, [schedule()]);
    assert.deepEqual(await ids(test), []);
    await clock.advance(30_000);
    assert.deepEqual(await untilTasks(test, 1), ['nightly-20260302-0300']);
    const { task_def } = await test.record('nightly-20260302-0300');
    assert.equal(task_def.goal, 'Check the links of 2026-03-02');
    assert.equal(task_def.risk, 'low');
    assert.equal(task_def.source, 'schedule nightly');
    await settled(test);
    await clock.advance(12 * HOUR);
    await settled(test);
    assert.deepEqual(await ids(test), ['nightly-20260302-0300']);
    assert.partialDeepStrictEqual((await test.engine.snapshot()).schedules, [{ name: 'nightly', last_due: '2026-03-02T03:00:00.000Z', next_due: '2026-03-03T03:00:00.000Z' }]);
  });

  it('are caught up with one task after the machine has slept through several', async () => {
    const clock = clockAt('2026-03-02T12:00:00.000Z');
    const test = await follow(clock, [schedule()]);
    await settled(test);
    clock.sleep(4 * 24 * HOUR);
    await clock.advance(60_000);
    assert.deepEqual(await untilTasks(test, 1), ['nightly-20260306-0300']);
    await settled(test);
    await clock.advance(60_000);
    await settled(test);
    assert.equal((await ids(test)).length, 1);
  });

  it('are caught up with one task after Baton was closed over several, and never for the time before it knew them', async () => {
    const clock = clockAt('2026-03-02T12:00:00.000Z');
    const test = await follow(clock, [schedule()]);
    await test.close();
    await clock.advance(3 * 24 * HOUR);
    await test.restart();
    assert.deepEqual(await untilTasks(test, 1), ['nightly-20260305-0300']);
  });

  it('are not queued twice when Baton dies before it has stored that they are', async () => {
    const clock = clockAt('2026-03-02T02:59:30.000Z');
    const test = await follow(clock, [schedule()]);
    await settled(test);
    const before = (await test.ports.store.meta())['schedules'];
    await clock.advance(30_000);
    await untilTasks(test, 1);
    await settled(test);
    await test.ports.store.commit({ meta: { schedules: before } });
    await test.restart();
    assert.deepEqual(await ids(test), ['nightly-20260302-0300']);
    assert.equal((await test.engine.snapshot()).schedules?.[0]?.last_due, '2026-03-02T03:00:00.000Z');
  });

  it('begin anew when their time is changed, and rest while they are turned off', async () => {
    const clock = clockAt('2026-03-02T12:00:00.000Z');
    const known = [schedule()];
    const test = await follow(clock, known);
    await test.close();
    await clock.advance(24 * HOUR);
    known[0] = schedule({ cron: '0 6 * * *' });
    await test.restart();
    await settled(test);
    assert.deepEqual(await ids(test), []);
    await test.close();
    await clock.advance(24 * HOUR);
    known[0] = schedule({ cron: '0 6 * * *', enabled: false });
    await test.restart();
    await settled(test);
    assert.deepEqual(await ids(test), []);
    assert.equal((await test.engine.snapshot()).schedules?.[0]?.next_due, null);
  });

  it('are queued by nobody who only looks', async () => {
    const clock = clockAt('2026-03-02T12:00:00.000Z');
    const test = await follow(clock, [schedule()]);
    await test.close();
    await clock.advance(24 * HOUR);
    await test.restart({ passive: true });
    await settled(test);
    assert.deepEqual(await ids(test), []);
  });

  it('are tried again when they could not be written', async () => {
    const clock = clockAt('2026-03-02T02:59:30.000Z');
    let full = true;
    const errors: string[] = [];
    const throughPorts = (ports: Ports): Ports => ({
      ...ports,
      log: { ...ports.log, error: (message) => void errors.push(message) },
      sources: { ...ports.sources, addTask: (task) => (full ? Promise.reject(new BatonError('store', 'The disk is full.')) : ports.sources.addTask(task)) },
    });
    const test = await follow(clock, [schedule()], { throughPorts });
    await settled(test);
    await clock.advance(30_000);
    await until('the error', () => errors.length > 0);
    assert.deepEqual(errors, ['Schedule nightly could not queue its task and tries again: The disk is full.']);
    full = false;
    await settled(test);
    await clock.advance(60_000);
    assert.deepEqual(await untilTasks(test, 1), ['nightly-20260302-0300']);
  });
});
