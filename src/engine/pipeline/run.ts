/** One task at work: what the scheduler, the surfaces and the pipeline share about it while it runs. Nothing here is stored. */
import type { Usage } from '../../core/execution.ts';
import type { RunningFact } from '../../core/queue.ts';
import type { AdoptedSession, AttendedSession, FileChange } from '../ports.ts';

/** `close`: the engine goes away; agents that can do without it go on, everything else is interrupted. */
export type AbortReason = 'stop' | 'cancel' | 'close';

export interface LiveFigures {
  usage: Usage;
  cost_usd: number | null;
  turns: number;
}

export interface Committed {
  readonly sha: string;
  /** What it changes of the task's base; asked for when the commit was made. */
  readonly changes: Promise<FileChange[]>;
}

export interface RunOptions {
  /** Epoch ms. */
  readonly startedAt: number;
  /** False for a run that begins with gates or a merge. */
  readonly needsSlot: boolean;
  /** Told whenever this run frees or wants a slot. */
  readonly onSlots: () => void;
  /** Slots that nobody uses; negative while more are used than there are. */
  readonly slotsLeft: () => number;
}

export class Run {
  readonly taskId: string;
  readonly startedAt: number;
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
  /** Whom it was started for, until that one's turn begins: a less urgent task must not be started for an agent at its cap meanwhile. */
  reserved: string | null = null;
  /** The commit that the phase before made of everything in the worktree, for the phase that follows at once: it need not look again. */
  committed: Committed | null = null;
  /** Dollars set aside for the attempt that it is about to make or makes; 0 once that is settled. */
  reserved_usd = 0;
  readonly #controller = new AbortController();
  readonly #options: RunOptions;
  readonly #waiting: (() => void)[] = [];
  #pending = 0;
  readonly #hasSlot: boolean;

  constructor(taskId: string, options: RunOptions) {
    this.taskId = taskId;
    this.startedAt = options.startedAt;
    this.#hasSlot = options.needsSlot;
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
    return this.#hasSlot && !this.suspended;
  }

  /** Whether an agent may start in the run's slot; without one, or where there are fewer than are used, the task queues up first. */
  get mayStartAgent(): boolean {
    return this.usesSlot && this.#options.slotsLeft() >= 0;
  }

  /** No agent is needed from here on: it is free for other tasks. The slot stays, lest gates pile up behind agents that are quicker. */
  leaveAgent(): void {
    if (this.agent === null) return;
    this.agent = null;
    this.#options.onSlots();
  }

  /** A human is needed before the agent can go on. */
  suspend(): void {
    this.#pending += 1;
    this.#options.onSlots();
  }

  /** The human has answered: resolves when the run has a slot again (or is aborted). */
  async resume(): Promise<void> {
    // Looked at before: from the last answer on, the run itself counts among those who use one.
    const free = this.#options.slotsLeft() > 0;
    this.#pending -= 1;
    if (this.#pending > 0 || this.signal.aborted) return;
    const slot = free ? undefined : new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#options.onSlots();
    await slot;
  }

  /** The agent no longer waits for one of its answers: it is at work whether there is a slot or not. */
  goOn(): void {
    this.#pending -= 1;
    this.#options.onSlots();
  }

  /** The agent is gone: nobody waits for an answer or a slot any more. */
  stopWaiting(): void {
    this.#pending = 0;
    this.takeSlot();
    this.#options.onSlots();
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
  return { agent: run.agent, reserved: run.reserved, since: run.startedAt, activity: run.activity, waits_for_human: run.suspended, uses_slot: run.usesSlot };
}
