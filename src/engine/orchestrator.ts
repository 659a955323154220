/**
 * The engine of one repository: builds its parts, serves commands and snapshots. Surfaces see it as an EngineApi and
 * nothing else; tasks change only through lifecycle, decisions and pipeline.
 */
import type { Config } from '../core/config/schema.ts';
import type { TaskExecution } from '../core/execution.ts';
import type { HealthReport } from '../shared/health.ts';
import type { MetricsQuery, MetricsReport } from '../shared/metrics.ts';
import type { ChangesView, Command, CommandReply, EngineApi, Snapshot } from '../shared/api.ts';
import { messageOf, type Problem } from '../core/errors.ts';
import { Accounts } from './accounts.ts';
import { BaseGates } from './baseGates.ts';
import { Changes } from './changes.ts';
import { Budgets } from './budgets.ts';
import { keepCheckpoint } from './checkpoint.ts';
import { CommandDesk } from './commands.ts';
import { Decisions } from './decisions.ts';
import { Emitter } from './emitter.ts';
import { Exporters } from './exporters.ts';
import { watchHealth } from './healthWatch.ts';
import { Intake } from './intake.ts';
import { Ledger } from './ledger.ts';
import { Latest } from './latest.ts';
import { Lifecycle } from './lifecycle.ts';
import { Loop, type StoredLoop } from './loop.ts';
import { Metrics } from './metrics/metrics.ts';
import type { PipelineContext } from './pipeline/context.ts';
import { tellRules } from './pipeline/permissionDesk.ts';
import { tidy } from './pipeline/worktree.ts';
import type { AdoptedSession, AgentInfo, Disposable, Ports } from './ports.ts';
import { Outbox } from './outbox.ts';
import { Pictures } from './pictures.ts';
import { letGo, recover } from './recovery.ts';
import { Resources } from './resources.ts';
import { keepRunLog } from './runLog.ts';
import { Schedules } from './schedules.ts';
import { Staffing } from './staffing.ts';
import { Turns } from './turns.ts';

/** How long the messages of a webhook may hold up a host that ends, in ms: VS Code gives 4 s for everything; a `run` in CI has no next start. */
const PATIENCE_MS = { vscode: 1_000, passive: 2_000, cli: 15_000 } as const;
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
  readonly #budgets: Budgets;
  readonly #intake: Intake;
  readonly #loop: Loop;
  readonly #commands: CommandDesk;
  readonly #changes: Changes;
  readonly #metrics: Metrics;
  readonly #exporters: Exporters;
  readonly #resources: Resources;
  readonly #outbox: Outbox;
  readonly #schedules: Schedules;
  readonly #pictures: Pictures;
  readonly #snapshots: Emitter<Snapshot>;
  readonly #owned: Disposable[] = [];
  readonly #checkpoint: ReturnType<typeof keepCheckpoint>;
  #config: Config;
  #configProblems: readonly Problem[];
  #agents: AgentInfo[];
  #watcher: Disposable | undefined;
  #publishing: Disposable | undefined;
  readonly #merges = new Turns();
  readonly #configReads = new Latest();
  readonly #agentLooks = new Latest();
  /** What is done in the background, with the task that it is about. */
  readonly #background = new Map<Promise<void>, string | null>();

  /** Reads store, configuration and task files, cleans up after a leader that died, and goes on with what was wished for. */
  static async open(options: OrchestratorOptions): Promise<Orchestrator> {
    const { ports } = options;
    const lifecycle = new Lifecycle(ports.store, ports.clock, ports.log);
    await lifecycle.load();
    const [{ config, problems }, meta] = await Promise.all([ports.sources.config(), ports.store.meta()]);
    const [agents, ledger] = await Promise.all([ports.agents.list(config), Ledger.open(ports.store, lifecycle, ports.clock)]);
    const engine = new Orchestrator(options, lifecycle, ledger, config, problems, agents, meta);
    let adopted: ReadonlyMap<string, AdoptedSession> = new Map();
    try {
      for (const repair of ports.store.repairs) ports.log.warn(repair);
      await engine.#outbox.configure();
      await engine.#metrics.begin();
      adopted = await recover(lifecycle, ports);
      await engine.#begin();
      engine.#loop.resume(adopted);
      return engine;
    } catch (error) {
      await letGo(adopted, ports.log);
      await engine.#giveUp().catch((second: unknown) => ports.log.error('An engine that could not be opened could not be ended', second));
      throw error;
    }
  }

  readonly #context: PipelineContext;

  private constructor(
    options: OrchestratorOptions,
    lifecycle: Lifecycle,
    ledger: Ledger,
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
    this.#staffing = new Staffing({ config: () => this.#config, agents: () => this.#agents, hasDriver: (kind) => ports.agents.hasDriver(kind), accounts: this.#accounts, isEconomical: (task) => this.#budgets.isEconomical(task) });
    this.#budgets = new Budgets({ lifecycle, decisions: this.#decisions, clock: ports.clock, config: () => this.#config, ledger, staffing: this.#staffing, runs: () => this.#loop.runs });
    this.#snapshots = new Emitter((error) => ports.log.error('A surface failed on a snapshot', error));
    this.#context = {
      ports,
      lifecycle,
      decisions: this.#decisions,
      accounts: this.#accounts,
      budgets: this.#budgets,
      baseGates: new BaseGates(lifecycle, (text) => ports.crypto.hash(text), meta['base_gates']),
      config: () => this.#config,
      staffing: this.#staffing,
      isBusy: (agent, taskId) => this.#isBusy(agent, taskId),
      mayStartAttempt: () => this.#loop.mayStart,
      changed: () => this.#publish(),
      background: (taskId, what, work) => this.#inBackground(what, work, taskId),
      settled: (taskId) => this.#settled((one) => one === taskId),
      merging: (signal, work) => this.#merges.take(signal, work),
    };
    this.#outbox = new Outbox({ ports, lifecycle, config: () => this.#config, changed: () => this.#publish() }, meta['webhook']);
    this.#loop = new Loop({
      context: this.#context,
      stored: meta['loop'] as StoredLoop | undefined,
      heartbeat: meta['heartbeat'],
      leader: meta['leader'],
      plan: () => this.#pictures.plan(),
      changed: () => this.#publish(),
      lost: (reason, run_id) => this.#outbox.tellUnstored({ at: lifecycle.now(), type: 'orchestrator_stopped', task_id: null, data: { reason, run_id } }),
      passive: options.passive ?? false,
    });
    this.#metrics = new Metrics({ store: ports.store, lifecycle, clock: ports.clock, log: ports.log, config: () => this.#config }, meta['metrics_since']);
    const { processes, clock, log } = ports;
    this.#resources = new Resources({ lifecycle, clock, log, processes, metrics: this.#metrics, runs: () => this.#loop.runs, config: () => this.#config, changed: () => this.#publish() });
    const feed = { repository: ports.repository, snapshot: () => this.snapshot(), health: () => this.health(), onCommitted: lifecycle.onCommitted };
    this.#exporters = new Exporters({ makers: ports.exporters, feed, sources: ports.sources, log: ports.log, changed: () => this.#publish() });
    this.#intake = new Intake(ports, lifecycle, this.#decisions, (taskId) => this.#loop.runs.has(taskId));
    this.#changes = new Changes(this.#context);
    this.#commands = new CommandDesk({
      context: this.#context,
      loop: this.#loop,
      rescan: () => this.#rescan(),
      queue: () => [...this.#pictures.plan().order],
      refreshAgents: () => this.#refreshAgents(true),
      reloadConfig: () => this.#reloadConfig(),
    });
    this.#schedules = new Schedules(
      { ports, lifecycle, add: (task) => this.#commands.execute({ type: 'add_task', task }), changed: () => this.#publish(), passive: options.passive ?? false },
      meta['schedules'],
    );
    this.#pictures = new Pictures({
      context: this.#context,
      host: options.host,
      pid: options.pid,
      only: options.only,
      config: () => this.#config,
      configProblems: () => this.#configProblems,
      agents: () => this.#agents,
      loop: this.#loop,
      intake: this.#intake,
      schedules: this.#schedules,
      outbox: this.#outbox,
      exporters: this.#exporters,
      resources: this.#resources,
    });
    this.#checkpoint = keepCheckpoint(lifecycle, ports.writeCheckpoint, () => this.#loop.view().run_id, ports.log);
    this.#owned.push(
      this.#checkpoint,
      ledger,
      keepRunLog(lifecycle, ports.runLog),
      this.#metrics,
      this.#resources,
      ...(options.passive === true ? [] : [watchHealth({ lifecycle, clock: ports.clock, log: ports.log, report: () => this.#pictures.health() }, meta['health'])]),
      lifecycle.onCommitted(() => {
        this.#publish();
        this.#loop.wake();
      }),
    );
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(this.#pictures.take());
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

  changes(taskId: string): Promise<ChangesView> {
    return this.#changes.of(taskId);
  }

  metrics(query: MetricsQuery): Promise<MetricsReport> {
    return this.#metrics.report(query);
  }

  health(): Promise<HealthReport> {
    return Promise.resolve(this.#pictures.health());
  }

  /** Leaves agents at work for the next engine, ends everything else as interrupted, writes what is left to write and lets go. */
  async close(): Promise<void> {
    await this.#end(PATIENCE_MS[this.#options.passive === true ? 'passive' : this.#options.host]);
    await this.#loop.handOver().catch((error: unknown) => this.#ports.log.warn(`The end could not be noted: ${messageOf(error)}`));
    await this.#ports.runLog.flush();
    await this.#exporters.close();
    await this.#ports.store.close();
  }

  async #begin(): Promise<void> {
    await this.#intake.scan(this.#config.merge.target);
    for (const task of this.#lifecycle.all()) {
      if (task.state === 'done' && task.worktree !== null) await tidy(this.#context, task);
    }
    this.#checkpoint.refresh();
    await this.#schedules.read();
    this.#watch();
    // What an earlier process left to tell; a command that only looks leaves it to the next one that stays.
    if (this.#options.passive !== true) {
      this.#outbox.wake();
      void this.#exporters.configure(this.#config);
    }
    await this.#loop.takeOver();
  }

  /** Opening has failed. The leader's mark stays as it was found and the store is its owner's to close: the next to open begins where this one did. */
  async #giveUp(): Promise<void> {
    await this.#end(0);
    await this.#ports.runLog.flush();
    await this.#exporters.close();
  }

  /** Ends what works here, and lets go of what was made here. */
  async #end(patienceMs: number): Promise<void> {
    this.#watcher?.dispose();
    await Promise.all([this.#loop.dispose(), this.#schedules.close()]);
    this.#ports.runners.close();
    // What ends may leave something to tidy up.
    await this.#settled(() => true);
    await this.#outbox.close(patienceMs);
    // Only now: what the loop's end commits belongs into log and checkpoint.
    for (const one of this.#owned) one.dispose();
    this.#publishing?.dispose();
    await this.#checkpoint.settled();
  }

  #watch(): void {
    this.#watcher = this.#ports.sources.watch(
      (what) => {
        if (what === 'config') this.#inBackground('reading the configuration', () => this.#reloadConfig());
        else if (what === 'tasks') this.#inBackground('reading the tasks', () => this.#rescan());
        else if (what === 'schedules') this.#inBackground('reading the schedules', () => this.#schedules.read());
        else this.#loop.wake();
      },
      () => this.#config.orchestrator.stop_hook_file,
    );
  }

  async #reloadConfig(): Promise<void> {
    const isNew = await this.#configReads.take(() => this.#ports.sources.config(), ({ config, problems }) => {
      this.#config = config;
      this.#configProblems = problems;
    });
    if (!isNew) return;
    for (const { taskId, session } of this.#loop.runs.values()) if (session !== null) tellRules(this.#context, taskId, session);
    await this.#metrics.begin();
    if (this.#options.passive !== true) void this.#exporters.configure(this.#config);
    await Promise.all([this.#refreshAgents(false), this.#outbox.configure()]);
    this.#outbox.wake();
    this.#loop.wake();
    this.#publish();
  }

  async #rescan(): Promise<void> {
    await this.#intake.scan(this.#config.merge.target);
    this.#loop.wake();
    this.#publish();
  }

  async #refreshAgents(again: boolean): Promise<void> {
    await this.#agentLooks.take(() => this.#ports.agents.list(this.#config, again), (agents) => {
      this.#agents = agents;
    });
    this.#loop.wake();
    this.#publish();
  }

  #isBusy(agent: AgentInfo, taskId: string): boolean {
    const most = agent.config.max_concurrent;
    if (most === undefined) return false;
    return [...this.#loop.runs.values()].filter((run) => run.taskId !== taskId && run.agent === agent.name && run.usesSlot).length >= most;
  }

  /** Resolves when nothing in the background is left of the tasks that match, nor of what that has begun. */
  async #settled(matches: (taskId: string | null) => boolean): Promise<void> {
    const left = (): Promise<void>[] => [...this.#background].filter(([, taskId]) => matches(taskId)).map(([work]) => work);
    for (let works = left(); works.length > 0; works = left()) await Promise.all(works);
  }

  #inBackground(what: string, work: () => Promise<void>, taskId: string | null = null): void {
    const mine: Promise<void> = work()
      .catch((error: unknown) => this.#ports.log.warn(`Failed while ${what}: ${messageOf(error)}`))
      .finally(() => this.#background.delete(mine));
    this.#background.set(mine, taskId);
  }

  #publish(): void {
    if (this.#snapshots.size === 0 || this.#publishing) return;
    this.#publishing = this.#ports.clock.after(SNAPSHOT_MS, () => {
      this.#publishing = undefined;
      this.#snapshots.fire(this.#pictures.take());
    });
  }
}
