import assert from 'node:assert/strict';
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { blobIds, fileAt, locate } from '../../../src/vscode/git.ts';
import { makeRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/tmp.ts';

describe('The repository of a folder', () => {
  it('is the same for main checkout, subfolder and worktree, and is named after the main checkout (row 241)', async () => {
    const repo = await makeRepo({ 'src/a.js': 'a\n' });
    const worktree = path.join(tempDir(), 'fix');
    await repo.git('worktree', 'add', '--quiet', '-b', 'fix', worktree);
    const [main, subfolder, linked] = await Promise.all([repo.root, path.join(repo.root, 'src'), worktree].map(locate));
    assert.deepEqual(main, { state: 'repository', repository: { key: path.join(repo.root, '.git'), root: repo.root, name: path.basename(repo.root) } });
    assert.deepEqual(subfolder, main);
    assert.deepEqual(linked, main);
  });

  it('is another one for a repository inside a repository', async () => {
    const outer = await makeRepo();
    const inner = await makeRepo({ 'x.txt': 'x' }, path.join(outer.root, 'vendor'));
    assert.equal((await locate(inner.root)).repository?.root, inner.root);
  });

  it('is none for a plain folder', async () => {
    const folder = await realpath(tempDir());
    await mkdir(path.join(folder, 'src'));
    assert.deepEqual(await locate(path.join(folder, 'src')), { state: 'not_repository' });
  });

  it('cannot be told without git', async () => {
    const repo = await makeRepo();
    const { PATH } = process.env;
    process.env['PATH'] = tempDir();
    try {
      assert.deepEqual(await locate(repo.root), { state: 'no_git' });
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});

describe('A file of a commit', () => {
  it('is read as it was committed, whatever the checkout holds now', async () => {
    const repo = await makeRepo({ 'with space é.txt': 'one\n' });
    const sha = await repo.git('rev-parse', 'HEAD');
    await repo.write({ 'with space é.txt': 'two\n' });
    assert.equal((await fileAt(repo.root, sha, 'with space é.txt'))?.toString(), 'one\n');
    assert.equal(await fileAt(repo.root, sha, 'missing.txt'), undefined);
  });

  it('has an id that changes with its content and only then', async () => {
    const repo = await makeRepo({ 'a.txt': 'a\n', 'sub/b [x].txt': 'b\n' });
    const paths = ['a.txt', 'sub/b [x].txt', 'gone.txt'];
    const before = await blobIds(repo.root, await repo.git('rev-parse', 'HEAD'), paths);
    const after = await blobIds(repo.root, await repo.commit('Change', { 'a.txt': 'changed\n' }), paths);
    assert.deepEqual([...before.keys()], ['a.txt', 'sub/b [x].txt']);
    assert.notEqual(after.get('a.txt'), before.get('a.txt'));
    assert.equal(after.get('sub/b [x].txt'), before.get('sub/b [x].txt'));
  });
});
