import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configSchema } from '../../../src/core/config/schema.ts';
import { ROLES, type Role } from '../../../src/core/execution.ts';
import { isAuthor, isSameModel, isStaffed, route, type Author, type Candidate } from '../../../src/core/routing.ts';
import { RISKS, type TaskDefinition } from '../../../src/core/task.ts';
import { chooseWorkflow } from '../../../src/core/workflow.ts';

const task = (more: Partial<TaskDefinition> = {}): TaskDefinition => ({ id: 't', goal: 'g', ...more });
const agent = (name: string, more: Partial<Candidate> = {}): Candidate => ({ name, available: true, enabled: true, install: null, model: `${name}-1`, driver: 'claude', provider: name, ...more });
const author = (name: string): Author => ({ agent: name, model: `${name}-1`, provider: name });

describe('Routing by role, risk, area and complexity (row 178)', () => {
  const names = ['a', 'b', 'c', 'd'];
  const config = configSchema.parse({
    roles: { planner: 'a', plan_reviewer: 'b', implementer: 'c', code_reviewer: 'd' },
    routing: [
      { when: { role: 'implementer', risk: 'high', area: ['core', 'math'] }, use: 'a', model: 'strong', reason: 'High-risk core' },
      { when: { role: ['implementer', 'code_reviewer'], area: 'docs' }, use: 'b', reason: 'Docs' },
      { when: { role: 'planner', risk: 'low', complexity: ['trivial', 'small'] }, use: 'd', reason: 'Small plan' },
    ],
  });
  const expected = (role: Role, risk: string, area: string, complexity: string): string => {
    if (role === 'implementer' && risk === 'high' && area !== 'docs') return 'a because High-risk core';
    if ((role === 'implementer' || role === 'code_reviewer') && area === 'docs') return 'b because Docs';
    if (role === 'planner' && risk === 'low' && complexity !== 'large') return 'd because Small plan';
    const name = { planner: 'a', plan_reviewer: 'b', implementer: 'c', code_reviewer: 'd' }[role];
    return `${name} because the configured ${role.replace('_', ' ')}`;
  };
  for (const role of ROLES) {
    it(`gives the ${role} of every task the agent that the first matching rule names`, () => {
      for (const risk of RISKS)
        for (const area of ['core', 'math', 'docs'])
          for (const complexity of ['small', 'large'] as const) {
            const found = route(config, task({ risk, area, complexity }), role, names.map((name) => agent(name)));
            assert.equal(found.kind === 'agent' && `${found.name} because ${found.reason}`, expected(role, risk, area, complexity), `${role} ${risk} ${area} ${complexity}`);
          }
    });
  }
});

describe('An agent that cannot be had', () => {
  const config = configSchema.parse({ roles: { planner: 'a' } });
  it('is replaced when it is not installed, with the reason', () => {
    const found = route(config, task(), 'planner', [agent('b'), agent('a', { available: false, install: 'npm i a' })]);
    assert.deepEqual(found, { kind: 'agent', name: 'b', model: 'b-1', reason: 'it stands in: agent a is not installed; install it: npm i a', self_reviewed: false });
  });
  it('is replaced when its account is closed, unless the work lies in its session', () => {
    const candidates = [agent('a', { closed: true }), agent('b')];
    const name = (keep?: string): string => {
      const found = route(config, task(), 'planner', candidates, { keep });
      return found.kind === 'agent' ? found.name : found.reason;
    };
    assert.deepEqual([name(), name('a')], ['b', 'a']);
  });
  it('is never replaced by a program of the user, which plans only when named for it', () => {
    const tool = agent('tool', { driver: 'command' });
    assert.equal(route(config, task(), 'planner', [agent('a', { available: false }), tool]).kind, 'none');
    assert.equal(isStaffed(configSchema.parse({}), task(), 'planner', [tool]), false);
    assert.equal(isStaffed(configSchema.parse({ routing: [{ use: 'tool' }] }), task(), 'planner', [tool]), false);
    assert.equal(isStaffed(configSchema.parse({ roles: { planner: 'tool' } }), task(), 'planner', [tool]), true);
  });
});

describe('The reviewer (rows 179, 238)', () => {
  it('is of another provider where there is one', () => {
    const candidates = [agent('mine'), agent('sister', { provider: 'mine' }), agent('stranger')];
    const found = route(configSchema.parse({}), task(), 'code_reviewer', candidates, { authors: [author('mine')] });
    assert.equal(found.kind === 'agent' && found.name, 'stranger');
  });
  it('may be another model of the only agent', () => {
    const config = configSchema.parse({ models: { 'mine-2': { provider: 'mine' } } });
    const found = route(config, task(), 'plan_reviewer', [agent('mine')], { authors: [author('mine')] });
    assert.equal(found.kind === 'agent' && `${found.name}/${found.model ?? ''}/${String(found.self_reviewed)}`, 'mine/mine-2/false');
  });
  it('knows a model under its aliases', () => {
    for (const [a, b] of [['opus', 'claude-opus-4-6'], ['claude-sonnet-4-6', 'claude-sonnet-4-6-20260101'], ['Claude-Opus-4-6[1m]', 'claude-opus-4-6'], ['anthropic/claude-opus-4-6', 'claude-opus-4-6']] as const) {
      assert.ok(isSameModel(a, b) && isSameModel(b, a), `${a} ${b}`);
    }
    for (const [a, b] of [['gpt-5', 'gpt-5-mini'], ['claude-opus-4-6', 'claude-sonnet-4-6'], ['claude-opus-4-5', 'claude-opus-4-6']] as const) assert.ok(!isSameModel(a, b), `${a} ${b}`);
  });

  it('is never the author’s model unless it is marked so, and only where nobody else is there (property)', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const model = fc.option(fc.constantFrom('m1', 'm2', 'm3'), { nil: null });
    const provider = fc.constantFrom('p', 'q', 'r');
    const candidates = fc.uniqueArray(
      fc.record({ name, model, provider, available: fc.boolean(), enabled: fc.boolean(), install: fc.constant(null), driver: fc.constantFrom('claude' as const, 'codex' as const, 'command' as const), closed: fc.boolean() }),
      { selector: (one) => one.name, maxLength: 4 },
    );
    const authors = fc.array(fc.record({ agent: name, model, provider }), { minLength: 1, maxLength: 3 });
    const rules = fc.array(fc.record({ use: name, model: fc.option(fc.constantFrom('m1', 'm2', 'm3'), { nil: undefined }) }), { maxLength: 2 });
    const named = fc.option(name, { nil: undefined });
    fc.assert(
      fc.property(fc.constantFrom('plan_reviewer' as const, 'code_reviewer' as const), candidates, authors, rules, named, (role, all, made, routing, own) => {
        const config = configSchema.parse({ routing: routing.map((rule) => ({ ...rule, when: { role } })), roles: own === undefined ? {} : { [role]: own } });
        const found = route(config, task(), role, all, { authors: made });
        if (found.kind === 'none') return;
        const chosen = all.find((one) => one.name === found.name);
        assert.ok(chosen?.available && chosen.enabled);
        const isOwn = (one: Candidate, of: string | null): boolean => made.some((by) => isAuthor({ agent: one.name, model: of, provider: one.provider ?? one.name }, by));
        assert.equal(found.self_reviewed, isOwn(chosen, found.model));
        if (!found.self_reviewed) return;
        for (const one of all) if (one.available && one.enabled && one.driver !== 'command') assert.ok(isOwn(one, one.model), `${one.name} could have reviewed`);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('The workflow of a task', () => {
  it('is reviewed when risk or area is stated and somebody can plan, with the reason', () => {
    assert.deepEqual(chooseWorkflow(task({ risk: 'high', area: 'core' }), undefined), { workflow: 'reviewed', reason: 'the task states its risk (high) and its area (core)' });
    assert.deepEqual(chooseWorkflow(task({ area: 'docs' }), 'no agent'), { workflow: 'direct', reason: 'nobody can plan: no agent' });
    assert.deepEqual(chooseWorkflow(task({ workflow: 'auto' }), undefined), { workflow: 'direct', reason: 'the task states neither risk nor area' });
    assert.equal(chooseWorkflow(task({ workflow: 'reviewed' }), 'no agent').workflow, 'reviewed');
    assert.equal(chooseWorkflow(task({ workflow: 'direct', risk: 'high' }), undefined).workflow, 'direct');
  });
});
