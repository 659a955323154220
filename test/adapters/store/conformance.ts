/** What every store must do, whatever it is made of. Each adapter runs this suite with its own opener. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { TaskExecution } from '../../../src/core/execution.ts';
import { BatonError, type ErrorKind } from '../../../src/core/errors.ts';
import type { AttemptRow } from '../../../src/core/history.ts';
import type { CostColumns } from '../../../src/core/metrics/columns.ts';
import { emptyRollup, type CostRollup, type Ending, type MetricsWrite, type Rollup } from '../../../src/core/metrics/rollup.ts';
import type { Commit, HistoryQuery, Store } from '../../../src/engine/ports.ts';
import { AT, changed, taskRecord } from './fixture.ts';

export interface StoreUnderTest {
  /** Opens the same empty store, again after each close. */
  open(): Promise<Store>;
  /** Forgets everything. */
  dispose(): Promise<void>;
}

export function rejectsWith(kind: ErrorKind): (error: unknown) => boolean {
  return (error) => error instanceof BatonError && error.kind === kind;
}

function event(type: string, taskId: string | null = null, data: Record<string, unknown> = {}): { at: string; type: string; task_id: string | null; data: Record<string, unknown> } {
  return { at: AT, type, task_id: taskId, data };
}

export function storeConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a store`, () => {
    let subject: StoreUnderTest;
    let store: Store;

    beforeEach(async () => {
      subject = await make();
      store = await subject.open();
    });
    afterEach(async () => {
      await store.close();
      await subject.dispose();
    });

    const reopen = async (): Promise<void> => {
      await store.close();
      store = await subject.open();
    };

    describe('history', () => {
      const row = (taskId: string, at: string, more: Partial<AttemptRow> = {}): AttemptRow => ({
        kind: 'attempt',
        at,
        task_id: taskId,
        area: 'core',
        risk: 'high',
        complexity: null,
        cost_usd: 0.25,
        seconds: 12,
        error_kind: null,
        attempt_id: 'a1',
        role: 'implementer',
        step_id: 's',
        agent: 'claude',
        model: null,
        outcome: 'succeeded',
        usage: { input_tokens: 1, output_tokens: 2, cache_read_tokens: 3, cache_write_tokens: 4 },
        turns: 1,
        ...more,
      });

      it('outlives its task and an opening, latest first, by kind, time and number (row 253)', async () => {
        const rows = ['2026-11-18', '2026-11-20', '2026-11-19'].map((day, index) => row(`t${index}`, `${day}T12:00:00.000Z`));
        await store.commit({ tasks: [taskRecord('t0')], history: rows });
        await store.commit({ remove: ['t0'] });
        await reopen();
        const days = async (query: Omit<HistoryQuery, 'kind'>): Promise<string[]> => (await store.history({ kind: 'attempt', ...query })).map((one) => one.at.slice(8, 10));
        assert.deepEqual(await days({}), ['20', '19', '18']);
        assert.deepEqual(await days({ since: '2026-11-19T00:00:00.000Z' }), ['20', '19']);
        assert.deepEqual(await days({ limit: 1 }), ['20']);
        assert.deepEqual(await store.history({ kind: 'task' }), []);
        assert.deepEqual((await store.history({ kind: 'attempt', limit: 1 }))[0], rows[1]);
      });

      it('is not written by a commit that came too late', async () => {
        await store.commit({ tasks: [taskRecord('t1')] });
        await assert.rejects(store.commit({ tasks: [taskRecord('t1')], history: [row('t1', AT)] }), rejectsWith('stale_version'));
        assert.deepEqual(await store.history({ kind: 'attempt' }), []);
      });
    });

    describe('tasks', () => {
      it('returns a committed record unchanged, also after it was opened again (row 124)', async () => {
        const task = taskRecord('t1', { feedback: 'Ünïcode \u{1F600} "quoted"\n\u0000', sessions: { claude: 's-1' } });
        await store.commit({ tasks: [task] });
        assert.deepEqual(await store.task('t1'), task);
        await reopen();
        assert.deepEqual(await store.loadTasks(), [task]);
        assert.deepEqual(store.repairs, []);
      });

      it('keeps what the caller held at the call, not what it became afterwards', async () => {
        const task = taskRecord('t1');
        const committed = store.commit({ tasks: [task] });
        task.state = 'failed';
        await committed;
        assert.equal((await store.task('t1'))?.state, 'new');
      });

      it('answers undefined for a task it does not have', async () => {
        assert.equal(await store.task('none'), undefined);
        assert.deepEqual(await store.loadTasks(), []);
      });

      it('removes a task, and lets a new one take its id in the same commit', async () => {
        const first = taskRecord('t1', { state: 'failed' });
        await store.commit({ tasks: [first] });
        await store.commit({ remove: ['t1', 'never-there'], tasks: [taskRecord('t1')] });
        assert.equal((await store.task('t1'))?.state, 'new');
        await store.commit({ remove: ['t1'] });
        assert.deepEqual(await store.loadTasks(), []);
      });

      it('refuses an id that could not be a file name', async () => {
        await assert.rejects(store.commit({ tasks: [taskRecord('../escape')] }), rejectsWith('invalid_task'));
        assert.deepEqual(await store.loadTasks(), []);
      });
    });

    describe('the fence', () => {
      it('refuses a revision that does not follow the stored one, and writes nothing of that commit', async () => {
        const task = taskRecord('t1');
        await store.commit({ tasks: [task] });
        await store.commit({ tasks: [changed(task, { state: 'implementing' })] });
        const before = await store.events(0);
        for (const rev of [1, 2, 4]) {
          const late: Commit = { tasks: [taskRecord('t2'), { ...task, rev, state: 'failed' }], events: [event('late')], meta: { late: true } };
          await assert.rejects(store.commit(late), rejectsWith('stale_version'));
        }
        assert.equal((await store.task('t1'))?.state, 'implementing');
        assert.equal(await store.task('t2'), undefined);
        assert.deepEqual(await store.events(0), before);
        assert.deepEqual(await store.meta(), {});
      });

      it('refuses a later revision of a task that is not there', async () => {
        await assert.rejects(store.commit({ tasks: [taskRecord('t1', { rev: 2 })] }), rejectsWith('stale_version'));
      });

      it('refuses a second task whose id differs only by case', async () => {
        await store.commit({ tasks: [taskRecord('Fix-1')] });
        await assert.rejects(store.commit({ tasks: [taskRecord('fix-1')] }), rejectsWith('stale_version'));
        assert.deepEqual((await store.loadTasks()).map((task) => task.task_id), ['Fix-1']);
      });

      it('lets exactly one of many writers of the same revision win, and no other commit suffers', async () => {
        const task = taskRecord('t1');
        await store.commit({ tasks: [task] });
        const rivals = Array.from({ length: 20 }, (_, index) => store.commit({ tasks: [changed(task, { feedback: `rival ${index}` })], events: [event('won', 't1', { index })] }));
        const others = Array.from({ length: 20 }, (_, index) => store.commit({ tasks: [taskRecord(`other-${index}`)] }));
        const results = await Promise.allSettled([...rivals, ...others]);
        assert.equal(results.slice(0, 20).filter((result) => result.status === 'fulfilled').length, 1);
        assert.equal(results.slice(20).filter((result) => result.status === 'fulfilled').length, 20);
        const events = await store.events(0);
        assert.equal(events.length, 1);
        assert.equal((await store.task('t1'))?.feedback, `rival ${String(events[0]?.data['index'])}`);
      });
    });

    describe('events', () => {
      it('numbers them without gaps in the order of their commits and returns the last number (row 25)', async () => {
        assert.equal(await store.commit({ events: [event('one', 't1', { n: 1 }), event('two')] }), 2);
        await assert.rejects(store.commit({ tasks: [taskRecord('t1', { rev: 9 })], events: [event('never')] }));
        assert.equal(await store.commit({ meta: { quiet: true } }), 2);
        const seqs = await Promise.all([store.commit({ events: [event('three')] }), store.commit({ events: [event('four')] })]);
        assert.deepEqual(seqs, [3, 4]);
        assert.deepEqual(
          (await store.events(0)).map(({ seq, type, task_id, data }) => [seq, type, task_id, data]),
          [
            [1, 'one', 't1', { n: 1 }],
            [2, 'two', null, {}],
            [3, 'three', null, {}],
            [4, 'four', null, {}],
          ],
        );
      });

      it('goes on counting where it was after it was opened again', async () => {
        await store.commit({ events: [event('one')] });
        await reopen();
        assert.equal(await store.commit({ events: [event('two')] }), 2);
      });

      it('gives those after a number, at most as many as asked for', async () => {
        await store.commit({ events: Array.from({ length: 10 }, (_, index) => event(`e${index + 1}`)) });
        assert.deepEqual((await store.events(7)).map(({ seq }) => seq), [8, 9, 10]);
        assert.deepEqual((await store.events(2, 3)).map(({ seq }) => seq), [3, 4, 5]);
        assert.deepEqual(await store.events(10), []);
      });
    });

    describe('named values', () => {
      it('keeps each key on its own, replaces and forgets them', async () => {
        await store.commit({ meta: { desired: 'running', accounts: { anthropic: { closed: true } }, none: null } });
        await store.commit({ meta: { desired: 'paused' } });
        await reopen();
        assert.deepEqual(await store.meta(), { desired: 'paused', accounts: { anthropic: { closed: true } }, none: null });
        await store.commit({ meta: { accounts: undefined } });
        assert.deepEqual(await store.meta(), { desired: 'paused', none: null });
      });
    });

    describe('metrics', () => {
      const MINUTE = 60_000;
      const rollup = (start: number, over: Partial<Rollup> = {}): Rollup => ({ ...emptyRollup(start), ...over });
      const cost = (start: number, over: Partial<CostRollup> = {}): CostRollup => ({
        start,
        agent: 'claude',
        model: 'sonnet',
        role: 'implementer',
        area: 'core',
        attempts: 1,
        cost_usd: 0.5,
        unpriced: 0,
        input_tokens: 1,
        output_tokens: 2,
        cache_read_tokens: 3,
        cache_write_tokens: 4,
        ...over,
      });
      const ending = (at: number, over: Partial<Ending> = {}): Ending => ({ at, task_id: 't1', completed: true, seconds: 1.5, retried: false, human: true, first_pass: false, ...over });
      const rowsOf = ({ kinds, start, kind, figures }: CostColumns): CostRollup[] =>
        [...start].map((begin, row) => cost(begin, { ...kinds[kind[row] ?? -1], ...Object.fromEntries(Object.entries(figures).map(([name, column]) => [name, column[row] ?? NaN])) }));
      const write = (metrics: Partial<MetricsWrite>): Promise<number> => store.commit({ events: [event('measured')], metrics: { rollups: [], costs: [], endings: [], ...metrics } });

      it('add up in the row of their stretch, by agent, model, role and area, and come back after it was opened again', async () => {
        await write({ rollups: [rollup(0, { started: 1, memory_peak: 7 }), rollup(MINUTE, { attempts: 1 })], costs: [cost(0)] });
        await write({ rollups: [rollup(0, { started: 2, cpu_sum: 1.5, memory_peak: 5 })], costs: [cost(0), cost(0, { area: 'docs', unpriced: 1 })], endings: [ending(5), ending(3, { seconds: null, completed: false })] });
        await reopen();
        const { seq, rollups, costs, endings } = await store.metrics(0);
        assert.equal(seq, 2);
        assert.deepEqual(rollups.map((row) => ({ ...row })), [rollup(0, { started: 3, cpu_sum: 1.5, memory_peak: 7 }), rollup(MINUTE, { attempts: 1 })]);
        const double = { attempts: 2, cost_usd: 1, input_tokens: 2, output_tokens: 4, cache_read_tokens: 6, cache_write_tokens: 8 };
        assert.deepEqual(rowsOf(costs), [cost(0, double), cost(0, { area: 'docs', unpriced: 1 })]);
        assert.deepEqual([...endings.at, ...endings.seconds, ...endings.flags], [3, 5, NaN, 1.5, 12, 13]);
      });

      it('are written with their commit or not at all', async () => {
        await assert.rejects(store.commit({ tasks: [taskRecord('t1', { rev: 5 })], metrics: { rollups: [rollup(0, { started: 1 })], costs: [cost(0)], endings: [ending(0)] } }), rejectsWith('stale_version'));
        const { rollups, costs, endings } = await store.metrics(0);
        assert.deepEqual([rollups.length, costs.start.length, endings.at.length], [0, 0, 0]);
      });

      it('give what lies in the window only', async () => {
        await write({ rollups: [rollup(0), rollup(MINUTE)], costs: [cost(0), cost(MINUTE)], endings: [ending(0), ending(MINUTE)] });
        const { rollups, costs, endings } = await store.metrics(MINUTE);
        assert.deepEqual([rollups.map(({ start }) => start), [...costs.start], [...endings.at]], [[MINUTE], [MINUTE], [MINUTE]]);
      });

      it('are forgotten and put together as the retention asks (row 89)', async () => {
        const starts = Array.from({ length: 20 }, (_, index) => index * MINUTE);
        await write({ rollups: starts.map((start) => rollup(start, { started: 1, memory_peak: start })), costs: starts.map((start) => cost(start)), endings: starts.map((at) => ending(at)) });
        const snapshot = (minute: number) => ({ ...event('resource_snapshot'), at: new Date(minute * MINUTE).toISOString() });
        await store.commit({ events: [snapshot(1), snapshot(6), { ...event('kept'), at: new Date(0).toISOString() }] });
        await write({ upkeep: { forget_before: 5 * MINUTE, coarsen_before: 15 * MINUTE, interval_ms: 5 * MINUTE } });
        const { rollups, costs, endings } = await store.metrics(0);
        const expected = [[5, 5], [10, 5], [15, 1], [16, 1], [17, 1], [18, 1], [19, 1]];
        assert.deepEqual(rollups.map(({ start, started }) => [start / MINUTE, started]), expected);
        assert.deepEqual(rowsOf(costs).map(({ start, attempts }) => [start / MINUTE, attempts]), expected);
        assert.equal(rollups[0]?.memory_peak, 9 * MINUTE);
        assert.equal(endings.at.length, 15);
        assert.deepEqual((await store.events(0)).flatMap(({ type, at }) => (type === 'measured' ? [] : [[type, Date.parse(at) / MINUTE]])), [['resource_snapshot', 6], ['kept', 0]]);
      });

      it('never keep a commit from being written, whatever figures an agent reports', async () => {
        await write({ rollups: [rollup(NaN, { started: 1 })], costs: [cost(0, { cost_usd: NaN, input_tokens: Infinity })], endings: [ending(NaN)] });
        const { rollups, costs, endings } = await store.metrics(0);
        assert.deepEqual([rollups.length, rowsOf(costs)[0]?.cost_usd, rowsOf(costs)[0]?.input_tokens, endings.at.length], [0, 0, 0, 0]);
      });
    });

    describe('closing', () => {
      it('completes what was asked before it and refuses what comes after', async () => {
        const last = store.commit({ tasks: [taskRecord('t1')] });
        const closed = store.close();
        await assert.rejects(store.commit({ meta: { late: true } }), rejectsWith('store'));
        await last;
        await closed;
        await store.close();
        store = await subject.open();
        assert.deepEqual((await store.loadTasks()).map((task) => task.task_id), ['t1']);
        assert.deepEqual(await store.meta(), {});
      });
    });

    it('behaves like a plain map with a fence, whatever is committed in whatever order (row 190)', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof({ weight: 6, arbitrary: step }, { weight: 1, arbitrary: fc.constant('reopen' as const) }), { maxLength: 12 }), async (steps) => {
          const model = new Model();
          await store.commit({ remove: IDS, meta: Object.fromEntries(KEYS.map((key) => [key, undefined])) });
          model.seq = (await store.events(0)).at(-1)?.seq ?? 0;
          const since = model.seq;
          for (const batch of steps) {
            if (batch === 'reopen') await reopen();
            else {
              // All at once, so that they share transactions; the model takes them one after another.
              const results = await Promise.allSettled(batch.map((commit) => store.commit(model.prepare(commit))));
              assert.deepEqual(results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as BatonError).kind)), model.drain());
            }
          }
          assert.deepEqual(new Map((await store.loadTasks()).map((task) => [task.task_id, task])), model.tasks);
          assert.deepEqual((await store.events(since)).map(({ seq, type }) => [seq, type]), model.events);
          assert.deepEqual(await store.meta(), Object.fromEntries(model.meta));
        }),
        { numRuns: 60 },
      );
    }).timeout(180_000);
  });
}

const IDS = ['a', 'b', 'c'];
const KEYS = ['k', 'l'];

/** A commit to be: revisions are relative to what the model holds, 0 being the right one. */
const draft = fc.record({
  tasks: fc.array(fc.record({ id: fc.constantFrom(...IDS), off: fc.constantFrom(0, 0, 0, -1, 1), note: fc.string({ maxLength: 4 }) }), { maxLength: 2 }),
  remove: fc.array(fc.constantFrom(...IDS), { maxLength: 1 }),
  events: fc.array(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 2 }),
  meta: fc.dictionary(fc.constantFrom(...KEYS), fc.option(fc.integer(), { nil: undefined }), { maxKeys: 2 }),
});
const step = fc.array(draft, { minLength: 1, maxLength: 5 });
type Draft = typeof draft extends fc.Arbitrary<infer T> ? T : never;

class Model {
  tasks = new Map<string, TaskExecution>();
  meta = new Map<string, unknown>();
  readonly events: [number, string][] = [];
  seq = 0;
  #outcomes: (number | ErrorKind)[] = [];

  /** Makes the commit and applies it here; its outcome waits in `drain`. */
  prepare({ tasks, remove, events, meta }: Draft): Commit {
    const next = new Map(this.tasks);
    for (const id of remove) next.delete(id);
    const stale: string[] = [];
    const records = tasks.map(({ id, off, note }) => {
      const stored = next.get(id)?.rev ?? 0;
      const record = taskRecord(id, { rev: Math.max(1, stored + 1 + off), feedback: note });
      if (record.rev === stored + 1) next.set(id, record);
      else stale.push(id);
      return record;
    });
    if (stale.length > 0) this.#outcomes.push('stale_version');
    else {
      this.tasks = next;
      for (const type of events) this.events.push([++this.seq, type]);
      for (const [key, value] of Object.entries(meta)) {
        if (value === undefined) this.meta.delete(key);
        else this.meta.set(key, value);
      }
      this.#outcomes.push(this.seq);
    }
    return { tasks: records, remove, events: events.map((type) => event(type)), meta };
  }

  drain(): (number | ErrorKind)[] {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    return outcomes;
  }
}
