/**
 * Bases that are red without anybody's work: what a gate said of a base's tree, asked once, and what a human decided about
 * it. The decision lies with the task that asked; the others that stand on the same base wait for its answer.
 */
import * as z from 'zod';
import type { GateConfig } from '../core/config/schema.ts';
import type { Decision, GateCheck, GateRound, TaskExecution } from '../core/execution.ts';
import { isTerminal } from '../core/states.ts';
import type { Lifecycle } from './lifecycle.ts';
import { Turns } from './turns.ts';

/** `reason` in the detail of a decision about a red base. */
export const RED_BASE = 'red_base';

export interface Base {
  readonly sha: string;
  readonly tree: string;
  /** Short name of the branch. */
  readonly target: string;
}

/** What holds for a red base: somebody is being asked, its failures are ignored, a task repairs it, or nothing goes on. */
export interface Ruling {
  readonly kind: 'open' | 'ignore' | 'fix' | 'stop';
  /** The task that asked, and that repairs it. */
  readonly task_id: string;
  /** ISO time of the answer, or of the question while it is open. */
  readonly at: string;
}

/** Enough for every gate of the bases that tasks stand on at the same time. */
const KEPT = 200;

const storedSchema = z.array(z.tuple([z.string(), z.boolean()])).catch([]);
const detailSchema = z.object({ reason: z.literal(RED_BASE), tree_sha: z.string(), gates: z.array(z.string()) });

export class BaseGates {
  readonly #lifecycle: Lifecycle;
  readonly #hash: (text: string) => string;
  /** Whether a gate passes on a tree, by both, oldest first. */
  readonly #known: Map<string, boolean>;
  /** Tasks with a decision about a red base, whatever became of it. */
  readonly #asked: Set<string>;
  readonly #waiting = new Map<string, { readonly tree: string; readonly gates: readonly string[] }>();
  /** By tree; those on which something was red are few. */
  readonly #turns = new Map<string, Turns>();

  /** @param stored what `store` has put under `base_gates` */
  constructor(lifecycle: Lifecycle, hash: (text: string) => string, stored: unknown) {
    this.#lifecycle = lifecycle;
    this.#hash = hash;
    this.#known = new Map(storedSchema.parse(stored));
    this.#asked = new Set(lifecycle.all().filter((task) => task.decisions.some(isAbout)).map((task) => task.task_id));
  }

  /** True while anything was ever decided: else nobody needs to know a base's tree. */
  get hasRulings(): boolean {
    return this.#asked.size > 0;
  }

  /** Whether a gate passes on a tree; undefined when nobody has looked. */
  passes(tree: string, gate: Pick<GateConfig, 'name' | 'run'>): boolean | undefined {
    return this.#known.get(this.#key(tree, gate));
  }

  /** Keeps what gates said of a base, for every task and for good, with a line in the log. */
  async store(taskId: string, base: Base, checks: readonly GateCheck[]): Promise<void> {
    for (const check of checks) this.#known.set(this.#key(base.tree, { name: check.name, run: check.command }), check.status === 'passed');
    for (const key of [...this.#known.keys()].slice(0, -KEPT)) this.#known.delete(key);
    await this.#lifecycle.change(taskId, () => [
      { type: 'base_checked', data: { base_sha: base.sha, tree_sha: base.tree, target: base.target, checks: checks.map(({ name, status, seconds }) => ({ name, status, seconds })) } },
    ]);
    await this.#lifecycle.record([], { base_gates: [...this.#known] });
  }

  /** What gates said of a tree counts no more: it is looked at again. */
  forget(tree: string, gates: readonly Pick<GateConfig, 'name' | 'run'>[]): void {
    for (const gate of gates) this.#known.delete(this.#key(tree, gate));
  }

  /** One after another for each tree: what one task finds out, the next need not ask. Undefined when the signal came before the turn did. */
  inTurn<T>(tree: string, signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    const turns = this.#turns.get(tree) ?? new Turns();
    this.#turns.set(tree, turns);
    return turns.take(signal, work);
  }

  /** What holds for these gates on this tree; undefined when nobody was asked, or the task that was to repair it did not. */
  ruling(tree: string, gates: readonly string[]): Ruling | undefined {
    return this.#rulings(tree).find((one) => gates.every((gate) => one.gates.includes(gate)));
  }

  /** Gates whose failure does not count on work that stands on this tree. What another task has repaired is judged on the merge, where the repair is. */
  ignored(tree: string, subject: GateRound['subject']): string[] {
    return this.#rulings(tree).flatMap((one) => (one.kind === 'ignore' || (one.kind === 'fix' && subject === 'branch' && this.#isDone(one.task_id)) ? one.gates : []));
  }

  /** The task has a decision about a base now. */
  asked(taskId: string): void {
    this.#asked.add(taskId);
    this.#waiting.delete(taskId);
  }

  /** The task goes on when there is an answer, or the repair is on the target. */
  wait(taskId: string, tree: string, gates: readonly string[]): void {
    this.#waiting.set(taskId, { tree, gates });
  }

  /** Why tasks wait for a base, by id. */
  holds(): Map<string, string> {
    const holds = new Map<string, string>();
    for (const [taskId, { tree, gates }] of this.#waiting) {
      const ruling = this.#lifecycle.find(taskId)?.state === 'quality_gate' ? this.ruling(tree, gates) : undefined;
      if (ruling?.kind === 'open') holds.set(taskId, `${gates.join(', ')} ${gates.length === 1 ? 'fails' : 'fail'} without its work too: the question is at ${ruling.task_id}.`);
      else if (ruling?.kind === 'fix' && !this.#isDone(ruling.task_id)) holds.set(taskId, `${ruling.task_id} repairs ${gates.join(', ')} first, which ${gates.length === 1 ? 'fails' : 'fail'} without its work too.`);
      else this.#waiting.delete(taskId);
    }
    return holds;
  }

  /** Newest first. */
  #rulings(tree: string): (Ruling & { readonly gates: readonly string[] })[] {
    const found: (Ruling & { readonly gates: readonly string[] })[] = [];
    for (const taskId of this.#asked) {
      const task = this.#lifecycle.find(taskId);
      for (const decision of task?.decisions ?? []) {
        const detail = detailSchema.safeParse(decision.detail);
        if (!task || !detail.success || detail.data.tree_sha !== tree) continue;
        const kind = kindOf(task, decision);
        if (kind) found.push({ kind, task_id: taskId, gates: detail.data.gates, at: decision.answer?.at ?? decision.since });
      }
    }
    return found.sort((a, b) => (a.at < b.at ? 1 : -1));
  }

  #isDone(taskId: string): boolean {
    return this.#lifecycle.find(taskId)?.state === 'done';
  }

  #key(tree: string, gate: Pick<GateConfig, 'name' | 'run'>): string {
    return this.#hash(`${tree}\0${gate.name}\0${gate.run}`).slice(0, 20);
  }
}

function isAbout(decision: Decision): boolean {
  return decision.detail['reason'] === RED_BASE;
}

function kindOf(task: TaskExecution, { status, answer }: Decision): Ruling['kind'] | undefined {
  if (status === 'open') return 'open';
  if (status !== 'answered' || answer === null) return undefined;
  if (answer.verdict === 'approve') return 'ignore';
  if (answer.verdict === 'reject') return 'stop';
  // A repair that failed or was given up is none.
  return isTerminal(task.state) && task.state !== 'done' ? undefined : 'fix';
}
