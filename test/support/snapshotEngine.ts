/**
 * A picture of an engine with a task in every state, and a session that shows it: for looking at views and for tests of what
 * they show. It runs nothing; behaviour is tested against the real engine.
 */
import { emptyUsage, type Decision, type GateCheck, type TaskExecution } from '../../src/core/execution.ts';
import type { Disposable } from '../../src/engine/ports.ts';
import type { Session } from '../../src/host/session.ts';
import type { HealthReport } from '../../src/shared/health.ts';
import type { MetricsQuery, MetricsReport } from '../../src/shared/metrics.ts';
import type { ChangesView, Command, CommandReply, EngineApi, Snapshot, TaskView } from '../../src/shared/api.ts';
import { emptyMetrics, healthyReport } from './reports.ts';

const MINUTE = 60_000;
const SHA = { base: 'a'.repeat(40), head: 'b'.repeat(40), tree: 'c'.repeat(40) };

/** A task that waits in the queue; `changes` make it any other. `now` is epoch ms. */
export function taskView(id: string, now: number, changes: Partial<TaskView> = {}): TaskView {
  return {
    id,
    goal: `Do ${id}`,
    state: 'new',
    group: 'waiting',
    why: 'Next to start: position 1, a slot is free.',
    score: 2.1,
    base_score: 2.1,
    components: { urgency: 3, deadline: 1, sender: 2, age_boost: 0, vip_bonus: 0 },
    explanation: ['urgency 3 × 0.4 = 1.2', 'deadline 1 × 0.3 = 0.3', 'sender 2 × 0.3 = 0.6'],
    position: null,
    placed: false,
    risk: 'medium',
    area: 'core',
    workflow: 'direct',
    workflow_reason: 'no risk or area stated',
    source: { file: `.baton/tasks/${id}.md`, line: 1 },
    created_at: iso(now - 12 * MINUTE),
    started_at: null,
    completed_at: null,
    not_before: null,
    eta_start: null,
    eta_done: null,
    steps: [],
    gates: [],
    agent: null,
    model: null,
    attempt_id: null,
    attempt_started_at: null,
    activity: null,
    last_line: null,
    usage: emptyUsage(),
    cost_usd: 0,
    attempt_cost_usd: null,
    budget_usd: null,
    routing: null,
    unpriced: false,
    branch: null,
    worktree: null,
    target_branch: null,
    base_sha: null,
    head_sha: null,
    error: null,
    error_kind: null,
    retry_count: 0,
    max_retries: 4,
    decisions: [],
    ...changes,
  };
}

/** What a started task has besides. */
export function started(id: string, now: number, changes: Partial<TaskView> = {}): TaskView {
  return taskView(id, now, {
    started_at: iso(now - 5 * MINUTE),
    agent: 'claude',
    model: 'claude-sonnet-4-6',
    attempt_id: 'a1',
    attempt_started_at: iso(now - 3 * MINUTE - 12_000),
    branch: `baton/${id}`,
    worktree: `/data/baton/worktrees/${id}`,
    target_branch: 'main',
    base_sha: SHA.base,
    head_sha: SHA.base,
    usage: { input_tokens: 900, output_tokens: 2400, cache_read_tokens: 41_000, cache_write_tokens: 3000 },
    steps: [{ step_id: 'implement', state: 'implementing', description: 'Implement the task', attempt: 1 }],
    ...changes,
  });
}

export function running(id: string, now: number, changes: Partial<TaskView> = {}): TaskView {
  return started(id, now, { state: 'implementing', group: 'running', why: 'Runs with claude since 3m12s.', activity: 'running the agent', cost_usd: 0.08, ...changes });
}

export function decision(taskId: string, now: number, changes: Partial<Decision> = {}): Decision {
  return {
    id: `d1-${taskId}`,
    task_id: taskId,
    kind: 'merge',
    question: `Merge "Do ${taskId}" into main?`,
    detail: { reason: 'the merge policy asks for a review', files: 3, added: 42, removed: 7, gates: [], protected: [] },
    since: iso(now - 4 * MINUTE),
    expires_at: null,
    status: 'open',
    resume_state: 'quality_gate',
    content_hash: 'f'.repeat(64),
    head_sha: SHA.head,
    attempt_id: 'a1',
    answer: null,
    applied_at: null,
    ...changes,
  };
}

export function gate(name: string, changes: Partial<GateCheck> = {}): GateCheck {
  return {
    name,
    status: 'passed',
    required: true,
    command: `npm run ${name}`,
    exit_code: 0,
    seconds: 4.2,
    message: 'exit code 0',
    details: '',
    log: `.baton/runs/x/a1/gate-${name}.log`,
    tree_sha: SHA.tree,
    ...changes,
  };
}

const COMPLETED = { step_id: 'implement', state: 'completed', description: 'Implement the task', attempt: 1 } as const;

/** A merge decision with green gates. */
export function awaitingMerge(id: string, now: number, changes: Partial<TaskView> = {}): TaskView {
  return started(id, now, {
    state: 'awaiting_human_review',
    group: 'needs_you',
    why: 'Waits for you: merge decision since 4m.',
    head_sha: SHA.head,
    steps: [COMPLETED],
    gates: [gate('test'), gate('lint'), gate('types')],
    cost_usd: 0.31,
    decisions: [decision(id, now)],
    ...changes,
  });
}

export function awaitingPermission(id: string, now: number, command: string, changes: Partial<TaskView> = {}): TaskView {
  return running(id, now, {
    group: 'needs_you',
    activity: 'waiting for your permission',
    decisions: [
      decision(id, now, {
        kind: 'permission',
        question: `Allow Bash: ${command}?`,
        detail: { tool: 'Bash', title: command, input: { command, description: 'Clean and test' }, reason: 'no rule matches' },
        resume_state: 'implementing',
        head_sha: null,
      }),
    ],
    ...changes,
  });
}

/** One task or more in every state that a view distinguishes. */
export function everyState(now: number): TaskView[] {
  const ended = iso(now - 2 * MINUTE);
  return [
    running('flaky-test', now, { goal: 'Make the date test independent of the time zone', last_line: 'npm test -- --grep dates', score: 3.4 }),
    running('parser-speed', now, { goal: 'Parse numbers without regular expressions', state: 'quality_gate', activity: 'running gate test', steps: [COMPLETED] }),
    awaitingPermission('clean-build', now, 'rm -rf build && npm test', { goal: 'Rebuild the fixtures from the sources' }),
    awaitingMerge('pricing-fix', now, { goal: 'Round prices half to even', score: 4.2 }),
    taskView('deploy-docs', now, {
      goal: 'Deploy the documentation to production',
      group: 'needs_you',
      why: 'Waits for you: its text has "deploy" and "production".',
      decisions: [decision('deploy-docs', now, { kind: 'start', question: 'Start "Deploy the documentation to production"?', detail: { reasons: ['deploy', 'production'] }, head_sha: null, resume_state: 'new' })],
    }),
    taskView('csv-export', now, { goal: 'Export invoices as CSV', position: 1, score: 4.2 }),
    taskView('rename-api', now, { goal: 'Rename getFoo to foo in the public API', position: 2, placed: true, score: 2.1, created_at: iso(now - 3 * 3_600_000) }),
    taskView('readme-typos', now, { goal: 'Fix the typos in the README', position: 3, score: 1.3, created_at: iso(now - 50 * 3_600_000) }),
    taskView('after-export', now, { goal: 'Document the CSV export', group: 'held', why: 'Waits for csv-export, which is not done.' }),
    started('rate-limited', now, {
      goal: 'Translate the error messages',
      state: 'implementing',
      group: 'held',
      why: 'Account anthropic is closed until its limit resets in 14m.',
      not_before: iso(now + 14 * MINUTE + 5000),
      error: 'usage limit reached',
      error_kind: 'rate_limit',
      retry_count: 1,
    }),
    started('bump-deps', now, { goal: 'Update the development dependencies', state: 'done', group: 'done', why: 'Done: merged to main.', completed_at: ended, head_sha: SHA.head, steps: [COMPLETED], gates: [gate('test')], cost_usd: 0.21 }),
    started('old-done', now, { state: 'done', group: 'done', completed_at: iso(now - 72 * 3_600_000), steps: [COMPLETED] }),
    started('broken-gate', now, {
      goal: 'Speed up the search index',
      state: 'failed',
      group: 'failed',
      why: 'Failed: gates failed 3 times.',
      completed_at: ended,
      head_sha: SHA.head,
      error: 'Gates failed 3 times: test (exit 1)',
      error_kind: 'gates_failed',
      steps: [{ ...COMPLETED }, { step_id: 'fix-1', state: 'failed', description: 'Make the gates pass', attempt: 3 }],
      gates: [gate('test', { status: 'failed', exit_code: 1, message: '2 tests failed', details: 'expected 3 to equal 4' }), gate('lint', { status: 'warning', required: false, exit_code: 1 }), gate('types')],
      cost_usd: 0.42,
      unpriced: true,
    }),
    started('not-wanted', now, { goal: 'Add a dark theme', state: 'failed', group: 'failed', why: 'Cancelled by the user.', completed_at: ended, error: 'cancelled by the user', error_kind: 'cancelled' }),
  ];
}

export function snapshot(now: number, tasks: readonly TaskView[] = everyState(now), changes: Partial<Snapshot> = {}): Snapshot {
  return {
    seq: 1,
    at: iso(now),
    repository: { root: '/srv/shop', name: 'shop' },
    loop: { desired: 'running', state: 'running', since: iso(now - 30 * MINUTE), reason: null, idle: false, run_id: 'run-1', slots_used: 2, slots: 5, leader: { pid: 1, host: 'vscode' } },
    tasks,
    accounts: [{ account: 'anthropic', closed: false, closed_until: null, reason: null }],
    agents: [{ name: 'claude', driver: 'claude', available: true, version: '2.1.0', install: null, account: 'anthropic' }],
    problems: [],
    cost: { today_usd: 1.02, total_usd: 4.12, unpriced: false, budget_usd: null, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } },
    dashboard: { refresh_interval: 5, max_recent_tasks: 10 },
    health: healthyReport(iso(now)),
    ...changes,
  };
}

/** An EngineApi over a snapshot that tests set. Commands are kept, not obeyed. */
export class SnapshotEngine implements EngineApi {
  readonly commands: Command[] = [];
  current: Snapshot;
  execution: TaskExecution | undefined;
  /** What `metrics` answers. */
  figures: (query: MetricsQuery) => MetricsReport;
  view: ChangesView = { base_sha: SHA.base, head_sha: SHA.head, worktree: null, files: [] };
  readonly listeners = new Set<(snapshot: Snapshot) => void>();

  constructor(current: Snapshot) {
    this.current = current;
    this.figures = () => emptyMetrics(this.current.at);
  }

  show(next: Snapshot): void {
    this.current = next;
    for (const listener of this.listeners) listener(next);
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(this.current);
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): Disposable {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  send(command: Command): Promise<CommandReply> {
    this.commands.push(command);
    return Promise.resolve({ message: `Took ${command.type}.` });
  }

  task(): Promise<TaskExecution | undefined> {
    return Promise.resolve(this.execution);
  }

  changes(): Promise<ChangesView> {
    return Promise.resolve(this.view);
  }

  metrics(query: MetricsQuery): Promise<MetricsReport> {
    return Promise.resolve(this.figures(query));
  }

  health(): Promise<HealthReport> {
    return Promise.resolve(this.current.health);
  }
}

/** A session over such an engine; `closed` tells whether it was let go. */
export class SnapshotSession implements Session {
  readonly root: string;
  readonly api: SnapshotEngine;
  readonly role = 'leader';
  closed = false;

  constructor(root: string, api: SnapshotEngine) {
    this.root = root;
    this.api = api;
  }

  onRoleChange(): Disposable {
    return { dispose: () => undefined };
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
