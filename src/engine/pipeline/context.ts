/** What the phases of the pipeline are given. One object per engine, built by the orchestrator. */
import type { Config } from '../../core/config/schema.ts';
import type { TaskExecution } from '../../core/execution.ts';
import type { GateLine } from '../../core/prompt.ts';
import type { Accounts } from '../accounts.ts';
import type { BaseGates } from '../baseGates.ts';
import type { Budgets } from '../budgets.ts';
import type { Decisions } from '../decisions.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { AgentInfo, Ports } from '../ports.ts';
import type { Staffing } from '../staffing.ts';

export interface PipelineContext {
  readonly ports: Ports;
  readonly lifecycle: Lifecycle;
  readonly decisions: Decisions;
  readonly accounts: Accounts;
  readonly budgets: Budgets;
  readonly baseGates: BaseGates;
  readonly config: () => Config;
  /** Who takes which role of a task. */
  readonly staffing: Staffing;
  /** Other tasks use the agent as often as its `max_concurrent` allows. */
  readonly isBusy: (agent: AgentInfo, taskId: string) => boolean;
  /** False while paused, stopping or stopped: no new attempt may start. */
  readonly mayStartAttempt: () => boolean;
  /** Something changed that the surfaces show. */
  readonly changed: () => void;
  /** Work on a task that nobody waits for; a failure is logged, and the engine's end waits for it. */
  readonly background: (taskId: string, what: string, work: () => Promise<void>) => void;
  /** Resolves when no such work on the task is left. */
  readonly settled: (taskId: string) => Promise<void>;
  /** One merge at a time, so that tasks do not build on targets that are about to move; undefined when the signal came before the turn did. */
  readonly merging: <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T | undefined>;
}

export interface ChosenAgent {
  readonly kind: 'agent';
  readonly agent: AgentInfo;
  readonly model: string | null;
  readonly reason: string;
  /** It would judge its own model's work. */
  readonly self_reviewed: boolean;
}
export type AgentChoice = ChosenAgent | { readonly kind: 'none'; readonly reason: string };

/** What a phase says to the loop over phases: look at the task's state again, or leave the task for now. */
export type PhaseResult = 'again' | 'leave';

/** The commit that holds the last work that was committed, approved or not; the base when there is none. */
export function lastCheckpoint(task: TaskExecution): string | null {
  return task.steps.findLast((step) => step.implementation?.commit)?.implementation?.commit ?? task.base_sha;
}

/** The configured gates, as prompts name them. */
export function gateLines(context: PipelineContext): GateLine[] {
  return (context.config().gates ?? []).map((gate) => ({ name: gate.name, run: gate.run }));
}
