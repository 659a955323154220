/** From files to the queue: definitions become records, edits reach tasks that have not started, finished work is recognised. */
import { checkDependencies } from '../core/dependencies.ts';
import { messageOf, type Problem } from '../core/errors.ts';
import { openDecisions, type TaskExecution } from '../core/execution.ts';
import type { Decisions } from './decisions.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Log, SourcedTask, Sources, Workspace } from './ports.ts';

export interface IntakePorts {
  readonly sources: Sources;
  readonly workspace: Workspace;
  readonly log: Log;
}

export class Intake {
  readonly #ports: IntakePorts;
  readonly #lifecycle: Lifecycle;
  readonly #decisions: Decisions;
  readonly #isRunning: (taskId: string) => boolean;
  #sourced = new Map<string, SourcedTask>();
  #problems: Problem[] = [];
  #merged: ReadonlySet<string> = new Set();
  #tail: Promise<void> = Promise.resolve();

  constructor(ports: IntakePorts, lifecycle: Lifecycle, decisions: Decisions, isRunning: (taskId: string) => boolean) {
    this.#ports = ports;
    this.#lifecycle = lifecycle;
    this.#decisions = decisions;
    this.#isRunning = isRunning;
  }

  /** What is wrong in the task files. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Tasks done elsewhere: found merged on the target when something depended on them or was new. */
  get merged(): ReadonlySet<string> {
    return this.#merged;
  }

  /** Where a task is defined; undefined once its file is gone. */
  source(taskId: string): SourcedTask | undefined {
    return this.#sourced.get(taskId);
  }

  /** Reads all files again and brings the records in line; calls queue up. */
  scan(target: string): Promise<void> {
    this.#tail = this.#tail.then(() => this.#scan(target)).catch((error: unknown) => {
      this.#ports.log.error('The task files could not be read', error);
    });
    return this.#tail;
  }

  async #scan(target: string): Promise<void> {
    const { tasks, problems } = await this.#ports.sources.tasks();
    const extra: Problem[] = [];
    const unseen = tasks.filter((task) => !this.#lifecycle.find(task.definition.id));
    const defined = new Set(tasks.map((task) => task.definition.id));
    const dangling = tasks.some((task) => task.definition.depends_on?.some((id) => !defined.has(id) && !this.#lifecycle.find(id)));
    const landed = unseen.length > 0 || dangling ? await this.#landed(target) : undefined;
    if (landed) this.#merged = new Set(landed.keys());
    for (const task of tasks) {
      const record = this.#lifecycle.find(task.definition.id);
      if (record) await this.#update(record, task, extra);
      else await this.#create(task, landed?.get(task.definition.id));
    }
    const known = new Map(tasks.map((task) => [task.definition.id, task]));
    // A file with an error may hold tasks that were read before: they are kept until the file can be read.
    const unreadable = new Set(problems.filter((problem) => problem.severity === 'error').map((problem) => problem.file));
    for (const [id, before] of this.#sourced) {
      if (known.has(id)) continue;
      if (unreadable.has(before.file)) known.set(id, before);
      else await this.#gone(id, before, extra);
    }
    // With an unreadable file nobody knows which tasks are gone.
    for (const record of unreadable.size > 0 ? [] : this.#lifecycle.all()) {
      if (!known.has(record.task_id) && !this.#sourced.has(record.task_id)) await this.#dropUnstarted(record);
    }
    this.#sourced = known;
    // What a task depends on matters until it begins; records without a file may be depended on too.
    const waiting = tasks.filter((task) => this.#lifecycle.find(task.definition.id)?.state === 'new');
    extra.push(...checkDependencies(waiting, new Set([...this.#merged, ...known.keys(), ...this.#lifecycle.all().map((task) => task.task_id)])));
    this.#problems = [...problems, ...extra];
  }

  async #create(task: SourcedTask, landed: { hash: string; sha: string } | undefined): Promise<void> {
    // Done elsewhere: the target holds a merge commit with this task's trailers.
    if (landed?.hash === task.hash) await this.#lifecycle.createDone(task.definition, task.hash, landed.sha, `found merged on the target as ${landed.sha.slice(0, 8)}`);
    else await this.#lifecycle.create(task.definition, task.hash);
  }

  async #update(record: TaskExecution, task: SourcedTask, extra: Problem[]): Promise<void> {
    if (record.content_hash === task.hash) return;
    if (!isUnstarted(record) || this.#isRunning(record.task_id)) {
      extra.push({
        ...place(task),
        severity: 'warning',
        message: `Task ${record.task_id} is ${record.state} already: this edit does not reach it.`,
      });
      return;
    }
    const apply = (draft: TaskExecution) => {
      draft.task_def = task.definition;
      draft.content_hash = task.hash;
      return [{ type: 'task_edited' }, ...this.#decisions.withdraw(draft, () => true)];
    };
    // What was asked about the old content must be asked again about the new.
    if (record.state === 'awaiting_human_review') await this.#lifecycle.transition(record.task_id, 'new', 'the task was edited', apply);
    else await this.#lifecycle.change(record.task_id, apply);
  }

  async #gone(id: string, before: SourcedTask, extra: Problem[]): Promise<void> {
    const record = this.#lifecycle.find(id);
    if (!record || (await this.#dropUnstarted(record))) return;
    if (record.state === 'done' || record.state === 'failed') return;
    extra.push({ ...place(before), severity: 'warning', message: `The definition of task ${id} is gone, but it has started: cancel it if it is not wanted.` });
  }

  async #dropUnstarted(record: TaskExecution): Promise<boolean> {
    if (!isUnstarted(record) || record.history.length > 2 || this.#isRunning(record.task_id)) return false;
    await this.#lifecycle.remove(record.task_id);
    return true;
  }

  async #landed(target: string): Promise<Map<string, { hash: string; sha: string }>> {
    try {
      return await this.#ports.workspace.merged(target);
    } catch (error) {
      this.#ports.log.warn(`Merged tasks could not be looked up: ${messageOf(error)}`);
      return new Map();
    }
  }
}

/** No agent has seen it: edits may still reach it. */
function isUnstarted(record: TaskExecution): boolean {
  if (record.started_at !== null) return false;
  return record.state === 'new' || (record.state === 'awaiting_human_review' && openDecisions(record).every((decision) => decision.kind === 'start'));
}

function place(task: SourcedTask) {
  return { file: task.file, line: task.line, column: 1, source: 'task' as const, task_id: task.definition.id };
}

export function problemsByTask(problems: readonly Problem[]): Map<string, Problem[]> {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    if (problem.task_id !== undefined) groups.set(problem.task_id, [...(groups.get(problem.task_id) ?? []), problem]);
  }
  return groups;
}
