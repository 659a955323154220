/** Who does what comes next for a task: workflow, role, agent and model, from configuration, what is installed and whose accounts are open. */
import type { Config } from '../core/config/schema.ts';
import { currentStep, sessionKey, type Role, type TaskExecution } from '../core/execution.ts';
import type { AgentFact } from '../core/queue.ts';
import { isStaffed, route, type Author, type Candidate, type Route } from '../core/routing.ts';
import { chooseWorkflow, nextRole, type WorkflowChoice } from '../core/workflow.ts';
import { likelyPrice } from '../core/tiers.ts';
import type { AgentChoice, ChosenAgent } from './pipeline/context.ts';
import type { Accounts } from './accounts.ts';
import type { AgentInfo, Agents } from './ports.ts';

export interface StaffingOptions {
  readonly config: () => Config;
  readonly agents: () => readonly AgentInfo[];
  readonly hasDriver: Agents['hasDriver'];
  readonly accounts: Accounts;
  /** A human asked to go on for less. */
  readonly isEconomical: (task: TaskExecution) => boolean;
}

export class Staffing {
  readonly #options: StaffingOptions;

  constructor(options: StaffingOptions) {
    this.#options = options;
  }

  /** The workflow that a task has, or will have when it begins. */
  workflow(task: TaskExecution): WorkflowChoice {
    if (task.state !== 'new' || task.steps.length > 0) return { workflow: task.workflow, reason: task.workflow_reason };
    const planner = this.#route(task, 'planner');
    return chooseWorkflow(task.task_def, planner.kind === 'none' ? planner.reason : undefined);
  }

  /** The role of the task's next attempt; null when it needs none (gates, merge). */
  nextRole(task: TaskExecution): Role | null {
    return nextRole(task, task.state === 'new' ? this.workflow(task).workflow : task.workflow);
  }

  /** Who would make the task's next attempt; undefined when it needs no agent, or there is none. */
  nextAgent(task: TaskExecution): AgentInfo | undefined {
    const role = this.nextRole(task);
    const choice = role === null ? undefined : this.choose(task, role);
    return choice?.kind === 'agent' ? choice.agent : undefined;
  }

  agent(name: string): AgentInfo | undefined {
    return this.#options.agents().find((one) => one.name === name);
  }

  /** The agent for a role of a task, or why there is none. */
  choose(task: TaskExecution, role: Role): AgentChoice {
    return this.#chosen(this.#route(task, role, this.#options.isEconomical(task)));
  }

  /** Who would take a role for less than whoever takes it now, if anybody. */
  cheaper(task: TaskExecution, role: Role): ChosenAgent | undefined {
    const [now, other] = [this.choose(task, role), this.#chosen(this.#route(task, role, true))];
    if (now.kind === 'none' || other.kind === 'none') return undefined;
    const price = (choice: ChosenAgent): number => {
      const { input, output } = likelyPrice(this.#options.config(), choice.model);
      return input + output;
    };
    const mayRun = this.#options.config().budget.allow_unpriced || this.isPriced(other.agent, other.model);
    return mayRun && price(other) < price(now) ? other : undefined;
  }

  #chosen(found: Route): AgentChoice {
    if (found.kind === 'none') return found;
    const agent = this.#options.agents().find((one) => one.name === found.name);
    if (!agent) return { kind: 'none', reason: `agent ${found.name} is gone` };
    return { kind: 'agent', agent, model: found.model, reason: found.reason, self_reviewed: found.self_reviewed };
  }

  /** Whether what an agent spends with a model (its own when null) will be known in dollars. */
  isPriced(agent: AgentInfo, model: string | null): boolean {
    const asked = model ?? agent.config.model;
    const price = asked === undefined ? undefined : this.#options.config().models[asked];
    return REPORTS_COST.has(agent.config.driver) || price?.input_per_mtok !== undefined;
  }

  /** For one look at the queue: whoever takes a task's next attempt, found once a task; null for a task that needs nobody. */
  look(): (task: TaskExecution) => AgentChoice | null {
    const choices = new Map<string, AgentChoice | null>();
    return (task) => {
      const known = choices.get(task.task_id);
      if (known !== undefined) return known;
      const role = this.nextRole(task);
      const choice = role === null ? null : this.choose(task, role);
      choices.set(task.task_id, choice);
      return choice;
    };
  }

  isStaffed(task: TaskExecution, role: Role): boolean {
    return isStaffed(this.#options.config(), task.task_def, role, this.#present().candidates);
  }

  /** Who made what a reviewer judges: the planner of the present plan, or everybody who worked on the step. */
  authors(task: TaskExecution, role: Role): Author[] {
    const made =
      role === 'plan_reviewer'
        ? task.attempts.filter((one) => one.role === 'planner' && one.outcome === 'succeeded').slice(-1)
        : role === 'code_reviewer'
          ? task.attempts.filter((one) => one.role === 'implementer' && one.step_id === currentStep(task)?.step_id)
          : [];
    return made.map(({ agent, model }) => ({ agent, model, provider: this.providerOf(agent, model) }));
  }

  providerOf(agent: string, model: string | null): string {
    const byModel = model === null ? undefined : this.#options.config().models[model]?.provider;
    return byModel ?? this.#options.agents().find((one) => one.name === agent)?.provider ?? agent;
  }

  /** What the queue needs to know of an agent. */
  fact(agent: AgentInfo): AgentFact {
    return {
      available: agent.available,
      enabled: agent.config.enabled !== false && this.#options.hasDriver(agent.config.driver),
      install: agent.install,
      account: agent.account,
      max_concurrent: agent.config.max_concurrent ?? null,
      priced: this.isPriced(agent, null),
    };
  }

  /**
   * Tasks that nobody has worked on differ by a few words of their definition only, so thousands of them share a handful of
   * answers, which hold until configuration, agents or accounts change.
   */
  #route(task: TaskExecution, role: Role, economy = false): Route {
    const { candidates, routes } = this.#present();
    if (task.attempts.length > 0) {
      const keep = task.attempts.findLast((one) => one.role === role && task.sessions[sessionKey(one.agent, role)] !== undefined)?.agent;
      return route(this.#options.config(), task.task_def, role, candidates, { authors: this.authors(task, role), keep, economy });
    }
    const { agent, risk, area, complexity } = task.task_def;
    const key = `${role}\0${String(economy)}\0${agent ?? ''}\0${risk ?? ''}\0${area ?? ''}\0${complexity ?? ''}`;
    const known = routes.get(key);
    if (known) return known;
    const found = route(this.#options.config(), task.task_def, role, candidates, { economy });
    routes.set(key, found);
    return found;
  }

  #known: Known | undefined;

  #present(): Known {
    const { accounts } = this.#options;
    const [config, agents] = [this.#options.config(), this.#options.agents()];
    let closed = '';
    for (const { account } of agents) closed += accounts.hold(account) === undefined ? '0' : '1';
    if (this.#known?.config !== config || this.#known.agents !== agents || this.#known.closed !== closed) {
      this.#known = { config, agents, closed, candidates: this.#candidates(), routes: new Map() };
    }
    return this.#known;
  }

  #candidates(): Candidate[] {
    const { agents, hasDriver, accounts } = this.#options;
    return agents()
      .filter((agent) => hasDriver(agent.config.driver))
      .map((agent) => ({
        name: agent.name,
        available: agent.available,
        enabled: agent.config.enabled !== false,
        install: agent.install,
        model: agent.config.model ?? null,
        driver: agent.config.driver,
        provider: agent.provider,
        closed: accounts.hold(agent.account) !== undefined,
      }));
  }
}

interface Known {
  readonly config: Config;
  readonly agents: readonly AgentInfo[];
  /** Whose accounts are closed. */
  readonly closed: string;
  readonly candidates: readonly Candidate[];
  /** Of tasks without an attempt, by what of them counts. */
  readonly routes: Map<string, Route>;
}

/** Drivers whose agents report dollars themselves. */
const REPORTS_COST: ReadonlySet<string> = new Set(['claude']);
