import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configSchema } from '../../../src/core/config/schema.ts';
import { recentDurations, workedTime } from '../../../src/core/durations.ts';
import { estimateTimes } from '../../../src/core/estimate.ts';
import type { Attempt, TaskExecution } from '../../../src/core/execution.ts';
import { planQueue, type AgentFact, type QueueFacts } from '../../../src/core/queue.ts';
import { decision, task, T0 } from '../../support/tasks.ts';

const MINUTE = 60_000;
const AGENT: AgentFact = { available: true, enabled: true, install: null, account: 'anthropic', max_concurrent: null, priced: true };
const iso = (minute: number): string => new Date(T0 + minute * MINUTE).toISOString();

function facts(over: Partial<Omit<QueueFacts, 'config'>> & { slots?: number } = {}): QueueFacts {
  const { slots = 2, ...rest } = over;
  return {
    now: T0,
    config: configSchema.parse({ orchestrator: { max_concurrent_tasks: slots } }),
    loop: 'running',
    running: new Map(),
    agents: new Map([['claude', AGENT]]),
    agentOf: () => 'claude',
    accounts: new Map(),
    ...rest,
  };
}

/** A task that was done after so many minutes of work. */
const done = (id: string, minutes: number, over: Parameters<typeof task>[1] = {}): TaskExecution =>
  task(id, { state: 'done', started_at: iso(-100), completed_at: iso(-100 + minutes), ...over });
const atWork = (since: number, over = {}) => ({ agent: 'claude', since: T0 + since * MINUTE, activity: null, waits_for_human: false, uses_slot: true, ...over });
const begun = (id: string, minute: number, over: Parameters<typeof task>[1] = {}): TaskExecution => task(id, { state: 'implementing', started_at: iso(minute), ...over });
const attempt = (from: number, to: number | null, outcome: Attempt['outcome']): Attempt => ({ started_at: iso(from), ended_at: to === null ? null : iso(to), outcome }) as Attempt;

/** Minutes from now to start and end, by id. */
function minutes(tasks: readonly TaskExecution[], given: QueueFacts): Record<string, [start: number | null, end: number | null]> {
  const plan = planQueue(tasks, given);
  const ahead = (ms: number | null) => (ms === null ? null : (ms - T0) / MINUTE);
  return Object.fromEntries([...estimateTimes(tasks, plan, given)].map(([id, { start, done: end }]) => [id, [ahead(start), ahead(end)]]));
}

describe('The estimated times of the queue (row 73)', () => {
  it('take the median of the latest like tasks and give each slot to the next in the queue', () => {
    const tasks = [done('x', 8), done('y', 10), done('z', 60), task('a', { place: 1 }), task('b', { place: 2 }), task('c', { place: 3 }), task('d', { place: 4 }), task('e', { place: 5 })];
    assert.deepEqual(minutes(tasks, facts({ slots: 2 })), { a: [0, 10], b: [0, 10], c: [10, 20], d: [10, 20], e: [20, 30] });
  });

  it('count on a running task’s slot when it has probably had its time', () => {
    const tasks = [done('x', 10), begun('r', -4), task('a', { place: 1 }), task('b', { place: 2 })];
    assert.deepEqual(minutes(tasks, facts({ slots: 1, running: new Map([['r', atWork(-4)]]) })), { r: [-4, 6], a: [6, 16], b: [16, 26] });
  });

  it('are unknown without a history, but for the start of what starts now', () => {
    const tasks = [task('a', { place: 1 }), task('b', { place: 2 })];
    assert.deepEqual(minutes(tasks, facts({ slots: 1 })), { a: [0, null], b: [null, null] });
  });

  it('never say that a task is done which runs longer than any did, and lend nobody its slot', () => {
    const tasks = [done('x', 10), begun('r', -30), task('a', { place: 1 }), task('b', { place: 2 })];
    assert.deepEqual(minutes(tasks, facts({ slots: 2, running: new Map([['r', atWork(-30)]]) })), { r: [-30, null], a: [0, 10], b: [10, 20] });
    assert.deepEqual(minutes(tasks, facts({ slots: 1, running: new Map([['r', atWork(-30)]]) })), { r: [-30, null], a: [null, null], b: [null, null] });
  });

  it('go by tasks of the same workflow where there are any, else by all', () => {
    const tasks = [done('x', 10), done('y', 40, { workflow: 'reviewed' }), task('direct', { place: 1 }), task('reviewed', { place: 2, def: { risk: 'high' } })];
    assert.deepEqual(minutes(tasks, facts({ slots: 2 })), { direct: [0, 10], reviewed: [0, 40] });
    assert.deepEqual(minutes(tasks.slice(1), facts({ slots: 2 })), { direct: [0, 40], reviewed: [0, 40] });
  });

  it('let a task wait for what it depends on while others take the slot', () => {
    const tasks = [
      done('x', 10),
      task('last', { place: 1, def: { depends_on: ['middle'] } }),
      task('middle', { place: 2, def: { depends_on: ['first'] } }),
      task('first', { place: 3 }),
      task('other', { place: 4 }),
    ];
    assert.deepEqual(minutes(tasks, facts({ slots: 2 })), { first: [0, 10], middle: [10, 20], last: [20, 30], other: [0, 10] });
  });

  it('begin where a hold ends, and are unknown where nobody knows its end', () => {
    const tasks = [
      done('x', 10),
      begun('later', -20, { not_before: iso(30), attempts: [attempt(-20, -18, 'failed')], place: 1 }),
      task('asks', { decisions: [decision()], place: 2 }),
      task('lost', { def: { depends_on: ['nothing'] }, place: 3 }),
      task('after', { def: { depends_on: ['asks'] }, place: 4 }),
    ];
    assert.deepEqual(minutes(tasks, facts()), { later: [30, 38], asks: [null, null], lost: [null, null], after: [null, null] });
    const closed = facts({ accounts: new Map([['anthropic', { closed_until: T0 + 5 * MINUTE, reason: 'limit' }]]) });
    assert.deepEqual(minutes([done('x', 10), task('a')], closed), { a: [5, 15] });
    assert.deepEqual(minutes([done('x', 10), task('a')], facts({ accounts: new Map([['anthropic', { closed_until: null, reason: 'sign in' }]]) })), { a: [null, null] });
  });

  it('keep to an agent’s own limit and let the tasks of others pass', () => {
    const tasks = [done('x', 10), ...[1, 2, 3].map((place) => task(`c${place}`, { place })), task('other', { place: 4 })];
    const given = facts({ slots: 3, agents: new Map([['claude', { ...AGENT, max_concurrent: 1 }], ['codex', AGENT]]), agentOf: ({ task_id }) => (task_id === 'other' ? 'codex' : 'claude') });
    assert.deepEqual(minutes(tasks, given), { c1: [0, 10], c2: [10, 20], c3: [20, 30], other: [0, 10] });
  });

  it('start gates and merges without a slot', () => {
    const tasks = [done('x', 10), begun('r', -4), begun('gates', -9, { state: 'quality_gate' })];
    assert.deepEqual(minutes(tasks, facts({ slots: 1, running: new Map([['r', atWork(-4)]]), agentOf: ({ state }) => (state === 'quality_gate' ? null : 'claude') })), { r: [-4, 6], gates: [0, 1] });
  });

  it('are unknown while the loop stands still or an answer is awaited', () => {
    const tasks = [done('x', 10), begun('r', -4), task('a')];
    const running = new Map([['r', atWork(-4)]]);
    assert.deepEqual(minutes(tasks, facts({ loop: 'paused', running })), { r: [-4, null], a: [null, null] });
    assert.deepEqual(minutes(tasks, facts({ slots: 1, running: new Map([['r', atWork(-4, { waits_for_human: true, uses_slot: false })]]) })), { r: [-4, null], a: [0, 10] });
  });

  it('never put more tasks at work at once than there are slots, nor one before what it waits for', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat({ max: 30 }), { nil: undefined }), { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 4 }), (waits, slots) => {
        const tasks = [done('x', 10), ...waits.map((other, index) => task(`t${index}`, { place: index, ...(other === undefined || other >= index ? {} : { def: { depends_on: [`t${other}`] } }) }))];
        const given = facts({ slots });
        const found = estimateTimes(tasks, planQueue(tasks, given), given);
        assert.equal(found.size, waits.length);
        for (const one of tasks.slice(1)) {
          const own = found.get(one.task_id);
          assert.ok(own !== undefined && own.start !== null && own.done !== null);
          for (const id of one.task_def.depends_on ?? []) assert.ok(own.start >= (found.get(id)?.done ?? Infinity));
          const { start: at } = own;
          const together = [...found.values()].filter(({ start, done: end }) => start !== null && end !== null && start <= at && at < end);
          assert.ok(together.length <= slots);
        }
      }),
    );
  });
});

describe('How long a task was worked on', () => {
  it('is its time without that in which a human was asked and without the pauses after failed attempts, each counted once', () => {
    const one = done('t', 60, {
      decisions: [decision({ status: 'answered', since: iso(-90), answer: { verdict: 'approve', text: null, input: null, by: 'ada', via: 'cli', at: iso(-70) } })],
      attempts: [attempt(-100, -80, 'failed'), attempt(-65, -50, 'succeeded'), attempt(-48, -41, 'succeeded')],
    });
    assert.equal(workedTime(one, T0 - 40 * MINUTE) / MINUTE, 60 - 25);
    assert.equal(workedTime(task('new'), T0), 0);
  });

  it('goes on until now for a task that is not done, unless it is asked or pausing now', () => {
    assert.equal(workedTime(begun('t', -10), T0) / MINUTE, 10);
    assert.equal(workedTime(begun('t', -10, { decisions: [decision({ since: iso(-4) })] }), T0) / MINUTE, 6);
    assert.equal(workedTime(begun('t', -10, { attempts: [attempt(-10, -7, 'interrupted')] }), T0) / MINUTE, 3);
  });

  it('is taken from the latest twenty tasks only', () => {
    const old = Array.from({ length: 30 }, (_, index) => done(`old${index}`, 500, { started_at: iso(-9000 - index), completed_at: iso(-8500 - index) }));
    const fresh = Array.from({ length: 20 }, (_, index) => done(`new${index}`, 10, { started_at: iso(-200 - index), completed_at: iso(-190 - index) }));
    assert.equal(recentDurations([...old, ...fresh]).left('direct', 0), 10 * MINUTE);
    assert.equal(recentDurations([...fresh, ...old]).left('direct', 0), 10 * MINUTE);
    assert.equal(recentDurations([...fresh, ...old]).left('direct', 20 * MINUTE), null);
  });
});
