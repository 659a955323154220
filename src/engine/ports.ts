/** The few doors between the engine and the world. Makers live in adapters/; hosts hand them in. */
import type { AgentConfig, Config, GateConfig, PermissionRule } from '../core/config/schema.ts';
import type { Location, Problem } from '../core/errors.ts';
import type { HistoryRow } from '../core/history.ts';
import type { Attempt, GateCheck, Role, RunnerRecord, TaskExecution, Usage } from '../core/execution.ts';
import type { Schedule } from '../core/scheduleSchema.ts';
import type { StoredMetrics } from '../core/metrics/columns.ts';
import type { MetricsWrite } from '../core/metrics/rollup.ts';
import type { FileHunks } from '../core/hunks.ts';
import type { TaskDefinition } from '../core/task.ts';
import type { ExporterMakers } from './exporters.ts';

export interface Disposable {
  dispose(): void;
}

/** Time, handed in so that tests decide what it is. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `ms`; never keeps the process alive by itself. */
  after(ms: number, callback: () => void): Disposable;
}

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string, cause?: unknown): void;
}

// ---------------------------------------------------------------- store

export interface StoredEvent {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly task_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}
export type NewEvent = Omit<StoredEvent, 'seq'>;

export interface Commit {
  /** Whole records. `rev` is the new revision; the stored one must be `rev - 1` (absent for rev 1), else nothing is written. */
  readonly tasks?: readonly TaskExecution[];
  readonly remove?: readonly string[];
  readonly events?: readonly NewEvent[];
  /** Rows that outlive the task. */
  readonly history?: readonly HistoryRow[];
  /** Small named values of the loop: desired state, accounts, the current run. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Added to the metrics. A commit that has them has an event too, so that its seq tells whether they were read already. */
  readonly metrics?: MetricsWrite;
}

export interface HistoryQuery {
  readonly kind: HistoryRow['kind'];
  /** ISO time, inclusive; everything when absent. */
  readonly since?: string;
  readonly limit?: number;
}

export interface Store {
  /** Atomic, and durable when it resolves; rejects with `stale_version` when another writer was first. Returns the last event's seq. */
  commit(commit: Commit): Promise<number>;
  loadTasks(): Promise<TaskExecution[]>;
  task(taskId: string): Promise<TaskExecution | undefined>;
  /** Events with seq > since, oldest first. */
  events(since: number, limit?: number): Promise<StoredEvent[]>;
  meta(): Promise<Record<string, unknown>>;
  /** Metrics from this moment (epoch ms) on. */
  metrics(since: number): Promise<StoredMetrics>;
  /** What is kept of calls and tasks for good, latest first. */
  history(query: HistoryQuery): Promise<HistoryRow[]>;
  /** What opening had to repair: a corrupt database set aside, a lost state file. */
  readonly repairs: readonly string[];
  close(): Promise<void>;
}

// ---------------------------------------------------------------- agents

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

// ---------------------------------------------------------------- runners

/** An attempt as it is handed to the runner that sees to it: plain data, since that is another process. */
export interface AttemptOrder {
  readonly request: AgentRequest;
  /** The agent's name. */
  readonly agent: string;
  /** Folder of the attempt, in which its transcript is written. */
  readonly directory: string;
  readonly limits: AgentLimits;
  /** What it answers by itself while no engine is there; everything else waits. */
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
  /** An attempt will be wanted soon. */
  warm(): void;
  /** Rejects when the system gives no process. */
  take(): Promise<Runner>;
  /** The session of an attempt that an earlier engine began, or what it left; undefined when its runner died before its end. */
  adopt(attempt: Attempt, directory: string): Promise<AdoptedSession | undefined>;
  /** Lets go of the processes that wait for an attempt. */
  close(): void;
}

// ---------------------------------------------------------------- git

export interface WorkspaceInfo {
  readonly worktree: string;
  readonly branch: string;
  readonly base_sha: string;
  readonly target_branch: string;
}

export interface TreeState {
  readonly head_sha: string;
  readonly tree_sha: string;
  readonly dirty: boolean;
}

export interface FileChange {
  readonly path: string;
  /** Path before a rename. */
  readonly from?: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed';
  /** Lines; null for binary files. */
  readonly added: number | null;
  readonly removed: number | null;
  /** Only white space and blank lines differ. */
  readonly whitespace_only?: true;
}

/** A file that two sides changed in the same places. */
export interface Conflict {
  readonly path: string;
  /** The places with git's markers between the sides, the target's first, and a few lines around; empty where there is no text to show. */
  readonly hunks: string;
}

export type MergeResult =
  | { readonly kind: 'merged'; readonly merge_sha: string; readonly tree_sha: string; readonly target_sha: string }
  | { readonly kind: 'conflict'; readonly files: string[]; readonly conflicts: readonly Conflict[] }
  /** The user's own hooks refused the merge commit. */
  | { readonly kind: 'refused'; readonly message: string };

export type AdvanceResult =
  | { readonly kind: 'advanced' }
  /** The target is no longer where the merge was built on. */
  | { readonly kind: 'moved' }
  /** The user's uncommitted changes overlap these files. */
  | { readonly kind: 'blocked'; readonly files: string[]; readonly message: string };

export interface Workspace {
  /** Creates worktree and branch, or finds those of an earlier run; repairs a half-made one. */
  create(taskId: string, target: string): Promise<WorkspaceInfo>;
  /** What git ignores in the main checkout: files, and with a slash at the end folders that match a rule as a whole. */
  ignored(): Promise<string[]>;
  /** Copies and links ignored files by rule, of those that `ignored()` has named where it was asked already; only for a new worktree. Returns what it brought. */
  populate(worktree: string, copy: readonly string[], link: readonly string[], ignored?: readonly string[]): Promise<string[]>;
  state(worktree: string): Promise<TreeState>;
  /** The tree of a commit. */
  treeOf(sha: string): Promise<string>;
  /** Checks a commit out in a task's worktree, detached; unsaved work is saved first, and `backToBranch` ends the visit. */
  visit(worktree: string, taskId: string, sha: string): Promise<void>;
  /** Commits everything in the worktree (unsigned, no hooks) if there is anything; says whether there was. */
  checkpoint(worktree: string, message: string): Promise<{ sha: string; changed: boolean }>;
  changes(worktree: string, baseSha: string, headSha: string): Promise<FileChange[]>;
  /** The unified diff between two commits, cut per file and in all so that a prompt can hold it. */
  diff(worktree: string, baseSha: string, headSha: string): Promise<string>;
  /** The changed files between two commits by their path before, with where their lines went. */
  moved(worktree: string, fromSha: string, toSha: string): Promise<Map<string, FileHunks>>;
  /** Merges in memory; touches no file. */
  testMerge(headSha: string, target: string): Promise<{ tree_sha: string; target_sha: string; conflicts: string[] }>;
  /** Makes the merge commit on top of the target; the user's hooks and signing apply. The worktree holds its tree then, on whatever HEAD. */
  buildMerge(options: {
    readonly worktree: string;
    readonly head_sha: string;
    readonly target: string;
    readonly strategy: 'squash' | 'merge';
    readonly message: string;
    readonly trailers: Readonly<Record<string, string>>;
    readonly env: Readonly<Record<string, string>>;
  }): Promise<MergeResult>;
  /** Moves the target to the merge commit: `merge --ff-only` where it is checked out, else a compare-and-swap of the ref. */
  advance(target: string, mergeSha: string, expectedSha: string): Promise<AdvanceResult>;
  /** Fast-forwards the target to a commit of its future; false when it is none, or the user's own changes are in the way. */
  follow(target: string, sha: string): Promise<boolean>;
  /** Puts the worktree back on the task's branch (after a merge was built and dropped). */
  backToBranch(worktree: string, branch: string): Promise<void>;
  /** Saves unsaved work to `refs/baton/snapshots/…`; null when there was none. */
  snapshot(worktree: string, taskId: string): Promise<string | null>;
  /** Snapshot first, then hard reset to `sha` and clean untracked files that are not ignored. */
  reset(worktree: string, taskId: string, sha: string): Promise<void>;
  /** Snapshot first, then remove worktree and branch; the branch's head stays at `refs/baton/tasks/<id>`. */
  remove(taskId: string, worktree: string, branch: string): Promise<void>;
  /** Task ids and content hashes of the `Baton-Task`/`Baton-Hash` trailers reachable from the target, and not from `since` where given. */
  merged(target: string, since?: string): Promise<Map<string, { hash: string; sha: string }>>;
}

// ---------------------------------------------------------------- pull requests

export interface PullRequest {
  readonly url: string;
  readonly number: number;
  readonly state: 'open' | 'merged' | 'closed';
  /** The commit that it became on the target. */
  readonly merge_sha: string | null;
}

/** What a forge's programs run under. */
export interface ForgeCall {
  /** BATON_MARK of what is started. */
  readonly mark: string;
  /** Ends what is started, with all its children: a hook that hangs must not hold up who stops or closes. */
  readonly signal: AbortSignal;
}

/**
 * Where pull requests are. Every method rejects with a BatonError that says what to do: no program, not signed in, no remote, no answer in
 * time; or `refused` when its signal came first.
 */
export interface Forge {
  /** Pushes the commit as the branch and opens a pull request for it, or finds the one that is open. */
  open(options: { readonly branch: string; readonly sha: string; readonly target: string; readonly title: string; readonly body: string }, call: ForgeCall): Promise<PullRequest>;
  look(url: string, call: ForgeCall): Promise<PullRequest>;
  /** Merges it, if its head is still this commit. */
  merge(url: string, sha: string, strategy: 'squash' | 'merge', call: ForgeCall): Promise<void>;
  /** Fetches a branch of the remote; returns its head. No branch here moves. */
  fetch(target: string, call: ForgeCall): Promise<string>;
}

// ---------------------------------------------------------------- gates, setup

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
  /** Runs one command of the user by the shell and ends its whole tree on overrun. */
  run(request: CommandRequest): Promise<CommandResult>;
}
export type { GateCheck };

// ---------------------------------------------------------------- processes, files

export interface Processes {
  /**
   * Ends every process whose BATON_MARK starts with this, and returns how many there were; those with one of the marks in `keep` stay.
   * `roots` are ended with their children too where they still live, since not every platform shows marks; `grace_ms` is the time between
   * TERM and KILL, 5000 by default.
   */
  sweep(markPrefix: string, options?: { readonly keep?: readonly string[]; readonly roots?: readonly { pid: number; started: string }[]; readonly grace_ms?: number }): Promise<number>;
  /** What Baton and these trees use, measured since the last call. */
  usage(trees: readonly UsageTree[]): Promise<ProcessUsage>;
}

/** An agent's processes: those with the mark, the one with the pid, and all their descendants. */
export interface UsageTree {
  readonly mark: string;
  readonly pid: number | null;
}
export interface TreeUsage {
  /** Share of one processor since the last measurement; null at the first. */
  readonly cpu_percent: number | null;
  /** Resident, in 10^6 bytes. */
  readonly memory_mb: number;
}
export interface ProcessUsage {
  /** This process and what it started, without the trees. */
  readonly own: TreeUsage;
  /** By mark. */
  readonly trees: ReadonlyMap<string, TreeUsage>;
}

/** Task definitions and configuration as files, with what is wrong in them. */
export interface Sources {
  tasks(): Promise<{ tasks: SourcedTask[]; problems: Problem[] }>;
  /** The last valid configuration stays in force; `valid` says whether it is what the file says now. */
  config(): Promise<{ config: Config; problems: Problem[]; valid: boolean }>;
  /** Where a key of the configuration stands, or the file's beginning where it is not written. */
  locate(key: readonly string[]): Promise<Location>;
  /** The user's own prompt for a role (`.baton/prompts/<role>.md`); undefined where there is none. */
  prompt(role: Role): Promise<string | undefined>;
  /** Schedules that can queue their task, and what is wrong with the others and with the templates. */
  schedules(): Promise<{ schedules: SourcedSchedule[]; problems: Problem[] }>;
  stopRequested(stopHookFile: string): Promise<boolean>;
  /** Writes `.baton/tasks/<slug>.md`; returns its path relative to the repository. Never overwrites. */
  addTask(task: TaskDefinition): Promise<string>;
  /** Takes a task's definition out of its file (comments and order of others stay), or removes the file that is its alone; null where there is none. */
  removeTask(taskId: string): Promise<string | null>;
  /** Writes an exact rule into the configuration, where it has its effect; returns the file, relative to the repository. Comments and order stay. */
  addPermission(rule: PermissionRule): Promise<string>;
  /** Calls back soon after any of these files changed. */
  watch(onChange: (what: 'tasks' | 'config' | 'stop' | 'schedules') => void, stopHookFile: () => string): Disposable;
}
export interface SourcedTask {
  readonly definition: TaskDefinition;
  /** Relative to the repository; line counts from 1. */
  readonly file: string;
  readonly line: number;
  /** The content hash (core canonicalContent, SHA-256, hex). */
  readonly hash: string;
  readonly modified_at: string;
  /** Where each entry of `depends_on` stands (from 1), for core checkDependencies. */
  readonly dependencies_at: readonly { readonly line: number; readonly column: number }[];
}

export interface SourcedSchedule extends Location {
  readonly schedule: Schedule;
  readonly template: { readonly file: string; readonly text: string };
  /** The first time after `after` (epoch ms) at which it is due; undefined when it never is again. */
  nextDue(after: number): number | undefined;
  /** The last time after `since` and not after `until` at which it was due. */
  lastDue(since: number, until: number): number | undefined;
}

/** Per-attempt files under `.baton/runs/<task>/<attempt>/`. */
export interface RunFiles {
  directory(taskId: string, attemptId: string): string;
}

/** The human-readable audit log. */
export interface RunLog {
  /** Appends in order; a disk that fails or is slow stops nothing. */
  append(text: string): void;
  flush(): Promise<void>;
}

// ---------------------------------------------------------------- webhook

export interface WebhookRequest {
  readonly url: string;
  /** The same for every attempt at the same message, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly event: string;
  /** JSON. */
  readonly body: string;
  /** Signs the request. */
  readonly secret?: string;
  readonly signal: AbortSignal;
}

/** One attempt to bring a message to a receiver; rejects where it was not taken, with `status` or `code` where there is one. */
export interface Webhook {
  send(request: WebhookRequest): Promise<void>;
}

export interface Crypto {
  /** SHA-256, hex. */
  hash(text: string): string;
  /** A random id, 12 characters or more, safe in file names. */
  id(): string;
}

/** Everything the engine is given. */
export interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly agents: Agents;
  readonly runners: Runners;
  readonly workspace: Workspace;
  readonly forge: Forge;
  readonly gates: Gates;
  readonly processes: Processes;
  readonly sources: Sources;
  readonly runs: RunFiles;
  readonly runLog: RunLog;
  readonly crypto: Crypto;
  readonly webhook: Webhook;
  readonly repository: {
    /** Absolute path of the main checkout. */
    readonly root: string;
    readonly name: string;
    /** Short stable hash of the git common dir; first part of every mark. */
    readonly key: string;
  };
  /** Follows links: the path relative to the folder with `/`, or null when it leads out of it. The file need not exist. */
  readonly resolvePath: (folder: string, path: string) => Promise<string | null>;
  /** Writes `.baton/checkpoint.json` (atomic). */
  readonly writeCheckpoint: (checkpoint: Record<string, unknown>) => Promise<void>;
  readonly exporters: ExporterMakers;
}
