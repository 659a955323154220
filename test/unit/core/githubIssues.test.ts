import assert from 'node:assert/strict';
import { ghFailure, listArguments, parseIssues, taskFromIssue } from '../../../src/core/githubIssues.ts';
import { taskDefinition } from '../../../src/core/task.ts';

const ISSUE = { number: 12, title: 'Totals are  wrong', body: 'Steps:\r\n1. Add\r\n', labels: [{ name: 'bug' }, { name: 'priority: high' }], url: 'https://github.com/o/r/issues/12', author: { login: 'ada' } };

describe('GitHub issues (row 242)', () => {
  it('become tasks that ask before they start and say where they come from', () => {
    const [issue] = parseIssues(JSON.stringify([ISSUE]));
    const task = taskFromIssue(issue ?? assert.fail(), { trusted: false });
    assert.deepEqual(task, {
      goal: 'Totals are wrong',
      description: 'Steps:\n1. Add\n\nFrom https://github.com/o/r/issues/12 by @ada.',
      priority: 'high',
      labels: ['bug', 'priority: high'],
      sender: 'ada',
      requires_approval: true,
      source: 'https://github.com/o/r/issues/12',
    });
    assert.ok(taskDefinition.safeParse({ ...task, id: 'x' }).success);
    assert.equal('requires_approval' in taskFromIssue(issue ?? assert.fail(), { trusted: true }), false);
  });

  it('may be bare: no text, no label, no author', () => {
    const [issue] = parseIssues(JSON.stringify({ number: 1, title: 'x', url: 'https://github.com/o/r/issues/1', body: null, author: null }));
    assert.deepEqual(taskFromIssue(issue ?? assert.fail(), { trusted: true }), { goal: 'x', description: 'From https://github.com/o/r/issues/1.', source: 'https://github.com/o/r/issues/1' });
  });

  it('are asked of gh by these words', () => {
    assert.deepEqual(listArguments({ limit: 5, label: 'bug' }), ['issue', 'list', '--state', 'open', '--limit', '5', '--label', 'bug', '--json', 'number,title,body,labels,url,author']);
  });

  it('say what to do when gh is missing, not signed in, or prints something else', () => {
    assert.match(ghFailure({ code: null, stderr: '' }).message, /not installed/);
    assert.match(ghFailure({ code: 4, stderr: 'To get started with GitHub CLI, please run:  gh auth login\n' }).hint ?? '', /gh auth login/);
    assert.match(ghFailure({ code: 1, stderr: 'no git remotes found\n' }).message, /no git remotes found/);
    assert.throws(() => parseIssues('<html>'), /no list of issues/);
    assert.throws(() => parseIssues('[{"number":"x"}]'), /no list of issues/);
  });
});
