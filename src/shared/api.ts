/**
 * The one door to a running engine: commands in, snapshots and events out. The engine implements it in its own process,
 * the leader serves it over a local socket, and every surface (VS Code, CLI) sees only this.
 */
import type { Problem } from '../core/errors.ts';
import type { Always, Decision, GateCheck, Role, TaskExecution, Usage, Verdict } from '../core/execution.ts';
import type { Finding } from '../core/findings.ts';
import type { RiskLevel } from '../core/reviewOrder.ts';
import type { SpendShares } from '../core/cost.ts';
import type { Forecast } from '../core/forecast.ts';
import type { StepState, TaskState } from '../core/states.ts';
import type { PriorityBreakdown } from '../core/priority.ts';
import type { NewTask } from '../core/task.ts';
import type { CommentPlace } from '../core/threads.ts';
import type { HealthReport } from './health.ts';
import type { MetricsQuery, MetricsReport } from './metrics.ts';

/** Stored wish of the user; nothing runs before the first Start. */
export type DesiredState = 'running' | 'paused' | 'stopped';

export type Command =
  | { type: 'start' }
  | { type: 'pause' }
  | { type: 'stop'; reason?: string }
  | { type: 'stop_now'; reason?: string }
  /** A task whose `source` is an address is queued once for that address. `dry_run` only says what would be. */
  | { type: 'add_task'; task: NewTask; dry_run?: boolean }
  | { type: 'cancel'; task_id: string; reason?: string }
  | { type: 'retry'; task_id: string; fresh?: boolean }
  | { type: 'run_next'; task_id: string }
  | { type: 'move'; task_id: string; direction: 'up' | 'down' }
  /** Puts the task right before another, or at the end when `before` is null. */
  | { type: 'place'; task_id: string; before: string | null }
  | { type: 'clear_place'; task_id: string }
  | {
      type: 'decide';
      task_id: string;
      /** The oldest open decision of the task when absent. */
      decision_id?: string | undefined;
      verdict: Verdict;
      text?: string | undefined;
      /** permission: the edited tool input; plan: the edited plan. */
      input?: Record<string, unknown> | undefined;
      /** permission, with `approve`: allow the decision's `detail.rule` from now on. */
      always?: Always | undefined;
      by: string;
      via: 'vscode' | 'cli';
    }
  /** A comment on a line of the change or a step of the plan; it goes to the agent with the next request for changes. */
  | { type: 'comment'; task_id: string; place: CommentPlace; text: string; by: string }
  /** Changes the text of one's comment; null takes it away, and with the last comment its thread. */
  | { type: 'edit_comment'; task_id: string; thread_id: string; comment_id: string; text: string | null; by: string }
  | { type: 'resolve_thread'; task_id: string; thread_id: string; resolved: boolean; by: string }
  /** Ends the agent's turn and leaves its session to a human, in a terminal. */
  | { type: 'take_over'; task_id: string; by: string }
  /** The agent goes on in the same session, with these words where there are any. */
  | { type: 'hand_back'; task_id: string; text?: string | undefined; by: string }
  /** Replaces the plan that waits for its approval, which stays to be given. */
  | { type: 'edit_plan'; task_id: string; plan: Record<string, unknown>; by: string }
  | { type: 'message'; task_id: string; text: string }
  | { type: 'refresh' }
  /** Forgets every task that is not at work; `dry_run` only says which. */
  | { type: 'clean_state'; dry_run?: boolean }
  /** Deletes the definition of a task that has not begun or is finished, and forgets it. */
  | { type: 'delete_task'; task_id: string };

export interface CommandReply {
  /** One sentence for people: what was done. */
  readonly message: string;
  readonly task_id?: string;
  readonly task_ids?: readonly string[];
  /** take_over: what continues the session in a terminal. */
  readonly terminal?: Terminal;
}

/** A program to be run by hand. */
export interface Terminal {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to the user's own environment. */
  readonly env: Readonly<Record<string, string>>;
}

export type TaskGroup = 'running' | 'waiting' | 'held' | 'needs_you' | 'done' | 'failed';

export interface StepView {
  readonly step_id: string;
  readonly state: StepState;
  readonly description: string;
  readonly attempt: number;
  /** Dollars of all its calls, reviews included, live; a lower bound where `unpriced`. Absent where nothing was called for it. */
  readonly cost_usd?: number;
  readonly unpriced?: boolean;
}

/** Who takes the task's present or next attempt, why, and what that will probably cost and take. */
export interface RoutingView {
  readonly role: Role;
  readonly agent: string;
  /** Null for the agent's own default. */
  readonly model: string | null;
  readonly reason: string;
  /** Null where nothing is known. */
  readonly estimate: Forecast | null;
  /** `about $0.12 and 3m (median of 8 like attempts)`; empty where nothing is known. */
  readonly estimate_text: string;
  /** Dollars that it reserves under the budgets. */
  readonly reserve_usd: number;
}

export interface TaskView {
  readonly id: string;
  readonly goal: string;
  readonly state: TaskState;
  readonly group: TaskGroup;
  /** One true sentence with the numbers: why it does not run, or what it does now. */
  readonly why: string;
  readonly score: number;
  readonly base_score: number;
  readonly components: PriorityBreakdown;
  /** How the score came about, one line a part. */
  readonly explanation: readonly string[];
  /** 1 for the next to start; null when not queued. */
  readonly position: number | null;
  readonly placed: boolean;
  readonly risk: string;
  readonly area: string;
  readonly workflow: 'direct' | 'reviewed';
  readonly workflow_reason: string;
  readonly source: { readonly file: string; readonly line: number } | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly not_before: string | null;
  /** When it will probably start (when it did, while it is at work) and be done, people's time not counted; null = unknown. UTC ISO 8601. */
  readonly eta_start: string | null;
  readonly eta_done: string | null;
  readonly steps: readonly StepView[];
  /** The checks of the last gate round. */
  readonly gates: readonly GateCheck[];
  readonly agent: string | null;
  readonly model: string | null;
  readonly attempt_id: string | null;
  readonly attempt_started_at: string | null;
  readonly activity: string | null;
  readonly last_line: string | null;
  /** Share of one processor that the agent's process tree uses; absent while none is at work or not measured yet. */
  readonly cpu_percent?: number;
  /** Its resident memory, in MB. */
  readonly memory_mb?: number;
  readonly usage: Usage;
  readonly cost_usd: number;
  readonly unpriced: boolean;
  /** Of the present attempt, live; null while it has no price or none runs. */
  readonly attempt_cost_usd: number | null;
  /** What the task may cost in all; null where nothing limits it. */
  readonly budget_usd: number | null;
  /** Null for a task that needs no agent now. */
  readonly routing: RoutingView | null;
  readonly branch: string | null;
  readonly worktree: string | null;
  readonly target_branch: string | null;
  readonly base_sha: string | null;
  readonly head_sha: string | null;
  readonly error: string | null;
  /** Kind of the error, for example `cancelled`; absent or null when there is none. */
  readonly error_kind?: string | null;
  readonly retry_count: number;
  readonly max_retries: number;
  /** Who works in its agent's session in a terminal. */
  readonly taken_over?: string | null;
  /** Grows with every change of the stored record: when to ask for it again. */
  readonly rev?: number;
  readonly decisions: readonly Decision[];
}

export interface AccountView {
  readonly account: string;
  /** Closed until this time; null = open, `unknown` = until sign-in works again. */
  readonly closed_until: string | null;
  readonly closed: boolean;
  readonly reason: string | null;
}

export interface AgentView {
  readonly name: string;
  readonly driver: string;
  readonly available: boolean;
  readonly version: string | null;
  readonly install: string | null;
  readonly account: string;
  /** Why it cannot be used although it is there. */
  readonly problem?: string;
  /** How to see whether it is signed in (exit code 0), and how to do so. */
  readonly sign_in?: { readonly file: string; readonly check: readonly string[]; readonly command: string };
}

export interface LoopView {
  readonly desired: DesiredState;
  /** What the loop does now. `stopping`: running attempts finish, nothing new starts. */
  readonly state: 'never_started' | 'running' | 'paused' | 'stopping' | 'stopped';
  readonly since: string;
  /** Why it stopped, where that is not the user's own Stop. */
  readonly reason: string | null;
  /** Nothing is at work and nothing could start now: all tasks are finished, parked or held. */
  readonly idle: boolean;
  /** Identifies the run (loop start to stop) that is on or was last. */
  readonly run_id: string | null;
  readonly slots_used: number;
  readonly slots: number;
  readonly leader: { readonly pid: number; readonly host: 'vscode' | 'cli' } | null;
}

/** Dollars, running attempts included. A day is a UTC day; an attempt belongs to the day on which it ends. */
export interface CostView {
  readonly today_usd: number;
  /** Of the tasks that are there. */
  readonly total_usd: number;
  /** Some call had no price, so the sums are lower bounds. */
  readonly unpriced: boolean;
  /** What today may cost; null where nothing limits it. */
  readonly budget_usd: number | null;
  /** Of today, with what running attempts have reserved. */
  readonly committed_usd: number;
  /** Of the attempts that have ended, deleted tasks' too. */
  readonly shares: SpendShares;
}

export interface ScheduleView {
  readonly name: string;
  readonly cron: string;
  /** null: the machine's own. */
  readonly timezone: string | null;
  readonly template: string;
  readonly enabled: boolean;
  /** The last time for which it has queued a task. */
  readonly last_due: string | null;
  readonly next_due: string | null;
  readonly source: { readonly file: string; readonly line: number };
}

/** A complete picture; never a delta. `seq` grows with every change. */
export interface Snapshot {
  readonly seq: number;
  readonly at: string;
  readonly repository: { readonly root: string; readonly name: string };
  readonly loop: LoopView;
  /** In queue order, then by group and time. */
  readonly tasks: readonly TaskView[];
  readonly accounts: readonly AccountView[];
  readonly agents: readonly AgentView[];
  readonly problems: readonly Problem[];
  readonly schedules?: readonly ScheduleView[];
  readonly cost: CostView;
  /** What the configuration says of dashboards: seconds between redraws where only time has passed, and how many ended tasks they list. */
  readonly dashboard: { readonly refresh_interval: number; readonly max_recent_tasks: number };
  /** `attention.quiet_hours` of the configuration. */
  readonly quiet_hours?: string | null;
  readonly health: HealthReport;
}

export interface FileChangeView {
  readonly path: string;
  readonly from?: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed';
  readonly added: number | null;
  readonly removed: number | null;
  /** How much care its review needs, and why. */
  readonly level?: RiskLevel;
  readonly reason?: string;
}

/** What a review needs of a task: refs to diff and the files between them. */
export interface ChangesView {
  readonly base_sha: string;
  readonly head_sha: string;
  readonly worktree: string | null;
  /** What to look at first comes first. */
  readonly files: readonly FileChangeView[];
  /** What a reviewer should know of the change as a whole. */
  readonly notes?: readonly string[];
  /** What reviewers and gates say of its places. */
  readonly findings?: readonly Finding[];
}

export interface EngineApi {
  snapshot(): Promise<Snapshot>;
  /** Calls back with each new snapshot (at most 4 a second) until disposed. */
  onSnapshot(listener: (snapshot: Snapshot) => void): { dispose(): void };
  /** Rejects with a BatonError that says what to do. */
  send(command: Command): Promise<CommandReply>;
  /** The stored record of a task. */
  task(taskId: string): Promise<TaskExecution | undefined>;
  changes(taskId: string): Promise<ChangesView>;
  /** Figures over a window that ends now; rejects with `usage` for a window that is none. */
  metrics(query: MetricsQuery): Promise<MetricsReport>;
  health(): Promise<HealthReport>;
}
