/** Where agents run: processes of their own, which outlive the engine. */
import type { PermissionRule } from '../../core/config/schema.ts';
import type { Attempt, RunnerRecord } from '../../core/execution.ts';
import type { AgentMessage, AgentRequest, PermissionAnswer } from './agents.ts';

/** An attempt as it is handed to the runner that sees to it: plain data, since that is another process. */
export interface AttemptOrder {
  readonly request: AgentRequest;
  /** The agent's name. */
  readonly agent: string;
  /** Folder of the attempt, in which its transcript is written. */
  readonly directory: string;
  readonly limits: AgentLimits;
  /** What it answers by itself while no engine is there, until it is told other rules; everything else waits. */
  readonly permissions: readonly PermissionRule[];
  /** What a human has allowed for this task, where the policy would ask. */
  readonly granted: readonly PermissionRule[];
  /** Seconds without an engine after which the agent is stopped at a safe point. */
  readonly orphan_grace: number;
}

/** When an agent hangs, in seconds: nothing said at the start, silence, too long in all. They sleep while a permission is asked for. */
export interface AgentLimits {
  readonly start: number;
  readonly silence: number;
  readonly total: number;
}

/**
 * An agent that is seen to: its transcript is written, and one that hangs is ended with an end of kind `start_timeout`, `silence` or
 * `time_limit`. An end of kind `interrupted` came from outside the agent: its session may be gone on with, and no attempt is used up.
 */
export interface AttendedSession {
  /** Ends with exactly one `end`; after `detach` without one. */
  readonly messages: AsyncIterable<AgentMessage>;
  /** Gives the agent an answer; `by` is said in the transcript. Rejects with `not_found` when the agent no longer waits for it. */
  answer(requestId: string, answer: PermissionAnswer, by: string): Promise<void>;
  /** As AgentSession.send. */
  send(text: string): Promise<void>;
  /** What the runner judges by from now on while no engine is there, in place of its order's; absent where it cannot outlive the engine. */
  rules?(permissions: readonly PermissionRule[], granted: readonly PermissionRule[]): void;
  /** Ends the agent's whole tree and its runner; resolves when nothing of them is left. */
  kill(reason: string): Promise<void>;
  /** Lets go of the agent, which goes on without the engine; absent where it cannot outlive the engine. */
  detach?(): Promise<void>;
}

/** A process that is ready for an attempt and known before it begins, so that the attempt's record can name it. */
export interface Runner {
  /** Null: the engine's own process. */
  readonly record: RunnerRecord | null;
  start(order: AttemptOrder): Promise<AttendedSession>;
  /** It is not needed after all. */
  release(): void;
}

export interface AdoptedSession {
  /** Its messages begin with the attempt's first one: whoever takes them in must not mind to have seen some before. */
  readonly session: AttendedSession;
  /** Ids of the permission requests that still wait for an answer. The others among the messages are not told again. */
  readonly pending: readonly string[];
  /** The agent is at work, or was a moment ago; false when only its end was found. */
  readonly alive: boolean;
}

/** Where agents run: apart from the engine, so that they outlive it. */
export interface Runners {
  /** An attempt will be wanted soon: one more than before. */
  warm(): void;
  /** An attempt may be wanted in the next minute: has one process ready for it. */
  keep(): void;
  /** Rejects when the system gives no process. */
  take(): Promise<Runner>;
  /** The session of an attempt that an earlier engine began, or what it left; undefined when its runner died before its end. */
  adopt(attempt: Attempt, directory: string): Promise<AdoptedSession | undefined>;
  /** Lets go of the processes that wait for an attempt. */
  close(): void;
}
