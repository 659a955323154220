import assert from 'node:assert/strict';
import { budgetQuestion, dayEnds, dayOf, isLimited, readBudgetAnswer, suggestedBudget, taskLimit, type BudgetDetail } from '../../../src/core/budget.ts';
import { configSchema } from '../../../src/core/config/schema.ts';
import { task } from '../../support/tasks.ts';

const detail = (more: Partial<BudgetDetail> = {}): BudgetDetail => ({ scope: 'task', area: null, day: null, limit_usd: 2, spent_usd: 1.9, reserve_usd: 0.5, suggested_usd: 3, cheaper: null, ...more });

describe('A budget (row 237)', () => {
  it('of a task is its own before the configured one, and what a human raised it to before both', () => {
    const config = configSchema.parse({ budget: { per_task_usd: 2 } });
    assert.equal(taskLimit(task('a'), config), 2);
    assert.equal(taskLimit(task('a', { def: { budget_usd: 1 } }), config), 1);
    assert.equal(taskLimit(task('a', { def: { budget_usd: 1 }, budget_usd: 5 }), config), 5);
    assert.equal(taskLimit(task('a', { budget_usd: 1 }), config), 2);
    assert.equal(taskLimit(task('a', { budget_usd: 5 }), configSchema.parse({})), undefined);
  });
  it('covers a task by day, task or area', () => {
    const covered = (budget: Record<string, unknown>, def = {}): boolean => isLimited(task('a', { def: { area: 'docs', ...def } }), configSchema.parse({ budget }));
    assert.deepEqual([covered({}), covered({ per_day_usd: 1 }), covered({ per_task_usd: 1 }), covered({ by_area: { docs: 1 } }), covered({ by_area: { core: 1 } }), covered({}, { budget_usd: 1 })], [false, true, true, true, false, true]);
  });
  it('of a day ends at midnight UTC', () => {
    const noon = Date.parse('2026-11-25T23:59:59.999Z');
    assert.equal(dayOf(noon), '2026-11-25');
    assert.equal(dayEnds(noon), Date.parse('2026-11-26T00:00:00.000Z'));
    assert.equal(dayEnds(dayEnds(noon)), Date.parse('2026-11-27T00:00:00.000Z'));
  });
  it('is suggested to be raised by half, to whole ten cents, and always enough for one more attempt', () => {
    assert.deepEqual([suggestedBudget(2, 2.4), suggestedBudget(0.2, 0.5), suggestedBudget(1, 1.71)], [3, 0.5, 1.8]);
  });
  it('asks with its figures and what each answer does', () => {
    assert.equal(budgetQuestion('Fix it', detail()), 'The budget of "Fix it" is $2.00: $1.90 is spent, and the next attempt reserves $0.50. Raise it to $3.00 (or another amount), or stop the task?');
    assert.equal(
      budgetQuestion('Fix it', detail({ scope: 'area', area: 'docs', day: '2026-11-25', cheaper: 'claude, small' })),
      'Today’s budget for docs is $2.00: $1.90 is spent, and the next attempt reserves $0.50. Raise it to $3.00 (or another amount), go on with claude, small for less, or leave what it holds until 00:00 UTC?',
    );
  });
  it('is raised to what was suggested, to an amount that suffices, or kept by a cheaper model', () => {
    assert.deepEqual(readBudgetAnswer(detail(), null), { budget_usd: 3, cheaper: false });
    assert.deepEqual(readBudgetAnswer(detail(), { budget_usd: 2.4 }), { budget_usd: 2.4, cheaper: false });
    assert.deepEqual(readBudgetAnswer(detail({ cheaper: 'x' }), { cheaper: true }), { budget_usd: 3, cheaper: true });
    assert.throws(() => readBudgetAnswer(detail(), { budget_usd: 2.39 }), /\$2\.39 is not enough: \$1\.90 is spent and the next attempt reserves \$0\.50\. Give at least \$2\.40\./);
    assert.throws(() => readBudgetAnswer(detail(), { budget_usd: 'much' }), /must be a number/);
    assert.throws(() => readBudgetAnswer(detail(), { cheaper: true }), /no cheaper model/);
  });
});
