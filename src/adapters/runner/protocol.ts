/**
 * What a runner and the engine that it works for say to each other: the engine that started it over Node's own channel,
 * every later one over the runner's socket, after a `hello`.
 */
import type { PermissionRule } from '../../core/config/schema.ts';
import type { AgentMessage, AttemptOrder, PermissionAnswer } from '../../engine/ports.ts';
import type { ErrorAsData } from '../../core/errors.ts';

/** Grows when an engine would misunderstand a runner of another version, which it then ends instead of adopting it. */
export const RUNNER_VERSION = 1;

/** In the attempt's folder while its runner lives, readable for its user only. */
export const RUNNER_FILE = 'runner.json';

/** Where a runner can be found by a later engine. */
export interface RunnerInfo {
  readonly version: number;
  readonly id: string;
  readonly pid: number;
  /** Path of the socket, or name of the pipe. */
  readonly socket: string;
  /** Whoever knows it is this user. */
  readonly token: string;
}

export type ToRunner =
  | { readonly type: 'start'; readonly order: AttemptOrder; readonly id: string; readonly socket: string }
  | { readonly type: 'hello'; readonly version: number; readonly token: string }
  | { readonly type: 'answer'; readonly id: number; readonly request_id: string; readonly answer: PermissionAnswer; readonly by: string }
  | { readonly type: 'send'; readonly id: number; readonly text: string }
  /** From now on these hold instead of the order's; an older runner passes over it. */
  | { readonly type: 'rules'; readonly permissions: readonly PermissionRule[]; readonly granted: readonly PermissionRule[] }
  /** Ends the agent and the runner; answered by the end. */
  | { readonly type: 'kill'; readonly reason: string };

export type FromRunner =
  /** Answers `hello`; the attempt's messages follow from the first, without the permission requests that are settled. */
  | { readonly type: 'welcome'; readonly pending: readonly string[] }
  | { readonly type: 'message'; readonly seq: number; readonly message: AgentMessage }
  /** Something is wrong with the runner, which the agent has no part in. */
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'reply'; readonly id: number; readonly error?: ErrorAsData };
