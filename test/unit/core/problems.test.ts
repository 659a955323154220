import assert from 'node:assert/strict';
import { findProblems } from '../../../src/core/problems.ts';

const at = (output: string, folder: string | null = '/wt/task'): string[] => findProblems(output, folder).map(({ file, line, severity, message }) => `${file}:${line} ${severity} ${message}`);

describe('Problems in the output of a check', () => {
  for (const [tool, output, expected] of [
    ['tsc', "src/a.ts(12,5): error TS2304: Cannot find name 'x'.\nsrc/b.ts(1,1): error TS1: y", ["src/a.ts:12 error TS2304: Cannot find name 'x'.", 'src/b.ts:1 error TS1: y']],
    ['tsc --pretty', "\u001b[96msrc/a.ts\u001b[0m:\u001b[93m12\u001b[0m:\u001b[93m5\u001b[0m - \u001b[91merror\u001b[0m TS2304: Cannot find name 'x'.", ["src/a.ts:12 error TS2304: Cannot find name 'x'."]],
    [
      'ESLint',
      '\n/wt/task/src/a.ts\n   3:7   error    \'y\' is assigned a value but never used  no-unused-vars\n  10:1   warning  Unexpected console statement             no-console\n\n/wt/task/test/b.ts\n  1:1  error  Parsing error: x\n\n✖ 3 problems (2 errors, 1 warning)\n',
      ["src/a.ts:3 error 'y' is assigned a value but never used (no-unused-vars)", 'src/a.ts:10 warning Unexpected console statement (no-console)', 'test/b.ts:1 error Parsing error: x'],
    ],
    ['mypy', 'src/m.py:7: error: Incompatible types in assignment  [assignment]\nsrc/m.py:7: note: See docs\nFound 1 error in 1 file', ['src/m.py:7 error Incompatible types in assignment  [assignment]']],
    ['ruff', 'src/m.py:1:8: F401 [*] `os` imported but unused', ['src/m.py:1 error F401 [*] `os` imported but unused']],
    ['go vet and build', './main.go:9:2: undefined: foo\nvet: ./x.go:3:1: bad', ['main.go:9 error undefined: foo']],
    ['gcc', 'lib/a.c:4:10: fatal error: x.h: No such file or directory\nlib/a.c:9:3: warning: unused variable', ['lib/a.c:4 error x.h: No such file or directory', 'lib/a.c:9 warning unused variable']],
    ['rustc', 'error[E0425]: cannot find value `x` in this scope\n --> src/main.rs:3:5\n  |\n3 |     x\n', ['src/main.rs:3 error cannot find value `x` in this scope']],
    [
      'node:test',
      "✖ adds (1.2ms)\n  AssertionError [ERR_ASSERTION]: 1 == 2\n      at TestContext.<anonymous> (file:///wt/task/test/a.test.js:5:10)\n      at Test.runInAsyncScope (node:async_hooks:206:9)\n",
      ['test/a.test.js:5 error AssertionError [ERR_ASSERTION]: 1 == 2'],
    ],
    [
      'mocha',
      '  1) money\n       rounds:\n     Error: expected 101\n      at Context.<anonymous> (/wt/task/node_modules/chai/lib/x.js:1:2)\n      at round (src/money.js:8:11)\n      at Context.<anonymous> (test/money.js:3:1)\n',
      ['src/money.js:8 error Error: expected 101'],
    ],
    [
      'pytest',
      '    def test_a():\n>       assert add(1, 2) == 4\nE       assert 3 == 4\nE        +  where 3 = add(1, 2)\n\ntests/test_a.py:5: AssertionError\n=== short test summary info ===\nFAILED tests/test_a.py::test_a - assert 3 == 4',
      ['tests/test_a.py:5 error assert 3 == 4'],
    ],
    ['a Python traceback', 'Traceback (most recent call last):\n  File "/usr/lib/python3/runpy.py", line 1, in run\n  File "/wt/task/app/main.py", line 12, in main\n    go()\n  File "/usr/lib/x.py", line 2, in go\nValueError: no such thing\n', ['app/main.py:12 error ValueError: no such thing']],
  ] as const) {
    it(`of ${tool} are found with file and line`, () => {
      assert.deepEqual(at(output), expected);
    });
  }

  it('outside the folder, in dependencies and in prose are none', () => {
    assert.deepEqual(at('/etc/passwd:1: error: x\n../other/a.ts(1,1): error TS1: x\nnode_modules/x/i.ts(1,1): error TS1: x\nSee https://example.com:443/a: it says 12:30\nat 10:30:15 it stopped\nVersion 1.2.3: ok\n'), []);
  });

  it('are told once, and are not too many', () => {
    assert.equal(at('src/a.ts(1,1): error TS1: x\n'.repeat(5)).length, 1);
    assert.equal(at(Array.from({ length: 500 }, (_, index) => `src/a.ts(${index + 1},1): error TS1: x`).join('\n')).length, 200);
  });
});
