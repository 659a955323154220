/** What an engine looks like at a moment: the plan of its queue, the picture that surfaces get, and its health. Changes nothing. */
import type { Config } from '../core/config/schema.ts';
import type { Problem } from '../core/errors.ts';
import { estimateTimes, type Estimate } from '../core/estimate.ts';
import type { TaskExecution } from '../core/execution.ts';
import { Planner, type QueueFacts, type QueuePlan } from '../core/queue.ts';
import type { Snapshot } from '../shared/api.ts';
import type { HealthReport } from '../shared/health.ts';
import type { Exporters } from './exporters.ts';
import { healthReport } from './health.ts';
import { holdsOf } from './holds.ts';
import { problemsByTask, type Intake } from './intake.ts';
import type { Loop } from './loop.ts';
import type { Outbox } from './outbox.ts';
import type { AgentChoice, PipelineContext } from './pipeline/context.ts';
import { runningFact } from './pipeline/run.ts';
import type { AgentInfo } from './ports.ts';
import type { Resources } from './resources.ts';
import type { Schedules } from './schedules.ts';
import { buildSnapshot, type KeptView } from './snapshot.ts';

export interface PictureOptions {
  readonly context: PipelineContext;
  readonly host: 'vscode' | 'cli';
  readonly pid: number;
  /** See OrchestratorOptions. */
  readonly only: readonly string[] | undefined;
  readonly config: () => Config;
  readonly configProblems: () => readonly Problem[];
  readonly agents: () => readonly AgentInfo[];
  readonly loop: Loop;
  readonly intake: Intake;
  readonly schedules: Schedules;
  readonly outbox: Outbox;
  readonly exporters: Exporters;
  readonly resources: Resources;
}

export class Pictures {
  readonly #options: PictureOptions;
  readonly #planner = new Planner();
  readonly #views = new Map<string, KeptView>();
  readonly #estimates = new Map<string, Estimate>();
  #seq = 0;

  constructor(options: PictureOptions) {
    this.#options = options;
  }

  /** What may start now, and why the rest waits. */
  plan(): QueuePlan {
    const { lifecycle, staffing } = this.#options.context;
    return this.#planner.plan(lifecycle.all(), this.#queueFacts(staffing.look()));
  }

  health(): HealthReport {
    const { context, loop } = this.#options;
    const { lifecycle, ports } = context;
    return healthReport({
      now: ports.clock.now(),
      config: this.#options.config(),
      tasks: lifecycle.all(),
      isRunning: (taskId) => loop.runs.has(taskId),
      desired: loop.desired ?? null,
      heartbeat: loop.heartbeat,
    });
  }

  /** The next snapshot. */
  take(): Snapshot {
    const { host, pid, context, loop, intake, schedules, outbox, exporters, resources } = this.#options;
    const { accounts, budgets, lifecycle, ports, staffing } = context;
    const [config, agents] = [this.#options.config(), this.#options.agents()];
    const tasks = lifecycle.all();
    const choiceOf = staffing.look();
    const facts = this.#queueFacts(choiceOf);
    const plan = this.#planner.plan(tasks, facts);
    this.#seq += 1;
    return buildSnapshot({
      seq: this.#seq,
      at: lifecycle.now(),
      repository: { root: ports.repository.root, name: ports.repository.name },
      loop: {
        ...loop.view(),
        idle: loop.runs.size === 0 && plan.start.length === 0,
        leader: { pid, host },
      },
      tasks,
      plan,
      estimates: estimateTimes(tasks, plan, facts, this.#estimates),
      runs: loop.runs,
      source: (taskId) => intake.source(taskId),
      accounts: accounts.views(agents.map((agent) => agent.account)),
      agents: agents.map((agent) => ({
        name: agent.name,
        driver: agent.config.driver,
        available: agent.available,
        version: agent.version,
        install: agent.install,
        account: agent.account,
        ...(agent.problem === undefined ? {} : { problem: agent.problem }),
        ...(agent.sign_in === undefined ? {} : { sign_in: agent.sign_in }),
      })),
      schedules: schedules.views(),
      quietHours: config.attention.quiet_hours ?? null,
      problems: [...this.#options.configProblems(), ...(outbox.problem === undefined ? [] : [outbox.problem]), ...exporters.problems, ...intake.problems, ...schedules.problems],
      health: this.health(),
      usageOf: (mark) => resources.of(mark),
      day: budgets.day(),
      config,
      budgetOf: (task) => budgets.limitOf(task),
      routingOf: (task) => budgets.routingOf(task, choiceOf(task)),
      dashboard: config.dashboard,
      kept: this.#views,
    });
  }

  #queueFacts(choiceOf: (task: TaskExecution) => AgentChoice | null): QueueFacts {
    const { context, intake, only } = this.#options;
    const { accounts, baseGates, budgets, lifecycle, ports, staffing } = context;
    const loop = this.#options.loop.view();
    const agentOf = (task: TaskExecution): string | null | { missing: string } => {
      const choice = choiceOf(task);
      if (choice === null) return null;
      return choice.kind === 'agent' ? choice.agent.name : { missing: choice.reason };
    };
    return {
      now: ports.clock.now(),
      byId: lifecycle.byId,
      config: this.#options.config(),
      loop: loop.state,
      loop_reason: loop.reason,
      running: new Map([...this.#options.loop.runs].map(([taskId, run]) => [taskId, runningFact(run)])),
      agents: new Map(this.#options.agents().map((agent) => [agent.name, staffing.fact(agent)])),
      agentOf,
      accounts: new Map(accounts.holds().map((hold) => [hold.account, { closed_until: hold.until, reason: hold.reason }])),
      problems: problemsByTask(intake.problems),
      merged: intake.merged,
      holds: holdsOf(lifecycle, only, baseGates, this.#options.loop.broken),
      spend: budgets.fact(),
      reserveOf: (task) => budgets.reserveOf(task),
      pricedOf: (task) => {
        const choice = choiceOf(task);
        return choice?.kind !== 'agent' || staffing.isPriced(choice.agent, choice.model);
      },
    };
  }
}
