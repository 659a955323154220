import assert from 'node:assert/strict';
import type { Finding } from '../../../src/core/findings.ts';
import type { ReviewThread } from '../../../src/core/threads.ts';
import { fileThreads, planLines, planThreads, stepAt } from '../../../src/vscode/model/threads.ts';
import { planPage } from '../../../src/vscode/model/pages.ts';
import { newExecution } from '../../../src/core/execution.ts';

const AT = '2030-05-17T12:00:00.000Z';
const thread = (more: Partial<ReviewThread>): ReviewThread => ({ id: 't1', about: 'change', file: 'a.ts', line: 3, head_sha: 'head', step_id: null, code: 'x', status: 'open', outdated: false, comments: [{ id: 'c1', by: 'ann', at: AT, text: 'Why?' }], ...more });
const finding = (more: Partial<Finding>): Finding => ({ source: 'reviewer', by: 'judge', severity: 'major', file: 'a.ts', line: 5, message: 'Wrong.', head_sha: 'head', ...more });
const told = (threads: ReturnType<typeof fileThreads>): unknown[] => threads.map(({ line, label, resolved, context }) => [line, label, resolved, context]);

describe('The threads of a review (row 225)', () => {
  it('stand on their lines and say what becomes of them', () => {
    const threads = [thread({}), thread({ id: 't2', outdated: true }), thread({ id: 't3', status: 'sent' }), thread({ id: 't4', status: 'resolved' }), thread({ id: 't5', file: 'b.ts' })];
    assert.deepEqual(told(fileThreads({ threads }, [], 'a.ts', 'head', new Map())), [
      [2, 'Goes along with Request Changes', false, 'open'],
      [2, 'Outdated · goes along with Request Changes', false, 'open'],
      [2, 'Sent to the agent', false, 'sent'],
      [2, 'Resolved', true, 'resolved'],
    ]);
  });

  it('show what reviewers and gates found, moved to where the line is now, and settled where it has changed since', () => {
    const moved = new Map([['old', new Map([['was.ts', { to: 'a.ts', hunks: [{ from: 0, fromCount: 0, to: 1, toCount: 2 }, { from: 9, fromCount: 1, to: 11, toCount: 1 }] }]])]]);
    const findings = [finding({}), finding({ source: 'gate', by: 'types', severity: 'minor', line: null }), finding({ file: 'was.ts', head_sha: 'old' }), finding({ file: 'was.ts', head_sha: 'old', line: 9 }), finding({ file: 'b.ts' }), finding({ file: null })];
    assert.deepEqual(told(fileThreads({}, findings, 'a.ts', 'head', moved)), [
      [4, 'Reviewer judge · major', false, 'finding'],
      [0, 'Gate types · minor', false, 'finding'],
      [6, 'Reviewer judge · major', false, 'finding'],
      [10, 'Reviewer judge · major · the line has changed since', true, 'finding'],
    ]);
  });

  it('stand on the steps of a plan as its page numbers them (row 223)', () => {
    const plan = { summary: '2. not a step', steps: [{ id: 'a', description: 'Parse' }, { id: 'b', description: 'Print' }] };
    const page = planPage({ ...newExecution({ id: 'x', goal: '1. Goal' }, 'h', AT), plan });
    const lines = planLines(page, plan);
    assert.deepEqual([...lines.keys()], ['a', 'b']);
    assert.match(page.split('\n')[lines.get('b') ?? -1] ?? '', /^2\. Print/);
    assert.equal(stepAt(lines, (lines.get('b') ?? 0) + 1), 'b');
    assert.equal(stepAt(lines, 0), undefined);
    const [own] = planThreads({ threads: [thread({ about: 'plan', file: null, line: null, step_id: 'b' }), thread({ about: 'plan', step_id: 'gone' })] }, lines);
    assert.equal(own?.line, lines.get('b'));
  });
});
