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

describe('the coverage of what people watch (row 105)', () => {
  const settings = JSON.parse(readFileSync('.c8rc.json', 'utf8')) as { include: string[]; 'check-coverage': boolean } & Record<'lines' | 'statements' | 'functions', number>;

  it('is enforced by the unit suite, at 85 % at least', () => {
    assert.ok(SUITES['unit']?.steps[0]?.some((arg) => arg.endsWith('/c8.js')));
    assert.equal(settings['check-coverage'], true);
    for (const what of ['lines', 'statements', 'functions'] as const) assert.ok(settings[what] >= 85, what);
  });

  it('is that of dashboard, metrics, health and queue, in the terminal and in the editor', () => {
    for (const pattern of settings.include) assert.notDeepEqual(globSync(pattern), [], pattern);
    const measured = settings.include.flatMap((pattern) => globSync(pattern)).map((file) => file.split(path.sep).join('/'));
    for (const file of ['cli/dashboard', 'cli/metrics', 'cli/health', 'cli/queue', 'core/health', 'core/metrics/figures', 'engine/metrics/report', 'vscode/model/dashboard', 'vscode/model/queue']) assert.ok(measured.includes(`src/${file}.ts`), file);
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
