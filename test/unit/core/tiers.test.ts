import assert from 'node:assert/strict';
import { configSchema } from '../../../src/core/config/schema.ts';
import { ROLES, type Role } from '../../../src/core/execution.ts';
import { route, type Candidate } from '../../../src/core/routing.ts';
import { RISKS, type TaskDefinition } from '../../../src/core/task.ts';
import { tierOf, wantedTier } from '../../../src/core/tiers.ts';

const AREAS = ['core', 'math', 'api', 'services', 'docs', 'comments', 'tests', 'unknown'] as const;
/** One letter an area, in their order: advanced, standard, economy. */
const MATRIX: Readonly<Record<Role, Readonly<Record<(typeof RISKS)[number], string>>>> = {
  planner: { low: 'AASSSSSS', medium: 'AAAASSSA', high: 'AAAAAAAA' },
  plan_reviewer: { low: 'SSEEEEEE', medium: 'AASSEEES', high: 'AAAAAAAA' },
  implementer: { low: 'SSEEEEEE', medium: 'AASSEEES', high: 'AAAAAAAA' },
  code_reviewer: { low: 'SSEEEEEE', medium: 'AASSEEES', high: 'AAAAAAAA' },
};
const MODELS = { A: 'advanced-1', S: 'standard-1', E: 'economy-1' } as const;
const models = Object.fromEntries(['advanced', 'standard', 'economy'].map((tier) => [`${tier}-1`, { tier, provider: 'maker' }]));
const task = (more: Partial<TaskDefinition> = {}): TaskDefinition => ({ id: 't', goal: 'g', ...more });
const agent = (name: string, more: Partial<Candidate> = {}): Candidate => ({ name, available: true, enabled: true, install: null, model: null, driver: 'claude', provider: 'maker', ...more });
const chosen = (config: Record<string, unknown>, role: Role, of: Partial<TaskDefinition>, candidates: readonly Candidate[]): string => {
  const found = route(configSchema.parse(config), task(of), role, candidates);
  return found.kind === 'agent' ? `${found.name}/${found.model ?? '-'}: ${found.reason}` : found.reason;
};

describe('Who takes a role by default (row 178)', () => {
  for (const role of ROLES) {
    it(`is for the ${role.replace('_', ' ')} the weakest model that is strong enough for risk and area`, () => {
      for (const risk of RISKS) {
        for (const [index, area] of AREAS.entries()) {
          const wanted = MODELS[MATRIX[role][risk].charAt(index) as keyof typeof MODELS];
          const found = route(configSchema.parse({ models }), task(area === 'unknown' ? { risk } : { risk, area }), role, [agent('claude')]);
          // The agent's own default stands for the middle tier.
          assert.equal(found.kind === 'agent' && (found.model ?? 'standard-1'), wanted, `${role} ${risk} ${area}`);
        }
      }
    });
  }

  it('says risk, area and tier', () => {
    assert.equal(chosen({ models }, 'planner', { risk: 'high', area: 'core' }, [agent('claude')]), 'claude/advanced-1: High-risk core: advanced model');
    assert.equal(chosen({ models }, 'implementer', { risk: 'low', area: 'docs' }, [agent('claude')]), 'claude/economy-1: Low-risk docs: economy model');
  });

  it('is another agent where that has the model', () => {
    const two = [agent('small', { model: 'economy-1' }), agent('big', { model: 'advanced-1' })];
    assert.equal(chosen({ models }, 'implementer', { risk: 'high' }, two), 'big/advanced-1: High-risk work: advanced model');
    assert.equal(chosen({ models }, 'implementer', { risk: 'low' }, two), 'small/economy-1: Low-risk work: economy model');
  });

  it('is a stronger model before a weaker one where the very tier is missing', () => {
    const without = { 'advanced-1': { tier: 'advanced', provider: 'maker' }, 'economy-1': { tier: 'economy', provider: 'maker' } };
    assert.match(chosen({ models: without }, 'implementer', { risk: 'medium', area: 'api' }, [agent('a', { model: 'economy-1' }), agent('b', { model: 'advanced-1' })]), /^b\//);
  });

  it('is never changed where a rule or a role says who, where an agent has its own model, or where no model has a tier', () => {
    const hard = { risk: 'high', area: 'core' } as const;
    assert.equal(chosen({ models, roles: { implementer: 'claude' } }, 'implementer', hard, [agent('claude')]), 'claude/-: the configured implementer');
    assert.equal(chosen({ models, routing: [{ use: 'claude', model: 'economy-1', reason: 'Mine' }] }, 'implementer', hard, [agent('claude')]), 'claude/economy-1: Mine');
    assert.match(chosen({ models }, 'implementer', hard, [agent('claude', { model: 'economy-1' })]), /^claude\/economy-1/);
    assert.equal(chosen({ models: { big: { provider: 'maker', input_per_mtok: 9, output_per_mtok: 9 } } }, 'implementer', hard, [agent('claude')]), 'claude/-: the first agent found');
  });

  it('knows other words for the tiers', () => {
    const config = configSchema.parse({ models: { a: { tier: 'Tier 1' }, b: { tier: 'fast' }, c: { tier: 'medium' }, d: { tier: 'purple' }, e: {} } });
    assert.deepEqual(['a', 'b', 'c', 'd', 'e', 'none'].map((model) => tierOf(config, model)), ['advanced', 'economy', 'standard', undefined, undefined, undefined]);
    assert.equal(wantedTier('planner', task()).tier, 'advanced');
  });
});

describe('Going on for less', () => {
  const priced = { big: { input_per_mtok: 15, output_per_mtok: 75, provider: 'maker' }, small: { input_per_mtok: 1, output_per_mtok: 5, provider: 'maker' } };
  const cheapest = (config: Record<string, unknown>, of: Partial<TaskDefinition>, candidates: readonly Candidate[]): string => {
    const found = route(configSchema.parse(config), task(of), 'implementer', candidates, { economy: true });
    return found.kind === 'agent' ? `${found.name}/${found.model ?? '-'}` : found.reason;
  };

  it('takes the cheapest model of all agents, whatever rules say', () => {
    assert.equal(cheapest({ models: priced, roles: { implementer: 'a' } }, {}, [agent('a', { model: 'big' }), agent('b', { model: 'small' })]), 'b/small');
    assert.equal(cheapest({ models: { big: priced.big, other: { input_per_mtok: 0.1, output_per_mtok: 0.4, provider: 'else' } } }, {}, [agent('a', { model: 'big' }), agent('b', { model: 'other', provider: 'else' })]), 'b/other');
  });
  it('keeps to the agent that the task names', () => {
    assert.equal(cheapest({ models: { big: priced.big, other: { input_per_mtok: 0.1, output_per_mtok: 0.4, provider: 'else' } } }, { agent: 'a' }, [agent('a', { model: 'big' }), agent('b', { model: 'other', provider: 'else' })]), 'a/big');
  });
});
