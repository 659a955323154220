import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { makeRepo } from '../support/repo.ts';
import { RESULTS_VARIABLE, type SuiteResults } from '../support/reporter.ts';
import { tempDir } from '../support/tmp.ts';

describe('test support', () => {
  let previous = '';

  it('hands out a temporary folder', () => {
    previous = tempDir();
    assert.ok(existsSync(previous));
  });

  it('removed the folder of the test before', () => {
    assert.notEqual(previous, '');
    assert.ok(!existsSync(previous));
  });

  it('makes a real repository with files and commits', async () => {
    const repo = await makeRepo({ 'a/b.txt': 'one\n' });
    const first = await repo.git('rev-parse', 'HEAD');
    const second = await repo.commit('Change b', { 'a/b.txt': 'two\n' });
    assert.equal(await repo.git('show', `${first}:a/b.txt`), 'one');
    assert.equal(await repo.git('log', '--format=%H %an', '-1'), `${second} Test`);
    assert.equal(await repo.git('status', '--porcelain'), '');
    assert.ok(existsSync(path.join(repo.root, '.git')));
  });

  it('ignores the git configuration of the user', async () => {
    const repo = await makeRepo();
    const origins = await repo.git('config', '--list', '--show-scope');
    assert.ok(origins.split('\n').every((line) => line.startsWith('local\t') || line.startsWith('command\t')), origins);
  });

  it('runs a story whatever failed in another file, and counts what it leaves out after its own failure', async () => {
    const folder = tempDir();
    const story = pathToFileURL(path.resolve('test/support/story.ts')).href;
    const one = (name: string, tells: boolean, tests: readonly string[]): Promise<void> =>
      writeFile(path.join(folder, `${name}.test.ts`), `import { oneStory } from '${story}';\ndescribe('${name}', () => {\n${tells ? 'oneStory();\n' : ''}${tests.map((body, index) => `it('${name}${index}', () => { ${body} });`).join('\n')}\n});\n`);
    const fails = "throw new Error('no');";
    await Promise.all([one('a', false, [fails]), one('b', true, ['', '']), one('c', true, ['', fails, '', '']), one('d', true, [''])]);
    const results = path.join(folder, 'results.json');
    const args = ['node_modules/mocha/bin/mocha.js', '--reporter', 'test/support/reporter.ts', path.join(folder, '*.test.ts')];
    await promisify(execFile)(process.execPath, args, { env: { ...process.env, [RESULTS_VARIABLE]: results } }).catch(() => undefined);
    const { failures, ...counts } = JSON.parse(await readFile(results, 'utf8')) as SuiteResults;
    assert.deepEqual(counts, { passed: 4, failed: 2, skipped: 2 });
    assert.deepEqual(failures.map(({ title, message }) => [title, message.split('\n')[0]]), [['a a0', 'Error: no'], ['c c1', 'Error: no']]);
  });
});
