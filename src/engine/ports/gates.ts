/** Commands of the user: gates and set-up. */
import type { GateConfig } from '../../core/config/schema.ts';

export interface CommandRequest {
  readonly run: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mark: string;
  readonly timeout_seconds: number;
  /** The complete output goes here. */
  readonly log: string;
  readonly signal: AbortSignal;
}
export interface CommandResult {
  readonly exit_code: number | null;
  readonly timed_out: boolean;
  readonly aborted: boolean;
  readonly seconds: number;
  /** The last part of stdout and stderr as they came. */
  readonly tail: string;
}

export interface Gates {
  /** Gates of a repository that configures none, by what kind of project it is. */
  detect(): Promise<GateConfig[]>;
  /** An agent is at work, and commands follow when it has ended: what takes time before the first is done now. */
  prepare(): void;
  /** A task has ended and another may follow soon: what `prepare` does is done, and undone after a minute. */
  keep(): void;
  /** Runs one command of the user by the shell and ends its whole tree on overrun. */
  run(request: CommandRequest): Promise<CommandResult>;
}
