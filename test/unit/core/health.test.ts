import assert from 'node:assert/strict';
import { configSchema, defaultConfig } from '../../../src/core/config/schema.ts';
import { judgeHealth, type HealthFacts } from '../../../src/core/health.ts';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const ago = (seconds: number): number => NOW - seconds * 1000;

/** A loop that runs, with nothing to complain of. */
function facts(over: Partial<HealthFacts> = {}): HealthFacts {
  return { now: NOW, desired: 'running', heartbeat: ago(5), pending: 0, waiting_since: null, completed_24h: 0, failed_24h: 0, last_completion: null, ...over };
}
const judge = (over: Partial<HealthFacts>, config = defaultConfig()) => judgeHealth(facts(over), config);

describe('Health (row 45)', () => {
  describe('of the loop', () => {
    it('fails when the last sign of life is as old as three looks of the safety net (row 38)', () => {
      assert.equal(judge({ heartbeat: ago(89.999) }).checks.scheduler_alive.ok, true);
      assert.deepEqual(judge({ heartbeat: ago(90) }).checks.scheduler_alive, { ok: false, message: 'Last sign of life of the loop 1m30s ago (limit 1m30s)' });
    });
    it('gives 90 s at least, and more where the safety net looks seldom', () => {
      const quick = configSchema.parse({ orchestrator: { poll_interval: 1 } });
      assert.equal(judge({ heartbeat: ago(89) }, quick).checks.scheduler_alive.ok, true);
      const slow = configSchema.parse({ orchestrator: { poll_interval: 100 } });
      assert.equal(judge({ heartbeat: ago(299) }, slow).checks.scheduler_alive.ok, true);
      assert.equal(judge({ heartbeat: ago(300) }, slow).checks.scheduler_alive.ok, false);
    });
    it('fails when the loop should run and no sign of life is known (row 38)', () => {
      assert.equal(judge({ heartbeat: null }).checks.scheduler_alive.ok, false);
    });
    it('expects no sign of life of a loop that the user paused or stopped', () => {
      for (const desired of ['paused', 'stopped'] as const) assert.equal(judge({ desired, heartbeat: ago(100_000) }).checks.scheduler_alive.ok, true);
    });
    it('does not take a clock that was set back for a dead loop', () => {
      assert.equal(judge({ heartbeat: ago(-3600) }).checks.scheduler_alive.ok, true);
    });
  });

  it('finds 20 pending tasks fine and 21 too many (row 39)', () => {
    assert.deepEqual(judge({ pending: 20 }).checks.task_backlog, { ok: true, message: '20 tasks pending (limit 20)' });
    assert.deepEqual(judge({ pending: 21 }).checks.task_backlog, { ok: false, message: '21 tasks pending (limit 20)' });
  });
  it('finds 10 % failures fine and 10.1 % too many (row 40)', () => {
    assert.equal(judge({ completed_24h: 9, failed_24h: 1 }).checks.error_rate.ok, true);
    assert.deepEqual(judge({ completed_24h: 899, failed_24h: 101 }).checks.error_rate, { ok: false, message: '101 of 1000 tasks failed in the last 24 h, 10.1 % (limit 10 %)' });
  });
  it('has no error rate where no task ended', () => {
    assert.deepEqual(judge({}).checks.error_rate, { ok: true, message: 'No task ended in the last 24 h (limit 10 %)' });
  });
  it('finds 3600 s since the last completion fine and 3601 s too long while work is waiting (row 41)', () => {
    const waiting = { pending: 1, waiting_since: ago(9000) };
    assert.equal(judge({ ...waiting, last_completion: ago(3600) }).checks.last_completion.ok, true);
    assert.deepEqual(judge({ ...waiting, last_completion: ago(3601) }).checks.last_completion, { ok: false, message: 'Last completion 1h ago while work is waiting (limit 1h)' });
  });
  it('does not mind how long ago the last completion was while no work is waiting', () => {
    assert.equal(judge({ last_completion: ago(90_000) }).checks.last_completion.ok, true);
  });
  it('counts from when the work was queued where that is later than the last completion', () => {
    assert.equal(judge({ pending: 1, waiting_since: ago(60), last_completion: ago(90_000) }).checks.last_completion.ok, true);
    assert.equal(judge({ pending: 1, waiting_since: ago(3601), last_completion: null }).checks.last_completion.ok, false);
  });
  it('honours the configured thresholds (rows 37, 91, 92, 93)', () => {
    const config = configSchema.parse({ health_check: { max_backlog: 2, max_error_rate: 0.5, max_idle_time: 10 } });
    const checks = (over: Partial<HealthFacts>) => Object.values(judge(over, config).checks).map((check) => check.ok);
    assert.deepEqual(checks({ pending: 2, completed_24h: 1, failed_24h: 1, waiting_since: ago(10) }), [true, true, true, true]);
    assert.deepEqual(checks({ pending: 3, completed_24h: 1, failed_24h: 2, waiting_since: ago(11) }), [true, false, false, false]);
  });

  it('is healthy with no failing check, degraded with one or two, unhealthy with three or more (row 42)', () => {
    const backlog = { pending: 21 };
    const errors = { failed_24h: 1 };
    const idle = { waiting_since: ago(4000) };
    const dead = { heartbeat: null };
    const status = (...failing: Partial<HealthFacts>[]) => judge(Object.assign({}, ...failing) as Partial<HealthFacts>).status;
    assert.equal(status(), 'healthy');
    assert.equal(status(backlog), 'degraded');
    assert.equal(status(backlog, errors), 'degraded');
    assert.equal(status(backlog, errors, idle), 'unhealthy');
    assert.equal(status(backlog, errors, idle, dead), 'unhealthy');
  });
  it('is unknown before the first start, whatever is queued', () => {
    assert.equal(judge({ desired: null, pending: 100 }).status, 'unknown');
  });
});
