import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { GateConfig } from '../../../src/core/config/schema.ts';
import type { GateCheck, GateStatus } from '../../../src/core/execution.ts';
import { changeSize, gateCheck, isStale, judgeRound, selectGates, skippedCheck, toleratedCheck, type ChangedFile } from '../../../src/core/gates.ts';

function gate(name: string, more: Partial<GateConfig> = {}): GateConfig {
  return { name, run: `run ${name}`, timeout: 600, required: true, parallel: true, ...more };
}

function file(path: string, added: number | null = 1, removed: number | null = 0, more: Partial<ChangedFile> = {}): ChangedFile {
  return { path, added, removed, ...more };
}

function check(name: string, status: GateStatus, required = true): GateCheck {
  return { name, status, required, command: 'x', exit_code: 0, seconds: 1, message: '', details: '', log: null, tree_sha: 'tree' };
}

describe('the size of a change', () => {
  for (const [what, changes, size] of [
    ['only documentation, however long', [file('README.md', 5000), file('docs/guide/start.rst', 900)], 'trivial'],
    ['only white space', [file('src/a.ts', 300, 300, { whitespace_only: true })], 'trivial'],
    ['documentation and white space', [file('README.md'), file('src/a.ts', 3, 3, { whitespace_only: true })], 'trivial'],
    ['nothing', [], 'trivial'],
    ['requirements.txt, which is no documentation', [file('requirements.txt')], 'small'],
    ['a program in docs', [file('docs/conf.py')], 'small'],
    ['code that became documentation', [file('notes.md', 0, 0, { from: 'src/a.ts' })], 'small'],
    ['2 files and 49 lines', [file('a.ts', 40), file('b.ts', 5, 4)], 'small'],
    ['2 files and 50 lines', [file('a.ts', 40), file('b.ts', 5, 5)], 'medium'],
    ['3 files and 3 lines', [file('a.ts'), file('b.ts'), file('c.ts')], 'medium'],
    ['one binary file', [file('logo.png', null, null)], 'medium'],
    ['399 lines', [file('a.ts', 399)], 'medium'],
    ['400 lines', [file('a.ts', 400)], 'large'],
    ['10 files', Array.from({ length: 10 }, (_, index) => file(`${index}.ts`)), 'large'],
  ] as const) {
    it(`is ${size} for ${what}`, () => assert.equal(changeSize(changes), size));
  }
});

describe('selecting gates', () => {
  const change = { changes: [file('src/api/a.ts')], size: 'small', area: 'api' } as const;
  const names = (gates: GateConfig[], selection: Parameters<typeof selectGates>[1] = change): string[] => selectGates(gates, selection).run.map((one) => one.name);

  it('runs every gate that has no condition', () => assert.deepEqual(names([gate('a'), gate('b')]), ['a', 'b']));

  it('runs a gate for the sizes, paths and areas that it names, and says why not', () => {
    const gates = [
      gate('large only', { when: { size: ['large'] } }),
      gate('small', { when: { size: ['trivial', 'small'] } }),
      gate('api', { when: { area: ['api'] } }),
      gate('docs area', { when: { area: ['docs'] } }),
      gate('src', { when: { paths: ['src/**'] } }),
      gate('tests', { when: { paths: ['test/**', '**/*.spec.ts'] } }),
      gate('both', { when: { size: ['small'], paths: ['test/**'] } }),
    ];
    const selected = selectGates(gates, change);
    assert.deepEqual(selected.run.map((one) => one.name), ['small', 'api', 'src']);
    assert.deepEqual(selected.skipped.map(({ gate: one, why }) => `${one.name}: ${why}`), [
      'large only: the change is small, the gate runs for large',
      'docs area: the area is api, the gate runs for docs',
      'tests: no changed file matches test/**, **/*.spec.ts',
      'both: no changed file matches test/**',
    ]);
  });

  it('sees the old name of a renamed file and files that start with a dot', () => {
    const gates = [gate('old', { when: { paths: ['old/**'] } }), gate('dot', { when: { paths: ['.github/**'] } })];
    assert.deepEqual(names(gates, { ...change, changes: [file('new/a.ts', 0, 0, { from: 'old/a.ts' }), file('.github/ci.yml')] }), ['old', 'dot']);
  });

  it('runs only what the task asks for, and names what no gate is called', () => {
    const selected = selectGates([gate('a'), gate('b')], { ...change, names: ['b', 'zz'] });
    assert.deepEqual(selected.run.map((one) => one.name), ['b']);
    assert.deepEqual(selected.unknown, ['zz']);
  });
});

describe('the result of one gate (row 180)', () => {
  const end = { exit_code: 0, timed_out: false, seconds: 2.5, tail: 'all fine' };

  it('passed: exit code 0', () => {
    assert.deepEqual(gateCheck(gate('test'), end, '/log', 'tree'), {
      ...{ name: 'test', status: 'passed', required: true, command: 'run test', exit_code: 0, seconds: 2.5, message: 'Passed in 2.5 s.', details: '' },
      ...{ log: '/log', tree_sha: 'tree' },
    });
  });

  it('failed: with the code and the output', () => {
    const result = gateCheck(gate('test'), { ...end, exit_code: 3, tail: '1 failing' }, '/log', 'tree');
    assert.equal(result.status, 'failed');
    assert.match(result.message, /exit code 3/);
    assert.equal(result.details, '1 failing');
  });

  it('a warning: failed and not required', () => assert.equal(gateCheck(gate('lint', { required: false }), { ...end, exit_code: 1 }, null, 'tree').status, 'warning'));

  it('failed: ended by its time limit, whatever its exit code', () => {
    const result = gateCheck(gate('test', { timeout: 60 }), { ...end, timed_out: true }, null, 'tree');
    assert.equal(result.status, 'failed');
    assert.match(result.message, /time limit of 60 s/);
  });

  it('failed: a command that does not exist is said with what to do', () => {
    assert.match(gateCheck(gate('test'), { ...end, exit_code: 127 }, null, 'tree').message, /not found: install it/);
  });
});

describe('the result of a round', () => {
  const strict = { allow_warnings: false };

  for (const [what, checks, passed, can_merge] of [
    ['all passed', [check('a', 'passed'), check('b', 'passed')], true, true],
    ['a required gate failed', [check('a', 'passed'), check('b', 'failed')], false, false],
    ['a gate that is not required failed', [check('a', 'passed'), check('b', 'warning', false)], true, true],
    ['another warning', [check('a', 'passed'), check('b', 'warning')], true, false],
    ['no gate at all', [], true, false],
    ['every gate skipped', [check('a', 'skipped')], true, false],
    ['one skipped, one passed', [check('a', 'skipped'), check('b', 'passed')], true, true],
  ] as const) {
    it(`${what}: passed ${passed}, can merge ${can_merge}`, () => assert.deepEqual(judgeRound(checks, strict), { passed, can_merge }));
  }

  it('with warnings allowed can be merged', () => assert.equal(judgeRound([check('a', 'warning')], { allow_warnings: true }).can_merge, true));

  it('with an ignored failure of the base passes and still asks before the merge', () => {
    assert.deepEqual(judgeRound([check('a', 'passed'), toleratedCheck(check('b', 'failed'))], strict), { passed: true, can_merge: false });
  });

  it('can never be merged when it did not pass', () => {
    const status = fc.constantFrom<GateStatus>('passed', 'failed', 'warning', 'skipped');
    fc.assert(
      fc.property(fc.array(fc.tuple(status, fc.boolean())), fc.boolean(), (pairs, allow_warnings) => {
        const result = judgeRound(pairs.map(([one, required], index) => check(String(index), one, required)), { allow_warnings });
        assert.ok(result.passed || !result.can_merge);
        assert.ok(!result.can_merge || pairs.some(([one]) => one === 'passed' || one === 'warning'));
      }),
    );
  });
});

describe('evidence (row 248)', () => {
  const round = { tree_sha: 'tree', base_sha: 'base', checks: [check('a', 'passed'), skippedCheck(gate('b'), 'why', 'tree')] };

  it('holds for the tree and base that it was made on', () => assert.equal(isStale(round, { tree_sha: 'tree', base_sha: 'base' }), false));
  it('is stale when the tree moved', () => assert.equal(isStale(round, { tree_sha: 'other', base_sha: 'base' }), true));
  it('is stale when the base moved', () => assert.equal(isStale(round, { tree_sha: 'tree', base_sha: 'other' }), true));
});
