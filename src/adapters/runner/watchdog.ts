/**
 * Notices an agent that hangs: nothing said at the start, silence, or too long in all. It sleeps while a human is asked,
 * since an agent that waits for an answer does not hang, and while the machine sleeps, since nothing can be said then.
 */
import type { AgentLimits, Clock, Disposable } from '../../engine/ports.ts';

export type WatchdogKind = 'start_timeout' | 'silence' | 'time_limit';

/** The timer is looked at this often at least (ms), so that a sleep of the machine is told from time that passed. */
const STEP_MS = 60_000;
/** A timer that comes later than this (ms) was not late: the machine slept, or its clock was put forward. */
const LATE_MS = 30_000;

export class Watchdog {
  readonly #clock: Clock;
  readonly #limits: AgentLimits;
  readonly #onFire: (kind: WatchdogKind, seconds: number) => void;
  #timer: Disposable | undefined;
  #heard = false;
  #lastSign: number;
  /** Awake milliseconds before the current stretch. */
  #spent = 0;
  #awakeSince: number | undefined;
  #sleepers = 0;
  #over = false;
  /** When the timer should come. */
  #due: number;

  constructor(clock: Clock, limits: AgentLimits, onFire: (kind: WatchdogKind, seconds: number) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onFire = onFire;
    this.#lastSign = clock.now();
    this.#awakeSince = clock.now();
    this.#due = clock.now();
    this.#arm();
  }

  /** The agent said something. */
  sign(): void {
    const slept = this.#leaveOutSleep();
    const first = !this.#heard;
    this.#heard = true;
    this.#lastSign = this.#clock.now();
    if (first || slept) this.#arm();
  }

  /** A decision is pending; calls nest. */
  sleep(): void {
    this.#sleepers += 1;
    if (this.#sleepers > 1 || this.#awakeSince === undefined) return;
    this.#leaveOutSleep();
    this.#spent += this.#clock.now() - this.#awakeSince;
    this.#awakeSince = undefined;
    this.#timer?.dispose();
  }

  wake(): void {
    this.#sleepers -= 1;
    if (this.#sleepers > 0 || this.#over) return;
    this.#awakeSince = this.#clock.now();
    this.#lastSign = this.#clock.now();
    this.#arm();
  }

  dispose(): void {
    this.#over = true;
    this.#timer?.dispose();
  }

  #arm(): void {
    this.#timer?.dispose();
    if (this.#over || this.#awakeSince === undefined) return;
    const { kind, left } = this.#next(this.#awakeSince);
    if (left <= 0) {
      this.dispose();
      this.#onFire(kind, kind === 'start_timeout' ? this.#limits.start : kind === 'silence' ? this.#limits.silence : this.#limits.total);
      return;
    }
    // Signs only move a time stamp; the timer looks again when it is due, so a chatty agent costs nothing.
    const step = Math.min(left, STEP_MS);
    this.#due = this.#clock.now() + step;
    this.#timer = this.#clock.after(step, () => {
      this.#leaveOutSleep();
      this.#arm();
    });
  }

  /** Time in which the machine slept counts neither as silence nor into the total; says whether there was such. */
  #leaveOutSleep(): boolean {
    const late = this.#clock.now() - this.#due;
    if (this.#awakeSince === undefined || late <= LATE_MS) return false;
    this.#lastSign += late;
    this.#awakeSince += late;
    return true;
  }

  #next(awakeSince: number): { kind: WatchdogKind; left: number } {
    const now = this.#clock.now();
    const total = this.#limits.total * 1000 - this.#spent - (now - awakeSince);
    const quiet = this.#heard
      ? { kind: 'silence' as const, left: this.#lastSign + this.#limits.silence * 1000 - now }
      : { kind: 'start_timeout' as const, left: this.#lastSign + this.#limits.start * 1000 - now };
    return total <= quiet.left ? { kind: 'time_limit', left: total } : quiet;
  }
}
