/**
 * When a notification may tell that decisions wait: one for all that came together, none for what is in view, none in quiet hours (what came in
 * them is told when they end), one at a time. The badge and the status bar tell in any case.
 */
import { quietFor, type QuietHours } from '../../core/quietHours.ts';

/** Decisions that come within this time of each other share a notification. */
const BATCH_MS = 3000;
/** VS Code puts a notification that nobody answers into its centre after some seconds and does not say so; by then another may follow. */
const SHOWN_MS = 60_000;
const MINUTE_MS = 60_000;

export interface WaitingDecision {
  readonly id: string;
  /** For example `Approve merge, pricing-fix`. */
  readonly title: string;
  /** The user has it before their eyes. */
  readonly inView: boolean;
}

export type NotificationAnswer = 'show' | 'never' | undefined;

export interface NotifierOptions {
  readonly clock: { now(): number; after(ms: number, callback: () => void): { dispose(): void } };
  /** Every open decision, most pressing first. */
  readonly decisions: () => readonly WaitingDecision[];
  /** False where notifications are turned off, or another window tells. */
  readonly mayTell: () => boolean;
  readonly quietHours: () => QuietHours | undefined;
  /** Minute of the day in the user's time. */
  readonly minuteOfDay: (now: number) => number;
  /** Shows the notification; `only` is the decision where a single one is open. */
  readonly show: (open: number, only: WaitingDecision | undefined) => Promise<NotificationAnswer>;
  readonly answered: (answer: NotificationAnswer) => void;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #told = new Set<string>();
  #waiting: { dispose(): void } | undefined;
  /** It waits for the end of quiet hours. */
  #quiet = false;
  #showing = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  dispose(): void {
    this.#waiting?.dispose();
  }

  /** The decisions may have changed. */
  update(): void {
    const open = this.#options.decisions();
    const ids = new Set(open.map(({ id }) => id));
    for (const id of this.#told) if (!ids.has(id)) this.#told.delete(id);
    if (!open.some(({ id }) => !this.#told.has(id))) return;
    // Quiet hours that were changed or taken away end at once.
    if (this.#quiet && this.#quietMinutes() === 0) {
      this.#waiting?.dispose();
      this.#waiting = undefined;
    }
    this.#lookIn(BATCH_MS);
  }

  #lookIn(ms: number): void {
    this.#waiting ??= this.#options.clock.after(ms, () => {
      this.#waiting = undefined;
      this.#tell();
    });
  }

  #quietMinutes(): number {
    const { clock, quietHours, minuteOfDay } = this.#options;
    const hours = quietHours();
    return hours === undefined ? 0 : quietFor(hours, minuteOfDay(clock.now()));
  }

  #tell(): void {
    const { decisions, mayTell } = this.#options;
    const quiet = this.#quietMinutes();
    this.#quiet = quiet > 0;
    if (quiet > 0) {
      this.#lookIn(quiet * MINUTE_MS);
      return;
    }
    if (this.#showing) return;
    const open = decisions();
    const fresh = open.filter(({ id, inView }) => !this.#told.has(id) && !inView);
    for (const { id } of open) this.#told.add(id);
    const [first] = fresh;
    if (first === undefined || !mayTell()) return;
    this.#show(open.length, fresh.length === 1 && open.length === 1 ? first : undefined);
  }

  #show(open: number, only: WaitingDecision | undefined): void {
    this.#showing = true;
    const gone = (): void => {
      if (!this.#showing) return;
      this.#showing = false;
      timer.dispose();
      this.update();
    };
    const timer = this.#options.clock.after(SHOWN_MS, gone);
    void this.#options.show(open, only).then((answer) => {
      this.#options.answered(answer);
      gone();
    }, gone);
  }
}
