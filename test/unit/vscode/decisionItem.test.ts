import assert from 'node:assert/strict';
import { agentQuestions } from '../../../src/core/agentQuestions.ts';
import { decisionContext, decisionDescription, decisionTitle, needYou, pendingDecisions, permissionSummary } from '../../../src/vscode/model/decisionItem.ts';
import { awaitingMerge, awaitingPermission, decision, everyState, snapshot } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');

describe('A decision in Needs You', () => {
  it('shows of a merge its size, the gates and the cost', () => {
    const task = awaitingMerge('pricing-fix', NOW);
    const [merge] = task.decisions;
    assert.ok(merge);
    assert.equal(decisionTitle(merge), 'Approve merge');
    assert.equal(decisionDescription(task, merge), 'pricing-fix · +42 −7 · 3 files · gates ✓✓✓ · $0.31');
  });

  it('names the files of a conflict instead', () => {
    const conflict = decision('a', NOW, { detail: { reason: 'conflict', files_in_the_way: ['src/a.js', 'src/b.js'] } });
    assert.equal(decisionTitle(conflict), 'Merge conflict');
    assert.equal(decisionDescription(awaitingMerge('a', NOW), conflict), 'a · src/a.js, src/b.js');
    assert.equal(decisionTitle(decision('a', NOW, { detail: { reason: 'blocked', files_in_the_way: ['x'] } })), 'Merge blocked');
  });

  it('shows of a permission the command, or tool and file', () => {
    const task = awaitingPermission('flaky', NOW, 'rm -rf build && npm test');
    const [permission] = task.decisions;
    assert.ok(permission);
    assert.equal(decisionTitle(permission), 'Allow command?');
    assert.equal(decisionDescription(task, permission), 'flaky · rm -rf build && npm test');
    const write = decision('a', NOW, { kind: 'permission', detail: { tool: 'Write', title: 'Write', input: { file_path: '/etc/hosts', content: 'x' } } });
    assert.equal(decisionTitle(write), 'Allow tool?');
    assert.equal(permissionSummary(write), 'Write /etc/hosts');
  });

  it('shows a question that the agent asks with its tool for questions, and the answers that it offers', () => {
    const questions = [{ question: 'Tabs or spaces?', header: 'Style', multiSelect: false, options: [{ label: 'Tabs', description: 'a' }, { label: 'Spaces' }] }];
    const asked = decision('a', NOW, { kind: 'permission', detail: { tool: 'AskUserQuestion', title: 'x', input: { questions } } });
    assert.equal(decisionTitle(asked), 'Answer question');
    assert.equal(permissionSummary(asked), 'Tabs or spaces?');
    assert.deepEqual(agentQuestions(asked), [{ question: 'Tabs or spaces?', many: false, options: [{ label: 'Tabs', description: 'a' }, { label: 'Spaces', description: '' }] }]);
    assert.deepEqual(agentQuestions(decision('a', NOW, { kind: 'permission', detail: { tool: 'Bash', input: { questions } } })), []);
  });

  it('says why a task may not start without a word', () => {
    const start = decision('a', NOW, { kind: 'start', question: 'Start "Remove it"?', detail: { reasons: ['the goal has "remove"', 'the task states requires_approval'] } });
    assert.equal(decisionDescription(awaitingMerge('a', NOW), start), 'a · the goal has "remove", the task states requires_approval');
  });

  it('comes in the order of urgency: standing agents first, then finished work, then starts; by score and age among equals', () => {
    const order = pendingDecisions(snapshot(NOW, everyState(NOW))).map((one) => one.decision.kind);
    assert.deepEqual(order, ['permission', 'merge', 'start']);
    const merges = [awaitingMerge('old', NOW), awaitingMerge('high', NOW, { score: 4.9 }), awaitingMerge('older', NOW, { decisions: [decision('older', NOW - 60_000)] })];
    assert.deepEqual(pendingDecisions(snapshot(NOW, merges)).map((one) => one.task.id), ['high', 'older', 'old']);
  });

  it('offers only what its kind takes', () => {
    const words = (task: ReturnType<typeof awaitingMerge>) => decisionContext(task, task.decisions[0] ?? decision('x', NOW)).split(' ');
    const merge = words(awaitingMerge('a', NOW));
    assert.deepEqual(merge.slice(0, 5), ['decision', 'merge', 'can-approve', 'can-reject', 'can-requestChanges']);
    const permission = words(awaitingPermission('a', NOW, 'ls'));
    assert.ok(permission.includes('can-approve') && permission.includes('can-answer') && !permission.includes('can-requestChanges'));
  });

  it('counts in good English', () => {
    assert.deepEqual([needYou(1), needYou(3)], ['1 decision needs you', '3 decisions need you']);
  });
});
