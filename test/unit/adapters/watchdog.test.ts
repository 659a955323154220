import assert from 'node:assert/strict';
import { Watchdog } from '../../../src/adapters/runner/watchdog.ts';
import { FakeClock } from '../../support/fakeClock.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Silence of ten minutes, two hours in all; the agent has begun to speak. */
function watch(): { readonly clock: FakeClock; readonly watchdog: Watchdog; readonly fired: string[] } {
  const clock = new FakeClock();
  const fired: string[] = [];
  const watchdog = new Watchdog(clock, { start: 60, silence: 600, total: 7_200 }, (kind) => fired.push(kind));
  watchdog.sign();
  return { clock, watchdog, fired };
}

describe('a hanging agent', () => {
  it('is noticed by its silence, and by its time in all', async () => {
    const silent = watch();
    await silent.clock.advance(599 * SECOND);
    assert.deepEqual(silent.fired, []);
    await silent.clock.advance(SECOND);
    assert.deepEqual(silent.fired, ['silence']);

    const talks = watch();
    for (let minutes = 0; minutes < 119; minutes += 1) {
      await talks.clock.advance(60 * SECOND);
      talks.watchdog.sign();
    }
    assert.deepEqual(talks.fired, []);
    await talks.clock.advance(60 * SECOND);
    assert.deepEqual(talks.fired, ['time_limit']);
  });

  it('has not been silent while the machine slept', async () => {
    const { clock, watchdog, fired } = watch();
    await clock.advance(550 * SECOND);
    watchdog.sign();
    clock.sleep(8 * HOUR);
    await clock.advance(590 * SECOND);
    assert.deepEqual(fired, []);
    await clock.advance(70 * SECOND);
    assert.deepEqual(fired, ['silence']);
  });

  it('has not worked while the machine slept, though it speaks or asks before the timer comes', async () => {
    const speaks = (one: Watchdog): void => one.sign();
    const asks = (one: Watchdog): void => {
      one.sleep();
      one.wake();
    };
    for (const wake of [speaks, asks]) {
      const { clock, watchdog, fired } = watch();
      await clock.advance(10 * SECOND);
      clock.sleep(8 * HOUR);
      wake(watchdog);
      for (let minutes = 0; minutes < 118; minutes += 1) {
        await clock.advance(60 * SECOND);
        watchdog.sign();
      }
      assert.deepEqual(fired, []);
      await clock.advance(3 * 60 * SECOND);
      assert.deepEqual(fired, ['time_limit']);
    }
  });
});
