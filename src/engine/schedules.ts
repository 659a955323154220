/**
 * Queues tasks by schedule: one for each time at which a schedule was due, and one only for all the times that passed while nobody was there (the
 * machine slept, Baton was closed). What was due last is stored; a task's id holds the time, so that a crash between cannot queue it twice.
 */
import { BatonError, messageOf, type Problem } from '../core/errors.ts';
import type { Schedule } from '../core/scheduleSchema.ts';
import { givenValues, taskFromTemplate } from '../core/taskTemplate.ts';
import type { NewTask } from '../core/task.ts';
import type { ScheduleView } from '../shared/api.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Disposable, Ports, SourcedSchedule } from './ports.ts';

/** The timers of a machine that sleeps stand still, so the clock is looked at this often as long as there are schedules. */
const LOOK_MS = 60_000;

/** Stored under `schedules` in the store's meta, by the schedule's name. */
interface Seen {
  /** When it is due, as written; a schedule that was changed begins anew. */
  readonly rule: string;
  /** The last time it was due (or was first seen), epoch ms. */
  readonly last: number;
  /** True once it has queued a task. */
  readonly queued: boolean;
}

export interface SchedulesOptions {
  readonly ports: Pick<Ports, 'sources' | 'clock' | 'log'>;
  readonly lifecycle: Lifecycle;
  /** Queues a task; rejects with `conflict` when there is one of its id. */
  readonly add: (task: NewTask) => Promise<unknown>;
  readonly changed: () => void;
  /** Show the schedules, queue nothing. */
  readonly passive: boolean;
}

export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #seen: Map<string, Seen>;
  #known: readonly SourcedSchedule[] = [];
  #problems: readonly Problem[] = [];
  #tail: Promise<void> = Promise.resolve();
  #timer: Disposable | undefined;
  #closed = false;

  constructor(options: SchedulesOptions, stored: unknown) {
    this.#options = options;
    this.#seen = new Map(Object.entries((stored as Record<string, Seen> | undefined) ?? {}));
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  views(): ScheduleView[] {
    const now = this.#options.ports.clock.now();
    return this.#known.map(({ schedule, file, line, ...one }) => {
      const seen = this.#seen.get(schedule.name);
      const next = schedule.enabled ? one.nextDue(now) : undefined;
      return {
        name: schedule.name,
        cron: schedule.cron,
        timezone: schedule.timezone ?? null,
        template: schedule.template,
        enabled: schedule.enabled,
        last_due: seen?.queued === true && seen.rule === ruleOf(schedule) ? new Date(seen.last).toISOString() : null,
        next_due: next === undefined ? null : new Date(next).toISOString(),
        source: { file, line },
      };
    });
  }

  /** Reads the files again and queues what is due. */
  read(): Promise<void> {
    return this.#inTurn(async () => {
      const { schedules, problems } = await this.#options.ports.sources.schedules();
      this.#known = schedules;
      this.#problems = problems;
      await this.#look();
      this.#options.changed();
    });
  }

  /** Resolves when nothing is being queued any more. */
  close(): Promise<void> {
    this.#closed = true;
    this.#timer?.dispose();
    return this.#tail;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(work).catch((error: unknown) => this.#options.ports.log.error('The schedules could not be followed', error));
    return this.#tail;
  }

  async #look(): Promise<void> {
    if (this.#options.passive || this.#closed) return;
    const { clock } = this.#options.ports;
    const now = clock.now();
    const active = this.#known.filter(({ schedule }) => schedule.enabled);
    let changed = this.#forget(active);
    for (const one of active) changed = (await this.#follow(one, now)) || changed;
    if (changed) await this.#options.lifecycle.record([], { schedules: Object.fromEntries(this.#seen) });
    if (this.#closed as boolean) return;
    this.#timer?.dispose();
    const next = Math.min(...active.map((one) => one.nextDue(now) ?? Number.POSITIVE_INFINITY));
    if (active.length > 0) this.#timer = clock.after(Math.min(LOOK_MS, Math.max(0, next - clock.now())), () => void this.#inTurn(() => this.#look()));
  }

  /** A schedule that is gone or turned off begins anew when it comes back; with a file that cannot be read nobody knows which are gone. */
  #forget(active: readonly SourcedSchedule[]): boolean {
    if (this.#problems.length > 0) return false;
    const names = new Set(active.map(({ schedule }) => schedule.name));
    const gone = [...this.#seen.keys()].filter((name) => !names.has(name));
    for (const name of gone) this.#seen.delete(name);
    return gone.length > 0;
  }

  /** Queues the task of a schedule that is due; says whether what is stored about it has changed. */
  async #follow(one: SourcedSchedule, now: number): Promise<boolean> {
    const { schedule } = one;
    const rule = ruleOf(schedule);
    const seen = this.#seen.get(schedule.name);
    if (seen?.rule !== rule) {
      this.#seen.set(schedule.name, { rule, last: now, queued: false });
      return true;
    }
    const due = one.lastDue(seen.last, now);
    if (due === undefined) return false;
    try {
      await this.#options.add(taskAt(one, due));
    } catch (error) {
      // Queued before a crash, which came before this was stored.
      if (!(error instanceof BatonError) || error.kind !== 'conflict') {
        this.#options.ports.log.error(`Schedule ${schedule.name} could not queue its task and tries again: ${messageOf(error)}`);
        return false;
      }
    }
    this.#seen.set(schedule.name, { rule, last: due, queued: true });
    return true;
  }
}

function ruleOf({ cron, timezone }: Schedule): string {
  return timezone === undefined ? cron : `${cron} ${timezone}`;
}

function taskAt({ schedule, template }: SourcedSchedule, due: number): NewTask {
  const task = taskFromTemplate(template.text, template.file, { ...givenValues(due, schedule.timezone), ...schedule.set });
  // In UTC, where no hour comes twice.
  const stamp = new Date(due).toISOString().replace(/[-:]/g, '').slice(0, 13).replace('T', '-');
  return { ...task, id: `${schedule.name}-${stamp}`, source: `schedule ${schedule.name}` };
}
