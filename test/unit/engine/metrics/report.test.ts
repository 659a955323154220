import assert from 'node:assert/strict';
import fc from 'fast-check';
import { noCosts, noEndings } from '../../../../src/core/metrics/columns.ts';
import { emptyRollup, type CostRollup, type Ending } from '../../../../src/core/metrics/rollup.ts';
import { Series } from '../../../../src/core/metrics/series.ts';
import { buildReport } from '../../../../src/engine/metrics/report.ts';
import type { MetricsQuery } from '../../../../src/shared/metrics.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const NOW = Date.parse('2026-11-20T12:34:56.000Z');

const ending = (minutesAgo: number, over: Partial<Ending> = {}): Ending => ({ at: NOW - minutesAgo * MINUTE, task_id: 't', completed: true, seconds: 60, retried: false, human: false, first_pass: null, ...over });
const floorMinute = (ms: number): number => Math.floor(ms / MINUTE) * MINUTE;
const cost = (minutesAgo: number, over: Partial<CostRollup> = {}): CostRollup => ({
  start: floorMinute(NOW - minutesAgo * MINUTE),
  agent: 'claude',
  model: 'sonnet',
  role: 'implementer',
  area: 'core',
  attempts: 1,
  cost_usd: 1,
  unpriced: 0,
  input_tokens: 10,
  output_tokens: 1,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  ...over,
});

function report(given: { endings?: Ending[]; costs?: CostRollup[]; rollups?: Partial<ReturnType<typeof emptyRollup>>[] }, query: Partial<MetricsQuery> = {}, interval = 300) {
  const series = new Series([], noCosts(), noEndings());
  const rollups = (given.rollups ?? []).map((one) => ({ ...emptyRollup(floorMinute(NOW)), ...one }));
  series.add({ rollups, costs: given.costs ?? [], endings: given.endings ?? [] });
  return buildReport(series, { since_seconds: 3600, ...query }, { now: NOW, interval, stretch: Math.min(MINUTE, interval * 1000), enabled: true });
}

describe('A report of metrics', () => {
  it('gives the throughput as completed tasks an hour (row 29)', () => {
    const endings = [ending(1), ending(2), ending(3), ending(4, { completed: false })];
    assert.equal(report({ endings }).throughput_per_hour, 3);
    assert.equal(report({ endings }, { since_seconds: 7200 }).throughput_per_hour, 1.5);
  });
  it('counts what ended inside the window, to the millisecond', () => {
    const inside = report({ endings: [ending(60)] });
    const outside = report({ endings: [{ ...ending(60), at: NOW - HOUR - 1 }] });
    assert.deepEqual([inside.tasks_completed, outside.tasks_completed], [1, 0]);
  });
  it('has buckets of the aggregation interval, oldest first, without gaps (rows 70, 90)', () => {
    for (const interval of [60, 300, 900]) {
      const { series, bucket_seconds } = report({ endings: [ending(1)] }, {}, interval);
      assert.equal(bucket_seconds, interval);
      const starts = series.map((bucket) => Date.parse(bucket.start));
      starts.slice(1).forEach((start, index) => assert.equal(start - (starts[index] ?? 0), interval * 1000));
      assert.ok((starts[0] ?? NaN) <= NOW - HOUR && (starts[0] ?? NaN) > NOW - HOUR - interval * 1000);
      assert.ok((starts.at(-1) ?? NaN) <= NOW && (starts.at(-1) ?? NaN) > NOW - interval * 1000);
      assert.equal((starts[0] ?? NaN) % (interval * 1000), 0);
    }
  });
  it('puts several buckets together where fewer are wanted', () => {
    const { series, bucket_seconds } = report({ endings: [ending(1), ending(50)] }, { since_seconds: 86_400, max_buckets: 24 });
    assert.ok(series.length <= 24, `${series.length} buckets`);
    assert.equal(bucket_seconds % 300, 0);
    assert.equal(series.reduce((sum, bucket) => sum + bucket.completed, 0), 2);
  });
  it('has no more than ten thousand buckets, whatever the window and the interval', () => {
    assert.ok(report({}, { since_seconds: 30 * 86_400 }, 1).series.length <= 10_000);
  });
  it('shows in every bucket what happened in it', () => {
    const { series } = report(
      {
        endings: [ending(30, { seconds: 10 }), ending(30, { seconds: 30 }), ending(30, { completed: false, seconds: 1 })],
        costs: [cost(30)],
        rollups: [{ start: floorMinute(NOW - 30 * MINUTE), started: 2, attempts: 3, gates_passed: 1, gates_failed: 4, decisions: 5, snapshots: 2, cpu_sum: 50, memory_sum: 400, memory_peak: 300 }],
      },
      {},
      600,
    );
    assert.deepEqual(series.filter((bucket) => bucket.started > 0), [
      {
        start: '2026-11-20T12:00:00.000Z',
        started: 2,
        completed: 2,
        failed: 1,
        attempts: 3,
        gates_passed: 1,
        gates_failed: 4,
        decisions: 5,
        cost_usd: 1,
        tokens: 11,
        p50_latency_seconds: 10,
        p95_latency_seconds: 30,
        cpu_percent: 25,
        memory_mb: 200,
      },
    ]);
    assert.deepEqual([series[0]?.p50_latency_seconds, series[0]?.cpu_percent, series[0]?.memory_mb], [null, null, null]);
  });
  it('splits the cost by agent, model, role and area, dearest first (row 236)', () => {
    const { cost: costs, total_cost_usd, unpriced } = report({
      costs: [cost(1), cost(2, { cost_usd: 3, agent: 'codex', model: '', role: 'planner', area: 'docs' }), cost(3, { cost_usd: 0, unpriced: 1 })],
    });
    assert.deepEqual(costs.by_agent.map(({ name, attempts, cost_usd, unpriced: some }) => [name, attempts, cost_usd, some]), [['codex', 1, 3, false], ['claude', 2, 1, true]]);
    assert.deepEqual(costs.by_model.map(({ name }) => name), ['codex (default)', 'sonnet']);
    assert.deepEqual(costs.by_role.map(({ name, usage }) => [name, usage.input_tokens]), [['planner', 10], ['implementer', 20]]);
    assert.deepEqual(costs.by_area.map(({ name }) => name), ['docs', 'core']);
    assert.deepEqual([total_cost_usd, unpriced], [4, true]);
  });
  it('averages processor and memory over the snapshots, and keeps the peak (rows 64, 116)', () => {
    const rollups = [
      { start: floorMinute(NOW) - MINUTE, snapshots: 1, cpu_sum: 10, memory_sum: 100, memory_peak: 120 },
      { snapshots: 3, cpu_sum: 150, memory_sum: 900, memory_peak: 310 },
    ];
    assert.deepEqual([report({ rollups }).cpu_percent, report({ rollups }).memory_mb], [40, { avg: 250, peak: 310 }]);
    assert.deepEqual([report({}).cpu_percent, report({}).memory_mb], [null, null]);
  });
  it('adds up: the buckets together are the window', () => {
    const minutes = fc.double({ min: 0, max: 200, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(minutes, fc.boolean())), fc.array(minutes), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 2, max: 40 }), (ends, spent, window, most) => {
        const made = report(
          { endings: ends.map(([ago, completed]) => ending(ago, { completed })), costs: spent.map((ago) => cost(ago)) },
          { since_seconds: window * 60, max_buckets: most },
        );
        const sum = (key: 'completed' | 'failed' | 'cost_usd') => made.series.reduce((total, bucket) => total + bucket[key], 0);
        assert.deepEqual([sum('completed'), sum('failed'), sum('cost_usd')], [made.tasks_completed, made.tasks_failed, made.total_cost_usd]);
        assert.ok(made.series.length <= most);
      }),
    );
  });
});
