/**
 * Budgets: what a task, a day and an area may cost, and the one question that a breach puts. A day is a UTC day, as every stored
 * time is, so that all machines agree when it ends; an attempt belongs to the day on which it ends.
 */
import type { Config } from './config/schema.ts';
import type { Decision, TaskExecution } from './execution.ts';
import { formatMoney } from './format.ts';
import { areaOf } from './task.ts';

export type BudgetScope = 'task' | 'day' | 'area';

/** What a budget decision is about; stored as its `detail`. */
export interface BudgetDetail extends Record<string, unknown> {
  readonly scope: BudgetScope;
  /** The area whose budget it is; null for a task's or a day's. */
  readonly area: string | null;
  /** The UTC day that it holds for; null for a task's. */
  readonly day: string | null;
  readonly limit_usd: number;
  readonly spent_usd: number;
  /** What the next attempt reserves. */
  readonly reserve_usd: number;
  /** What an approval without an amount raises it to. */
  readonly suggested_usd: number;
  /** `agent` or `agent, model` that would do the work for less; null where there is none. */
  readonly cheaper: string | null;
}

/** How a human goes on over a budget; goes as the answer's `input`. */
export interface BudgetAnswer {
  readonly budget_usd: number;
  readonly cheaper: boolean;
}

/** The UTC day of an epoch ms: 2026-11-25. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Epoch ms at which the day of `ms` ends. */
export function dayEnds(ms: number): number {
  return (Math.floor(ms / 86_400_000) + 1) * 86_400_000;
}

/** Dollars that a task may cost in all: as raised by a human, else its own budget, else the configured one; undefined for no limit. */
export function taskLimit(task: Pick<TaskExecution, 'task_def' | 'budget_usd'>, config: Pick<Config, 'budget'>): number | undefined {
  const stated = task.task_def.budget_usd ?? config.budget.per_task_usd;
  return stated === undefined ? undefined : Math.max(stated, task.budget_usd ?? 0);
}

/** Whether any budget covers the task, so that only priced agents may work on it. */
export function isLimited(task: Pick<TaskExecution, 'task_def' | 'budget_usd'>, config: Pick<Config, 'budget'>): boolean {
  return config.budget.per_day_usd !== undefined || taskLimit(task, config) !== undefined || config.budget.by_area[areaOf(task.task_def)] !== undefined;
}

/** Half as much again, at least enough for one more attempt; up to whole ten cents. */
export function suggestedBudget(limit: number, needed: number): number {
  return Math.ceil(Math.round(Math.max(limit * 1.5, needed) * 1000) / 100) / 10;
}

/** The question of a budget decision, with what each answer does. */
export function budgetQuestion(goal: string, detail: BudgetDetail): string {
  const { scope, area, limit_usd: limit, spent_usd: spent, reserve_usd: reserve } = detail;
  const whose = scope === 'task' ? `The budget of "${goal}"` : scope === 'day' ? 'Today’s budget' : `Today’s budget for ${area ?? ''}`;
  const instead = scope === 'task' ? 'stop the task' : 'leave what it holds until 00:00 UTC';
  return `${whose} is ${formatMoney(limit)}: ${formatMoney(spent)} is spent, and the next attempt reserves ${formatMoney(reserve)}. Raise it to ${formatMoney(detail.suggested_usd)} (or another amount)${
    detail.cheaper === null ? '' : `, go on with ${detail.cheaper} for less`
  }, or ${instead}?`;
}

export function budgetDetail(decision: Decision): BudgetDetail {
  return decision.detail as BudgetDetail;
}

/** Reads how to go on; throws with what is wrong, as a sentence. An approval without words raises to what was suggested. */
export function readBudgetAnswer(detail: BudgetDetail, input: Readonly<Record<string, unknown>> | null | undefined): BudgetAnswer {
  const cheaper = input?.['cheaper'] === true;
  if (cheaper && detail.cheaper === null) throw new Error('There is no cheaper model to go on with; give an amount instead.');
  const amount = input?.['budget_usd'] ?? detail.suggested_usd;
  if (typeof amount !== 'number' || !Number.isFinite(amount)) throw new Error('The new budget must be a number of dollars.');
  const needed = detail.spent_usd + detail.reserve_usd;
  if (amount < needed - 1e-9 && !cheaper) {
    throw new Error(`${formatMoney(amount)} is not enough: ${formatMoney(detail.spent_usd)} is spent and the next attempt reserves ${formatMoney(detail.reserve_usd)}. Give at least ${formatMoney(needed)}.`);
  }
  return { budget_usd: amount, cheaper };
}
