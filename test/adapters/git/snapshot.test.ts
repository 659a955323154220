import assert from 'node:assert/strict';
import { access, lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tempDir } from '../../support/tmp.ts';
import { fixture, git, read, write } from './fixture.ts';

describe('git snapshots', () => {
  it('save changed, staged, deleted and untracked files without touching index, files or stash', async () => {
    const { repo, workspace } = await fixture({ 'a.txt': '1\n', 'b.txt': '1\n', 'gone.txt': '1\n', '.gitignore': 'node_modules/\n' });
    const { worktree } = await workspace.create('t1', 'current');
    await write(worktree, { 'a.txt': 'staged\n' });
    await git(worktree, 'add', 'a.txt');
    await write(worktree, { 'a.txt': 'staged then changed\n', 'b.txt': 'changed\n', 'new/ünï.txt': 'untracked\n', 'node_modules/x.js': 'ignored' });
    await rm(path.join(worktree, 'gone.txt'));
    const index = await readFile(path.join(await git(worktree, 'rev-parse', '--absolute-git-dir'), 'index'));
    const ref = await workspace.snapshot(worktree, 't1');
    assert.match(ref ?? '', /^refs\/baton\/snapshots\/t1\/\d{8}T\d{9}Z$/);
    assert.deepEqual((await repo.git('-c', 'core.quotePath=false', 'ls-tree', '-r', '--name-only', ref ?? '')).split('\n'), ['.gitignore', 'a.txt', 'b.txt', 'new/ünï.txt']);
    assert.equal(await repo.git('show', `${ref ?? ''}:a.txt`), 'staged then changed');
    assert.deepEqual(await readFile(path.join(await git(worktree, 'rev-parse', '--absolute-git-dir'), 'index')), index);
    assert.equal(await repo.git('stash', 'list'), '');
  });

  it('are none when nothing is unsaved', async () => {
    const { workspace } = await fixture();
    const { worktree } = await workspace.create('t1', 'current');
    assert.equal(await workspace.snapshot(worktree, 't1'), null);
  });

  it('never take each other’s name', async () => {
    const { repo, workspace } = await fixture();
    const { worktree } = await workspace.create('t1', 'current');
    const refs = new Set<string | null>();
    for (let time = 0; time < 5; time++) {
      await write(worktree, { 'a.txt': String(time) });
      refs.add(await workspace.snapshot(worktree, 't1'));
    }
    assert.equal(refs.size, 5);
    assert.equal((await repo.git('for-each-ref', 'refs/baton/snapshots/t1')).split('\n').length, 5);
  });

  it('hold the files of repositories inside the worktree', async () => {
    const { repo, workspace } = await fixture();
    const { worktree } = await workspace.create('t1', 'current');
    await write(worktree, { 'app/index.js': 'x' });
    await git(path.join(worktree, 'app'), 'init', '--quiet');
    const ref = await workspace.snapshot(worktree, 't1');
    assert.equal(await repo.git('show', `${ref ?? ''}:app/index.js`), 'x');
    await access(path.join(worktree, 'app/.git'));
  });

  it('are taken before a reset, which leaves the branch exactly at the commit and ignored files alone', async () => {
    const { repo, workspace, said } = await fixture({ '.gitignore': '.env\n', 'a.txt': '1\n' });
    const { worktree } = await workspace.create('t1', 'current');
    await write(worktree, { 'a.txt': 'step\n' });
    const { sha } = await workspace.checkpoint(worktree, 'Step 1');
    await write(worktree, { 'a.txt': 'half done\n', 'junk.txt': 'x', '.env': 'SECRET' });
    await workspace.reset(worktree, 't1', sha);
    assert.equal(await read(worktree, 'a.txt'), 'step\n');
    await assert.rejects(access(path.join(worktree, 'junk.txt')));
    assert.equal(await read(worktree, '.env'), 'SECRET');
    const ref = await repo.git('for-each-ref', '--format=%(refname)', 'refs/baton/snapshots/t1');
    assert.equal(await repo.git('show', `${ref}:a.txt`), 'half done');
    assert.deepEqual(said.map((message) => message.includes(ref)), [true]);
  });

  it('keep commits that a reset leaves behind', async () => {
    const { repo, workspace } = await fixture();
    const { worktree, base_sha } = await workspace.create('t1', 'current');
    await write(worktree, { 'a.txt': 'x' });
    const { sha } = await workspace.checkpoint(worktree, 'Step 1');
    await workspace.reset(worktree, 't1', base_sha);
    assert.equal(await git(worktree, 'rev-parse', 'baton/t1'), base_sha);
    assert.equal(await repo.git('for-each-ref', '--format=%(objectname)', 'refs/baton/snapshots/t1'), sha);
    assert.equal((await workspace.checkpoint(worktree, 'Step 1 again')).changed, false);
  });

  it('make a reset possible in the middle of a conflict', async () => {
    const { repo, workspace } = await fixture({ 'a.txt': '1\n' });
    const { worktree } = await workspace.create('t1', 'current');
    await write(worktree, { 'a.txt': 'task\n' });
    const { sha } = await workspace.checkpoint(worktree, 'Step 1');
    await repo.commit('Target', { 'a.txt': 'target\n' });
    await assert.rejects(git(worktree, 'merge', 'main'));
    await workspace.reset(worktree, 't1', sha);
    assert.equal(await git(worktree, 'status', '--porcelain'), '');
    assert.equal(await read(worktree, 'a.txt'), 'task\n');
  });
});

describe('bringing ignored files into a worktree', () => {
  const IGNORE = { '.gitignore': '.env*\nnode_modules/\nconfig/local/\n', 'a.txt': '1\n', 'packages/one/index.js': '1\n' };

  it('copies what matches a glob at any depth, but nothing out of ignored folders (row 234)', async () => {
    const { repo, workspace } = await fixture(IGNORE);
    await repo.write({ '.env': 'A=1', '.env.local': 'B=2', 'packages/one/.env': 'C=3', 'node_modules/dep/.env': 'no', 'untracked.txt': 'no' });
    const { worktree } = await workspace.create('t1', 'current');
    assert.deepEqual((await workspace.populate(worktree, ['.env*'], [])).sort(), ['.env', '.env.local', 'packages/one/.env']);
    assert.equal(await read(worktree, 'packages/one/.env'), 'C=3');
    await assert.rejects(access(path.join(worktree, 'node_modules')));
    assert.equal(await git(worktree, 'status', '--porcelain'), '');
  });

  it('reaches into an ignored folder by a glob with a slash, or takes the whole of it by name', async () => {
    const { repo, workspace } = await fixture(IGNORE);
    await repo.write({ 'config/local/a.json': '1', 'config/local/deep/b.json': '2', 'config/local/c.txt': '3' });
    const one = await workspace.create('t1', 'current');
    assert.deepEqual(await workspace.populate(one.worktree, ['config/local/**/*.json'], []), ['config/local/a.json', 'config/local/deep/b.json']);
    const two = await workspace.create('t2', 'current');
    assert.equal((await workspace.populate(two.worktree, ['config/local/'], [])).length, 3);
  });

  it('links a folder’s children, so that emptying it in the worktree spares the user’s, and git still ignores it (row 234)', async () => {
    const { repo, workspace } = await fixture(IGNORE);
    await repo.write({ 'node_modules/dep/index.js': 'module', 'node_modules/.package-lock.json': '{}' });
    const { worktree, branch } = await workspace.create('t1', 'current');
    assert.deepEqual(await workspace.populate(worktree, [], ['node_modules']), ['node_modules']);
    assert.equal(await read(worktree, 'node_modules/dep/index.js'), 'module');
    assert.ok((await lstat(path.join(worktree, 'node_modules/dep'))).isSymbolicLink());
    assert.equal((await workspace.checkpoint(worktree, 'Step')).changed, false);
    await workspace.remove('t1', worktree, branch);
    assert.equal(await read(repo.root, 'node_modules/dep/index.js'), 'module');
  });

  it('links packages of the same repository to the worktree, not to the user’s code', async () => {
    const { repo, workspace } = await fixture(IGNORE);
    await repo.write({ 'node_modules/@scope/real/index.js': 'real' });
    await symlink(path.join(repo.root, 'packages/one'), path.join(repo.root, 'node_modules/@scope/one'), 'junction');
    const { worktree } = await workspace.create('t1', 'current');
    await workspace.populate(worktree, [], ['node_modules']);
    await write(worktree, { 'packages/one/index.js': 'changed by the task' });
    assert.equal(await read(worktree, 'node_modules/@scope/one/index.js'), 'changed by the task');
    assert.equal(await read(worktree, 'node_modules/@scope/real/index.js'), 'real');
  });

  it('never brings what git does not ignore there: a secret would be committed', async () => {
    const { repo, workspace, warnings } = await fixture({ 'a.txt': '1\n' });
    await repo.write({ '.gitignore': '.env\n', '.env': 'SECRET' });
    const { worktree } = await workspace.create('t1', 'current');
    assert.deepEqual(await workspace.populate(worktree, ['.env*'], []), []);
    assert.match(warnings.join('\n'), /\.env is not ignored/);
  });

  it('never copies tracked or merely untracked files, and overwrites nothing', async () => {
    const { repo, workspace } = await fixture(IGNORE);
    await repo.write({ 'a.txt': 'changed', '.env': 'main' });
    const { worktree } = await workspace.create('t1', 'current');
    await write(worktree, { '.env': 'own' });
    assert.deepEqual(await workspace.populate(worktree, ['**/*'], []), []);
    assert.equal(await read(worktree, '.env'), 'own');
    assert.equal(await read(worktree, 'a.txt'), '1\n');
  });

  it('never writes outside the worktree through a link in the repository', async function () {
    if (process.platform === 'win32') this.skip();
    const { repo, workspace, warnings } = await fixture({ '.gitignore': '.env\n', 'keep.txt': '1\n' });
    const outside = tempDir();
    await symlink(outside, path.join(repo.root, 'linked'));
    await repo.commit('Link');
    await rm(path.join(repo.root, 'linked'));
    await mkdir(path.join(repo.root, 'linked'));
    await writeFile(path.join(repo.root, 'linked/.env'), 'SECRET');
    const { worktree } = await workspace.create('t1', 'current');
    assert.deepEqual(await workspace.populate(worktree, ['.env'], []), []);
    await assert.rejects(access(path.join(outside, '.env')));
    assert.notDeepEqual(warnings, []);
  });
});
