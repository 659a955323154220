/** A coding agent at work: what it is asked, what it says and how it ends. */
import type { AgentConfig, Config } from '../../core/config/schema.ts';
import type { Role, Usage } from '../../core/execution.ts';

export interface AgentRequest {
  readonly task_id: string;
  readonly attempt_id: string;
  /** Attempt number at this step, from 1. */
  readonly number: number;
  readonly role: Role;
  readonly step_id: string | null;
  /** Value of BATON_MARK for every process of the attempt. */
  readonly mark: string;
  readonly agent: AgentConfig;
  readonly model: string | null;
  readonly cwd: string;
  readonly prompt: string;
  /** Session to go on with; null starts a new one. */
  readonly resume: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** JSON Schema of the answer, for roles that return JSON. */
  readonly output_schema?: Readonly<Record<string, unknown>>;
  readonly max_budget_usd?: number;
  /** The repository's rules hold something back, so an agent with a sandbox of its own asks about every command and edit. */
  readonly ask_all?: boolean;
}

export interface AgentEnd {
  /** True only when the agent itself reported success; an exit code alone never is. */
  readonly ok: boolean;
  readonly result: string;
  readonly structured?: unknown;
  readonly exit_code: number | null;
  readonly error?: {
    /** Structured kind where the agent gave one (see core/retry.ts), else `unknown`. */
    readonly kind: string;
    readonly message: string;
    readonly status?: number;
    /** Epoch ms at which a usage limit ends, where known. */
    readonly resets_at?: number;
  };
}

/** What an agent says, as plain data, so that a session may live in another process. */
export type AgentMessage =
  | { type: 'started'; session_id: string | null; model: string | null; process: { pid: number; started: string } | null }
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | { type: 'tool_call'; id: string; name: string; title: string; input: Record<string, unknown> }
  | { type: 'tool_result'; id: string; ok: boolean; output: string }
  /** Totals of this attempt so far, not increments. cost is null when the agent gave none. */
  | { type: 'usage'; usage: Usage; cost_usd: number | null; turns: number }
  /** `editable: false`: it can be allowed only as it is. */
  | { type: 'permission'; request_id: string; tool: string; title: string; input: Record<string, unknown>; reason: string | null; editable?: boolean }
  | { type: 'permission_withdrawn'; request_id: string }
  /** The account is closed until resets_at (epoch ms) or an unknown time. */
  | { type: 'limit'; message: string; resets_at: number | null }
  /** The agent tries a call again by itself. */
  | { type: 'retrying'; message: string; status: number | null; delay_ms: number | null }
  | { type: 'log'; text: string }
  | { type: 'user'; text: string }
  | { type: 'end'; end: AgentEnd };

export type PermissionAnswer =
  | { behavior: 'allow'; input?: Record<string, unknown> }
  | { behavior: 'deny'; message: string };

/** One agent at work, as its driver makes it. */
export interface AgentSession {
  /** Ends with exactly one `end` message, whatever happens, and only when nothing of the agent's tree is left. */
  readonly messages: AsyncIterable<AgentMessage>;
  answer(requestId: string, answer: PermissionAnswer): Promise<void>;
  /** Gives the running agent a message of the user, which then comes among `messages` too; rejects with `unsupported` where the driver cannot. */
  send(text: string): Promise<void>;
  /** Ends the whole process tree (TERM, then KILL after the grace) and resolves when nothing of it is left. */
  kill(reason: string): Promise<void>;
}

export interface AgentDriver {
  readonly kind: AgentConfig['driver'];
  start(request: AgentRequest): Promise<AgentSession>;
}

/** An agent that can be used or could be, if installed. */
export interface AgentInfo {
  readonly name: string;
  readonly config: AgentConfig;
  readonly available: boolean;
  readonly version: string | null;
  readonly path: string | null;
  /** Command that installs what is missing. */
  readonly install: string | null;
  /** Why it cannot be used although it is there. */
  readonly problem?: string;
  /** How to see whether it is signed in (exit code 0), and how to do so. */
  readonly sign_in?: { readonly file: string; readonly check: readonly string[]; readonly command: string };
  /** Accounts share a provider's limits. */
  readonly account: string;
  readonly provider: string;
}

export interface Agents {
  /** Configured agents and the CLIs found by themselves, best first. Cached; `refresh` looks again. */
  list(config: Config, refresh?: boolean): Promise<AgentInfo[]>;
  /** Whether Baton has a driver for agents of this kind; the drivers themselves are the runner's. */
  hasDriver(kind: AgentConfig['driver']): boolean;
}
