import assert from 'node:assert/strict';
import { emptyUsage } from '../../../src/core/execution.ts';
import { HEALTH_CHECKS, type HealthReport } from '../../../src/shared/health.ts';
import type { MetricsQuery } from '../../../src/shared/metrics.ts';
import { cli } from '../../support/cli.ts';
import { documentOf, healthSchema, metricsSchema } from '../../support/cliSchemas.ts';
import { AT, MemoryEngine } from '../../support/memoryEngine.ts';
import { emptyMetrics, healthyReport } from '../../support/reports.ts';

function busy(): { engine: MemoryEngine; asked: MetricsQuery[] } {
  const engine = new MemoryEngine();
  const asked: MetricsQuery[] = [];
  const share = (name: string) => ({ name, attempts: 5, cost_usd: 1.25, unpriced: false, usage: { ...emptyUsage(), input_tokens: 1000, output_tokens: 50, cache_read_tokens: 20 } });
  engine.figures = (query) => {
    asked.push(query);
    return {
      ...emptyMetrics(AT),
      tasks_started: 5,
      tasks_completed: 3,
      tasks_failed: 1,
      throughput_per_hour: 0.125,
      avg_latency_seconds: 192,
      p50_latency_seconds: 4.25,
      p95_latency_seconds: 600,
      error_rate: 0.25,
      retry_success_rate: 0.5,
      human_intervention_rate: 0.05,
      total_cost_usd: 1.25,
      cost: { by_agent: [share('claude')], by_model: [share('sonnet')], by_role: [share('implementer')], by_area: [share('core')] },
      cpu_percent: 34.4,
      memory_mb: { avg: 410.2, peak: 780 },
      series: [{ start: AT, started: 5, completed: 3, failed: 1, attempts: 5, gates_passed: 3, gates_failed: 1, decisions: 0, cost_usd: 1.25, tokens: 1070, p50_latency_seconds: 4.25, p95_latency_seconds: 600, cpu_percent: 34.4, memory_mb: 410.2 }],
    };
  };
  return { engine, asked };
}

describe('baton metrics', () => {
  it('prints the figures as a table (rows 33, 36, 201, 202)', async () => {
    const { stdout, code } = await cli(busy().engine, ['metrics']);
    assert.equal(code, 0);
    const lines = stdout.split('\n').map((line) => line.replace(/ +/g, ' '));
    assert.equal(lines[0], '📈 Metrics of the last 24h');
    for (const line of ['| Tasks completed | 3 |', '| Tasks failed | 1 |', '| Throughput | 0.13 tasks/h |', '| Average latency | 3m12s |', '| Latency p50 | 4.3s |', '| Latency p95 | 10m |', '| Error rate | 25 % |', '| Retry success | 50 % |', '| Human intervention | 5 % |', '| Gates passed at once | – |', '| Cost | $1.25 |', '| CPU | 34 % |', '| Memory | 410 MB, peak 780 MB |']) {
      assert.ok(lines.includes(line), `${line} in\n${lines.join('\n')}`);
    }
    assert.ok(lines.includes('| agent | claude | 5 | 1020 | 50 | $1.25 |'), lines.join('\n'));
  });
  it('looks at 24 hours, or at the minutes, hours or days that --since names (row 34)', async () => {
    const { engine, asked } = busy();
    for (const args of [[], ['--since', '24h'], ['--since', '7d'], ['--since', '30m']]) await cli(engine, ['metrics', ...args]);
    assert.deepEqual(asked.map(({ since_seconds }) => since_seconds), [86_400, 86_400, 604_800, 1800]);
  });
  it('refuses a window that is none, and says how one is written (row 34)', async () => {
    for (const since of ['5x', 'yesterday', '', '0h', '-3h', '24', '1.5h', '7 d', '99999d']) {
      const { code, stderr, stdout } = await cli(busy().engine, ['metrics', `--since=${since}`]);
      assert.deepEqual([code, stdout], [2, ''], since);
      assert.equal(stderr, `baton: "${since}" is no window of time. Use minutes, hours or days up to 3650d, such as --since 30m, --since 24h or --since 7d.\n`);
    }
  });
  it('gives the documented JSON with the series (rows 70, 74)', async () => {
    const document = documentOf(metricsSchema, (await cli(busy().engine, ['metrics', '--since', '7d', '--json'])).stdout);
    assert.deepEqual([document.tasks_completed, document.series[0]?.completed], [3, 3]);
  });
  it('fits a narrow terminal', async () => {
    const { stdout } = await cli(busy().engine, ['metrics'], { columns: 44 });
    assert.ok(stdout.split('\n').every((line) => line.length <= 44), stdout);
  });
  it('says that metrics are turned off (row 88)', async () => {
    const { engine } = busy();
    engine.figures = () => ({ ...emptyMetrics(AT), enabled: false });
    assert.match((await cli(engine, ['metrics'])).stdout, /Metrics are turned off \(metrics\.enabled: false\): nothing new is recorded\./);
  });
});

/** An engine with so many failing checks. */
function ailing(failing: number, status: HealthReport['status']): MemoryEngine {
  const { checks, ...report } = healthyReport(AT);
  const failed = Object.fromEntries(HEALTH_CHECKS.slice(0, failing).map((name) => [name, { ok: false, message: `${name} fails` }]));
  return new MemoryEngine([], { health: { ...report, status, checks: { ...checks, ...failed } } });
}

describe('baton health', () => {
  it('prints the status and every check (row 43)', async () => {
    const { stdout } = await cli(ailing(1, 'degraded'), ['health']);
    assert.deepEqual(stdout.split('\n'), [
      'Health: degraded (1 check fails)',
      '  ❌ scheduler_alive: scheduler_alive fails',
      '  ✅ task_backlog: 2 tasks pending (limit 20)',
      '  ✅ error_rate: 0 of 5 tasks failed in the last 24 h, 0 % (limit 10 %)',
      '  ✅ last_completion: Last completion 4m ago while work is waiting (limit 1h)',
      '',
    ]);
  });
  it('ends with 0 when healthy, 1 when degraded or unknown, 2 when unhealthy (row 43)', async () => {
    const codes = await Promise.all([ailing(0, 'healthy'), ailing(2, 'degraded'), ailing(0, 'unknown'), ailing(3, 'unhealthy')].map(async (engine) => (await cli(engine, ['health'])).code));
    assert.deepEqual(codes, [0, 1, 1, 2]);
  });
  it('ends with 64 on wrong use, since 2 says something about the health', async () => {
    for (const argv of [['health', '--bogus'], ['health', 'extra'], ['health', '--dry-run'], ['--json', 'health', '--bogus']]) {
      assert.equal((await cli(ailing(0, 'healthy'), argv)).code, 64, argv.join(' '));
    }
    assert.equal((await cli(ailing(0, 'healthy'), ['metrics', '--bogus'])).code, 2);
  });
  it('gives the documented JSON, with the exit code of the status (row 44)', async () => {
    const { stdout, code } = await cli(ailing(3, 'unhealthy'), ['health', '--json']);
    const document = documentOf(healthSchema, stdout);
    assert.deepEqual([document.status, document.checks.scheduler_alive.ok, code], ['unhealthy', false, 2]);
  });
  it('says what to do when the loop was never started', async () => {
    assert.match((await cli(ailing(0, 'unknown'), ['health'])).stdout, /^Health: unknown \(the loop was never started: run "baton run", or Start in VS Code\)\n/);
  });
});
