/** `--watch`: the same answer again whenever something changed and after every interval, until Ctrl-C. */
import { InvalidArgumentError, type Command } from 'commander';
import { BatonError } from '../core/errors.ts';
import type { Disposable } from '../engine/ports.ts';
import type { Session } from '../host/session.ts';
import type { Snapshot } from '../shared/api.ts';
import { LOOK, usage, type Context, type Outcome } from './context.ts';
import { FullScreen } from './fullScreen.ts';

/** What a picture of the repository looks like. */
export interface Shown {
  readonly document: unknown;
  /** Lines that fit the terminal's width. */
  readonly lines: readonly string[];
}
/** `fit`: the picture fills a terminal of so many rows and no more. */
export type Show = (snapshot: Snapshot, session: Session, fit: boolean) => Shown | Promise<Shown>;

interface WatchOptions {
  watch?: true;
  /** Seconds. */
  interval?: number;
}

export function watchable(command: Command): Command {
  return command
    .option('--watch', 'show it again whenever something changes, until Ctrl-C')
    .option('--interval <seconds>', 'with --watch: the longest time between two pictures (dashboard.refresh_interval unless given)', secondsOf);
}

function secondsOf(value: string): number {
  const seconds = Number(value);
  if (!(seconds >= 0.1) || seconds > 86_400) throw new InvalidArgumentError(`"${value}" is no number of seconds from 0.1 to 86400.`);
  return seconds;
}

/** Shows it once, or with `--watch` until Ctrl-C. */
export async function showOrWatch(context: Context, command: Command, show: Show): Promise<Outcome> {
  const { watch, interval } = command.opts<WatchOptions>();
  if (watch === true) {
    await new Watch(context, interval, show).run();
    return { document: undefined, lines: [] };
  }
  if (interval !== undefined) throw usage('--interval is for --watch: how often it shows the picture again.');
  return context.use(LOOK, async (session) => show(await session.api.snapshot(), session, false));
}

/** Passing states of a leader that comes or goes: the next look finds who leads then. */
const PASSING = ['leader_busy', 'leader_gone'];

class Watch {
  readonly #context: Context;
  readonly #interval: number | undefined;
  readonly #show: Show;
  readonly #screen: FullScreen | undefined;
  #seen = false;
  #over = false;
  #end: () => void = () => undefined;
  readonly #ended: Promise<void>;
  /** Pictures are drawn one after another, the latest last. */
  #drawing: Promise<void> = Promise.resolve();
  #latest: { readonly snapshot: Snapshot; readonly session: Session } | undefined;

  constructor(context: Context, interval: number | undefined, show: Show) {
    this.#context = context;
    this.#interval = interval;
    this.#show = show;
    this.#screen = context.io.isTTY && !context.json ? new FullScreen(context.io) : undefined;
    this.#ended = new Promise((resolve) => {
      this.#end = () => {
        this.#over = true;
        resolve();
      };
    });
  }

  async run(): Promise<void> {
    const { io } = this.#context;
    const owned = [io.onSignal(() => this.#end()), io.onResize(() => this.#redrawLater())];
    try {
      while (!this.#over) {
        try {
          await this.#look();
        } catch (error) {
          if (!this.#seen || !(error instanceof BatonError) || !PASSING.includes(error.kind)) throw error;
        }
        await this.#rest();
      }
    } finally {
      for (const one of owned) one.dispose();
      this.#screen?.end();
    }
  }

  /**
   * One picture where nobody leads: the lead is let go in between, so that whoever wants to work can have it. Where somebody
   * leads, pictures until that one goes.
   */
  #look(): Promise<void> {
    return this.#context.use(LOOK, async (session) => {
      const { api } = session;
      const live = new AbortController();
      const owned: Disposable[] = [];
      const goesOn = (): boolean => session.role === 'client' && !live.signal.aborted && !this.#over;
      if (session.role === 'client' && this.#screen !== undefined) owned.push(api.onSnapshot((snapshot) => this.#redrawLater(snapshot, session)));
      owned.push(session.onRoleChange(() => live.abort()));
      try {
        await this.#draw(await api.snapshot(), session);
        while (goesOn()) {
          await this.#rest(live.signal);
          if (goesOn()) await this.#draw(await api.snapshot(), session);
        }
      } finally {
        for (const one of owned) one.dispose();
      }
    });
  }

  #isOver(): boolean {
    return this.#over;
  }

  #draw(snapshot: Snapshot, session: Session): Promise<void> {
    this.#latest = { snapshot, session };
    return this.#redraw();
  }

  /** For pictures that nobody waits for: what goes wrong with them shows again in the next one that is waited for. */
  #redrawLater(snapshot?: Snapshot, session?: Session): void {
    const drawn = snapshot !== undefined && session !== undefined ? this.#draw(snapshot, session) : this.#redraw();
    drawn.catch(() => undefined);
  }

  #redraw(): Promise<void> {
    this.#drawing = this.#drawing.catch(() => undefined).then(async () => {
      const latest = this.#latest;
      if (latest === undefined || this.#over) return;
      const { document, lines } = await this.#show(latest.snapshot, latest.session, this.#screen !== undefined);
      if (this.#isOver()) return;
      const { io, json } = this.#context;
      if (json) io.stdout.write(`${JSON.stringify(document)}\n`);
      else if (this.#screen !== undefined) this.#screen.draw(lines);
      else io.stdout.write(`${this.#seen ? '\n' : ''}${lines.join('\n')}\n`);
      this.#seen = true;
    });
    return this.#drawing;
  }

  /** Waits for the interval, the end, or the signal. */
  async #rest(until?: AbortSignal): Promise<void> {
    const seconds = this.#interval ?? this.#latest?.snapshot.dashboard.refresh_interval ?? 5;
    let timer: Disposable | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = this.#context.deps.clock.after(seconds * 1000, resolve);
    });
    const called = new Promise<void>((resolve) => until?.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([passed, this.#ended, called]);
    timer?.dispose();
  }
}
