import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SUITES } from '../../scripts/suites.ts';

const TEXT = /\.(?:ts|tsx|js|cjs|mjs|json|md|yaml|yml|css|html|svg|txt)$|(?:^|\/)(?:run|\.[\w-]+)$/;

describe('the suites', () => {
  it('run every test file', () => {
    const patterns = Object.values(SUITES).flatMap((suite) => suite.steps.flat()).filter((arg) => arg.endsWith('.test.ts'));
    const files = globSync('test/**/*.test.ts').map((file) => file.split(path.sep).join('/'));
    // test/host is bundled and finds its files itself.
    const missed = files.filter((file) => !file.startsWith('test/host/') && !patterns.some((pattern) => path.matchesGlob(file, pattern)));
    assert.deepEqual(missed, []);
  });
});

describe('the repository', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    .split('\0')
    .filter((file) => TEXT.test(file) && existsSync(file));

  it('has files to look at', () => {
    assert.ok(files.includes('package.json'));
  });

  it('names no absolute path of the machine that it was written on', () => {
    // Sample data may speak of the homes of these.
    const somebody = '(?!(?:a|me|you|user|someone)\\b)[A-Za-z]';
    const machine = new RegExp(String.raw`(?<![\w.~}-])/(?:work/|root/|home/${somebody}|Users/${somebody})`);
    assert.deepEqual(matches(files, machine), []);
  });

  it('names no file of somebody’s home folder or drive by letter', () => {
    assert.deepEqual(matches(files, /\b[A-Z]:\\\\?Users\\/), []);
  });
});

function matches(files: readonly string[], pattern: RegExp): string[] {
  return files
    .filter((file) => file !== 'package-lock.json')
    .flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${String(index + 1)}: ${line.trim().slice(0, 120)}`] : [])),
    );
}
