import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configSchema } from '../../../src/core/config/schema.ts';
import { callCost, costOf, spendingBy, spendingOf } from '../../../src/core/cost.ts';
import { ROLES, type Attempt, type Usage } from '../../../src/core/execution.ts';
import { attemptRow } from '../../../src/core/history.ts';
import { runFigures } from '../../../src/core/runLog.ts';
import { attempt, task } from '../../support/tasks.ts';

const usage = (input: number, output: number): Usage => ({ input_tokens: input, output_tokens: output, cache_read_tokens: 0, cache_write_tokens: 0 });

describe('What calls cost (rows 127, 195, 204, 236)', () => {
  it('is priced by tokens, cache as input where it has no price of its own', () => {
    assert.equal(costOf({ input_tokens: 1e6, output_tokens: 1e6, cache_read_tokens: 1e6, cache_write_tokens: 1e6 }, { input_per_mtok: 3, output_per_mtok: 15, cache_read_per_mtok: 0.3 }), 21.3);
  });
  it('is what the agent reports, else what its model costs, else unknown, which is never 0', () => {
    const config = configSchema.parse({ models: { m: { input_per_mtok: 1, output_per_mtok: 2 } } });
    assert.equal(callCost(0.5, usage(1e6, 0), 'm', config), 0.5);
    assert.equal(callCost(null, usage(1e6, 0), 'm', config), 1);
    assert.equal(callCost(null, usage(1e6, 0), 'other', config), null);
    assert.equal(callCost(null, usage(1e6, 0), null, config), null);
  });
  it('is unpriced as a whole when an ended call was, while a running one may still report its price', () => {
    assert.equal(spendingOf([{ cost_usd: 1, usage: usage(1, 1) }, { cost_usd: null, usage: usage(1, 1), outcome: 'failed' }]).unpriced, true);
    assert.equal(spendingOf([{ cost_usd: null, usage: usage(1, 1), outcome: 'running' }]).unpriced, false);
  });

  it('adds up to the same for calls, steps, tasks, the run and every way of dividing it (property)', () => {
    const at = '2026-11-18T12:30:00.000Z';
    const cents = fc.option(fc.integer({ min: 0, max: 500 }).map((one) => one / 100), { nil: null });
    const call = fc.record({
      role: fc.constantFrom(...ROLES),
      step_id: fc.constantFrom('s1', 's2', null),
      agent: fc.constantFrom('claude', 'codex'),
      model: fc.option(fc.constantFrom('m1', 'm2'), { nil: null }),
      cost_usd: cents,
      usage: fc.record({ input_tokens: fc.nat(1000), output_tokens: fc.nat(1000), cache_read_tokens: fc.nat(1000), cache_write_tokens: fc.nat(1000) }),
    });
    const tasks = fc.array(fc.record({ area: fc.constantFrom('core', 'docs'), calls: fc.array(call, { maxLength: 12 }) }), { maxLength: 6 });
    fc.assert(
      fc.property(tasks, (given) => {
        const records = given.map(({ area, calls }, index) => {
          const attempts: Attempt[] = calls.map((one, number) => attempt({ ...one, attempt_id: `a${number + 1}`, ended_at: at, outcome: 'succeeded' }));
          const total = spendingOf(attempts);
          return task(`t${index}`, { def: { area }, attempts, total_cost_usd: total.cost_usd, unpriced: total.unpriced, usage: total.usage });
        });
        const near = (a: number, b: number, what: string): void => assert.ok(Math.abs(a - b) < 1e-9, `${what}: ${a} is not ${b}`);
        const cents_of = (calls: readonly { cost_usd: number | null }[]): number => calls.reduce((sum, one) => sum + Math.round((one.cost_usd ?? 0) * 100), 0) / 100;
        const all = given.flatMap(({ calls }) => calls);
        for (const [index, record] of records.entries()) {
          near(record.total_cost_usd, cents_of(given[index]?.calls ?? []), record.task_id);
          const steps = ['s1', 's2', null].map((step) => spendingOf(record.attempts.filter((one) => one.step_id === step)).cost_usd);
          near(steps.reduce((sum, one) => sum + one, 0), record.total_cost_usd, 'steps');
        }
        const figures = runFigures(records, '2026-11-18T12:00:00.000Z', '2026-11-18T13:00:00.000Z');
        near(figures.cost_usd, cents_of(all), 'the run');
        assert.equal(figures.unpriced, all.some((one) => one.cost_usd === null));
        const rows = records.flatMap((record) => record.attempts.map((one) => attemptRow(record, one)));
        for (const by of ['agent', 'model', 'role', 'area', 'day'] as const) {
          const shares = spendingBy(rows, by);
          near(shares.reduce((sum, one) => sum + one.cost_usd, 0), figures.cost_usd, by);
          assert.equal(shares.reduce((sum, one) => sum + one.attempts, 0), all.length);
          assert.equal(shares.some((one) => one.unpriced), figures.unpriced);
        }
      }),
      { numRuns: 300 },
    );
  });
});
