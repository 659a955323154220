import type { Clock } from '../../engine/ports.ts';

/** Longest delay that setTimeout takes; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The machine's clock. Its timers never keep the process alive. */
export function createClock(): Clock {
  return {
    now: () => Date.now(),
    after(ms, callback) {
      let timer: NodeJS.Timeout;
      const wait = (left: number): void => {
        const step = Math.min(left, LONGEST_MS);
        timer = setTimeout(() => (left > step ? wait(left - step) : callback()), Math.max(step, 0));
        timer.unref();
      };
      wait(ms);
      return { dispose: () => clearTimeout(timer) };
    },
  };
}
