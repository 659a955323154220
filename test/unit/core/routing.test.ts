import assert from 'node:assert/strict';
import { configSchema } from '../../../src/core/config/schema.ts';
import { route, type Candidate } from '../../../src/core/routing.ts';
import type { TaskDefinition } from '../../../src/core/task.ts';

const agent = (name: string, over: Partial<Candidate> = {}): Candidate => ({ name, available: true, enabled: true, install: null, model: null, ...over });
const routed = (candidates: readonly Candidate[], config: Record<string, unknown> = {}, task: Partial<TaskDefinition> = {}): string => {
  const found = route(configSchema.parse(config), { id: 't', goal: 'x', ...task }, 'implementer', candidates);
  return found.kind === 'agent' ? `${found.name}/${found.model ?? '-'} because ${found.reason}` : `none: ${found.reason}`;
};

describe('The agent of a task', () => {
  const both = [agent('claude', { model: 'm' }), agent('codex')];
  it('is the task\'s own wish, else the first matching rule, else the role\'s, else the first found', () => {
    const config = { roles: { implementer: 'codex' }, routing: [{ use: 'claude', model: 'big', when: { risk: 'high', area: ['core', 'math'] }, reason: 'High-risk core' }] };
    assert.equal(routed(both, config, { agent: 'codex', risk: 'high', area: 'core' }), 'codex/- because the task names it');
    assert.equal(routed(both, config, { risk: 'high', area: 'core' }), 'claude/big because High-risk core');
    assert.equal(routed(both, config, { risk: 'high' }), 'codex/- because the configured implementer');
    assert.equal(routed(both), 'claude/m because the first agent found');
  });
  it('is never another than the one that was named', () => {
    assert.match(routed(both, {}, { agent: 'gemini' }), /^none: no agent is named "gemini"/);
    assert.match(routed([agent('claude', { available: false, install: 'npm i' }), agent('codex')], {}, { agent: 'claude' }), /^none: agent claude is not installed; install it: npm i/);
  });
  it('is never one that the configuration turned off', () => {
    const off = [agent('claude', { enabled: false }), agent('codex')];
    assert.equal(routed(off), 'codex/- because the first agent found');
    assert.equal(routed(off, { roles: { implementer: 'claude' } }), 'none: agent claude is turned off by the configuration (the configured implementer)');
    assert.equal(routed([agent('claude', { enabled: false })]), 'none: agent claude is turned off by the configuration');
  });
});
