/** When a view that costs something is drawn: at once after a change but at most four times a second, and as time passes. */
import type { Clock, Disposable } from '../../engine/ports.ts';

/** Least time between two drawings after changes, in ms. */
export const SHORTEST_MS = 250;

export class Pace {
  readonly #clock: Clock;
  readonly #draw: () => void;
  readonly #interval: () => number;
  #on = false;
  #last = Number.NEGATIVE_INFINITY;
  #timer: Disposable | undefined;

  /** `interval`: milliseconds after which it is drawn again though nothing changed. */
  constructor(clock: Clock, draw: () => void, interval: () => number) {
    this.#clock = clock;
    this.#draw = draw;
    this.#interval = interval;
  }

  /** Draws now and goes on until `stop`. */
  start(): void {
    this.#on = true;
    this.now();
  }

  stop(): void {
    this.#on = false;
    this.#timer?.dispose();
  }

  /** Something changed. */
  soon(): void {
    this.#arm(SHORTEST_MS);
  }

  /** Somebody waits for it. */
  now(): void {
    if (!this.#on) return;
    this.#last = this.#clock.now();
    this.#arm(this.#interval());
    this.#draw();
  }

  #arm(wait: number): void {
    if (!this.#on) return;
    this.#timer?.dispose();
    this.#timer = this.#clock.after(Math.max(0, this.#last + wait - this.#clock.now()), () => this.now());
  }
}
