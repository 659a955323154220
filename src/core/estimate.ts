/**
 * When tasks will start and be done: the queue played forward with the slots, agents' caps and dependencies that it has, each task
 * taking as long as like tasks took lately. What cannot be known is null: a time is never invented.
 */
import { recentDurations, workedTime } from './durations.ts';
import type { TaskExecution } from './execution.ts';
import { Heap, Line } from './heap.ts';
import type { QueueEntry, QueueFacts, QueuePlan } from './queue.ts';
import { chooseWorkflow, nextRole } from './workflow.ts';

export interface Estimate {
  /** Epoch ms at which it starts, or goes on where it is queued again; for a task at work, when it started. Null when unknown. */
  readonly start: number | null;
  /** Epoch ms. The time for which people will be asked is not in it. */
  readonly done: number | null;
}

export type EstimateFacts = Pick<QueueFacts, 'now' | 'config' | 'loop' | 'running' | 'agents' | 'agentOf' | 'merged' | 'byId'>;

interface Job {
  readonly id: string;
  /** Place in the queue; the lowest takes the next free slot. Negative for what is at work. */
  readonly order: number;
  /** Milliseconds of work; null when nothing like it was ever done. */
  readonly left: number | null;
  readonly needsSlot: boolean;
  /** The capped agent that it needs. */
  readonly capped: string | null;
}

interface Event {
  readonly at: number;
  readonly kind: 'ends' | 'ready';
  readonly job: Job;
}

/**
 * Estimates for every task at work and in the queue, by id; a parked or finished task has none. `plan` was made from the same facts.
 * @param estimates those of the last time where the caller keeps them, which are brought up to date: of ten thousand few have changed
 */
export function estimateTimes(tasks: readonly TaskExecution[], plan: QueuePlan, facts: EstimateFacts, estimates = new Map<string, Estimate>()): Map<string, Estimate> {
  const byId = facts.byId ?? new Map(tasks.map((task) => [task.task_id, task]));
  const times = new Times(plan.order.length);
  if (facts.loop === 'running') playForward(tasks, plan, facts, byId, times);
  const note = (id: string, start: number | null, done: number | null): void => {
    const before = estimates.get(id);
    if (before === undefined || before.start !== start || before.done !== done) estimates.set(id, { start, done });
  };
  for (const [id, run] of facts.running) note(id, startOf(byId.get(id)) ?? run.since, times.atWork.get(id) ?? null);
  for (const [order, id] of plan.order.entries()) note(id, times.startOf(order), times.doneOf(order));
  if (estimates.size > facts.running.size + plan.order.length) {
    for (const id of estimates.keys()) if (!facts.running.has(id) && (plan.entries.get(id)?.position ?? null) === null) estimates.delete(id);
  }
  return estimates;
}

/** Epoch ms by place in the queue, and the ends of what is at work by id. */
class Times {
  readonly atWork = new Map<string, number | null>();
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;

  constructor(queued: number) {
    this.#starts = new Float64Array(queued).fill(Number.NaN);
    this.#ends = new Float64Array(queued).fill(Number.NaN);
  }

  /** A job gets to start at `start`. */
  found({ id, order }: Job, start: number, done: number | null): void {
    if (order < 0) {
      this.atWork.set(id, done);
      return;
    }
    this.#starts[order] = start;
    this.#ends[order] = done ?? Number.NaN;
  }

  startOf(order: number): number | null {
    return known(this.#starts[order]);
  }

  doneOf(order: number): number | null {
    return known(this.#ends[order]);
  }
}

function known(ms = Number.NaN): number | null {
  return Number.isNaN(ms) ? null : ms;
}

function playForward(tasks: readonly TaskExecution[], plan: QueuePlan, facts: EstimateFacts, byId: ReadonlyMap<string, TaskExecution>, times: Times): void {
  const durations = recentDurations(tasks);
  const caps = new Map([...facts.agents].flatMap(([name, { max_concurrent: most }]) => (most === null ? [] : [[name, most] as const])));
  // Almost all tasks of a long queue have not begun.
  const whole = { direct: durations.left('direct', 0), reviewed: durations.left('reviewed', 0) };
  const fresh = (task: TaskExecution): number | null => whole[durations.uniform ? 'direct' : workflowOf(task)];
  const jobOf = (task: TaskExecution, order: number, needsSlot: boolean, agent: string | null): Job => ({
    id: task.task_id,
    order,
    left: task.started_at === null ? fresh(task) : durations.left(workflowOf(task), workedTime(task, facts.now)),
    needsSlot,
    capped: agent !== null && caps.has(agent) ? agent : null,
  });

  const machine = new Machine(facts.config.orchestrator.max_concurrent_tasks, caps, facts.now, times);
  for (const [id, run] of facts.running) {
    const task = byId.get(id);
    // Nobody knows when a human will answer.
    if (task !== undefined && !run.waits_for_human) machine.take(jobOf(task, -1, run.uses_slot, run.uses_slot ? run.agent : null));
  }
  for (const [order, id] of plan.order.entries()) {
    const task = byId.get(id);
    const entry = plan.entries.get(id);
    if (task === undefined || entry === undefined) continue;
    const ready = readyAt(task, entry, facts.now);
    if (ready === null) continue;
    const waitsFor = entry.reason.code === 'dependency' ? unfinished(task, byId, facts) : NOTHING;
    const agent = caps.size === 0 ? null : facts.agentOf(task);
    machine.expect(jobOf(task, order, nextRole(task, 'direct') !== null, typeof agent === 'string' ? agent : null), ready, waitsFor);
  }
  machine.run();
}

const NOTHING: readonly string[] = [];

function startOf(task: TaskExecution | undefined): number | null {
  const at = task?.started_at ?? null;
  return at === null ? null : Date.parse(at);
}

/** The workflow that a task has or, as far as its own words tell, will have. */
function workflowOf(task: TaskExecution): TaskExecution['workflow'] {
  return task.started_at === null && task.steps.length === 0 ? chooseWorkflow(task.task_def, undefined).workflow : task.workflow;
}

/** Epoch ms from which nothing but slots and dependencies is in the way; null while something is whose end nobody knows. */
function readyAt(task: TaskExecution, { reason }: QueueEntry, now: number): number | null {
  const notBefore = task.not_before === null ? now : Math.max(now, Date.parse(task.not_before));
  switch (reason.code) {
    case 'next':
    case 'slots':
    case 'agent_busy':
    case 'dependency':
      return notBefore;
    case 'not_before':
    case 'account_closed':
    case 'budget':
      return reason.until === null ? null : Math.max(notBefore, reason.until);
    default:
      return null;
  }
}

function unfinished(task: TaskExecution, byId: ReadonlyMap<string, TaskExecution>, facts: EstimateFacts): string[] {
  return [...new Set(task.task_def.depends_on ?? [])].filter((id) => byId.get(id)?.state !== 'done' && facts.merged?.has(id) !== true);
}

/** Slots and agents, played forward. */
class Machine {
  #free: number;
  #now: number;
  readonly #caps: ReadonlyMap<string, number>;
  readonly #busy = new Map<string, number>();
  readonly #events = new Heap<Event>((a, b) => a.at < b.at);
  readonly #ready = new Line<Job>((a, b) => a.order < b.order);
  /** Ready jobs whose agent is at its cap. */
  readonly #blocked = new Map<string, Heap<Job>>();
  readonly #dependents = new Map<string, { readonly job: Job; readonly ready: number; missing: number }[]>();
  readonly #times: Times;

  constructor(slots: number, caps: ReadonlyMap<string, number>, now: number, times: Times) {
    this.#free = slots;
    this.#caps = caps;
    this.#now = now;
    this.#times = times;
  }

  /** A job that is at work already. */
  take(job: Job): void {
    this.#start(job);
  }

  /** A job that may start at `ready` (epoch ms) once those with the ids `after` are done. */
  expect(job: Job, ready: number, after: readonly string[]): void {
    if (after.length === 0) {
      if (ready <= this.#now && job.needsSlot) this.#ready.push(job);
      else this.#events.push({ at: ready, kind: 'ready', job });
      return;
    }
    const waiting = { job, ready, missing: after.length };
    for (const id of after) {
      const others = this.#dependents.get(id);
      if (others) others.push(waiting);
      else this.#dependents.set(id, [waiting]);
    }
  }

  /** Plays on until nothing more happens. */
  run(): void {
    this.#fill();
    for (let event = this.#events.pop(); event !== undefined; event = this.#events.pop()) {
      this.#now = event.at;
      if (event.kind === 'ends') this.#end(event.job);
      else if (event.job.needsSlot) this.#ready.push(event.job);
      else this.#start(event.job);
      // What happens at the same moment is taken in before anybody gets a slot.
      if (this.#events.peek()?.at !== this.#now) this.#fill();
    }
  }

  #fill(): void {
    while (this.#free > 0) {
      const job = this.#ready.pop();
      if (job === undefined) return;
      if (job.capped !== null && this.#busyOf(job.capped) >= (this.#caps.get(job.capped) ?? 0)) this.#block(job.capped, job);
      else this.#start(job);
    }
  }

  /** A job without an end keeps its slot for good. */
  #start(job: Job): void {
    if (job.needsSlot) this.#free -= 1;
    if (job.capped !== null) this.#busy.set(job.capped, this.#busyOf(job.capped) + 1);
    const done = job.left === null ? null : this.#now + job.left;
    this.#times.found(job, this.#now, done);
    if (done !== null) this.#events.push({ at: done, kind: 'ends', job });
  }

  #end(job: Job): void {
    if (job.needsSlot) this.#free += 1;
    if (job.capped !== null) {
      this.#busy.set(job.capped, this.#busyOf(job.capped) - 1);
      const next = this.#blocked.get(job.capped)?.pop();
      if (next !== undefined) this.#ready.push(next);
    }
    for (const waiting of this.#dependents.get(job.id) ?? []) {
      waiting.missing -= 1;
      if (waiting.missing === 0) this.#events.push({ at: Math.max(this.#now, waiting.ready), kind: 'ready', job: waiting.job });
    }
  }

  #block(agent: string, job: Job): void {
    const blocked = this.#blocked.get(agent) ?? new Heap<Job>((a, b) => a.order < b.order);
    this.#blocked.set(agent, blocked);
    blocked.push(job);
  }

  #busyOf(agent: string): number {
    return this.#busy.get(agent) ?? 0;
  }
}
