/**
 * An EngineApi in memory for tests of the surfaces: it holds whatever tasks a test describes, applies commands as the
 * engine's contract says, and records them. No agent, no file, no process.
 */
import { BatonError } from '../../src/core/errors.ts';
import { emptyUsage, newExecution, type Decision, type TaskExecution, type Verdict } from '../../src/core/execution.ts';
import type { Session } from '../../src/host/session.ts';
import type { HealthReport } from '../../src/shared/health.ts';
import type { MetricsQuery, MetricsReport } from '../../src/shared/metrics.ts';
import type { ChangesView, Command, CommandReply, EngineApi, FileChangeView, Snapshot, TaskGroup, TaskView } from '../../src/shared/api.ts';
import { isTerminal, type TaskState } from '../../src/core/states.ts';
import { emptyMetrics, healthyReport } from './reports.ts';

export const AT = '2026-03-02T10:00:00.000Z';

/** A task as a view: a test names what matters to it. */
export function taskView(id: string, given: Partial<TaskView> = {}): TaskView {
  const state: TaskState = given.state ?? 'new';
  return {
    id,
    goal: `Goal of ${id}`,
    state,
    group: groupOf(state),
    why: 'Next to start.',
    score: 2.1,
    base_score: 2.1,
    components: { urgency: 3, deadline: 1, sender: 2, age_boost: 0, vip_bonus: 0 },
    explanation: [],
    position: state === 'new' ? 1 : null,
    placed: false,
    risk: 'medium',
    area: 'unknown',
    workflow: 'direct',
    workflow_reason: 'the task states neither risk nor area',
    source: { file: `.baton/tasks/${id}.md`, line: 1 },
    created_at: AT,
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
    retry_count: 0,
    max_retries: 4,
    decisions: [],
    ...given,
  };
}

function groupOf(state: TaskState): TaskGroup {
  if (state === 'new') return 'waiting';
  if (state === 'done' || state === 'failed') return state;
  return state === 'awaiting_human_review' ? 'needs_you' : 'running';
}

export function decision(id: string, taskId: string, given: Partial<Decision> = {}): Decision {
  return {
    id,
    task_id: taskId,
    kind: 'merge',
    question: 'Merge 2 files into main?',
    detail: {},
    since: AT,
    expires_at: null,
    status: 'open',
    resume_state: 'quality_gate',
    content_hash: 'c0ffee',
    head_sha: null,
    attempt_id: null,
    answer: null,
    applied_at: null,
    ...given,
  };
}

/** The stored record that belongs to a view. */
export function execution(view: TaskView, given: Partial<TaskExecution> = {}): TaskExecution {
  const { state, workflow, workflow_reason, started_at, completed_at, retry_count, max_retries, usage, unpriced, worktree, branch, target_branch, base_sha, head_sha, not_before } = view;
  return {
    ...newExecution({ id: view.id, goal: view.goal }, 'c0ffee', view.created_at),
    ...{ state, workflow, workflow_reason, started_at, completed_at, retry_count, max_retries, usage, unpriced, worktree, branch, target_branch, base_sha, head_sha, not_before },
    decisions: [...view.decisions],
    error: view.error === null ? null : { kind: 'unknown', message: view.error, at: AT },
    total_cost_usd: view.cost_usd,
    ...given,
  };
}

export class MemoryEngine implements EngineApi {
  /** Every command that arrived, in order. */
  readonly commands: Command[] = [];
  /** The changed files of every task. */
  files: FileChangeView[] = [];
  /** Called with each command before it is applied: a test plays the world here, or throws. */
  onCommand: (command: Command) => void = () => undefined;
  /** What `metrics` answers, by the window that was asked for. */
  figures: (query: MetricsQuery) => MetricsReport = () => emptyMetrics(AT);
  /** Addresses that tasks come from already. */
  readonly sources = new Set<string>();
  #snapshot: Snapshot;
  readonly #records = new Map<string, Partial<TaskExecution>>();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();

  constructor(tasks: readonly TaskView[] = [], given: Partial<Snapshot> = {}) {
    const total = tasks.reduce((sum, task) => sum + task.cost_usd, 0);
    this.#snapshot = {
      seq: 1,
      at: AT,
      repository: { root: '/repo', name: 'repo' },
      loop: { desired: 'stopped', state: 'never_started', since: AT, reason: null, idle: false, run_id: null, slots_used: 0, slots: 5, leader: null },
      tasks,
      accounts: [],
      agents: [],
      problems: [],
      cost: { today_usd: total, total_usd: total, unpriced: tasks.some((task) => task.unpriced), budget_usd: null, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } },
      dashboard: { refresh_interval: 5, max_recent_tasks: 10 },
      health: healthyReport(AT),
      ...given,
    };
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** Adds to the stored record of a task what its view does not show. */
  record(id: string, given: Partial<TaskExecution>): this {
    this.#records.set(id, { ...this.#records.get(id), ...given });
    return this;
  }

  /** Changes the picture and tells nobody: only who asks again sees it. */
  silently(change: (now: Snapshot) => Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change(this.#snapshot) };
  }

  /** Changes the picture and tells the listeners. */
  update(change: (now: Snapshot) => Partial<Snapshot>): void {
    const next = { ...this.#snapshot, ...change(this.#snapshot), seq: this.#snapshot.seq + 1 };
    this.#snapshot = { ...next, loop: { ...next.loop, idle: !next.tasks.some((task) => task.group === 'running' || task.group === 'waiting') } };
    for (const listener of [...this.#listeners]) listener(this.#snapshot);
  }

  /** Changes one task; its group follows its state unless named. */
  change(id: string, given: Partial<TaskView>): void {
    this.update(({ tasks }) => ({
      tasks: tasks.map((task) => (task.id === id ? { ...task, ...(given.state ? { group: groupOf(given.state) } : {}), ...given } : task)),
    }));
  }

  loop(given: Partial<Snapshot['loop']>): void {
    this.update(({ loop }) => ({ loop: { ...loop, ...given } }));
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(this.#snapshot);
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  task(taskId: string): Promise<TaskExecution | undefined> {
    const view = this.#snapshot.tasks.find((task) => task.id === taskId);
    return Promise.resolve(view && execution(view, this.#records.get(taskId)));
  }

  metrics(query: MetricsQuery): Promise<MetricsReport> {
    return Promise.resolve(this.figures(query));
  }

  health(): Promise<HealthReport> {
    return Promise.resolve(this.#snapshot.health);
  }

  changes(): Promise<ChangesView> {
    return Promise.resolve({ base_sha: 'a'.repeat(40), head_sha: 'b'.repeat(40), worktree: null, files: this.files });
  }

  async send(command: Command): Promise<CommandReply> {
    // The real engine answers over a socket: never within the same turn.
    await Promise.resolve();
    this.commands.push(command);
    this.onCommand(command);
    return this.#apply(command);
  }

  #apply(command: Command): CommandReply {
    switch (command.type) {
      case 'start':
        this.loop({ desired: 'running', state: 'running', run_id: '2026-03-02T10:00:00' });
        return { message: 'Baton runs.' };
      case 'pause':
        this.loop({ desired: 'paused', state: 'paused' });
        return { message: 'Paused: running attempts finish, nothing new starts.' };
      case 'stop':
      case 'stop_now':
        this.loop({ desired: 'stopped', state: this.#snapshot.tasks.some((task) => task.group === 'running') && command.type === 'stop' ? 'stopping' : 'stopped' });
        return { message: command.type === 'stop' ? 'Stopping after the running attempts.' : 'Stopped.' };
      case 'add_task': {
        const id = command.task.id ?? 'made-from-goal';
        const { source } = command.task;
        if (source !== undefined && this.sources.has(source)) throw new BatonError('conflict', `${source} is a task already.`);
        if (command.dry_run === true) return { message: `Would add ${id}.`, task_id: id };
        if (source?.startsWith('https:') === true) this.sources.add(source);
        this.update(({ tasks }) => ({ tasks: [...tasks, taskView(id, { goal: command.task.goal })] }));
        return { message: `Queued ${id}.`, task_id: id };
      }
      case 'cancel':
        this.record(command.task_id, { error: { kind: 'cancelled', message: 'cancelled', at: AT } });
        this.change(command.task_id, { state: 'failed', error: 'cancelled' });
        return { message: `Cancelled ${command.task_id}. Its worktree and branch are kept.` };
      case 'retry':
        this.change(command.task_id, { state: 'new', error: null });
        return { message: `Task ${command.task_id} is queued again.` };
      case 'decide':
        return this.#decide(command);
      case 'message':
        return { message: `The agent of ${command.task_id} has your message.` };
      case 'clean_state': {
        const idle = this.#snapshot.tasks.filter((task) => task.group !== 'running').map((task) => task.id);
        if (command.dry_run !== true) this.update(({ tasks }) => ({ tasks: tasks.filter((task) => !idle.includes(task.id)) }));
        return { message: `${command.dry_run === true ? 'Would remove' : 'Removed'} the stored state of ${idle.length} tasks.`, task_ids: idle };
      }
      case 'delete_task':
        this.update(({ tasks }) => ({ tasks: tasks.filter((task) => task.id !== command.task_id) }));
        return { message: `Deleted ${command.task_id}.`, task_id: command.task_id };
      case 'run_next':
      case 'move':
      case 'place':
      case 'clear_place':
      case 'comment':
      case 'edit_comment':
      case 'resolve_thread':
      case 'edit_plan':
      case 'take_over':
      case 'hand_back':
      case 'refresh':
        return { message: 'Done.' };
    }
  }

  #decide(command: Extract<Command, { type: 'decide' }>): CommandReply {
    const view = this.#snapshot.tasks.find((task) => task.id === command.task_id);
    const open = view?.decisions.find((one) => one.id === command.decision_id && one.status === 'open');
    if (!view || !open) throw new BatonError('conflict', 'The decision is settled already.');
    const decisions = view.decisions.map((one) => (one === open ? { ...one, status: 'answered' as const } : one));
    const unchanged = open.kind === 'permission' || open.kind === 'question';
    const next: TaskState = unchanged ? view.state : command.verdict === 'reject' ? 'failed' : open.resume_state;
    this.change(view.id, { decisions, ...(isTerminal(view.state) ? {} : { state: next }) });
    return { message: answerMessage(view.id, open.kind, command.verdict) };
  }
}

/** The engine's own wording of an answer. */
function answerMessage(id: string, kind: Decision['kind'], verdict: Verdict): string {
  if (kind === 'permission') return verdict === 'approve' ? `✅ Permission for ${id} granted` : `❌ Permission for ${id} denied`;
  if (verdict === 'reject') return `❌ Task ${id} rejected and marked as failed`;
  return verdict === 'approve' ? `✅ Task ${id} approved - continuing implementation` : `↩ Task ${id} goes back to work with your changes`;
}

/** A session on the engine; it counts how often it was closed. */
export function memorySession(api: EngineApi, role: 'leader' | 'client' = 'client'): Session & { closed: number } {
  return {
    root: '/repo',
    api,
    role,
    closed: 0,
    onRoleChange: () => ({ dispose: () => undefined }),
    close() {
      this.closed += 1;
      return Promise.resolve();
    },
  };
}
