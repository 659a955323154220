import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configSchema, defaultConfig, durationSeconds } from '../../../src/core/config/schema.ts';
import { codeReview, plan, planReview } from '../../../src/core/roles.ts';
import { areaOf, canonicalContent, riskOf, taskDefinition, taskIdFault } from '../../../src/core/task.ts';

describe('A task id', () => {
  it('is letters, digits, ".", "_" and "-", at most 64 of them', () => {
    for (const id of ['a', 'RAE-001', '1.2_b', 'x'.repeat(64)]) assert.equal(taskIdFault(id), undefined, id);
    for (const id of ['', '-a', '.a', '_a', 'a b', 'a/b', 'a\\b', 'ä', 'x'.repeat(65), 'a\n']) assert.notEqual(taskIdFault(id), undefined, JSON.stringify(id));
  });
  it('is a safe git ref component and file name', () => {
    for (const id of ['a..b', 'a.', 'a.lock', 'A.LOCK', 'con', 'NUL', 'com1', 'lpt9.txt', 'aux.md']) assert.notEqual(taskIdFault(id), undefined, id);
    for (const id of ['console', 'a.lock.b', 'com10']) assert.equal(taskIdFault(id), undefined, id);
  });
});

describe('A task definition (row 184)', () => {
  it('needs id and goal, and nothing else', () => {
    assert.deepEqual(taskDefinition.parse({ id: 'a', goal: ' x ' }), { id: 'a', goal: 'x' });
    for (const bad of [{}, { id: 'a' }, { goal: 'x' }, { id: 'a', goal: '  ' }, { id: '..', goal: 'x' }]) assert.equal(taskDefinition.safeParse(bad).success, false);
  });
  it('keeps unknown keys, takes one text for a list, refuses unknown choices', () => {
    assert.deepEqual(taskDefinition.parse({ id: 'a', goal: 'x', depends_on: 'b', odd: 1 }), { id: 'a', goal: 'x', depends_on: ['b'], odd: 1 });
    for (const bad of [{ risk: 'none' }, { workflow: 'fast' }, { budget_usd: 0 }, { requires_approval: 'no' }]) assert.equal(taskDefinition.safeParse({ id: 'a', goal: 'x', ...bad }).success, false);
  });
  it('is of medium risk and unknown area unless it says so', () => {
    const task = taskDefinition.parse({ id: 'a', goal: 'x' });
    assert.deepEqual([riskOf(task), areaOf(task)], ['medium', 'unknown']);
  });
  it('has a content that depends on what is asked alone, not on order, time or source (property)', () => {
    const keys = fc.record({ description: fc.string(), risk: fc.constantFrom('low' as const, 'high' as const), labels: fc.array(fc.string()), odd: fc.jsonValue() }, { requiredKeys: [] });
    fc.assert(
      fc.property(keys, fc.string(), (over, time) => {
        const task = { id: 'a', goal: 'x', ...over };
        const turned = { ...Object.fromEntries(Object.entries(task).reverse()), created_at: time, source: time } as unknown as typeof task;
        assert.equal(canonicalContent(turned), canonicalContent(task));
        assert.notEqual(canonicalContent({ ...task, goal: 'y' }), canonicalContent(task));
      }),
    );
  });
});

describe('The configuration schema (row 10)', () => {
  it('has a default for every key that needs one', () => {
    const config = defaultConfig();
    assert.deepEqual(config.orchestrator, { poll_interval: 30, max_concurrent_tasks: 5, claude_timeout: 3600, start_timeout: 60, silence_timeout: 600, stop_hook_file: '.claude_stop' });
    assert.deepEqual(config.priority_weights, { urgency: 0.4, deadline: 0.3, sender: 0.3 });
    assert.deepEqual(config.retry, { max_attempts: 5, initial_backoff: 60, backoff_multiplier: 2, max_backoff: 3600, by_area: {}, by_error: {} });
    assert.deepEqual(config.metrics, { enabled: true, retention_days: 30, aggregation_interval: 300 });
    assert.deepEqual(config.health_check, { max_backlog: 20, max_error_rate: 0.1, max_idle_time: 3600 });
    assert.deepEqual(config.dashboard, { refresh_interval: 5, max_recent_tasks: 10 });
    assert.deepEqual(config.notifications, { enabled: true, events: ['task_failed', 'health_degraded', 'orchestrator_stopped'] });
    assert.deepEqual([config.merge.policy, config.budget.reserve_usd, config.approval.expires], ['review', 0.5, '24h']);
  });
  it('gives each call its own copy', () => {
    defaultConfig().vip_senders.push('x');
    assert.deepEqual(defaultConfig().vip_senders, []);
  });
  it('is idempotent: what it gives it takes', () => {
    assert.deepEqual(configSchema.parse(defaultConfig()), defaultConfig());
  });
  it('reads durations', () => {
    for (const [text, seconds] of [['90s', 90], ['30m', 1800], ['24h', 86_400], ['7d', 604_800], ['1.5h', 5400], [' 5 m ', 300], ['12', 12], [7, 7]] as const) assert.equal(durationSeconds(text), seconds, String(text));
    for (const text of ['', 'soon', '5w', '-1h', 'h']) assert.equal(durationSeconds(text), undefined, text);
  });
});

describe('What roles answer', () => {
  it('a plan has steps with id and description', () => {
    assert.equal(plan.safeParse({ steps: [{ id: 'S1', description: 'do', files: { modify: ['a'] }, odd: 1 }] }).success, true);
    for (const bad of [{}, { steps: [] }, { steps: [{ id: 'S1' }] }, { steps: [{ id: '', description: 'x' }] }]) assert.equal(plan.safeParse(bad).success, false);
  });
  it('a review has one of three verdicts, and only an explicit approval is one', () => {
    for (const status of ['approved', 'rejected', 'needs_revision']) assert.equal(planReview.safeParse({ status }).success, true);
    for (const status of ['approved', 'rejected', 'needs_changes']) assert.equal(codeReview.safeParse({ status }).success, true);
    for (const schema of [planReview, codeReview]) for (const bad of [{}, { status: 'ok' }, { status: 'Approved' }, { status: true }]) assert.equal(schema.safeParse(bad).success, false);
    assert.equal(codeReview.safeParse({ status: 'rejected', required_changes: [{ severity: 'major', file: 'a', line: 0, description: 'x' }] }).success, false);
  });
});
