/**
 * What Baton knows of a task: the record that the store keeps, a state file shows and `baton task --json` prints.
 * Stored names are snake_case because they are a public format; times are UTC ISO 8601 with milliseconds.
 */
import type { PermissionRule } from './config/schema.ts';
import type { Plan, PlanReview, CodeReview } from './roles.ts';
import type { StepState, TaskState } from './states.ts';
import type { TaskDefinition } from './task.ts';
import type { ReviewThread } from './threads.ts';

export const ROLES = ['planner', 'plan_reviewer', 'implementer', 'code_reviewer'] as const;
export type Role = (typeof ROLES)[number];

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
}

/** A classified failure of an attempt or task; `kind` is a RetryKind or one of Baton's own (cancelled, no_changes, gates_failed …). */
export interface TaskError {
  kind: string;
  message: string;
  /** HTTP status where the agent reported one. */
  status?: number;
  at: string;
}

export type AttemptOutcome = 'running' | 'succeeded' | 'failed' | 'interrupted' | 'cancelled';

/** A process that sees to an agent apart from the engine. */
export interface RunnerRecord {
  /** Random; part of its mark, and the name of its socket. */
  id: string;
  pid: number;
  started: string;
}

/** One run of one role on one task or step. Its transcript is `.baton/runs/<task>/<attempt_id>/transcript.jsonl`. */
export interface Attempt {
  /** `a1`, `a2`, … unique within the task. */
  attempt_id: string;
  role: Role;
  step_id: string | null;
  /** 1 for the first attempt at this step. */
  number: number;
  agent: string;
  driver: string;
  model: string | null;
  account: string;
  /** Value of BATON_MARK in the environment of every process of this attempt. */
  mark: string;
  session_id: string | null;
  /** Identity of the agent's root process: a pid alone may have been reused. */
  process: { pid: number; started: string } | null;
  /** The runner that it was given to, recorded before its agent starts; null where the agent is the engine's own child. */
  runner?: RunnerRecord | null;
  started_at: string;
  ended_at: string | null;
  outcome: AttemptOutcome;
  error: TaskError | null;
  exit_code: number | null;
  usage: Usage;
  /** Dollars, or null while the agent or its model has no price: unpriced is never 0. */
  cost_usd: number | null;
  turns: number;
  /** Why this agent and model. */
  reason?: string;
  /** Dollars that were set aside for it under the budgets before it started. */
  reserved_usd?: number;
  /** Planners and reviewers: what they answered, until the engine has acted on it. */
  answer?: string | null;
  /** Hash of the prompt's template, as built in or as overridden. */
  prompt_version?: string;
}

/** A reviewer's verdict with what Baton adds: whether it came from the author's own model. */
export type Judged<T> = T & { self_reviewed?: boolean };

export interface StepDefinition {
  id: string;
  description: string;
  [key: string]: unknown;
}

export interface StepExecution {
  step_id: string;
  state: StepState;
  attempt: number;
  max_attempts: number;
  definition: StepDefinition;
  /** What the implementer said it did, and the checkpoint commit that holds it. */
  implementation: { summary: string; commit: string | null } | null;
  code_review: Judged<CodeReview> | null;
  error: TaskError | null;
  started_at: string | null;
  completed_at: string | null;
  implementer_model: string | null;
  reviewer_model: string | null;
  /** Reviews that rejected it since the last human word; three go to the human. */
  rejections?: number;
}

export type GateStatus = 'passed' | 'failed' | 'warning' | 'skipped';

/** The evidence of one gate: enough to run it again and to know what it ran on. */
export interface GateCheck {
  name: string;
  status: GateStatus;
  required: boolean;
  command: string;
  exit_code: number | null;
  seconds: number;
  message: string;
  /** The end of the output, trimmed; the whole is in `log`. */
  details: string;
  /** Path of the complete output. */
  log: string | null;
  tree_sha: string;
}

export interface GateRound {
  round: number;
  /** `branch` = the task's own tree; `merge` = the tree that would land on the target; `base` = the tree without the task's work, which is no evidence of it. */
  subject: 'branch' | 'merge' | 'base';
  checks: GateCheck[];
  /** No required gate failed. */
  passed: boolean;
  /** passed, at least one gate ran, and no warnings (or warnings are allowed). */
  can_merge: boolean;
  tree_sha: string;
  base_sha: string;
  /** When its first gate began; absent in records of old. */
  started_at?: string;
  at: string;
}

export const DECISION_KINDS = ['start', 'plan', 'permission', 'code_review', 'merge', 'budget', 'question'] as const;
export type DecisionKind = (typeof DECISION_KINDS)[number];
export const VERDICTS = ['approve', 'reject', 'request_changes'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface DecisionAnswer {
  verdict: Verdict;
  /** Reason of a rejection, changes requested, or the answer to a question. */
  text: string | null;
  /** permission only: the tool input that the human edited. */
  input: Record<string, unknown> | null;
  /** permission only: the same request is allowed from now on, in this task or in this repository. */
  always?: Always;
  by: string;
  via: 'vscode' | 'cli';
  at: string;
}

export const ALWAYS = ['task', 'repository'] as const;
export type Always = (typeof ALWAYS)[number];

export interface Decision {
  id: string;
  task_id: string;
  kind: DecisionKind;
  /** One sentence: what is asked. */
  question: string;
  /** Facts that the human needs, by kind: tool and input, diff stat, conflicting files, concerns. */
  detail: Record<string, unknown>;
  since: string;
  expires_at: string | null;
  status: 'open' | 'answered' | 'expired' | 'withdrawn';
  /** Where the task goes on when approved. */
  resume_state: TaskState;
  /** Hash of the task's content that the approval is bound to. */
  content_hash: string;
  /** Commit that a merge approval is bound to. */
  head_sha: string | null;
  attempt_id: string | null;
  answer: DecisionAnswer | null;
  /** When the engine acted on the answer; an answer is used once. */
  applied_at: string | null;
}

export interface HistoryEntry {
  from: TaskState | null;
  to: TaskState;
  at: string;
  why: string;
  /** Kind of the error of a move to failed. */
  error?: string;
}

export interface TaskExecution {
  task_id: string;
  /** Grows by one with every committed change; the fence against stale writers. */
  rev: number;
  state: TaskState;
  task_def: TaskDefinition;
  content_hash: string;
  workflow: 'direct' | 'reviewed';
  workflow_reason: string;
  plan: Plan | null;
  plan_review: Judged<PlanReview> | null;
  /** Plans rejected since the last human word; three go to the human. */
  plan_rejections?: number;
  steps: StepExecution[];
  attempts: Attempt[];
  quality_gate_results: GateRound[];
  decisions: Decision[];
  history: HistoryEntry[];
  error: TaskError | null;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  retry_count: number;
  max_retries: number;
  /** Failures of an unknown kind since the last progress; the second one goes to the human. */
  unknown_failures: number;
  /** Gate rounds failed since the last human word; three fail the task. */
  gate_failures: number;
  /** Merges that conflicted since the last human word; the third goes to the human. */
  conflicts?: number;
  models: Partial<Record<Role, string>>;
  usage: Usage;
  total_cost_usd: number;
  /** True when some attempt had no price, so the total is a lower bound. */
  unpriced: boolean;
  worktree: string | null;
  /** When the worktree's setup commands had all succeeded. */
  prepared_at: string | null;
  branch: string | null;
  target_branch: string | null;
  base_sha: string | null;
  head_sha: string | null;
  /** The merge commit that was about to land, or has. */
  merge_sha: string | null;
  /** The pull request that the task lands by, and the head that was pushed for it. */
  pull_request?: { url: string; number: number; head_sha: string };
  /** Set while the worktree may hold a merge that is being built instead of the branch. */
  merge_started_at: string | null;
  /** Set from before gates run in the worktree until what they have left there is gone: what is not committed meanwhile is nobody's work. */
  gated_at?: string | null;
  /** Last session id by agent name; those of planners and reviewers by `<agent>/<role>`. */
  sessions: Record<string, string>;
  not_before: string | null;
  /** A user's manual place; lower runs first and outranks every score. */
  place: number | null;
  /** What a human raised its budget to, in dollars. */
  budget_usd?: number;
  /** A human asked to go on with a cheaper model. */
  economy?: boolean;
  /** Interruptions (crash, stop) in a row; three go to the human. */
  interruptions: number;
  /** Where a later prompt gets its news from: gate output, requested changes. */
  feedback: string | null;
  /** What a human allowed once and for all in this task. They only add to what the policy allows. */
  permissions?: PermissionRule[];
  /** Set while a human works in the agent's session in a terminal: nothing starts before it is handed back. */
  taken_over?: { by: string; at: string } | null;
  /** Comments of humans on lines of the change and on steps of the plan. */
  threads?: ReviewThread[];
}

/** The record of a task that has just been queued. */
export function newExecution(definition: TaskDefinition, hash: string, at: string): TaskExecution {
  return {
    task_id: definition.id,
    rev: 1,
    state: 'new',
    task_def: definition,
    content_hash: hash,
    workflow: 'direct',
    workflow_reason: '',
    plan: null,
    plan_review: null,
    steps: [],
    attempts: [],
    quality_gate_results: [],
    decisions: [],
    history: [{ from: null, to: 'new', at, why: 'queued' }],
    error: null,
    created_at: at,
    started_at: null,
    completed_at: null,
    retry_count: 0,
    max_retries: 0,
    unknown_failures: 0,
    gate_failures: 0,
    models: {},
    usage: emptyUsage(),
    total_cost_usd: 0,
    unpriced: false,
    worktree: null,
    prepared_at: null,
    branch: null,
    target_branch: null,
    base_sha: null,
    head_sha: null,
    merge_sha: null,
    merge_started_at: null,
    sessions: {},
    not_before: null,
    place: null,
    interruptions: 0,
    feedback: null,
  };
}

export function emptyUsage(): Usage {
  return { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 };
}

/** Where a task's session with an agent is kept: every role has its own, since a reviewer must not know the author's thoughts. */
export function sessionKey(agent: string, role: Role): string {
  return role === 'implementer' ? agent : `${agent}/${role}`;
}

/** Seconds from the start of a finished task to its end; null when it never started or has not ended. */
export function secondsOf(task: TaskExecution): number | null {
  return task.started_at !== null && task.completed_at !== null ? (Date.parse(task.completed_at) - Date.parse(task.started_at)) / 1000 : null;
}

/** The current or last step that is not completed, if any. */
export function currentStep(task: TaskExecution): StepExecution | undefined {
  return task.steps.find((step) => step.state !== 'completed');
}

export function openDecisions(task: TaskExecution): Decision[] {
  return task.decisions.filter((decision) => decision.status === 'open');
}
