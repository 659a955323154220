import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { makeRepo } from '../support/repo.ts';
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
});
