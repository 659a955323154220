/**
 * The engine of one repository: builds its parts, serves commands and snapshots. Surfaces see it as an EngineApi and
 * nothing else; tasks change only through lifecycle, decisions and pipeline.
 */
import type { Config } from '../core/config/schema.ts';
import { planQueue, type QueuePlan, type RunningFact } from '../core/queue.ts';
import type { TaskExecution } from '../core/execution.ts';
import type { AccountView, ChangesView, Command, CommandReply, EngineApi, Snapshot } from '../shared/api.ts';
import { messageOf, type Problem } from '../core/errors.ts';
import { Accounts } from './accounts.ts';
import { keepCheckpoint } from './checkpoint.ts';
import { CommandDesk } from './commands.ts';
import { Decisions } from './decisions.ts';
import { Emitter } from './emitter.ts';
import { Intake } from './intake.ts';
import { Lifecycle } from './lifecycle.ts';
import { Loop, type StoredLoop } from './loop.ts';
import type { AgentChoice, PipelineContext } from './pipeline/context.ts';
import { tidy } from './pipeline/merge.ts';
import type { Run } from './pipeline/run.ts';
import type { AgentInfo, Disposable, Ports } from './ports.ts';
import { recover } from './recovery.ts';
import { keepRunLog } from './runLog.ts';
import { buildSnapshot } from './snapshot.ts';
import { Staffing } from './staffing.ts';

/** Surfaces get at most this many snapshots a second: four. */
const SNAPSHOT_MS = 250;

export interface OrchestratorOptions {
  readonly ports: Ports;
  readonly host: 'vscode' | 'cli';
  readonly pid: number;
  /** Do not go on with a loop that was running; serve one command and let go. */
  readonly passive?: boolean;
  /** Start only these tasks; the others are held with the reason. */
  readonly only?: readonly string[];
}

export class Orchestrator implements EngineApi {
  readonly #options: OrchestratorOptions;
  readonly #ports: Ports;
  readonly #lifecycle: Lifecycle;
  readonly #decisions: Decisions;
  readonly #accounts: Accounts;
  readonly #staffing: Staffing;
  readonly #intake: Intake;
  readonly #loop: Loop;
  readonly #commands: CommandDesk;
  readonly #snapshots: Emitter<Snapshot>;
  readonly #owned: Disposable[] = [];
  readonly #checkpoint: ReturnType<typeof keepCheckpoint>;
  #config: Config;
  #configProblems: readonly Problem[];
  #agents: AgentInfo[];
  #seq = 0;
  #publishing: Disposable | undefined;
  #mergeTail: Promise<unknown> = Promise.resolve();
  readonly #background = new Set<Promise<void>>();

  /** Reads store, configuration and task files, cleans up after a leader that died, and goes on with what was wished for. */
  static async open(options: OrchestratorOptions): Promise<Orchestrator> {
    const { ports } = options;
    const lifecycle = new Lifecycle(ports.store, ports.clock, ports.log);
    await lifecycle.load();
    const [{ config, problems }, meta] = await Promise.all([ports.sources.config(), ports.store.meta()]);
    const agents = await ports.agents.list(config);
    const engine = new Orchestrator(options, lifecycle, config, problems, agents, meta);
    for (const repair of ports.store.repairs) ports.log.warn(repair);
    const adopted = await recover(lifecycle, ports);
    await engine.#intake.scan(config.merge.target);
    for (const task of lifecycle.all()) {
      if (task.state === 'done' && task.worktree !== null) await tidy(engine.#context, task);
    }
    engine.#checkpoint.refresh();
    engine.#watch();
    engine.#loop.resume(adopted);
    return engine;
  }

  readonly #context: PipelineContext;

  private constructor(
    options: OrchestratorOptions,
    lifecycle: Lifecycle,
    config: Config,
    problems: readonly Problem[],
    agents: AgentInfo[],
    meta: Record<string, unknown>,
  ) {
    const { ports } = options;
    this.#options = options;
    this.#ports = ports;
    this.#lifecycle = lifecycle;
    this.#config = config;
    this.#configProblems = problems;
    this.#agents = agents;
    this.#decisions = new Decisions(lifecycle, ports.crypto, ports.log);
    this.#accounts = new Accounts(lifecycle, ports.clock, meta['accounts']);
    this.#staffing = new Staffing({ config: () => this.#config, agents: () => this.#agents, driver: (kind) => ports.agents.driver(kind), accounts: this.#accounts });
    this.#snapshots = new Emitter((error) => ports.log.error('A surface failed on a snapshot', error));
    this.#context = {
      ports,
      lifecycle,
      decisions: this.#decisions,
      accounts: this.#accounts,
      config: () => this.#config,
      staffing: this.#staffing,
      isBusy: (agent, taskId) => this.#isBusy(agent, taskId),
      mayStartAttempt: () => this.#loop.mayStart,
      changed: () => this.#publish(),
      background: (what, work) => this.#inBackground(what, work),
      merging: (work) => this.#inMergeTurn(work),
    };
    this.#loop = new Loop({
      context: this.#context,
      stored: meta['loop'] as StoredLoop | undefined,
      plan: () => this.#plan(),
      changed: () => this.#publish(),
      passive: options.passive ?? false,
    });
    this.#intake = new Intake(ports, lifecycle, this.#decisions, (taskId) => this.#loop.runs.has(taskId));
    this.#commands = new CommandDesk({
      context: this.#context,
      loop: this.#loop,
      rescan: () => this.#rescan(),
      queue: () => [...this.#plan().order],
      refreshAgents: () => this.#refreshAgents(true),
    });
    this.#checkpoint = keepCheckpoint(lifecycle, ports.writeCheckpoint, () => this.#loop.view().run_id, ports.log);
    this.#owned.push(
      this.#checkpoint,
      keepRunLog(lifecycle, ports.runLog),
      lifecycle.onCommitted(() => {
        this.#publish();
        this.#loop.wake();
      }),
    );
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(this.#picture());
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): Disposable {
    return this.#snapshots.event(listener);
  }

  send(command: Command): Promise<CommandReply> {
    return this.#commands.execute(command);
  }

  task(taskId: string): Promise<TaskExecution | undefined> {
    return Promise.resolve(this.#lifecycle.find(taskId));
  }

  async changes(taskId: string): Promise<ChangesView> {
    const task = this.#lifecycle.get(taskId);
    const { workspace, repository } = this.#ports;
    const head = task.worktree === null ? task.head_sha : (await workspace.state(task.worktree)).head_sha;
    if (task.base_sha === null || head === null) return { base_sha: '', head_sha: '', worktree: null, files: [] };
    const files = await workspace.changes(task.worktree ?? repository.root, task.base_sha, head);
    return { base_sha: task.base_sha, head_sha: head, worktree: task.worktree, files };
  }

  /** Leaves agents at work for the next engine, ends everything else as interrupted, writes what is left to write and lets go. */
  async close(): Promise<void> {
    await this.#loop.dispose();
    this.#ports.runners.close();
    await Promise.all(this.#background);
    // Only now: what the loop's end commits belongs into log and checkpoint.
    for (const one of this.#owned) one.dispose();
    this.#publishing?.dispose();
    await this.#checkpoint.settled();
    await this.#ports.runLog.flush();
    await this.#ports.store.close();
  }

  #watch(): void {
    const watcher = this.#ports.sources.watch(
      (what) => {
        if (what === 'config') void this.#reloadConfig();
        else if (what === 'tasks') void this.#rescan();
        else this.#loop.wake();
      },
      () => this.#config.orchestrator.stop_hook_file,
    );
    this.#owned.push(watcher);
  }

  async #reloadConfig(): Promise<void> {
    const { config, problems } = await this.#ports.sources.config();
    this.#config = config;
    this.#configProblems = problems;
    await this.#refreshAgents(false);
    this.#loop.wake();
    this.#publish();
  }

  async #rescan(): Promise<void> {
    await this.#intake.scan(this.#config.merge.target);
    this.#loop.wake();
    this.#publish();
  }

  async #refreshAgents(again: boolean): Promise<void> {
    this.#agents = await this.#ports.agents.list(this.#config, again);
    this.#loop.wake();
    this.#publish();
  }

  #isBusy(agent: AgentInfo, taskId: string): boolean {
    const most = agent.config.max_concurrent;
    if (most === undefined) return false;
    return [...this.#loop.runs.values()].filter((run) => run.taskId !== taskId && run.agent === agent.name && run.usesSlot).length >= most;
  }

  #inBackground(what: string, work: () => Promise<void>): void {
    const mine: Promise<void> = work()
      .catch((error: unknown) => this.#ports.log.warn(`Failed while ${what}: ${messageOf(error)}`))
      .finally(() => this.#background.delete(mine));
    this.#background.add(mine);
  }

  async #inMergeTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#mergeTail.then(work, work);
    this.#mergeTail = mine.catch(() => undefined);
    return mine;
  }

  #publish(): void {
    if (this.#snapshots.size === 0 || this.#publishing) return;
    this.#publishing = this.#ports.clock.after(SNAPSHOT_MS, () => {
      this.#publishing = undefined;
      this.#snapshots.fire(this.#picture());
    });
  }

  #plan(): QueuePlan {
    const loop = this.#loop.view();
    const choices = new Map<string, AgentChoice>();
    const agentOf = (task: TaskExecution): string | null | { missing: string } => {
      const role = this.#staffing.nextRole(task);
      if (role === null) return null;
      const choice = choices.get(task.task_id) ?? this.#staffing.choose(task, role);
      choices.set(task.task_id, choice);
      return choice.kind === 'agent' ? choice.agent.name : { missing: choice.reason };
    };
    return planQueue(this.#lifecycle.all(), {
      now: this.#ports.clock.now(),
      config: this.#config,
      loop: loop.state,
      loop_reason: loop.reason,
      running: new Map([...this.#loop.runs].map(([taskId, run]) => [taskId, runningFact(run)])),
      agents: new Map(this.#agents.map((agent) => [agent.name, this.#staffing.fact(agent)])),
      agentOf,
      accounts: new Map(this.#accounts.holds().map((hold) => [hold.account, { closed_until: hold.until, reason: hold.reason }])),
      problems: groupBy(this.#intake.problems),
      merged: this.#intake.merged,
      holds: this.#holds(),
    });
  }

  #holds(): Map<string, string> {
    const { only } = this.#options;
    if (only === undefined) return new Map();
    const why = `This run works on ${only.join(', ')} only.`;
    return new Map(this.#lifecycle.all().flatMap((task) => (only.includes(task.task_id) ? [] : [[task.task_id, why] as const])));
  }

  #picture(): Snapshot {
    const plan = this.#plan();
    this.#seq += 1;
    return buildSnapshot({
      seq: this.#seq,
      at: this.#lifecycle.now(),
      repository: { root: this.#ports.repository.root, name: this.#ports.repository.name },
      loop: {
        ...this.#loop.view(),
        idle: this.#loop.runs.size === 0 && plan.start.length === 0,
        leader: { pid: this.#options.pid, host: this.#options.host },
      },
      tasks: this.#lifecycle.all(),
      plan,
      runs: this.#loop.runs,
      source: (taskId) => this.#intake.source(taskId),
      accounts: this.#accountViews(),
      agents: this.#agents.map((agent) => ({
        name: agent.name,
        driver: agent.config.driver,
        available: agent.available,
        version: agent.version,
        install: agent.install,
        account: agent.account,
      })),
      problems: [...this.#configProblems, ...this.#intake.problems],
    });
  }

  #accountViews(): AccountView[] {
    return [...new Set(this.#agents.map((agent) => agent.account))].map((account) => {
      const hold = this.#accounts.hold(account);
      const until = hold?.until ?? null;
      return { account, closed: hold !== undefined, closed_until: until === null ? null : new Date(until).toISOString(), reason: hold?.reason ?? null };
    });
  }
}

function runningFact(run: Run): RunningFact {
  return { agent: run.agent, since: run.startedAt, activity: run.activity, waits_for_human: run.suspended, uses_slot: run.usesSlot };
}

function groupBy(problems: readonly Problem[]): Map<string, Problem[]> {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    if (problem.task_id !== undefined) groups.set(problem.task_id, [...(groups.get(problem.task_id) ?? []), problem]);
  }
  return groups;
}
