/** Looks, now and then, at the pull requests that tasks wait for: nobody tells when one is merged or closed. */
import { messageOf } from '../../core/errors.ts';
import { openDecisions, type Decision, type TaskExecution } from '../../core/execution.ts';
import type { PipelineContext } from './context.ts';
import { OPEN } from './pullRequest.ts';

/** So many are asked about at the same time: each is a process. */
const LOOKS_AT_ONCE = 8;

export class PullRequestWatch {
  readonly #context: PipelineContext;
  readonly #closing = new AbortController();
  /** Tasks that are being looked at: a forge that is slow about one is not asked about it again, and is asked about the others. */
  readonly #looking = new Set<string>();
  /** Tasks whose turn comes. */
  readonly #queued = new Set<string>();

  constructor(context: PipelineContext) {
    this.#context = context;
  }

  /** Has each looked at once more; one that was merged or closed takes its task on. */
  look(): void {
    for (const task of this.#context.lifecycle.needingHumanReview()) {
      if (openPullRequest(task) && !this.#looking.has(task.task_id)) this.#queued.add(task.task_id);
    }
    this.#begin();
  }

  /** Ends the looks that are under way; none begins any more. */
  dispose(): void {
    this.#closing.abort();
  }

  #begin(): void {
    for (const taskId of this.#queued) {
      if (this.#looking.size >= LOOKS_AT_ONCE || this.#closing.signal.aborted) return;
      this.#queued.delete(taskId);
      this.#looking.add(taskId);
      this.#context.background(taskId, `looking at the pull request of ${taskId}`, async () => {
        try {
          await this.#lookAt(taskId);
        } finally {
          this.#looking.delete(taskId);
          this.#begin();
        }
      });
    }
  }

  async #lookAt(taskId: string): Promise<void> {
    const { decisions, lifecycle, ports } = this.#context;
    const task = lifecycle.find(taskId);
    const decision = task && openPullRequest(task);
    if (!decision || !task.pull_request) return;
    try {
      const { state, number } = await ports.forge.look(task.pull_request.url, { mark: `${ports.repository.key}:${taskId}:forge-look`, signal: this.#closing.signal });
      // A human may have answered meanwhile, and the task wait for something else by now.
      const now = lifecycle.find(taskId);
      if (state === 'open' || !now || openPullRequest(now)?.id !== decision.id) return;
      await lifecycle.transition(taskId, 'quality_gate', `pull request #${number} was ${state}`, (draft) => decisions.withdraw(draft, (one) => one.id === decision.id), 'awaiting_human_review');
    } catch (error) {
      if (!this.#closing.signal.aborted) ports.log.warn(`The pull request of ${taskId} could not be looked at: ${messageOf(error)}`);
    }
  }
}

/** The decision by which a task waits for its pull request. */
function openPullRequest(task: TaskExecution): Decision | undefined {
  return task.pull_request === undefined ? undefined : openDecisions(task).find((one) => one.detail['reason'] === OPEN);
}
