/**
 * The loop: event-driven, it starts what may run whenever something happened. The user's wish (running, paused, stopped)
 * is stored, so a reload goes on with what was; nothing runs before the first Start.
 */
import { BatonError, messageOf } from '../core/errors.ts';
import type { DesiredState, LoopView } from '../shared/api.ts';
import type { Lifecycle } from './lifecycle.ts';
import { drive } from './pipeline/drive.ts';
import type { PipelineContext } from './pipeline/context.ts';
import { PullRequestWatch } from './pipeline/pullRequestWatch.ts';
import { needsApproval, parkUnlessApproved } from './pipeline/begin.ts';
import { Run, type AbortReason } from './pipeline/run.ts';
import type { AdoptedSession, Disposable } from './ports.ts';
import { marksOf } from './recovery.ts';
import type { QueuePlan } from '../core/queue.ts';
import { SafetyNet } from './safetyNet.ts';
import { closeDeadRun } from './succession.ts';

/** Between TERM and KILL when the host goes away: VS Code gives its extensions 4 s in all, less than the grace of an ordinary stop. */
const CLOSING_GRACE_MS = 2_000;

/** A look that lasted is followed by a rest so many times as long, for all else that the host has to do; one of a few ms by none. */
const PAUSE_FACTOR = 4;
const SHORTEST_PAUSE_MS = 40;
const LONGEST_PAUSE_MS = 250;

/** Stored under `loop` in the store's meta. */
export interface StoredLoop {
  readonly desired: DesiredState;
  readonly since: string;
  readonly reason: string | null;
  readonly run_id: string;
}

export interface LoopOptions {
  readonly context: PipelineContext;
  readonly stored: StoredLoop | undefined;
  /** The last sign of life that was stored, if it is one. */
  readonly heartbeat: unknown;
  /** See LeaderMark. */
  readonly leader: unknown;
  /** The queue as it is now. */
  readonly plan: () => QueuePlan;
  /** Called when anything that the surfaces show has changed. */
  readonly changed: () => void;
  /** Called when the loop ended because nothing can be stored, which therefore no event says. */
  readonly lost: (reason: string, runId: string) => void;
  /** Stores wishes and serves commands, but starts nothing: a host that is about to let go. */
  readonly passive: boolean;
}

export class Loop {
  readonly #options: LoopOptions;
  readonly #lifecycle: Lifecycle;
  readonly #runs = new Map<string, Run>();
  readonly #ended = new Map<string, Promise<void>>();
  /** Tasks whose run ended in a fault that could not be stored, with the fault; the next Start tries again. */
  readonly #broken = new Map<string, string>();
  /** Tasks whose cancellation is under way. */
  readonly #settling = new Set<string>();
  #stored: StoredLoop | undefined;
  readonly #dead: ReturnType<typeof closeDeadRun>;
  #alarm: Disposable | undefined;
  readonly #safetyNet: SafetyNet;
  #ticking: Promise<void> | undefined;
  #again = false;
  readonly #pullRequests: PullRequestWatch;
  /** Milliseconds that the last look took. */
  #planned = 0;
  /** Until the engine has put in order what an earlier one left, nothing may start: its own commits wake the loop too. */
  #resumed = false;
  #disposed = false;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#lifecycle = options.context.lifecycle;
    this.#pullRequests = new PullRequestWatch(options.context);
    this.#stored = options.stored;
    this.#safetyNet = new SafetyNet(options.context, options.heartbeat);
    // Now: what this engine is about to record is no sign of life of the dead one.
    this.#dead = options.passive ? undefined : closeDeadRun(this.#lifecycle, options.stored, options.leader, this.heartbeat);
  }

  get desired(): DesiredState | undefined {
    return this.#stored?.desired;
  }

  /** The last sign of life of a loop that runs, this one's or that of an earlier leader; epoch ms. */
  get heartbeat(): number | null {
    return this.#safetyNet.heartbeat;
  }

  get runs(): ReadonlyMap<string, Run> {
    return this.#runs;
  }

  /** Why tasks are held whose run broke, by id. */
  get broken(): ReadonlyMap<string, string> {
    return this.#broken;
  }

  get slotsUsed(): number {
    return [...this.#runs.values()].filter((run) => run.usesSlot).length;
  }

  get slots(): number {
    return this.#options.context.config().orchestrator.max_concurrent_tasks;
  }

  /** While false, no new attempt starts; attempts at work finish. */
  get mayStart(): boolean {
    return this.#stored?.desired === 'running' && this.#resumed && !this.#disposed && !this.#options.passive;
  }

  view(): Pick<LoopView, 'desired' | 'state' | 'since' | 'reason' | 'run_id' | 'slots' | 'slots_used'> {
    const stored = this.#stored;
    const state =
      stored === undefined
        ? 'never_started'
        : stored.desired === 'running' || stored.desired === 'paused'
          ? stored.desired
          : this.#runs.size > 0
            ? 'stopping'
            : 'stopped';
    return {
      desired: stored?.desired ?? 'stopped',
      state,
      since: stored?.since ?? this.#lifecycle.now(),
      reason: stored?.reason ?? null,
      run_id: stored?.run_id ?? null,
      slots: this.slots,
      slots_used: this.slotsUsed,
    };
  }

  /** Notes that a leader works here, after closing the run of one that died. */
  async takeOver(): Promise<void> {
    if (this.#options.passive) return;
    const dead = this.#dead;
    if (dead) this.#stored = dead.stored;
    await this.#lifecycle.record(dead?.events ?? [], { leader: this.#lifecycle.now(), ...(dead ? { loop: dead.stored } : {}) });
  }

  /** The leader goes in peace. */
  async handOver(): Promise<void> {
    if (!this.#options.passive) await this.#lifecycle.record([], { leader: undefined });
  }

  /** Goes on with the stored wish, at the start of a leader; and, whatever the wish, with the agents that were found at work. */
  resume(adopted: ReadonlyMap<string, AdoptedSession> = new Map()): void {
    this.#resumed = true;
    for (const [taskId, one] of adopted) this.#start(taskId, one);
    this.#armSafetyNet();
    this.wake();
  }

  /** Rejects with `refused` while the stop-hook file is there. */
  async start(): Promise<void> {
    const hook = this.#options.context.config().orchestrator.stop_hook_file;
    if (await this.#options.context.ports.sources.stopRequested(hook)) {
      throw new BatonError('refused', `The stop-hook file ${hook} is there, so nothing may start.`, { hint: `Remove ${hook}, then start again.` });
    }
    await this.#options.context.accounts.reopenSignIns();
    this.#broken.clear();
    if (this.#stored?.desired === 'running') {
      this.wake();
      return;
    }
    const fresh = this.#stored?.desired !== 'paused';
    await this.#store('running', fresh ? 'orchestrator_started' : 'orchestrator_resumed', null, fresh);
    this.#armSafetyNet();
    this.wake();
  }

  async pause(): Promise<void> {
    if (this.#stored?.desired !== 'running') throw new BatonError('conflict', 'Nothing to pause: Baton is not running.');
    await this.#store('paused', 'orchestrator_paused', null, false);
  }

  /** Running attempts finish, nothing new starts, the loop ends. */
  async stop(reason: string): Promise<void> {
    if (this.#stored === undefined || (this.#stored.desired === 'stopped' && this.#runs.size === 0)) return;
    this.#safetyNet.drop();
    this.#alarm?.dispose();
    await this.#store('stopped', 'orchestrator_stopped', reason, false);
  }

  /** Ends whole process trees; tasks keep their state and resume from it. Resolves when nothing is left. */
  async stopNow(reason: string): Promise<void> {
    try {
      await this.stop(reason);
    } finally {
      // Also when the wish cannot be stored: a full disk must not keep agents at work.
      await this.#abortAll('stop');
    }
  }

  /** Ends one task's run, if there is one, and keeps it from starting again until `settle` has said what becomes of it. */
  async cancel<T>(taskId: string, settle: () => Promise<T>, reason: AbortReason = 'cancel'): Promise<T> {
    this.#settling.add(taskId);
    try {
      this.#runs.get(taskId)?.abort(reason);
      await this.#ended.get(taskId);
      return await settle();
    } finally {
      this.#settling.delete(taskId);
    }
  }

  /** Resolves when the task's run, if there is one, is over. */
  async ended(taskId: string): Promise<void> {
    await this.#ended.get(taskId);
  }

  /** Does `work` while the task is not at work and may not start; false when it is at work, and nothing was done. */
  async aside(taskId: string, work: () => Promise<void>): Promise<boolean> {
    if (this.#runs.has(taskId) || this.#settling.has(taskId)) return false;
    this.#settling.add(taskId);
    try {
      await work();
      return true;
    } finally {
      this.#settling.delete(taskId);
    }
  }

  /** The host goes away: agents that can are left at work, all else ends as interrupted, the stored wish stays. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#pullRequests.dispose();
    this.#safetyNet.drop();
    this.#alarm?.dispose();
    const { clock, log, processes, repository } = this.#options.context.ports;
    const impatience = clock.after(CLOSING_GRACE_MS, () => {
      const attempts = this.#lifecycle.all().flatMap((task) => task.attempts.filter(({ outcome, runner }) => outcome === 'running' && runner));
      processes.sweep(`${repository.key}:`, { keep: attempts.flatMap((attempt) => marksOf(repository.key, attempt)), grace_ms: 0 }).catch((error: unknown) => log.error('What was left running could not be ended', error));
    });
    await this.#abortAll('close');
    impatience.dispose();
    await this.#ticking;
  }

  /** Something happened: look at the queue soon. Wakes that come together are served by one look. */
  wake(): void {
    if (this.#disposed) return;
    if (this.#ticking) {
      this.#again = true;
      return;
    }
    this.#ticking = this.#tickUntilQuiet().finally(() => {
      this.#ticking = undefined;
    });
  }

  async #tickUntilQuiet(): Promise<void> {
    const { clock, log } = this.#options.context.ports;
    for (;;) {
      this.#again = false;
      this.#planned = 0;
      try {
        await this.#tick();
      } catch (error) {
        log.error('The loop stumbled and goes on', error);
      }
      if (!(this.#again as boolean)) break;
      // A look at thousands of tasks takes its time: many changes at once (a file of them was read) get few looks.
      const pause = Math.min(LONGEST_PAUSE_MS, this.#planned * PAUSE_FACTOR);
      if (pause >= SHORTEST_PAUSE_MS && !this.#disposed) await new Promise<void>((resolve) => clock.after(pause, resolve));
    }
    this.#options.changed();
  }

  async #tick(): Promise<void> {
    if (this.#disposed) return;
    // Nothing new, so whatever is wished for: an agent that has its answer finishes, also while the loop pauses or stops.
    for (const run of this.#runs.values()) {
      if (run.wantsSlot && this.#slotsLeft > 0) run.takeSlot();
    }
    if (!this.mayStart) return;
    const { context } = this.#options;
    const hook = context.config().orchestrator.stop_hook_file;
    if (await context.ports.sources.stopRequested(hook)) {
      await this.stop(`the stop-hook file ${hook} is there`);
      return;
    }
    for (const task of this.#lifecycle.all()) {
      if (task.state === 'new' && !this.#runs.has(task.task_id) && needsApproval(context, task)) await parkUnlessApproved(context, task);
    }
    // Made after everything that waits: it knows whether the loop was stopped meanwhile. A host that goes away must not leave a run behind.
    if (this.#disposed as boolean) return;
    const begun = context.ports.clock.now();
    const plan = this.#options.plan();
    this.#planned = context.ports.clock.now() - begun;
    if (await context.budgets.settle(plan)) {
      this.#again = true;
      return;
    }
    // It may have been stopped while that was stored.
    if (!(this.mayStart as boolean)) return;
    let next = earliest(plan.wake_at, context.budgets.wakeAt());
    for (const taskId of plan.start) {
      const due = this.#staggered(taskId);
      if (due !== undefined) next = earliest(next, due);
      else this.#start(taskId);
    }
    this.#armAlarm(next);
  }

  #start(taskId: string, adopted: AdoptedSession | null = null): void {
    const { context } = this.#options;
    if (this.#runs.has(taskId) || this.#ended.has(taskId) || this.#settling.has(taskId) || this.#broken.has(taskId)) return;
    // Gates and merges need no agent, so they wait for no slot: an approved merge is not held up by long tasks.
    const task = this.#lifecycle.get(taskId);
    const needsSlot = task.state !== 'quality_gate';
    const run = new Run(taskId, { startedAt: context.ports.clock.now(), needsSlot, onSlots: () => this.wake(), slotsLeft: () => this.#slotsLeft });
    run.adopted = adopted;
    if (needsSlot) run.reserved = (adopted === null ? context.staffing.nextAgent(task)?.name : task.attempts.at(-1)?.agent) ?? null;
    run.reserved_usd = context.budgets.reserveOf(task);
    this.#runs.set(taskId, run);
    if (needsSlot && adopted === null) context.ports.runners.warm();
    const ended = drive(context, run)
      .finally(() => run.adopted?.session.kill('nothing goes on with it'))
      .catch((error: unknown) => this.#broke(taskId, error))
      .finally(() => {
        this.#runs.delete(taskId);
        this.#ended.delete(taskId);
        // Another task may follow at once, and its agent need not wait for its runner's start.
        if (this.mayStart) context.ports.runners.keep();
        if (this.mayStart) context.ports.gates.keep();
        this.#options.changed();
        this.wake();
      });
    this.#ended.set(taskId, ended);
    this.#options.changed();
  }

  /** Not even the failure could be stored. Starting again at once would only fail again, as fast as the machine can. */
  #broke(taskId: string, error: unknown): void {
    this.#options.context.ports.log.error(`The run of ${taskId} broke`, error);
    this.#broken.set(taskId, messageOf(error));
    if (!this.#stored || !(error instanceof BatonError) || error.kind !== 'store') return;
    this.#stored = { ...this.#stored, desired: 'stopped', since: this.#lifecycle.now(), reason: `nothing can be stored: ${error.message}` };
    this.#safetyNet.drop();
    this.#options.lost(`nothing can be stored: ${error.message}`, this.#stored.run_id);
  }

  /** After a limit, the tasks of an account go on one by one: epoch ms of this one's turn, undefined when it is now. */
  #staggered(taskId: string): number | undefined {
    const { accounts, staffing } = this.#options.context;
    const agent = staffing.nextAgent(this.#lifecycle.get(taskId));
    return agent && accounts.staggered(agent.account);
  }

  get #slotsLeft(): number {
    return this.slots - this.slotsUsed;
  }

  async #abortAll(reason: AbortReason): Promise<void> {
    for (const run of this.#runs.values()) run.abort(reason);
    await Promise.all(this.#ended.values());
  }

  async #store(desired: DesiredState, event: string, reason: string | null, freshRun: boolean): Promise<void> {
    const since = this.#lifecycle.now();
    const stored: StoredLoop = { desired, since, reason, run_id: freshRun ? since : (this.#stored?.run_id ?? since) };
    const before = this.#stored;
    // In force at once: a run that ends while this is being written must not be followed by another.
    this.#stored = stored;
    try {
      await this.#lifecycle.record([{ type: event, data: { reason, run_id: stored.run_id } }], { loop: stored });
    } catch (error) {
      // A Start that failed is none. A stop stands, stored or not.
      if (desired === 'running' && this.#stored === stored) this.#stored = before;
      throw error;
    }
    this.#options.changed();
  }

  #armSafetyNet(): void {
    this.#safetyNet.drop();
    if (!this.mayStart) return;
    this.#safetyNet.arm(() => {
      this.#armSafetyNet();
      this.wake();
      this.#pullRequests.look();
    });
  }

  #armAlarm(next: number | null): void {
    this.#alarm?.dispose();
    if (next === null || this.#disposed) return;
    const { clock } = this.#options.context.ports;
    this.#alarm = clock.after(Math.max(0, next - clock.now()), () => this.wake());
  }
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
