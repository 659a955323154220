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
  /** Commands will be run before long, so that what takes time before the first can be done now. Costs nothing where none comes within a minute. */
  prepare(): void;
  /** Runs one command of the user by the shell and ends its whole tree on overrun. */
  run(request: CommandRequest): Promise<CommandResult>;
}
