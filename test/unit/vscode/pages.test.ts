import assert from 'node:assert/strict';
import { newExecution, type TaskExecution } from '../../../src/core/execution.ts';
import { permissionPage, planPage, reportPage } from '../../../src/vscode/model/pages.ts';
import { decision, gate } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');
const AT = new Date(NOW).toISOString();

function execution(changes: Partial<TaskExecution> = {}): TaskExecution {
  return { ...newExecution({ id: 'fix', goal: 'Fix *it*' }, 'f'.repeat(64), AT), ...changes };
}

describe('The report of a task', () => {
  const round = { round: 1, subject: 'branch', passed: false, can_merge: false, tree_sha: 't'.repeat(40), base_sha: 'b'.repeat(40), at: AT } as const;

  it('has the evidence of every gate: command, exit code, seconds, tree; the last round first (row 248)', () => {
    const failed = gate('test', { status: 'failed', exit_code: 1, message: '2 failed', details: 'expected 3' });
    const page = reportPage(execution({ quality_gate_results: [{ ...round, checks: [failed] }, { ...round, round: 2, passed: true, can_merge: true, checks: [gate('test')] }] }), undefined, NOW);
    assert.ok(page.indexOf('Round 2, on the branch: passed') < page.indexOf('Round 1, on the branch: failed'));
    assert.match(page, /\| test \| failed \| `npm run test` \| 1 \| 4\.2 \| `cccccccccc` \|/);
    assert.match(page, /```\nexpected 3\n```/);
  });

  it('keeps a table a table, whatever a command holds', () => {
    const page = reportPage(execution({ quality_gate_results: [{ ...round, checks: [gate('pipe', { command: 'a | b\nc', exit_code: null })] }] }), undefined, NOW);
    const row = page.split('\n').find((line) => line.startsWith('| pipe'));
    assert.equal(row, '| pipe | passed | `a \\| b c` | – | 4.2 | `cccccccccc` |');
  });

  it('lists changed files and says what the attempts cost, unpriced ones too', () => {
    const attempt = { attempt_id: 'a1', role: 'implementer', step_id: null, number: 1, agent: 'codemod', driver: 'command', model: null, account: 'x', mark: 'm', session_id: null, process: null, started_at: AT, ended_at: new Date(NOW + 65_000).toISOString(), outcome: 'succeeded', error: null, exit_code: 0, usage: { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 }, cost_usd: null, turns: 1 } as const;
    const page = reportPage(execution({ attempts: [attempt], unpriced: true }), { base_sha: 'a'.repeat(40), head_sha: 'b'.repeat(40), worktree: null, files: [{ path: 'new.js', from: 'old.js', status: 'renamed', added: 3, removed: 1 }] }, NOW);
    assert.match(page, /## Review order: 1 file changed/);
    assert.match(page, /## Cost: unpriced\n\n```\nTask: .*\n[\s\S]*└─ Total: unpriced \(/);
    assert.match(page, /`old\.js → new\.js` \| {2}\| {2}\| renamed \| \+3 \| −1/);
    assert.match(page, /## Cost: unpriced/);
    assert.match(page, /\| a1 \| implementer \| codemod \| succeeded \| 1m5s \| unpriced \|/);
  });

  it('says what to look at first and why, and what was found and said (rows 225, 256)', () => {
    const thread = { id: 't1', about: 'change', file: 'a.js', line: 3, head_sha: 'h', step_id: null, code: 'x', status: 'open', outdated: true, comments: [{ id: 'c1', by: 'ann', at: AT, text: 'Why | here?' }] } as const;
    const page = reportPage(execution({ threads: [{ ...thread, comments: [...thread.comments] }] }), {
      base_sha: 'a'.repeat(40),
      head_sha: 'b'.repeat(40),
      worktree: null,
      files: [{ path: 'a.js', status: 'modified', added: 3, removed: 1, level: 'high', reason: 'csv-export changes it too' }],
      notes: ['Gate lint warns: x'],
      findings: [{ source: 'reviewer', by: 'judge', severity: 'major', file: 'a.js', line: 2, message: 'Wrong.', head_sha: 'b' }],
    }, NOW);
    assert.match(page, /- Gate lint warns: x/);
    assert.match(page, /\| `a\.js` \| \*\*high\*\* \| csv\\-export changes it too \| modified \| \+3 \| −1 \|/);
    assert.match(page, /\| reviewer judge \| major \| `a\.js:2` \| Wrong\\\. \|/);
    assert.match(page, /\| ann \| open, outdated \| `a\.js:3` \| Why \\\| here\? \|/);
  });

  it('escapes the goal and says what needs the user', () => {
    const page = reportPage(execution({ decisions: [decision('fix', NOW)] }), undefined, NOW);
    assert.match(page, /^# Fix \\\*it\\\*/);
    assert.match(page, /\*\*Needs you:\*\* Merge "Do fix" into main\?/);
  });
});

describe('The other pages', () => {
  it('show a plan with its steps and the concerns of its review', () => {
    const page = planPage(execution({ plan: { steps: [{ id: 's1', description: 'Do it', risk: 'high', files: { modify: ['a.js'] }, commands: ['npm test'] }] }, plan_review: { status: 'needs_revision', concerns: ['No rollback'] } }));
    assert.match(page, /1\. Do it \(high risk\)\n {3}- files: `a\.js`\n {3}- commands: `npm test`/);
    assert.match(page, /## Plan review: needs revision\n\n- No rollback/);
  });

  it('show everything that a permission request says, so that no part of a command hides', () => {
    const command = `echo ok ${' '.repeat(300)}&& rm -rf ~`;
    const page = permissionPage({ id: 'fix', goal: 'Fix it', worktree: null }, decision('fix', NOW, { kind: 'permission', detail: { tool: 'Bash', input: { command, timeout: 5 } } }));
    assert.ok(page.includes(command));
    assert.match(page, /"timeout": 5/);
  });
});
