import assert from 'node:assert/strict';
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { checkGitVersion, judgeGitVersion } from '../../../src/adapters/git/version.ts';
import { createWorkspace } from '../../../src/adapters/git/workspace.ts';
import { tempDir } from '../../support/tmp.ts';
import { fixture, git, portrait, read, write } from './fixture.ts';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('git worktrees', () => {
  describe('creating', () => {
    it('gives a task its own folder and branch at the head of the current branch (row 219)', async () => {
      const { repo, workspace, worktreesDir } = await fixture({ 'a.txt': 'one\n' });
      const info = await workspace.create('t1', 'current');
      assert.deepEqual(info, { worktree: path.join(worktreesDir, 't1'), branch: 'baton/t1', base_sha: await repo.git('rev-parse', 'main'), target_branch: 'main' });
      assert.equal(await read(info.worktree, 'a.txt'), 'one\n');
      assert.equal(await git(info.worktree, 'symbolic-ref', 'HEAD'), 'refs/heads/baton/t1');
      assert.equal(await git(info.worktree, 'status', '--porcelain'), '');
    });

    it('leaves the main checkout as it was, dirty files and stash included (row 219)', async () => {
      const { repo, workspace } = await fixture({ 'a.txt': 'one\n', 'b.txt': 'two\n' });
      await repo.write({ 'a.txt': 'stashed\n' });
      await repo.git('stash', 'push', '--quiet');
      await repo.write({ 'a.txt': 'changed\n', 'b.txt': 'staged\n', 'new file.txt': 'untracked\n' });
      await repo.git('add', 'b.txt');
      const before = await portrait(repo.root);
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'a.txt': 'agent\n', 'c.txt': 'agent\n' });
      await workspace.checkpoint(info.worktree, 'Step');
      assert.equal(await portrait(repo.root), before);
    });

    it('keeps the files of one task out of another', async () => {
      const { workspace } = await fixture();
      const [one, two] = await Promise.all([workspace.create('t1', 'current'), workspace.create('t2', 'current')]);
      await write(one.worktree, { 'secret.txt': 'one' });
      await assert.rejects(access(path.join(two.worktree, 'secret.txt')));
    });

    it('creates many at the same time', async () => {
      const { workspace } = await fixture();
      const ids = Array.from({ length: 8 }, (_, index) => `task-${index}`);
      const infos = await Promise.all(ids.map((id) => workspace.create(id, 'current')));
      for (const info of infos) assert.equal(await git(info.worktree, 'status', '--porcelain'), '');
    });

    it('serves two calls for one task with one worktree', async () => {
      const { workspace } = await fixture();
      const [first, second] = await Promise.all([workspace.create('t1', 'current'), workspace.create('t1', 'current')]);
      assert.deepEqual(first, second);
    });

    it('starts from a named target that is not checked out', async () => {
      const { repo, workspace } = await fixture();
      await repo.git('branch', 'release/ü-1');
      await repo.commit('More', { 'more.txt': 'x' });
      const info = await workspace.create('t1', 'release/ü-1');
      assert.equal(info.target_branch, 'release/ü-1');
      assert.equal(info.base_sha, await repo.git('rev-parse', 'release/ü-1'));
    });

    it('works with spaces, non-ASCII letters and names that start with a dash', async () => {
      const { workspace } = await fixture({ '-f': 'dash\n', 'ünï cödé/file name.txt': 'x\n' }, 'wörk trees');
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { '-f': 'changed\n', '--all': 'new\n', 'ünï cödé/zwei drei.txt': 'y\n' });
      const { sha } = await workspace.checkpoint(info.worktree, 'Ändern');
      const changes = await workspace.changes(info.worktree, info.base_sha, sha);
      assert.deepEqual(changes.map((change) => change.path).sort(), ['--all', '-f', 'ünï cödé/zwei drei.txt']);
    });

    it('does not run the user’s post-checkout hook', async () => {
      const { repo, workspace } = await fixture();
      const marker = path.join(repo.root, 'hook-ran');
      await writeFile(path.join(repo.root, '.git/hooks/post-checkout'), `#!/bin/sh\ntouch "${marker}"\n`, { mode: 0o755 });
      await workspace.create('t1', 'current');
      await assert.rejects(access(marker));
    });

    it('ignores GIT_DIR and GIT_INDEX_FILE of the process that it runs in', async () => {
      const other = await fixture();
      const { repo, workspace } = await fixture({ 'mine.txt': 'x' });
      process.env['GIT_DIR'] = path.join(other.repo.root, '.git');
      process.env['GIT_INDEX_FILE'] = path.join(other.repo.root, '.git/index');
      try {
        const info = await workspace.create('t1', 'current');
        assert.equal(info.base_sha, await repo.git('rev-parse', 'main'));
        assert.equal(await read(info.worktree, 'mine.txt'), 'x');
      } finally {
        delete process.env['GIT_DIR'];
        delete process.env['GIT_INDEX_FILE'];
      }
    });
  });

  describe('refusing with what to do', () => {
    it('a detached HEAD', async () => {
      const { repo, workspace } = await fixture();
      await repo.git('checkout', '--quiet', '--detach');
      await assert.rejects(workspace.create('t1', 'current'), { name: 'BatonError', kind: 'git', message: /on no branch/, hint: /merge\.target/ });
    });

    it('a branch without commits', async () => {
      const root = tempDir();
      await git(root, 'init', '--quiet', '--initial-branch=main');
      const workspace = createWorkspace({ root, worktreesDir: path.join(tempDir(), 'w'), log: silent });
      await assert.rejects(workspace.create('t1', 'current'), { name: 'BatonError', message: /no commit yet/, hint: /first commit/ });
    });

    it('a target branch that does not exist', async () => {
      const { workspace } = await fixture();
      await assert.rejects(workspace.create('t1', 'nowhere'), { name: 'BatonError', message: /"nowhere" does not exist/ });
    });

    it('a folder that is no repository', async () => {
      const workspace = createWorkspace({ root: tempDir(), worktreesDir: path.join(tempDir(), 'w'), log: silent });
      await assert.rejects(workspace.create('t1', 'current'), { name: 'BatonError', kind: 'git', hint: /git init/ });
    });

    it('an id that is no file name', async () => {
      const { workspace } = await fixture();
      await assert.rejects(workspace.create('../evil', 'current'), { name: 'BatonError', kind: 'invalid_task' });
    });

    it('a task branch that the user has checked out', async () => {
      const { repo, workspace } = await fixture();
      await repo.git('checkout', '--quiet', '-b', 'baton/t1');
      await assert.rejects(workspace.create('t1', 'main'), { name: 'BatonError', kind: 'conflict', hint: /another branch/ });
    });

    it('a branch named baton, which is in the way', async () => {
      const { repo, workspace } = await fixture();
      await repo.git('branch', 'baton');
      await assert.rejects(workspace.create('t1', 'current'), { name: 'BatonError', kind: 'conflict', hint: /git branch -m/ });
    });
  });

  describe('finding and repairing', () => {
    it('finds an existing one with its unsaved work and its base', async () => {
      const { repo, workspace } = await fixture();
      const first = await workspace.create('t1', 'current');
      await write(first.worktree, { 'draft.txt': 'unsaved' });
      await repo.commit('Target moves on', { 'other.txt': 'x' });
      assert.deepEqual(await workspace.create('t1', 'main'), first);
      assert.equal(await read(first.worktree, 'draft.txt'), 'unsaved');
    });

    it('finds the base by the merge base when its record is lost', async () => {
      const { repo, workspace } = await fixture();
      const first = await workspace.create('t1', 'current');
      await write(first.worktree, { 'a.txt': '1' });
      await workspace.checkpoint(first.worktree, 'Step');
      await repo.commit('Target moves on', { 'other.txt': 'x' });
      await repo.git('update-ref', '-d', 'refs/baton/bases/t1');
      assert.equal((await workspace.create('t1', 'main')).base_sha, first.base_sha);
    });

    it('makes a deleted branch again at its last checkpoint', async () => {
      const { repo, workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'done.txt': 'kept' });
      const { sha } = await workspace.checkpoint(info.worktree, 'Step');
      await repo.git('update-ref', '-d', 'refs/heads/baton/t1');
      await workspace.create('t1', 'main');
      assert.equal(await repo.git('rev-parse', 'baton/t1'), sha);
      await repo.git('update-ref', '-d', 'refs/heads/baton/t1');
      await workspace.backToBranch(info.worktree, info.branch);
      assert.equal(await repo.git('rev-parse', 'baton/t1'), sha);
    });

    it('makes a deleted folder anew from the branch', async () => {
      const { workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'done.txt': 'kept' });
      await workspace.checkpoint(info.worktree, 'Step');
      await rm(info.worktree, { recursive: true });
      assert.deepEqual(await workspace.create('t1', 'main'), info);
      assert.equal(await read(info.worktree, 'done.txt'), 'kept');
    });

    it('attaches a branch that has lost its worktree', async () => {
      const { repo, workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'done.txt': 'kept' });
      await workspace.checkpoint(info.worktree, 'Step');
      await repo.git('worktree', 'remove', '--force', info.worktree);
      await workspace.create('t1', 'main');
      assert.equal(await read(info.worktree, 'done.txt'), 'kept');
    });

    it('moves a folder that git does not know aside, with its files in a snapshot', async () => {
      const { repo, workspace, worktreesDir } = await fixture();
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'draft.txt': 'precious' });
      await rm(path.join(repo.root, '.git/worktrees'), { recursive: true });
      const again = await workspace.create('t1', 'main');
      assert.equal(await git(again.worktree, 'status', '--porcelain'), '');
      const aside = (await readdir(worktreesDir)).find((name) => name.startsWith('t1.aside-'));
      assert.ok(aside);
      assert.equal(await read(path.join(worktreesDir, aside), 'draft.txt'), 'precious');
      const ref = await repo.git('for-each-ref', '--format=%(refname)', 'refs/baton/snapshots/t1');
      assert.equal(await repo.git('show', `${ref}:draft.txt`), 'precious');
    });

    it('makes one anew whose creation was interrupted, instead of taking missing files for deletions', async () => {
      const { repo, workspace, worktreesDir } = await fixture({ 'a.txt': 'a', 'b.txt': 'b' });
      const worktree = path.join(worktreesDir, 't1');
      await mkdir(worktreesDir, { recursive: true });
      await repo.git('worktree', 'add', '--no-checkout', '--lock', '--reason', 'baton: initializing', '-b', 'baton/t1', worktree, 'main');
      await workspace.create('t1', 'main');
      assert.equal(await git(worktree, 'status', '--porcelain'), '');
      assert.equal(await read(worktree, 'b.txt'), 'b');
    });

    it('follows a repository that was moved', async () => {
      const { repo, workspace, worktreesDir } = await fixture();
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'draft.txt': 'unsaved' });
      const moved = `${repo.root}-moved`;
      await rename(repo.root, moved);
      try {
        const after = createWorkspace({ root: moved, worktreesDir, log: silent });
        await after.create('t1', 'main');
        assert.equal(await git(info.worktree, 'status', '--porcelain'), '?? draft.txt');
      } finally {
        await rename(moved, repo.root);
      }
    });

    it('never falls through to a repository around the worktrees folder', async () => {
      const outer = await fixture();
      const { repo } = await fixture();
      const worktreesDir = path.join(outer.repo.root, 'trees');
      const workspace = createWorkspace({ root: repo.root, worktreesDir, log: silent, patience: 300 });
      const info = await workspace.create('t1', 'current');
      await rm(path.join(info.worktree, '.git'));
      const head = await outer.repo.git('rev-parse', 'HEAD');
      await assert.rejects(workspace.checkpoint(info.worktree, 'Step'), { name: 'BatonError' });
      assert.equal(await outer.repo.git('rev-parse', 'HEAD'), head);
    });
  });

  describe('removing', () => {
    it('keeps unsaved work as a snapshot and the head as a ref (row 235)', async () => {
      const { repo, workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'done.txt': '1' });
      const { sha } = await workspace.checkpoint(info.worktree, 'Step');
      await write(info.worktree, { 'draft.txt': 'unsaved' });
      await workspace.remove('t1', info.worktree, info.branch);
      await assert.rejects(access(info.worktree));
      assert.equal(await repo.git('branch', '--list', 'baton/*'), '');
      assert.equal(await repo.git('rev-parse', 'refs/baton/tasks/t1'), sha);
      const snapshots = await repo.git('for-each-ref', '--format=%(refname)', 'refs/baton/snapshots/t1');
      assert.equal(await repo.git('show', `${snapshots}:draft.txt`), 'unsaved');
      assert.equal((await repo.git('worktree', 'list')).split('\n').length, 1);
    });

    it('is done when the folder is gone already, and when called twice', async () => {
      const { repo, workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await rm(info.worktree, { recursive: true });
      await workspace.remove('t1', info.worktree, info.branch);
      await workspace.remove('t1', info.worktree, info.branch);
      assert.equal((await repo.git('worktree', 'list')).split('\n').length, 1);
    });

    it('ends a removal that a crash broke off, without taking what is left for work', async () => {
      const { workspace, worktreesDir, repo } = await fixture();
      const { worktree, branch } = await workspace.create('t1', 'current');
      const half = path.join(worktreesDir, '.t1.removing');
      await rename(worktree, half);
      await rm(path.join(half, '.git'));
      await workspace.remove('t1', worktree, branch);
      assert.deepEqual(await readdir(worktreesDir), []);
      assert.equal(await repo.git('for-each-ref', 'refs/baton/snapshots', 'refs/heads/baton'), '');
      assert.equal((await repo.git('worktree', 'list')).split('\n').length, 1);
    });

    it('refuses any folder but the task’s own', async () => {
      const { repo, workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await assert.rejects(workspace.remove('t1', repo.root, info.branch), { kind: 'refused' });
      await access(path.join(repo.root, 'README.md'));
    });

    it('starts afresh from the target when the task is created again', async () => {
      const { workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await write(info.worktree, { 'old.txt': '1' });
      await workspace.checkpoint(info.worktree, 'Step');
      await workspace.remove('t1', info.worktree, info.branch);
      await workspace.create('t1', 'main');
      await assert.rejects(access(path.join(info.worktree, 'old.txt')));
    });

    it('keeps commits that an agent made on a detached HEAD', async () => {
      const { repo, workspace } = await fixture();
      const info = await workspace.create('t1', 'current');
      await git(info.worktree, 'checkout', '--quiet', '--detach');
      await write(info.worktree, { 'loose.txt': 'x' });
      await git(info.worktree, 'add', '--all');
      await git(info.worktree, 'commit', '--quiet', '--message', 'Loose');
      const loose = await git(info.worktree, 'rev-parse', 'HEAD');
      await workspace.remove('t1', info.worktree, info.branch);
      assert.match(await repo.git('for-each-ref', '--format=%(objectname)', 'refs/baton/snapshots/t1'), new RegExp(loose));
    });
  });

  describe('the version of git', () => {
    it('of this machine is read', async () => {
      const found = await checkGitVersion(tempDir());
      assert.match(found.version ?? '', /^\d+\.\d+/);
    });

    for (const [answer, ok] of [
      ['git version 2.37.9', false],
      ['git version 2.38.0', true],
      ['git version 2.39.5 (Apple Git-154)', true],
      ['git version 2.45.1.windows.1', true],
      ['git version 3.0.0', true],
      ['git version 1.9.1', false],
      ['something else', false],
    ] as const) {
      it(`"${answer}" is ${ok ? 'good enough' : 'refused with a fix'}`, () => {
        const judged = judgeGitVersion(answer);
        assert.equal(judged.ok, ok);
        assert.equal(judged.fix === null, ok);
      });
    }
  });
});
