import assert from 'node:assert/strict';
import type { GateCheck } from '../../../src/core/execution.ts';
import { findingsOf, type Finding } from '../../../src/core/findings.ts';
import { reviewOrder, type ReviewFacts } from '../../../src/core/reviewOrder.ts';

const file = (path: string, added: number | null = 10, more: Partial<ReviewFacts['changes'][number]> = {}): ReviewFacts['changes'][number] => ({ path, added, removed: added === null ? null : 0, status: 'modified', ...more });
const check = (name: string, more: Partial<GateCheck> = {}): GateCheck => ({ name, status: 'passed', required: true, command: `run ${name}`, exit_code: 0, seconds: 1, message: 'Passed in 1 s.', details: '', log: null, tree_sha: 't', ...more });
const order = (more: Partial<ReviewFacts>) => reviewOrder({ changes: [], gates: [], checks: [check('test')], findings: [], others: new Map(), ...more });
const finding = (more: Partial<Finding>): Finding => ({ source: 'reviewer', by: 'judge', severity: 'major', file: 'a.ts', line: 1, message: 'x', head_sha: null, ...more });
const told = (result: ReturnType<typeof order>): string[] => result.files.map(({ path, level, reason }) => `${level} ${path}: ${reason}`);

describe('The review order (row 256)', () => {
  it('begins with what the rules hang on, then what was found, what others change too, what has no test; ends with what needs little', () => {
    const result = order({
      changes: [
        file('README.md', 200),
        file('package-lock.json', 900),
        file('src/big.ts', 250),
        file('src/shared.ts', 3),
        file('src/small.ts', 3),
        file('src/found.ts', 1),
        file('scripts/check.sh', 2),
        file('src/space.ts', 500, { whitespace_only: true }),
      ],
      gates: [{ name: 'check', run: 'sh scripts/check.sh', timeout: 60 }],
      findings: [finding({ file: 'src/found.ts', severity: 'critical' }), finding({ file: 'src/found.ts', severity: 'minor' })],
      others: new Map([['src/shared.ts', ['csv-export', 'other']]]),
    });
    assert.deepEqual(told(result), [
      'high scripts/check.sh: a script that a gate runs; no test changed with it',
      'high src/found.ts: the reviewer found 2 things here (critical); no test changed with it',
      'high src/shared.ts: csv-export, other change it too; no test changed with it',
      'high src/big.ts: 250 lines changed; no test changed with it',
      'medium src/small.ts: no test changed with it',
      'low package-lock.json: 900 lines changed; generated',
      'low README.md: documentation; 200 lines changed',
      'low src/space.ts: white space only; 500 lines changed',
    ]);
  });

  it('asks less where tests changed with the source, and more where a test was deleted', () => {
    const result = order({ changes: [file('src/a.ts'), file('test/a.test.ts'), file('test/b.test.ts', 0, { status: 'deleted', removed: 40 })] });
    assert.deepEqual(told(result), ['high test/b.test.ts: a test was deleted; 40 lines changed', 'low src/a.ts: 10 lines changed', 'low test/a.test.ts: a test; 10 lines changed']);
  });

  it('names gates with a narrow margin: failing, warning, skipped, or nearly out of time', () => {
    const { notes } = order({
      changes: [file('a.ts')],
      gates: [{ name: 'slow', run: 'x', timeout: 100 }, { name: 'quick', run: 'x', timeout: 100 }],
      checks: [check('slow', { seconds: 91 }), check('quick', { seconds: 12 }), check('lint', { status: 'warning', message: 'Failed with exit code 1 after 1 s.' }), check('docs', { status: 'skipped', message: 'Skipped: the change is small.' })],
    });
    assert.deepEqual(notes, ['Gate slow nearly ran out of time: 91 s of 100 s.', 'Gate lint warns: Failed with exit code 1 after 1 s.', 'Gate docs did not run. Skipped: the change is small.']);
    assert.deepEqual(order({ changes: [file('a.ts')], checks: [] }).notes, ['No gate has checked this change.']);
  });

  it('always has a reason, whatever the change', () => {
    for (const change of [file('x'), file('x', null), file('a.md', 0), file('src/auth/login.ts', 1), file('Dockerfile', 1), file('x.ts', 0, { status: 'renamed', from: 'y.ts' })]) {
      assert.notEqual(order({ changes: [change] }).files[0]?.reason, '', change.path);
    }
  });
});

describe('The findings of a task', () => {
  it('are those of the reviewers and of the last gate round, the gravest first, with the commit that they were made on', () => {
    const step = { step_id: 's', state: 'completed', attempt: 1, max_attempts: 3, definition: { id: 's', description: 'd' }, error: null, started_at: null, completed_at: null, implementer_model: 'a', reviewer_model: 'judge' } as const;
    const findings = findingsOf({
      worktree: '/wt/one',
      head_sha: 'head',
      steps: [
        {
          ...step,
          implementation: { summary: '', commit: 'c1' },
          code_review: { status: 'needs_changes', required_changes: [{ severity: 'minor', file: './src/a.ts', line: 3, description: 'Name it.' }, { severity: 'critical', description: 'No rollback.' }] },
        },
      ],
      quality_gate_results: [
        { round: 1, subject: 'branch', checks: [check('old', { status: 'failed', details: 'x.ts(1,1): error TS1: old' })], passed: false, can_merge: false, tree_sha: 't', base_sha: 'b', at: '' },
        {
          round: 2,
          subject: 'branch',
          checks: [check('types', { status: 'failed', details: '/wt/one/src/a.ts(9,1): error TS2304: y' }), check('lint', { status: 'warning', details: 'src/b.ts:2:1: error: z' }), check('ok', { details: 'src/c.ts(1,1): error TS1: no' })],
          passed: false,
          can_merge: false,
          tree_sha: 't',
          base_sha: 'b',
          at: '',
        },
      ],
    });
    assert.deepEqual(
      findings.map(({ source, by, severity, file: path, line, message, head_sha }) => [source, by, severity, path, line, message, head_sha]),
      [
        ['reviewer', 'judge', 'critical', null, null, 'No rollback.', 'c1'],
        ['gate', 'types', 'major', 'src/a.ts', 9, 'TS2304: y', 'head'],
        ['reviewer', 'judge', 'minor', 'src/a.ts', 3, 'Name it.', 'c1'],
        ['gate', 'lint', 'minor', 'src/b.ts', 2, 'z', 'head'],
      ],
    );
  });
});
