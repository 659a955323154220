/**
 * The only door to a changed task. Every change is checked against the state machines, committed durably together with
 * its events, and only then visible in memory; changes of one task queue up behind each other.
 */
import { BatonError } from '../core/errors.ts';
import { newExecution, secondsOf, type Attempt, type StepDefinition, type StepExecution, type TaskError, type TaskExecution } from '../core/execution.ts';
import { historyOf } from '../core/history.ts';
import type { MetricsWrite } from '../core/metrics/rollup.ts';
import { assertStepEdge, assertTaskEdge, isActive, type StepState, type TaskState } from '../core/states.ts';
import type { TaskDefinition } from '../core/task.ts';
import { Emitter } from './emitter.ts';
import type { Clock, Log, NewEvent, Store } from './ports.ts';

export const DEFAULT_STEP_ATTEMPTS = 3;

export interface Committed {
  readonly task: TaskExecution | undefined;
  readonly events: readonly NewEvent[];
  /** Seq of the last event that was stored by then. */
  readonly seq: number;
  readonly metrics?: MetricsWrite | undefined;
}

/** Events that a change adds, without what the lifecycle fills in. */
export interface EventDraft {
  readonly type: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Changes a draft in place; what it returns is committed with it. */
export type Mutation = (draft: TaskExecution) => readonly EventDraft[] | undefined;

/** What the step from one record of a task to the next adds to the metrics. */
export type Measure = (before: TaskExecution | undefined, after: TaskExecution) => MetricsWrite | undefined;

export class Lifecycle {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #tasks = new Map<string, TaskExecution>();
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #committed: Emitter<Committed>;
  #measure: Measure = () => undefined;

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#committed = new Emitter((error) => log.error('A listener of committed events failed', error));
  }

  /** Calls back after each commit, in commit order. */
  get onCommitted(): Emitter<Committed>['event'] {
    return this.#committed.event;
  }

  /** From now on every changed record is stored together with what it adds to the metrics. */
  measureWith(measure: Measure): void {
    this.#measure = measure;
  }

  async load(): Promise<void> {
    for (const task of await this.#store.loadTasks()) this.#tasks.set(task.task_id, task);
  }

  all(): TaskExecution[] {
    return [...this.#tasks.values()];
  }

  /** The same by id. */
  get byId(): ReadonlyMap<string, TaskExecution> {
    return this.#tasks;
  }

  find(taskId: string): TaskExecution | undefined {
    return this.#tasks.get(taskId);
  }

  /** The task's current record; throws `not_found`. Records are never changed in place. */
  get(taskId: string): TaskExecution {
    const task = this.#tasks.get(taskId);
    if (!task) {
      throw new BatonError('not_found', `There is no task ${taskId}.`, { hint: 'List the tasks with `baton list-tasks`.' });
    }
    return task;
  }

  /** Tasks that only a human can move on. */
  needingHumanReview(): TaskExecution[] {
    return this.all().filter((task) => task.state === 'awaiting_human_review');
  }

  /** Tasks that are neither finished nor waiting for a human. */
  active(): TaskExecution[] {
    return this.all().filter((task) => isActive(task.state));
  }

  /** Creates the record of a definition in state new; an id that has a record resumes it, never overwrites it. */
  async create(definition: TaskDefinition, hash: string, mutate?: Mutation): Promise<TaskExecution> {
    return this.#inTurn(definition.id, async () => {
      const existing = this.#tasks.get(definition.id);
      if (existing) return existing;
      const task = newExecution(definition, hash, this.now());
      const events = [{ type: 'task_added', data: { goal: definition.goal } }, ...(mutate?.(task) ?? [])];
      return this.#commit(task, events);
    });
  }

  /**
   * As `create`, for a task whose work is there already: it walks to done in the same commit, so that neither the loop nor a crash comes in
   * between.
   */
  async createDone(definition: TaskDefinition, hash: string, mergeSha: string, why: string): Promise<TaskExecution> {
    return this.#inTurn(definition.id, async () => {
      const existing = this.#tasks.get(definition.id);
      if (existing) return existing;
      const task = newExecution(definition, hash, this.now());
      task.merge_sha = mergeSha;
      const moves = (['implementing', 'quality_gate', 'done'] as const).flatMap((to) => this.#move(task, to, why, undefined));
      return this.#commit(task, [{ type: 'task_added', data: { goal: definition.goal } }, ...moves]);
    });
  }

  /** Changes fields of a task without moving it. */
  async change(taskId: string, mutate: Mutation): Promise<TaskExecution> {
    return this.#inTurn(taskId, async () => {
      const draft = this.#draft(taskId);
      const { state } = draft;
      const events = mutate(draft) ?? [];
      if (draft.state !== state) throw new BatonError('internal', `The state of ${taskId} was changed outside a transition.`);
      return this.#commit(draft, events);
    });
  }

  /** As `change`, for several tasks in one commit, of fields that no figure counts; tasks that are no more are left out. */
  async changeAll(taskIds: readonly string[], mutate: Mutation): Promise<void> {
    await this.#inTurn(taskIds, async () => {
      const changed = taskIds.filter((id) => this.#tasks.has(id)).map((id) => {
        const task = this.#draft(id);
        return { task, events: (mutate(task) ?? []).map((event) => this.#stamp(event, id)) };
      });
      const seq = await this.#store.commit({ tasks: changed.map(({ task }) => task), events: changed.flatMap(({ events }) => events) });
      for (const { task } of changed) this.#tasks.set(task.task_id, task);
      for (const { task, events } of changed) this.#committed.fire({ task, events, seq });
    });
  }

  /**
   * Moves a task along a legal edge; `why` goes into its history. With `from`, the move happens only while the task is
   * still in that state, and rejects with `conflict` otherwise.
   */
  async transition(taskId: string, to: TaskState, why: string, mutate?: Mutation, from?: TaskState): Promise<TaskExecution> {
    return this.#inTurn(taskId, async () => {
      const draft = this.#draft(taskId);
      if (from !== undefined && draft.state !== from) {
        throw new BatonError('conflict', `Task ${taskId} is ${draft.state} by now, not ${from}.`);
      }
      const events = this.#move(draft, to, why, mutate);
      return this.#commit(draft, events);
    });
  }

  /** `why` goes into the run log. */
  async remove(taskId: string, why = 'its definition is gone'): Promise<void> {
    await this.#inTurn(taskId, async () => {
      if (!this.#tasks.has(taskId)) return;
      const events: NewEvent[] = [{ at: this.now(), type: 'task_removed', task_id: taskId, data: { why } }];
      const seq = await this.#store.commit({ remove: [taskId], events });
      this.#tasks.delete(taskId);
      this.#committed.fire({ task: undefined, events, seq });
    });
  }

  /** Commits events and named values that concern no task. */
  async record(events: readonly EventDraft[], meta: Readonly<Record<string, unknown>> = {}, metrics?: MetricsWrite): Promise<void> {
    const stamped = events.map((event) => this.#stamp(event, null));
    const seq = await this.#store.commit({ events: stamped, meta, ...(metrics && { metrics }) });
    this.#committed.fire({ task: undefined, events: stamped, seq, metrics });
  }

  now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #move(draft: TaskExecution, to: TaskState, why: string, mutate: Mutation | undefined): readonly EventDraft[] {
    const from = draft.state;
    assertTaskEdge(draft.task_id, from, to);
    const at = this.now();
    draft.state = to;
    draft.history.push({ from, to, at, why });
    if (to === 'done' || to === 'failed') draft.completed_at = at;
    else draft.completed_at = null;
    const more = mutate?.(draft) ?? [];
    if (draft.state !== to) throw new BatonError('internal', `The state of ${draft.task_id} was changed inside a transition.`);
    const entry = draft.history.at(-1);
    if (entry && to === 'failed' && draft.error) entry.error = draft.error.kind;
    const moved: EventDraft = { type: 'task_state', data: { from, to, why, ...(to === 'failed' ? { error: draft.error?.kind ?? null } : {}) } };
    // What the user gave up is no failure.
    if (to !== 'failed' || draft.error?.kind === 'cancelled') return [moved, ...more];
    return [moved, ...more, { type: 'task_failed', data: { seconds: secondsOf(draft), error: draft.error } }];
  }

  #draft(taskId: string): TaskExecution {
    const draft = structuredClone(this.get(taskId));
    draft.rev += 1;
    return draft;
  }

  async #commit(task: TaskExecution, drafts: readonly EventDraft[]): Promise<TaskExecution> {
    const events = drafts.map((event) => this.#stamp(event, task.task_id));
    const metrics = this.#measure(this.#tasks.get(task.task_id), task);
    const seq = await this.#store.commit({ tasks: [task], events, history: historyOf(task, events), ...(metrics && { metrics }) });
    this.#tasks.set(task.task_id, task);
    this.#committed.fire({ task, events, seq, metrics });
    return task;
  }

  #stamp(event: EventDraft, taskId: string | null): NewEvent {
    return { at: this.now(), type: event.type, task_id: taskId, data: event.data ?? {} };
  }

  /** What was begun before on any of the tasks comes first. */
  async #inTurn<T>(about: string | readonly string[], work: () => Promise<T>): Promise<T> {
    const taskIds = typeof about === 'string' ? [about] : about;
    const mine = Promise.allSettled(taskIds.map((id) => this.#tails.get(id) ?? Promise.resolve())).then(work);
    for (const id of taskIds) this.#tails.set(id, mine);
    try {
      return await mine;
    } finally {
      for (const id of taskIds) if (this.#tails.get(id) === mine) this.#tails.delete(id);
    }
  }
}

/** Adds a pending step to a draft. Ids are unique within the task. */
export function addStep(draft: TaskExecution, definition: StepDefinition, maxAttempts = DEFAULT_STEP_ATTEMPTS): StepExecution {
  if (draft.steps.some((step) => step.step_id === definition.id)) {
    throw new BatonError('conflict', `Task ${draft.task_id} already has a step ${definition.id}.`);
  }
  const step: StepExecution = {
    step_id: definition.id,
    state: 'pending',
    attempt: 0,
    max_attempts: maxAttempts,
    definition,
    implementation: null,
    code_review: null,
    error: null,
    started_at: null,
    completed_at: null,
    implementer_model: null,
    reviewer_model: null,
  };
  draft.steps.push(step);
  return step;
}

/** The step of a draft; throws `not_found`. */
export function stepOf(draft: TaskExecution, stepId: string): StepExecution {
  const step = draft.steps.find((one) => one.step_id === stepId);
  if (!step) throw new BatonError('not_found', `Task ${draft.task_id} has no step ${stepId}.`);
  return step;
}

/** Moves a step of a draft along a legal edge. */
export function setStep(draft: TaskExecution, stepId: string, to: StepState, at: string, error: TaskError | null = null): StepExecution {
  const step = stepOf(draft, stepId);
  assertStepEdge(draft.task_id, stepId, step.state, to);
  step.state = to;
  step.error = error;
  if (to === 'implementing') step.started_at ??= at;
  if (to === 'completed') step.completed_at = at;
  return step;
}

/** An implemented or approved step of a draft is done; returns the event that says so. */
export function completeStep(draft: TaskExecution, stepId: string, at: string): EventDraft {
  const step = setStep(draft, stepId, 'completed', at);
  return { type: 'step_completed', data: { step_id: stepId, commit: step.implementation?.commit ?? null } };
}

/** The event of an attempt of a draft that has its outcome: every call is told once, however it ended. */
export function attemptEnded(attempt: Attempt): EventDraft {
  const { attempt_id, role, step_id, agent, model, outcome, error, cost_usd, usage, started_at, ended_at } = attempt;
  const seconds = (Date.parse(ended_at ?? started_at) - Date.parse(started_at)) / 1000;
  return { type: 'attempt_ended', data: { attempt_id, role, step_id, agent, model, outcome, error, cost_usd, usage, seconds } };
}

/** A human has had a say: what went wrong before counts no more against a draft, in any of its counts. */
export function forgiveFailures(draft: TaskExecution): void {
  draft.error = null;
  draft.retry_count = 0;
  draft.unknown_failures = 0;
  draft.gate_failures = 0;
  draft.conflicts = 0;
  draft.interruptions = 0;
  draft.plan_rejections = 0;
}

/** The id of the next rework step: fix-1, fix-2, … */
export function nextFixId(task: TaskExecution): string {
  let number = 1;
  while (task.steps.some((step) => step.step_id === `fix-${number}`)) number += 1;
  return `fix-${number}`;
}
