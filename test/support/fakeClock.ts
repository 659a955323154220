/** A clock that tests move by hand, or that jumps from timer to timer until a promise settles. */
export class FakeClock {
  private time: number;
  private readonly timers = new Set<{ at: number; callback: () => void }>();

  constructor(start = 0) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  get pending(): number {
    return this.timers.size;
  }

  after(ms: number, callback: () => void): { dispose(): void } {
    const timer = { at: this.time + ms, callback };
    this.timers.add(timer);
    return { dispose: () => void this.timers.delete(timer) };
  }

  /** Lets `ms` pass; timers fire in order, and what they start may set further ones. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (let next = this.next(); next && next.at <= end; next = this.next()) await this.fire(next);
    this.time = end;
  }

  /** The machine sleeps: time passes, and its timers stand still meanwhile. */
  sleep(ms: number): void {
    this.time += ms;
    for (const timer of this.timers) timer.at += ms;
  }

  /** Jumps from timer to timer until the promise settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false };
    const done = (): void => {
      state.settled = true;
    };
    promise.then(done, done);
    for (;;) {
      await settle();
      const next = this.next();
      if (state.settled || !next) return promise;
      await this.fire(next);
    }
  }

  private next(): { at: number; callback: () => void } | undefined {
    return [...this.timers].sort((a, b) => a.at - b.at)[0];
  }

  private async fire(timer: { at: number; callback: () => void }): Promise<void> {
    this.timers.delete(timer);
    this.time = Math.max(this.time, timer.at);
    timer.callback();
    await settle();
  }
}

/** All promise reactions that are due have run when a macrotask comes round. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Looks whether the condition holds after another second: what is set to go off at once, while real work was being waited for, does so. */
export async function passing(clock: FakeClock, condition: () => Promise<boolean>): Promise<boolean> {
  await clock.advance(1000);
  return condition();
}
