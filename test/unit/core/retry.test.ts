import assert from 'node:assert/strict';
import fc from 'fast-check';
import { classifyError } from '../../../src/core/classify.ts';
import { configSchema, defaultConfig } from '../../../src/core/config/schema.ts';
import { afterFailure, callDelay, executeWithRetry, retryDelay, retryOnFailure, retryPolicy, type FailedAttempt, type RetryRecord } from '../../../src/core/retry.ts';
import { FakeClock } from '../../support/fakeClock.ts';

class HttpError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`answered ${status}`);
    this.status = status;
  }
}

/** Fails with the given errors in turn, then succeeds; notes when it was called. */
function flaky(clock: FakeClock, ...errors: Error[]): { fn: () => Promise<string>; calledAt: number[] } {
  const calledAt: number[] = [];
  return {
    calledAt,
    fn: () => {
      calledAt.push(clock.now());
      const index = calledAt.length - 1;
      return errors[index] ? Promise.reject(errors[index]) : Promise.resolve('ok');
    },
  };
}
const times = (n: number, error: Error): Error[] => Array.from({ length: n }, () => error);

describe('A call that is retried', () => {
  it('waits 1, 2, 4, 8 … seconds by default, 60 at most (row 136)', async () => {
    const clock = new FakeClock();
    const call = flaky(clock, ...times(8, new HttpError(503)));
    assert.equal(await clock.run(executeWithRetry(call.fn, { clock, maxAttempts: 9 })), 'ok');
    const gaps = call.calledAt.slice(1).map((at, i) => (at - (call.calledAt[i] ?? 0)) / 1000);
    assert.deepEqual(gaps, [1, 2, 4, 8, 16, 32, 60, 60]);
  });
  it('waits not at all with strategy immediate (row 135)', async () => {
    const clock = new FakeClock();
    const call = flaky(clock, ...times(2, new HttpError(503)));
    assert.equal(await clock.run(executeWithRetry(call.fn, { clock, strategy: 'immediate' })), 'ok');
    assert.deepEqual(call.calledAt, [0, 0, 0]);
  });
  it('waits the same each time with strategy fixed_delay (row 137)', async () => {
    const clock = new FakeClock();
    const call = flaky(clock, ...times(3, new HttpError(500)));
    await clock.run(executeWithRetry(call.fn, { clock, strategy: 'fixed_delay', delayMs: 250, maxAttempts: 4 }));
    assert.deepEqual(call.calledAt, [0, 250, 500, 750]);
  });
  it('honours attempts, first delay, multiplier and cap (row 138)', async () => {
    const clock = new FakeClock();
    const call = flaky(clock, ...times(9, new HttpError(500)));
    await assert.rejects(clock.run(executeWithRetry(call.fn, { clock, maxAttempts: 5, delayMs: 10, multiplier: 3, maxDelayMs: 100 })), HttpError);
    assert.deepEqual(call.calledAt, [0, 10, 40, 130, 230]);
  });
  it('gives each attempt its own time limit and aborts it (row 138)', async () => {
    const clock = new FakeClock();
    const aborted: string[] = [];
    const startedAt: number[] = [];
    const hangs = ({ signal }: { signal: AbortSignal }): Promise<string> => {
      startedAt.push(clock.now());
      return new Promise(() => signal.addEventListener('abort', () => aborted.push((signal.reason as Error).message)));
    };
    await assert.rejects(clock.run(executeWithRetry(hangs, { clock, timeoutMs: 5000, maxAttempts: 2 })), { name: 'TimeoutError' });
    assert.deepEqual(startedAt, [0, 6000]);
    assert.deepEqual(aborted, ['No answer within 5s.', 'No answer within 5s.']);
    assert.equal(clock.pending, 0);
  });
  it('takes three attempts by default and rejects with the last error itself', async () => {
    const clock = new FakeClock();
    const last = new HttpError(502);
    const call = flaky(clock, new HttpError(500), new HttpError(501), last);
    await assert.rejects(clock.run(executeWithRetry(call.fn, { clock })), (error) => error === last);
    assert.equal(call.calledAt.length, 3);
  });
  for (const status of [400, 401, 403, 404, 422]) {
    it(`makes one attempt only after HTTP ${status} (row 139)`, async () => {
      const clock = new FakeClock();
      const call = flaky(clock, new HttpError(status));
      await assert.rejects(clock.run(executeWithRetry(call.fn, { clock })), HttpError);
      assert.equal(call.calledAt.length, 1);
    });
  }
  for (const status of [408, 425, 429, 500, 503, 529]) {
    it(`tries again after HTTP ${status} (row 140)`, async () => {
      const clock = new FakeClock();
      const call = flaky(clock, ...times(2, new HttpError(status)));
      assert.equal(await clock.run(executeWithRetry(call.fn, { clock })), 'ok');
      assert.equal(call.calledAt.length, 3);
    });
  }
  it('retries an unknown error once, or as often as told', async () => {
    const clock = new FakeClock();
    const call = flaky(clock, ...times(5, new Error('odd')));
    await assert.rejects(clock.run(executeWithRetry(call.fn, { clock, maxAttempts: 5 })), /odd/);
    assert.equal(call.calledAt.length, 2);
    const patient = flaky(clock, ...times(2, new Error('odd')));
    assert.equal(await clock.run(executeWithRetry(patient.fn, { clock, unknownRetries: 2 })), 'ok');
  });
  it('logs each attempt with task and step, also when the log fails (row 141)', async () => {
    const clock = new FakeClock();
    const records: RetryRecord[] = [];
    const call = flaky(clock, new HttpError(503));
    const log = (record: RetryRecord): void => {
      records.push(record);
      throw new Error('the disk is full');
    };
    await clock.run(executeWithRetry(call.fn, { clock, log }, { operation: 'webhook', task_id: 'RAE-001', step_id: 'S2' }));
    assert.deepEqual(
      records.map((r) => [r.operation, r.task_id, r.step_id, r.attempt, r.max_attempts, r.outcome, r.delay_ms, r.error?.kind]),
      [
        ['webhook', 'RAE-001', 'S2', 1, 3, 'failed', 1000, 'server_error'],
        ['webhook', 'RAE-001', 'S2', 2, 3, 'succeeded', null, undefined],
      ],
    );
  });
  it('returns what the function returns, with its arguments, as a wrapper too (rows 142, 143)', async () => {
    const clock = new FakeClock();
    let calls = 0;
    const add = retryOnFailure(
      (a: number, b: number) => {
        calls += 1;
        if (calls < 3) throw new HttpError(429);
        return a + b;
      },
      { clock, maxAttempts: 3 },
    );
    assert.equal(await clock.run(add(2, 3)), 5);
    assert.equal(calls, 3);
  });
  it('stops waiting when it is given up, and starts nothing more', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const call = flaky(clock, ...times(3, new HttpError(503)));
    const running = executeWithRetry(call.fn, { clock, signal: controller.signal });
    clock.after(500, () => controller.abort(new Error('window closed')));
    await assert.rejects(clock.run(running), /window closed/);
    assert.equal(call.calledAt.length, 1);
    assert.equal(clock.pending, 0);
  });
  it('does not retry an attempt that fails because the call was given up', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    let calls = 0;
    const running = executeWithRetry(
      () => {
        calls += 1;
        return new Promise<never>(() => undefined);
      },
      { clock, signal: controller.signal },
    );
    clock.after(10, () => controller.abort(new HttpError(503)));
    await assert.rejects(clock.run(running), HttpError);
    assert.equal(calls, 1);
  });
  it('shortens each wait by at most the share left to jitter (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, jitter, chance) => {
        const full = callDelay(attempt, {});
        const delay = callDelay(attempt, { jitter, random: () => chance });
        assert.ok(delay <= full && delay >= Math.floor(full * (1 - jitter)));
      }),
    );
  });
});

describe('The retry policy of tasks', () => {
  const subject = { area: 'api', errorKind: 'timeout' };
  it('waits 60, 120, 240, 480 … seconds, 3600 at most (row 68)', () => {
    const config = configSchema.parse({ retry: { max_attempts: 10 } });
    const delays = Array.from({ length: 10 }, (_, i) => retryDelay(config, subject, i + 1));
    assert.deepEqual(delays, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, undefined]);
  });
  it('allows exactly five attempts by default (rows 8, 84)', () => {
    let attempts = 1;
    while (retryDelay(defaultConfig(), subject, attempts) !== undefined) attempts += 1;
    assert.equal(attempts, 5);
  });
  it('honours every key (rows 84–87)', () => {
    const config = configSchema.parse({ retry: { max_attempts: 4, initial_backoff: 10, backoff_multiplier: 3, max_backoff: 50 } });
    assert.deepEqual([1, 2, 3, 4].map((n) => retryDelay(config, subject, n)), [10, 30, 50, undefined]);
  });
  it('is overridden by area and by kind of error, the latter wins (row 57)', () => {
    const config = configSchema.parse({
      retry: { by_area: { docs: { max_attempts: 2 }, api: { initial_backoff: 5, max_backoff: 7 } }, by_error: { rate_limit: { initial_backoff: 600, max_attempts: 9 } } },
    });
    assert.equal(retryDelay(config, { area: 'docs', errorKind: 'timeout' }, 2), undefined);
    assert.deepEqual([1, 2].map((n) => retryDelay(config, subject, n)), [5, 7]);
    assert.deepEqual([1, 8].map((n) => retryDelay(config, { area: 'docs', errorKind: 'rate_limit_error' }, n)), [600, 3600]);
    assert.deepEqual(retryPolicy(config, { area: 'api', errorKind: 'rate_limit' }), { max_attempts: 9, initial_backoff: 600, backoff_multiplier: 2, max_backoff: 7 });
    assert.deepEqual(retryPolicy(config, { area: 'unknown', errorKind: 'silence' }), { max_attempts: 5, initial_backoff: 60, backoff_multiplier: 2, max_backoff: 3600 });
  });

  describe('decides what follows a failure (row 144)', () => {
    const failed = (kind: string, over: Partial<FailedAttempt> = {}): FailedAttempt => ({
      area: 'api',
      workflow: 'direct',
      role: 'implementer',
      error: classifyError({ kind }),
      attempt: 1,
      unknown: 0,
      ...over,
    });
    const after = (one: FailedAttempt) => afterFailure(defaultConfig(), one);
    it('an error that is never retried fails the task at once, in both workflows', () => {
      for (const workflow of ['direct', 'reviewed'] as const) {
        const next = after(failed('authentication_failed', { workflow }));
        assert.equal(next.then, 'fail');
        assert.match(next.reason, /authentication is never retried/);
      }
    });
    it('a transient error is retried with its wait', () => {
      const next = after(failed('timeout', { attempt: 3 }));
      assert.deepEqual(next, { then: 'retry', delay_seconds: 240, max_attempts: 5, reason: 'timeout (kind timeout), next attempt in 4m' });
    });
    it('used-up retries fail a direct task and ask a human about a reviewed one', () => {
      assert.equal(after(failed('timeout', { attempt: 5 })).then, 'fail');
      assert.equal(after(failed('timeout', { attempt: 5, workflow: 'reviewed' })).then, 'human');
    });
    it('planning that fails after retries asks a human', () => {
      assert.equal(after(failed('overloaded', { attempt: 5, role: 'planner' })).then, 'human');
    });
    it('an unknown error is retried once, then asks a human, in both workflows', () => {
      for (const workflow of ['direct', 'reviewed'] as const) {
        assert.equal(after(failed('odd', { workflow, unknown: 1 })).then, 'retry');
        assert.equal(after(failed('odd', { workflow, attempt: 2, unknown: 2 })).then, 'human');
        assert.equal(after(failed('odd', { workflow, attempt: 5, unknown: 1 })).then, 'human');
      }
    });
  });
});
