import assert from 'node:assert/strict';
import type { MetricsBucket, MetricsReport } from '../../../src/shared/metrics.ts';
import { emptyUsage } from '../../../src/core/execution.ts';
import { chartsOf, metricsQuery, percent } from '../../../src/vscode/model/charts.ts';
import { emptyMetrics } from '../../support/reports.ts';

const START = Date.parse('2030-05-17T10:00:00.000Z');
const bucket = (hour: number, more: Partial<MetricsBucket>): MetricsBucket => ({
  start: new Date(START + hour * 3_600_000).toISOString(),
  started: 0, completed: 0, failed: 0, attempts: 0, gates_passed: 0, gates_failed: 0, decisions: 0, cost_usd: 0, tokens: 0,
  p50_latency_seconds: null, p95_latency_seconds: null, cpu_percent: null, memory_mb: null,
  ...more,
});
const share = (name: string, cost_usd: number, attempts: number, unpriced = false) => ({ name, cost_usd, attempts, unpriced, usage: emptyUsage() });

const REPORT: MetricsReport = {
  ...emptyMetrics(new Date(START + 3 * 3_600_000).toISOString()),
  bucket_seconds: 3600,
  tasks_completed: 5,
  tasks_failed: 1,
  throughput_per_hour: 2.04,
  p50_latency_seconds: 600,
  p95_latency_seconds: 1500,
  error_rate: 1 / 6,
  total_cost_usd: 1.2345,
  cost: { by_agent: [share('claude', 1, 8), share('codex', 0.2345, 3)], by_model: [], by_role: [], by_area: [] },
  series: [
    bucket(0, { completed: 3, failed: 1, attempts: 6, gates_passed: 3, gates_failed: 2, cost_usd: 1, p50_latency_seconds: 540, p95_latency_seconds: 900 }),
    bucket(1, {}),
    bucket(2, { completed: 2, attempts: 5, gates_passed: 2, cost_usd: 0.2345, p50_latency_seconds: 700, p95_latency_seconds: 1500 }),
  ],
};

const charts = (report: MetricsReport = REPORT) => chartsOf(report, undefined, '24h').charts;
const chart = (id: string, report = REPORT) => {
  const found = charts(report).find((one) => one.id === id);
  assert.ok(found);
  return found;
};
const values = (id: string, name: string) => chart(id).plot?.series.find((one) => one.name === name)?.values;
const texts = (id: string) => chart(id).plot?.points.map(({ text }) => text);

describe('The charts of the dashboard', () => {
  it('are six, each with the figure of the whole window', () => {
    assert.deepEqual(charts().map(({ title, value, detail }) => [title, value, detail]), [
      ['Throughput', '2 / h', '5 completed, 1 failed'],
      ['Latency p50 / p95', '10m', 'median; p95 25m'],
      ['Error rate', '16.7 %', '1 of 6 tasks failed'],
      ['Cost', '$1.23', '$0.25 a completed task'],
      ['Cost by agent', '2 agents', '11 runs'],
      ['Gate pass rate', '71.4 %', '5 of 7 rounds passed'],
    ]);
  });

  it('draw what the figures say, with a text for every stretch of time', () => {
    assert.deepEqual([values('throughput', 'completed'), values('throughput', 'failed')], [[3, 0, 2], [1, 0, 0]]);
    assert.deepEqual(texts('throughput'), ['3 completed, 1 failed', 'nothing ended', '2 completed, 0 failed']);
    assert.deepEqual([values('latency', 'p50'), values('latency', 'p95')], [[540, null, 700], [900, null, 1500]]);
    assert.deepEqual(texts('latency'), ['p50 9m, p95 15m', 'no task completed', 'p50 11m40s, p95 25m']);
    assert.deepEqual(values('errors', 'failed'), [0.25, null, 0]);
    assert.deepEqual(texts('errors'), ['25 %: 1 of 4 failed', 'nothing ended', '0 %: 0 of 2 failed']);
    assert.deepEqual(texts('cost'), ['$1.00 for 6 runs', 'nothing ran', '$0.23 for 5 runs']);
    assert.deepEqual(texts('gates'), ['60 %: 3 passed, 2 failed', 'no gate round', '100 %: 2 passed, 0 failed']);
  });

  it('reach from zero to their highest stretch, bars on each other counted together', () => {
    assert.deepEqual(charts().map(({ plot }) => plot?.topLabel), ['4', '25m', '25 %', '$1.00', undefined, '5']);
  });

  it('compare agents by cost, and by runs where nothing has a price', () => {
    assert.deepEqual(chart('agents').shares, [
      { name: 'claude', value: '$1.00', detail: '8 runs', share: 1 },
      { name: 'codex', value: '$0.23', detail: '3 runs', share: 0.2345 },
    ]);
    const unpriced = { ...REPORT, cost: { ...REPORT.cost, by_agent: [share('local', 0, 4, true), share('other', 0, 1, true)] } };
    assert.deepEqual(chart('agents', unpriced).shares.map((one) => [one.value, one.share]), [['unpriced', 1], ['unpriced', 0.25]]);
    const many = { ...REPORT, cost: { ...REPORT.cost, by_agent: Array.from({ length: 8 }, (_, index) => share(`a${index}`, 8 - index, 1)) } };
    assert.deepEqual(chart('agents', many).shares.map(({ name, value }) => [name, value]).slice(3), [['a3', '$5.00'], ['4 more', '$10.00']]);
  });

  it('say what is missing instead of drawing nothing', () => {
    const failed = charts({ ...emptyMetrics(REPORT.until), tasks_failed: 1, error_rate: 1, series: [bucket(0, { failed: 1 })] });
    assert.deepEqual(failed.map(({ empty }) => empty), [
      null,
      'No task completed in the last 24 hours.',
      null,
      'No agent ran in the last 24 hours.',
      'No agent ran in the last 24 hours.',
      'No gate ran in the last 24 hours.',
    ]);
    for (const one of failed.filter(({ empty }) => empty !== null)) assert.deepEqual([one.plot, one.shares, one.value], [null, [], one.id === 'cost' ? '$0.00' : '–']);
    const running = charts({ ...emptyMetrics(REPORT.until), cost: REPORT.cost, series: [bucket(0, { attempts: 1 })] });
    assert.equal(running[0]?.empty, 'No task ended in the last 24 hours.');
  });

  it('wait for their figures, and tell why there are none', () => {
    assert.equal(chartsOf(undefined, undefined, '24h').notice, 'Reading the figures…');
    assert.match(chartsOf(undefined, 'the store is closed', '24h').notice ?? '', /the store is closed/);
    assert.match(chartsOf({ ...emptyMetrics(REPORT.until), series: [bucket(0, {})] }, undefined, '7d').notice ?? '', /^Nothing ran in the last 7 days/);
    assert.match(chartsOf({ ...emptyMetrics(REPORT.until), enabled: false }, undefined, '24h').notice ?? '', /metrics\.enabled/);
    assert.equal(chartsOf({ ...REPORT, enabled: false }, undefined, '24h').notice, null);
  });

  it('ask for hours of a day, quarters of a week’s days and days of a month', () => {
    assert.deepEqual((['24h', '7d', '30d'] as const).map((window) => metricsQuery(window)), [
      { since_seconds: 86_400, max_buckets: 25 },
      { since_seconds: 604_800, max_buckets: 29 },
      { since_seconds: 2_592_000, max_buckets: 31 },
    ]);
  });

  it('give percent with at most one decimal', () => {
    assert.deepEqual([0, 0.1, 0.101, 0.999, 1, 0.0004].map(percent), ['0 %', '10 %', '10.1 %', '99.9 %', '100 %', '0 %']);
  });
});
