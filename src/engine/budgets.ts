/**
 * Budgets at work: what is spent and reserved now, whether the next attempt has room, and the one decision that a breach
 * opens. Reservations live with the runs that hold them; raises are the answered decisions themselves, so that an answer and
 * its effect are one commit.
 */
import { budgetDetail, budgetQuestion, dayEnds, dayOf, isLimited, suggestedBudget, taskLimit, type BudgetDetail, type BudgetScope } from '../core/budget.ts';
import { callCost } from '../core/cost.ts';
import { forecastText } from '../core/forecast.ts';
import type { Config } from '../core/config/schema.ts';
import { openDecisions, type Decision, type Role, type TaskExecution } from '../core/execution.ts';
import { formatMoney } from '../core/format.ts';
import type { QueuePlan, SpendFact } from '../core/queue.ts';
import { areaOf, riskOf } from '../core/task.ts';
import type { CostView, RoutingView } from '../shared/api.ts';
import type { Decisions } from './decisions.ts';
import type { Ledger } from './ledger.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { AgentChoice, ChosenAgent } from './pipeline/context.ts';
import { resumeState } from './pipeline/failure.ts';
import type { Run } from './pipeline/run.ts';
import type { Clock } from './ports.ts';
import type { Staffing } from './staffing.ts';

export interface BudgetsOptions {
  readonly lifecycle: Lifecycle;
  readonly decisions: Decisions;
  readonly clock: Clock;
  readonly config: () => Config;
  readonly ledger: Ledger;
  readonly staffing: Staffing;
  readonly runs: () => ReadonlyMap<string, Run>;
}

/** A day's or area's budget that a human has answered about today. */
interface Ruling {
  readonly raised_usd: number;
  readonly cheaper: boolean;
  /** Nothing more today. */
  readonly declined: boolean;
}

interface Spent {
  readonly all: number;
  readonly by_area: ReadonlyMap<string, number>;
}

export class Budgets {
  readonly #options: BudgetsOptions;
  /** Tasks with a budget decision of a day or area, kept up so that nobody has to look at every task. */
  readonly #asked = new Set<string>();
  readonly #rulings = new Map<string, Ruling | undefined>();

  constructor(options: BudgetsOptions) {
    this.#options = options;
    const { lifecycle } = options;
    for (const task of lifecycle.all()) this.#note(task);
    lifecycle.onCommitted(({ task }) => {
      if (task) this.#note(task);
    });
  }

  /** For the queue: what today has cost, with what running attempts have reserved, and today's limits. */
  fact(): SpendFact {
    const { config, clock } = this.#options;
    const { all, by_area } = this.#spent({ reserved: true });
    const { budget } = config();
    const areas = new Map(Object.keys(budget.by_area).map((area) => [area, this.#limit('area', area)] as const));
    return { today_usd: all, by_area, day_ends: dayEnds(clock.now()), day_limit: this.#limit('day', null), area_limits: areas };
  }

  /** Dollars that the next attempt of a task reserves. */
  reserveOf(task: TaskExecution): number {
    const { staffing, config } = this.#options;
    const role = staffing.nextRole(task);
    if (role === null) return 0;
    const choice = staffing.choose(task, role);
    return choice.kind === 'agent' ? this.#reserve(task, role, choice) : config().budget.reserve_usd;
  }

  /** Reserves for an attempt that is about to start; undefined when no budget has room for it, or when it has no price. */
  claim(task: TaskExecution, role: Role, chosen: ChosenAgent): number | undefined {
    const { config, staffing } = this.#options;
    if (!isLimited(task, config())) return 0;
    if (!config().budget.allow_unpriced && !staffing.isPriced(chosen.agent, chosen.model)) return undefined;
    const reserve = this.#reserve(task, role, chosen);
    // Work that is done is judged first: a step is finished before its task is parked.
    if (role !== 'code_reviewer' && this.#isOver(task, reserve)) return undefined;
    return this.#dayScope(task, reserve, this.#spent({ reserved: true, except: task.task_id })) === undefined ? reserve : undefined;
  }

  /** Dollars that an attempt may spend: what is left of the tightest budget that covers its task. */
  capFor(task: TaskExecution, reserve: number): number | undefined {
    const { all, by_area } = this.#spent({ reserved: true, except: task.task_id });
    const area = areaOf(task.task_def);
    const left = [
      [taskLimit(task, this.#options.config()), task.total_cost_usd],
      [this.#limit('day', null), all],
      [this.#limit('area', area), by_area.get(area) ?? 0],
    ] as const;
    const least = Math.min(...left.flatMap(([limit, spent]) => (limit === undefined ? [] : [limit - spent])));
    return least === Number.POSITIVE_INFINITY ? undefined : Math.max(least, reserve, 0.01);
  }

  /** Whether any budget covers the task. */
  covers(task: TaskExecution): boolean {
    return isLimited(task, this.#options.config());
  }

  /** A human asked to go on for less, for this task or for what today's budget covers. */
  isEconomical(task: TaskExecution): boolean {
    if (task.economy === true) return true;
    return this.#asked.size > 0 && (this.#ruling('day', null)?.cheaper === true || this.#ruling('area', areaOf(task.task_def))?.cheaper === true);
  }

  /** The limit that holds for a task now; null for none. */
  limitOf(task: TaskExecution): number | null {
    return taskLimit(task, this.#options.config()) ?? null;
  }

  /** What today has cost, running attempts included, and what it may cost. */
  day(): Omit<CostView, 'total_usd' | 'unpriced'> {
    const committed_usd = this.#spent({ reserved: true }).all;
    return { today_usd: this.#spent({ reserved: false }).all, committed_usd, budget_usd: this.#limit('day', null) ?? null, shares: this.#options.ledger.shares() };
  }

  /** Who takes a task's present or next attempt and what that is expected to cost; null for a task that needs nobody. */
  routingOf(task: TaskExecution, choice: AgentChoice | null): RoutingView | null {
    const { staffing, ledger, config } = this.#options;
    const attempt = task.attempts.at(-1);
    const running = attempt?.outcome === 'running' ? attempt : undefined;
    const role = running?.role ?? staffing.nextRole(task);
    if (role === null || (running === undefined && choice?.kind !== 'agent')) return null;
    const chosen = choice?.kind === 'agent' ? choice : undefined;
    const agent = running?.agent ?? chosen?.agent.name ?? '';
    const model = running === undefined ? (chosen?.model ?? null) : running.model;
    const driver = running?.driver ?? chosen?.agent.config.driver ?? '';
    const estimate = ledger.experience.forecast(config(), { role, agent, driver, model, risk: riskOf(task.task_def), area: areaOf(task.task_def) }) ?? null;
    return {
      role,
      agent,
      model,
      reason: running?.reason ?? chosen?.reason ?? '',
      estimate,
      estimate_text: estimate === null ? '' : forecastText(estimate),
      reserve_usd: running?.reserved_usd ?? (chosen === undefined || !this.covers(task) ? 0 : this.#reserve(task, role, chosen)),
    };
  }

  /**
   * Puts what the plan shows in order: a task that is about to start over its budget is parked, the first that a day or area holds
   * asks for all of them, and a question that has become pointless is taken back. True when something has changed.
   */
  async settle(plan: QueuePlan): Promise<boolean> {
    const { lifecycle } = this.#options;
    let changed = await this.#withdrawPointless();
    for (const taskId of plan.start) {
      const task = lifecycle.get(taskId);
      const reserve = this.reserveOf(task);
      const role = this.#options.staffing.nextRole(task);
      if (role === null || role === 'code_reviewer' || !this.#isOver(task, reserve)) continue;
      await this.#park(task, this.#detail(task, 'task', null, reserve));
      changed = true;
    }
    const asking = new Set<string>();
    const settled = this.#spent({ reserved: false });
    for (const taskId of plan.order) {
      if (plan.entries.get(taskId)?.reason.code !== 'budget') continue;
      const task = lifecycle.get(taskId);
      const reserve = this.reserveOf(task);
      // What is only reserved may come free again: that is worth waiting for, not asking.
      const scope = this.#dayScope(task, reserve, settled);
      if (scope === undefined) continue;
      const area = scope === 'area' ? areaOf(task.task_def) : null;
      const key = `${scope} ${area ?? ''}`;
      if (asking.has(key) || this.#ruling(scope, area)?.declined === true || this.#openFor(scope, area)) continue;
      asking.add(key);
      await this.#park(task, this.#detail(task, scope, area, reserve));
      changed = true;
    }
    return changed;
  }

  /** Epoch ms at which a question about today becomes pointless; null while there is none. */
  wakeAt(): number | null {
    return this.#asked.size === 0 ? null : dayEnds(this.#options.clock.now());
  }

  /** The decision's answers must be able to name what a cheaper model would be. */
  #cheaper(task: TaskExecution): string | null {
    const { staffing } = this.#options;
    const role = staffing.nextRole(task);
    const cheaper = role === null || this.isEconomical(task) ? undefined : staffing.cheaper(task, role);
    return cheaper === undefined ? null : cheaper.model === null ? cheaper.agent.name : `${cheaper.agent.name}, ${cheaper.model}`;
  }

  #reserve(task: TaskExecution, role: Role, { agent, model }: ChosenAgent): number {
    const { ledger, config } = this.#options;
    const like = ledger.experience.reserve({ role, agent: agent.name, driver: agent.config.driver, model, risk: riskOf(task.task_def), area: areaOf(task.task_def) });
    return like ?? config().budget.reserve_usd;
  }

  #isOver(task: TaskExecution, reserve: number): boolean {
    const limit = taskLimit(task, this.#options.config());
    return limit !== undefined && task.total_cost_usd + reserve > limit + 1e-9;
  }

  /** The day's or area's budget that has no room for a reservation. */
  #dayScope(task: TaskExecution, reserve: number, spent: Spent): 'day' | 'area' | undefined {
    const area = areaOf(task.task_def);
    const over = (limit: number | undefined, used: number): boolean => limit !== undefined && used + reserve > limit + 1e-9;
    if (over(this.#limit('day', null), spent.all)) return 'day';
    return over(this.#limit('area', area), spent.by_area.get(area) ?? 0) ? 'area' : undefined;
  }

  /** A day's or area's limit, as a human raised it for today. */
  #limit(scope: 'day' | 'area', area: string | null): number | undefined {
    const { budget } = this.#options.config();
    const stated = scope === 'day' ? budget.per_day_usd : budget.by_area[area ?? ''];
    return stated === undefined ? undefined : Math.max(stated, this.#ruling(scope, area)?.raised_usd ?? 0);
  }

  #spent({ reserved, except }: { readonly reserved: boolean; readonly except?: string }): Spent {
    const { ledger, lifecycle, config } = this.#options;
    const by_area = new Map<string, number>();
    let all = 0;
    const add = (area: string, usd: number): void => {
      all += usd;
      by_area.set(area, (by_area.get(area) ?? 0) + usd);
    };
    for (const row of ledger.today()) add(row.area, row.cost_usd ?? 0);
    for (const run of this.#options.runs().values()) {
      const task = lifecycle.find(run.taskId);
      if (task === undefined || run.taskId === except) continue;
      const attempt = task.attempts.at(-1);
      const running = attempt?.outcome === 'running';
      const live = running ? (callCost(run.live?.cost_usd ?? null, run.live?.usage ?? attempt.usage, attempt.model, config()) ?? 0) : 0;
      add(areaOf(task.task_def), reserved ? Math.max(live, running ? (attempt.reserved_usd ?? 0) : 0, run.reserved_usd) : live);
    }
    return { all, by_area };
  }

  #detail(task: TaskExecution, scope: BudgetScope, area: string | null, reserve: number): BudgetDetail {
    const { clock, config } = this.#options;
    const spent = this.#spent({ reserved: false });
    const limit = (scope === 'task' ? taskLimit(task, config()) : this.#limit(scope, area)) ?? 0;
    const spent_usd = scope === 'task' ? task.total_cost_usd : scope === 'day' ? spent.all : (spent.by_area.get(area ?? '') ?? 0);
    return {
      scope,
      area,
      day: scope === 'task' ? null : dayOf(clock.now()),
      limit_usd: limit,
      spent_usd,
      reserve_usd: reserve,
      suggested_usd: suggestedBudget(limit, spent_usd + reserve),
      cheaper: this.#cheaper(task),
    };
  }

  async #park(task: TaskExecution, detail: BudgetDetail): Promise<void> {
    const { decisions } = this.#options;
    const question = budgetQuestion(task.task_def.goal, detail);
    const whose = detail.scope === 'task' ? 'its budget' : detail.scope === 'day' ? 'today’s budget' : `today’s budget for ${detail.area ?? ''}`;
    await decisions.park(task.task_id, { kind: 'budget', question, detail, resume_state: resumeState(task.state) }, `${whose} is reached`, () => [
      { type: 'budget_exceeded', data: { scope: detail.scope, area: detail.area, limit_usd: detail.limit_usd, spent_usd: detail.spent_usd, reserve_usd: detail.reserve_usd, reason: `${whose} of ${formatMoney(detail.limit_usd)} is reached: ${formatMoney(detail.spent_usd)} is spent` } },
    ]);
  }

  /** A budget that was raised in the configuration, or a day that is over, needs no answer any more. */
  async #withdrawPointless(): Promise<boolean> {
    const { lifecycle, decisions, clock } = this.#options;
    let changed = false;
    for (const task of lifecycle.needingHumanReview()) {
      const decision = openDecisions(task).find((one) => one.kind === 'budget');
      if (decision === undefined) continue;
      const { scope, area, day, reserve_usd: reserve } = budgetDetail(decision);
      const spent = this.#spent({ reserved: false });
      const over = scope === 'task' ? this.#isOver(task, reserve) : day === dayOf(clock.now()) && this.#dayScope(task, reserve, spent) === scope && (scope === 'day' || area === areaOf(task.task_def));
      if (over) continue;
      await lifecycle.transition(task.task_id, decision.resume_state, 'its budget has room again', (draft) => decisions.withdraw(draft, (one) => one.kind === 'budget'), 'awaiting_human_review');
      changed = true;
    }
    return changed;
  }

  #note(task: TaskExecution): void {
    this.#rulings.clear();
    if (task.decisions.some((one) => one.kind === 'budget' && one.detail['scope'] !== 'task' && one.status !== 'withdrawn')) this.#asked.add(task.task_id);
    else this.#asked.delete(task.task_id);
  }

  #decisionsFor(scope: BudgetScope, area: string | null): Decision[] {
    const today = dayOf(this.#options.clock.now());
    return [...this.#asked]
      .flatMap((taskId) => this.#options.lifecycle.find(taskId)?.decisions ?? [])
      .filter((one) => one.kind === 'budget' && one.detail['scope'] === scope && one.detail['area'] === area && one.detail['day'] === today);
  }

  #openFor(scope: BudgetScope, area: string | null): boolean {
    return this.#decisionsFor(scope, area).some((one) => one.status === 'open');
  }

  #ruling(scope: BudgetScope, area: string | null): Ruling | undefined {
    if (this.#asked.size === 0) return undefined;
    // The queue asks for every task that it holds.
    const key = `${dayOf(this.#options.clock.now())} ${scope} ${area ?? ''}`;
    if (!this.#rulings.has(key)) this.#rulings.set(key, this.#findRuling(scope, area));
    return this.#rulings.get(key);
  }

  #findRuling(scope: BudgetScope, area: string | null): Ruling | undefined {
    const answers = this.#decisionsFor(scope, area).flatMap(({ answer }) => answer ?? []);
    if (answers.length === 0) return undefined;
    const raised = answers.map(({ input }) => (typeof input?.['budget_usd'] === 'number' ? input['budget_usd'] : 0));
    return {
      raised_usd: Math.max(...raised),
      cheaper: answers.some(({ input }) => input?.['cheaper'] === true),
      declined: answers.some(({ verdict }) => verdict === 'reject'),
    };
  }
}
