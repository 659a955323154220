import assert from 'node:assert/strict';
import fc from 'fast-check';
import { approvalNeeded, approvalState } from '../../../src/core/approval.ts';
import { configSchema, defaultConfig } from '../../../src/core/config/schema.ts';
import type { Decision, DecisionAnswer } from '../../../src/core/execution.ts';
import type { TaskDefinition } from '../../../src/core/task.ts';
import { decision, T0 } from '../../support/tasks.ts';

const CONFIG = defaultConfig();
const reasons = (task: Partial<TaskDefinition>): readonly string[] => approvalNeeded({ id: 't', goal: 'Tidy up', ...task }, CONFIG).reasons;

describe('Approval before a start (row 4)', () => {
  for (const keyword of CONFIG.approval.keywords) {
    it(`is needed for "${keyword}" in goal, description or constraints, in any case`, () => {
      assert.deepEqual(reasons({ goal: `Please ${keyword.toUpperCase()} it` }), [`the goal has "${keyword}"`]);
      assert.deepEqual(reasons({ description: `then ${keyword}.` }), [`the description has "${keyword}"`]);
      assert.deepEqual(reasons({ constraints: ['none', `never ${keyword}!`] }), [`a constraint has "${keyword}"`]);
    });
  }
  it('is needed when the task states it, and not overridden by stating the contrary', () => {
    assert.deepEqual(approvalNeeded({ id: 't', goal: 'Tidy up', requires_approval: true }, CONFIG), { needed: true, reasons: ['the task states requires_approval'] });
    assert.equal(approvalNeeded({ id: 't', goal: 'Delete it', requires_approval: false }, CONFIG).needed, true);
    assert.equal(approvalNeeded({ id: 't', goal: 'Tidy up', requires_approval: false }, CONFIG).needed, false);
  });
  it('is not needed for parts of words or names in code', () => {
    for (const goal of ['Undeleted rows', 'removed_items', 'the deployer', 'wireless', 'executes', 'delete_user()', 'repayments']) assert.deepEqual(reasons({ goal }), [], goal);
    for (const description of ['call `delete()` here', '``a ` delete``', '```sh\nrm -rf; delete\n```\nok', '~~~\ndeploy\n~~~', '```\ndelete\n````\n']) {
      assert.deepEqual(reasons({ description }), [], description);
    }
  });
  it('is not dodged by an unclosed code mark, line breaks, invisible characters or wide letters', () => {
    for (const description of ['```\nnow delete it', 'a ` stray tick, then delete', 'one `tick\n\nanother` paragraph: `x` delete', 'send\n  email', 'send-email', 'de\u200Blete', 'de\u00ADploy', 'ｄｅｌｅｔｅ', '~~~ x\ndelete\n```', '`a` delete `b`']) {
      assert.notDeepEqual(reasons({ description }), [], description);
    }
  });
  it('follows the configured keywords, whatever characters they have', () => {
    const config = configSchema.parse({ approval: { keywords: ['c++', 'drop  table'] } });
    assert.deepEqual(approvalNeeded({ id: 't', goal: 'Delete', description: 'port to C++, then DROP\nTABLE' }, config).reasons, ['the description has "c++"', 'the description has "drop  table"']);
  });
  it('is found wherever in prose the word stands (property)', () => {
    const filler = fc.array(fc.constantFrom('some', 'text', '`code`', '```\nfence\n```', '\n', '\n\n', 'x.y', '"q"'));
    fc.assert(
      fc.property(filler, filler, (before, after) => {
        assert.equal(approvalNeeded({ id: 't', goal: 'g', description: [...before, 'delete', ...after].join('\n\n') }, CONFIG).needed, true);
      }),
    );
  });

  describe('once given', () => {
    const answer = (over: Partial<DecisionAnswer> = {}): DecisionAnswer => ({ verdict: 'approve', text: null, input: null, by: 'ann', via: 'vscode', at: new Date(T0).toISOString(), ...over });
    const given = (over: Partial<Decision> = {}): Decision => decision({ status: 'answered', answer: answer(), content_hash: 'h', ...over });
    const HOURS = 3_600_000;
    it('holds for exactly this content, once, for 24 hours', () => {
      assert.equal(approvalState(given(), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'valid');
      assert.equal(approvalState(given(), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0 + 24 * HOURS - 1), 'valid');
      assert.equal(approvalState(given(), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0 + 24 * HOURS), 'expired');
      assert.equal(approvalState(given(), 'start', { content_hash: 'other', head_sha: null }, CONFIG, T0), 'changed');
      assert.equal(approvalState(given({ applied_at: new Date(T0).toISOString() }), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'used');
      assert.equal(approvalState(given(), 'start', { content_hash: 'h', head_sha: null }, configSchema.parse({ approval: { expires: '1h' } }), T0 + HOURS), 'expired');
    });
    it('holds for exactly one commit when it is for a merge', () => {
      const merge = given({ kind: 'merge', head_sha: 'c1' });
      assert.equal(approvalState(merge, 'merge', { content_hash: 'h', head_sha: 'c1' }, CONFIG, T0), 'valid');
      assert.equal(approvalState(merge, 'merge', { content_hash: 'h', head_sha: 'c2' }, CONFIG, T0), 'changed');
    });
    it('is nothing but the recorded answer of a human to a start decision', () => {
      assert.equal(approvalState(undefined, 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'missing');
      assert.equal(approvalState(decision({ content_hash: 'h' }), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'missing');
      assert.equal(approvalState(given({ kind: 'merge' }), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'missing');
      assert.equal(approvalState(given({ status: 'withdrawn' }), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'missing');
      assert.equal(approvalState(given({ status: 'expired' }), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'expired');
      for (const verdict of ['reject', 'request_changes'] as const) assert.equal(approvalState(given({ answer: answer({ verdict, text: 'approved' }) }), 'start', { content_hash: 'h', head_sha: null }, CONFIG, T0), 'missing');
      assert.equal(approvalNeeded({ id: 'approved-delete', goal: 'APPROVED: delete it' }, CONFIG).needed, true);
    });
  });
});
