/** What a review needs of a task: its changed files in the order to look at them, and what was said about them. */
import { findingsOf } from '../core/findings.ts';
import { reviewOrder } from '../core/reviewOrder.ts';
import type { TaskExecution } from '../core/execution.ts';
import { isTerminal } from '../core/states.ts';
import type { ChangesView } from '../shared/api.ts';
import type { PipelineContext } from './pipeline/context.ts';
import { configuredGates } from './pipeline/judge.ts';

export class Changes {
  readonly #context: PipelineContext;
  /** Paths that other tasks change, asked once per head commit. */
  readonly #touched = new Map<string, { readonly head: string; readonly paths: Promise<readonly string[]> }>();

  constructor(context: PipelineContext) {
    this.#context = context;
  }

  async of(taskId: string): Promise<ChangesView> {
    const task = this.#context.lifecycle.get(taskId);
    const { workspace, repository } = this.#context.ports;
    const head = task.worktree === null ? task.head_sha : (await workspace.state(task.worktree)).head_sha;
    if (task.base_sha === null || head === null) return { base_sha: '', head_sha: '', worktree: null, files: [] };
    const [changes, gates, others] = await Promise.all([workspace.changes(task.worktree ?? repository.root, task.base_sha, head), configuredGates(this.#context), this.#others(task)]);
    const findings = findingsOf(task);
    const order = reviewOrder({ changes, gates, checks: task.quality_gate_results.at(-1)?.checks ?? [], findings, others });
    const files = order.files.flatMap(({ path, level, reason }) => changes.filter((change) => change.path === path).map((change) => ({ ...change, level, reason })));
    return { base_sha: task.base_sha, head_sha: head, worktree: task.worktree, files, notes: order.notes, findings };
  }

  /** Which other unfinished tasks change a path: by their commits, and by their plans what they are still to change. */
  async #others(task: TaskExecution): Promise<Map<string, string[]>> {
    const others = this.#context.lifecycle.all().filter((one) => one.task_id !== task.task_id && !isTerminal(one.state) && one.started_at !== null);
    for (const id of this.#touched.keys()) if (!others.some((one) => one.task_id === id)) this.#touched.delete(id);
    const found = new Map<string, string[]>();
    await Promise.all(
      others.map(async (other) => {
        const planned = other.plan?.steps.flatMap(({ files }) => [...(files?.modify ?? []), ...(files?.create ?? [])]) ?? [];
        for (const path of new Set([...(await this.#changed(other)), ...planned])) found.set(path, [...(found.get(path) ?? []), other.task_id].sort());
      }),
    );
    return found;
  }

  #changed({ task_id: id, base_sha: base, head_sha: head, worktree }: TaskExecution): Promise<readonly string[]> {
    if (base === null || head === null || base === head) return Promise.resolve([]);
    const known = this.#touched.get(id);
    if (known?.head === head) return known.paths;
    const { workspace, repository } = this.#context.ports;
    const paths = workspace.changes(worktree ?? repository.root, base, head).then(
      (changes) => changes.map((change) => change.path),
      // A branch that is gone changes nothing any more.
      () => [],
    );
    this.#touched.set(id, { head, paths });
    return paths;
  }
}
