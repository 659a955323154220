import assert from 'node:assert/strict';
import fc from 'fast-check';
import { nearestRank, outcomes } from '../../../../src/core/metrics/figures.ts';
import { noCosts, noEndings } from '../../../../src/core/metrics/columns.ts';
import type { Ending } from '../../../../src/core/metrics/rollup.ts';
import { Series } from '../../../../src/core/metrics/series.ts';

function ending(over: Partial<Ending> = {}): Ending {
  return { at: 0, task_id: 't', completed: true, seconds: 10, retried: false, human: false, first_pass: null, ...over };
}
function figures(...endings: Partial<Ending>[]) {
  const series = new Series([], noCosts(), noEndings());
  series.add({ rollups: [], costs: [], endings: endings.map(ending) });
  return outcomes(series.endings(-1));
}

describe('The figures of a window (row 35)', () => {
  it('are an error rate of 0.25 for one failure in four, and of 0 for none (row 31)', () => {
    assert.equal(figures({}, {}, {}, { completed: false }).error_rate, 0.25);
    assert.equal(figures().error_rate, 0);
  });
  it('average the latency of completed tasks (row 30)', () => {
    assert.equal(figures({ seconds: 10 }, { seconds: 20 }, { seconds: 60 }).avg_seconds, 30);
  });
  it('leave failures and tasks that never started out of the latency', () => {
    const { avg_seconds, p95_seconds, completed, failed } = figures({ seconds: 10 }, { seconds: null }, { completed: false, seconds: 1 });
    assert.deepEqual({ avg_seconds, p95_seconds, completed, failed }, { avg_seconds: 10, p95_seconds: 10, completed: 2, failed: 1 });
  });
  it('take percentiles by nearest rank from the tasks themselves', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => ({ seconds: 100 - index }));
    assert.equal(figures(...hundred).p50_seconds, 50);
    assert.equal(figures(...hundred).p95_seconds, 95);
    assert.equal(figures({ seconds: 7 }).p95_seconds, 7);
  });
  it('have no latency where nothing completed', () => {
    const { avg_seconds, p50_seconds, p95_seconds } = figures({ completed: false });
    assert.deepEqual([avg_seconds, p50_seconds, p95_seconds], [null, null, null]);
  });
  it('tell which share of the retried tasks completed (row 201)', () => {
    assert.equal(figures({ retried: true }, { retried: true }, { retried: true, completed: false }, { completed: false }).retry_success_rate, 2 / 3);
    assert.equal(figures({}).retry_success_rate, null);
  });
  it('tell which share of the tasks needed a human (row 202)', () => {
    assert.equal(figures({ human: true }, {}, { completed: false }, {}).human_intervention_rate, 0.25);
    assert.equal(figures().human_intervention_rate, null);
  });
  it('tell which share passed its gates at once', () => {
    assert.equal(figures({ first_pass: true }, { first_pass: false }, { first_pass: null }).first_pass_gate_rate, 0.5);
    assert.equal(figures({ first_pass: null }).first_pass_gate_rate, null);
  });
  it('have percentiles that are those of the sorted values, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 3 })), { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const found = nearestRank(Float64Array.from(values), share);
        const sorted = [...values].sort((a, b) => a - b);
        assert.equal(found, sorted[Math.max(0, Math.ceil(values.length * share) - 1)]);
      }),
    );
  });
});
