import assert from 'node:assert/strict';
import { approvalNeeded } from '../../../src/core/approval.ts';
import { defaultConfig } from '../../../src/core/config/schema.ts';

const config = defaultConfig();
const need = (goal: string, more: Record<string, unknown> = {}): boolean => approvalNeeded({ id: 't', goal, ...more }, config).needed;

describe('Consent before a start (row 4)', () => {
  for (const keyword of config.approval.keywords) {
    it(`is needed for a goal with the word "${keyword}"`, () => {
      assert.equal(need(`Please ${keyword} it`), true);
      assert.equal(need(`Please ${keyword.toUpperCase()}, now`), true);
    });
  }

  it('is not needed when a keyword is only part of a word', () => {
    assert.equal(need('Fix the wireframe of the removed_items executor'), false);
    assert.equal(need('Document undeletable rows'), false);
  });

  it('reads description and constraints too, and says where the word stands', () => {
    const { reasons } = approvalNeeded({ id: 't', goal: 'Tidy up', description: 'then deploy', constraints: ['do not touch production'] }, config);
    assert.deepEqual(reasons, ['the description says "deploy"', 'the constraints says "production"']);
  });

  it('ignores code spans and fenced blocks, but not text behind an unclosed fence', () => {
    assert.equal(need('Rename `delete` to `discard`'), false);
    assert.equal(need('Tidy', { description: 'See\n```sh\nrm and delete\n```\nand go on' }), false);
    assert.equal(need('Tidy', { description: 'See\n```sh\ndelete everything' }), true);
  });

  it('finds words that a line break separates', () => assert.equal(need('Tidy', { description: 'and send\nemail to all' }), true));

  it('is not switched off by requires_approval: false, nor by the word "approved"', () => {
    assert.equal(need('Delete the cache', { requires_approval: false }), true);
    assert.equal(need('approved: delete the cache'), true);
  });

  it('is needed when the task asks for it', () => assert.equal(need('Fix a typo', { requires_approval: true }), true));
});
