/** One task at work: what the scheduler, the surfaces and the pipeline share about it while it runs. Nothing here is stored. */
import type { Usage } from '../../core/execution.ts';
import type { RunningFact } from '../../core/queue.ts';
import type { AdoptedSession, AttendedSession } from '../ports.ts';

/** `close`: the engine goes away; agents that can do without it go on, everything else is interrupted. */
export type AbortReason = 'stop' | 'cancel' | 'close';

export interface LiveFigures {
  usage: Usage;
  cost_usd: number | null;
  turns: number;
}

export interface RunOptions {
  /** Epoch ms. */
  readonly startedAt: number;
  readonly needsSlot: boolean;
  /** Told whenever this run frees or wants a slot. */
  readonly onSlots: () => void;
  /** Whether a slot can be had. */
  readonly slotFree: () => boolean;
}

export class Run {
  readonly taskId: string;
  readonly startedAt: number;
  /** False for a run that began with gates or a merge: before an agent starts, the task queues up for a slot. */
  readonly needsSlot: boolean;
  /** What happens right now, for people: "running gate test". */
  activity = 'starting';
  lastLine: string | null = null;
  live: LiveFigures | null = null;
  session: AttendedSession | null = null;
  /** The agent of the task's last attempt, which outlived the engine that started it, until a phase goes on with it. */
  adopted: AdoptedSession | null = null;
  /** The agent was left at work for a later engine: nothing of its attempt may be stored any more. */
  left = false;
  attemptId: string | null = null;
  agent: string | null = null;
  /** Dollars set aside for the attempt that it is about to make or makes; 0 once that is settled. */
  reserved_usd = 0;
  readonly #controller = new AbortController();
  readonly #options: RunOptions;
  readonly #waiting: (() => void)[] = [];
  #pending = 0;

  constructor(taskId: string, options: RunOptions) {
    this.taskId = taskId;
    this.startedAt = options.startedAt;
    this.needsSlot = options.needsSlot;
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get aborted(): AbortReason | undefined {
    return this.signal.aborted ? (this.signal.reason as AbortReason) : undefined;
  }

  /** Ended by a stop or the engine's end, which is nobody's failure. */
  get interrupted(): boolean {
    return this.aborted === 'stop' || this.aborted === 'close';
  }

  /** Ends the run as soon as its processes are gone; the first reason stands. */
  abort(reason: AbortReason): void {
    this.#controller.abort(reason);
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** True while the run waits for a human with its agent alive: its slot is free for others. */
  get suspended(): boolean {
    return this.#pending > 0 || this.#waiting.length > 0;
  }

  get usesSlot(): boolean {
    return this.needsSlot && !this.suspended;
  }

  /** A human is needed before the agent can go on. */
  suspend(): void {
    this.#pending += 1;
    this.#options.onSlots();
  }

  /** The human has answered: resolves when the run has a slot again (or is aborted). */
  async resume(): Promise<void> {
    this.#pending -= 1;
    if (this.#pending > 0 || this.signal.aborted) return;
    if (this.#options.slotFree()) {
      this.#options.onSlots();
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Called by the scheduler when a slot came free; true when this run took it. */
  takeSlot(): boolean {
    const waiting = this.#waiting.splice(0);
    for (const resume of waiting) resume();
    return waiting.length > 0;
  }

  get wantsSlot(): boolean {
    return this.#waiting.length > 0;
  }
}

/** What the queue's plan needs to know of a run. */
export function runningFact(run: Run): RunningFact {
  return { agent: run.agent, since: run.startedAt, activity: run.activity, waits_for_human: run.suspended, uses_slot: run.usesSlot };
}
