/** What the phases of the pipeline are given. One object per engine, built by the orchestrator. */
import type { Config } from '../../core/config/schema.ts';
import type { TaskExecution } from '../../core/execution.ts';
import type { Accounts } from '../accounts.ts';
import type { Decisions } from '../decisions.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { AgentInfo, Ports } from '../ports.ts';

export interface PipelineContext {
  readonly ports: Ports;
  readonly lifecycle: Lifecycle;
  readonly decisions: Decisions;
  readonly accounts: Accounts;
  readonly config: () => Config;
  /** The agent that would run this task, or why there is none. */
  readonly agentFor: (task: TaskExecution) => AgentChoice;
  /** False while paused, stopping or stopped: no new attempt may start. */
  readonly mayStartAttempt: () => boolean;
  /** Something changed that the surfaces show. */
  readonly changed: () => void;
  /** Work that nobody waits for; a failure is logged, and the engine's end waits for it. */
  readonly background: (what: string, work: () => Promise<void>) => void;
  /** One merge at a time, so that tasks do not build on targets that are about to move. */
  readonly merging: <T>(work: () => Promise<T>) => Promise<T>;
}

export type AgentChoice =
  | { readonly kind: 'agent'; readonly agent: AgentInfo; readonly model: string | null; readonly reason: string }
  | { readonly kind: 'none'; readonly reason: string };

/** What a phase says to the loop over phases: look at the task's state again, or leave the task for now. */
export type PhaseResult = 'again' | 'leave';

/** The commit that holds the last completed step; the base when there is none. */
export function lastCheckpoint(task: TaskExecution): string | null {
  return task.steps.findLast((step) => step.state === 'completed' && step.implementation?.commit)?.implementation?.commit ?? task.base_sha;
}
