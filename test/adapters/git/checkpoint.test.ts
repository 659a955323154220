import assert from 'node:assert/strict';
import { access, chmod, mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HUGE_FILE } from '../../../src/adapters/git/checkpoint.ts';
import { createWorkspace } from '../../../src/adapters/git/workspace.ts';
import { fixture, git, read, write, type Fixture } from './fixture.ts';

interface Started extends Fixture {
  readonly worktree: string;
  readonly base: string;
}

async function started(files?: Record<string, string>): Promise<Started> {
  const made = await fixture(files);
  const info = await made.workspace.create('t1', 'current');
  return { ...made, worktree: info.worktree, base: info.base_sha };
}

async function agentCommits(worktree: string, message: string): Promise<string> {
  await git(worktree, 'add', '--all');
  await git(worktree, 'commit', '--quiet', '--message', message);
  return git(worktree, 'rev-parse', 'HEAD');
}

describe('git checkpoint', () => {
  it('commits changed, new and deleted files and says that there was something', async () => {
    const { workspace, worktree, base } = await started({ 'change.txt': '1\n', 'delete.txt': '1\n' });
    await write(worktree, { 'change.txt': '2\n', 'new/file.txt': 'x\n' });
    await git(worktree, 'rm', '--quiet', 'delete.txt');
    const { sha, changed } = await workspace.checkpoint(worktree, 'Step s1: do it\n\nBody');
    assert.equal(changed, true);
    assert.deepEqual(
      (await workspace.changes(worktree, base, sha)).map((change) => `${change.status} ${change.path}`).sort(),
      ['added new/file.txt', 'deleted delete.txt', 'modified change.txt'],
    );
    assert.equal(await git(worktree, 'log', '-1', '--format=%B'), 'Step s1: do it\n\nBody\n');
    assert.deepEqual(await workspace.state(worktree), { head_sha: sha, tree_sha: await git(worktree, 'rev-parse', 'HEAD^{tree}'), dirty: false });
  });

  it('says that nothing changed, and makes no commit (row 233)', async () => {
    const { workspace, worktree, base } = await started();
    assert.deepEqual(await workspace.checkpoint(worktree, 'Step'), { sha: base, changed: false });
  });

  it('counts what the agent committed itself as a change, once', async () => {
    const { workspace, worktree } = await started();
    await write(worktree, { 'own.txt': 'x' });
    const sha = await agentCommits(worktree, 'My own commit');
    assert.deepEqual(await workspace.checkpoint(worktree, 'Step'), { sha, changed: true });
    assert.deepEqual(await workspace.checkpoint(worktree, 'Step'), { sha, changed: false });
  });

  it('does not take empty commits for a change (row 233)', async () => {
    const { workspace, worktree } = await started();
    await git(worktree, 'commit', '--quiet', '--allow-empty', '--message', 'Done!');
    assert.equal((await workspace.checkpoint(worktree, 'Step')).changed, false);
  });

  it('leaves ignored files out', async () => {
    const { workspace, worktree, base } = await started({ '.gitignore': 'dist/\n.env\n' });
    await write(worktree, { 'dist/out.js': 'x', '.env': 'SECRET=1', 'a.txt': 'x' });
    const { sha } = await workspace.checkpoint(worktree, 'Step');
    assert.deepEqual((await workspace.changes(worktree, base, sha)).map((change) => change.path), ['a.txt']);
  });

  it('runs no hook and signs nothing, whatever is configured', async () => {
    const { repo, workspace, worktree } = await started();
    for (const hook of ['pre-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit']) {
      await writeFile(path.join(repo.root, '.git/hooks', hook), '#!/bin/sh\necho ran >> hook.log\nexit 1\n', { mode: 0o755 });
    }
    await repo.git('config', 'commit.gpgsign', 'true');
    await repo.git('config', 'gpg.program', 'false');
    await write(worktree, { 'a.txt': 'x' });
    const { sha } = await workspace.checkpoint(worktree, 'Step');
    assert.equal(await git(worktree, 'show', '--format=', '--name-only', sha), 'a.txt');
    await assert.rejects(access(path.join(worktree, 'hook.log')));
  });

  it('commits as the user, and as Baton where git knows no user', async () => {
    const { repo, workspace, worktree } = await started();
    await write(worktree, { 'a.txt': 'x' });
    await workspace.checkpoint(worktree, 'Step');
    assert.equal(await git(worktree, 'log', '-1', '--format=%an <%ae>'), 'Test <test@example.invalid>');
    await repo.git('config', '--unset', 'user.name');
    await repo.git('config', '--unset', 'user.email');
    const before = { ...process.env };
    Object.assign(process.env, { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' });
    try {
      await write(worktree, { 'b.txt': 'x' });
      await workspace.checkpoint(worktree, 'Step');
      assert.equal(await git(worktree, 'log', '-1', '--format=%an <%ae>'), 'Baton <baton@localhost>');
      await repo.git('config', 'user.name', '');
      await repo.git('config', 'user.email', 'me@example.invalid');
      await write(worktree, { 'c.txt': 'x' });
      await workspace.checkpoint(worktree, 'Step');
    } finally {
      for (const key of ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM']) {
        if (before[key] === undefined) Reflect.deleteProperty(process.env, key);
        else process.env[key] = before[key];
      }
    }
    assert.equal(await git(worktree, 'log', '-1', '--format=%an <%ae>'), 'Baton <me@example.invalid>');
  });

  it('keeps the content right under autocrlf and safecrlf', async () => {
    const { repo, workspace, worktree } = await started({ 'a.txt': 'one\ntwo\n' });
    await repo.git('config', 'core.autocrlf', 'true');
    await repo.git('config', 'core.safecrlf', 'true');
    await write(worktree, { 'a.txt': 'one\r\ntwo\nthree\r\n', 'b.txt': 'x\ny\r\n' });
    const { changed } = await workspace.checkpoint(worktree, 'Step');
    assert.equal(changed, true);
    assert.equal(await git(worktree, 'show', 'HEAD:a.txt'), 'one\ntwo\nthree');
  });

  it('waits for a git that is at work, and commits what that leaves', async () => {
    const { repo, worktree, worktreesDir } = await started({ 'a.txt': '1\n' });
    const silent = (): void => undefined;
    const workspace = createWorkspace({ root: repo.root, worktreesDir, log: { debug: silent, info: silent, warn: silent, error: silent } });
    const lock = path.join(await git(worktree, 'rev-parse', '--absolute-git-dir'), 'index.lock');
    await writeFile(lock, '');
    const saved = workspace.checkpoint(worktree, 'Step');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await git(worktree, 'branch', 'elsewhere');
    await git(worktree, 'symbolic-ref', 'HEAD', 'refs/heads/elsewhere');
    await write(worktree, { 'late.txt': 'x\n' });
    await rm(lock);
    const { sha, changed } = await saved;
    assert.equal(changed, true);
    assert.equal(await git(worktree, 'show', `${sha}:late.txt`), 'x');
    assert.equal(await git(worktree, 'symbolic-ref', 'HEAD'), 'refs/heads/baton/t1');
  });

  it('removes the lock that a killed git left', async () => {
    const { workspace, worktree, warnings } = await started();
    await writeFile(path.join(await git(worktree, 'rev-parse', '--absolute-git-dir'), 'index.lock'), '');
    await write(worktree, { 'a.txt': 'x' });
    assert.equal((await workspace.checkpoint(worktree, 'Step')).changed, true);
    assert.match(warnings.join('\n'), /index\.lock/);
  });

  it('leaves huge new files out with a warning', async () => {
    const { workspace, worktree, base, warnings } = await started();
    const file = await open(path.join(worktree, 'core.dump'), 'w');
    await file.truncate(HUGE_FILE + 1);
    await file.close();
    await write(worktree, { 'a.txt': 'x' });
    const { sha } = await workspace.checkpoint(worktree, 'Step');
    assert.deepEqual((await workspace.changes(worktree, base, sha)).map((change) => change.path), ['a.txt']);
    assert.match(warnings.join('\n'), /core\.dump .*100 MiB/);
  });

  it('saves the other files when one cannot be read', async function () {
    if (process.platform === 'win32' || process.getuid?.() === 0) this.skip();
    const { workspace, worktree, base, warnings } = await started();
    await write(worktree, { 'a.txt': 'x', 'locked.txt': 'x' });
    await chmod(path.join(worktree, 'locked.txt'), 0);
    const { sha } = await workspace.checkpoint(worktree, 'Step');
    assert.deepEqual((await workspace.changes(worktree, base, sha)).map((change) => change.path), ['a.txt']);
    assert.match(warnings.join('\n'), /locked\.txt/);
  });

  describe('repositories inside the worktree', () => {
    it('commits the files of a scaffold that ran git init', async () => {
      const { workspace, worktree, base } = await started();
      await write(worktree, { 'app/index.js': 'x', 'app/lib/deep.js': 'y' });
      await git(path.join(worktree, 'app'), 'init', '--quiet');
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      assert.deepEqual((await workspace.changes(worktree, base, sha)).map((change) => change.path).sort(), ['app/index.js', 'app/lib/deep.js']);
      assert.equal(await git(worktree, 'status', '--porcelain'), '');
    });

    it('commits the files of a clone, not a pointer to nowhere', async () => {
      const other = await fixture({ 'lib.c': 'int x;\n' });
      const { workspace, worktree } = await started();
      await git(worktree, 'clone', '--quiet', other.repo.root, 'vendor/lib one');
      await workspace.checkpoint(worktree, 'Step');
      assert.equal(await git(worktree, 'show', 'HEAD:vendor/lib one/lib.c'), 'int x;');
    });

    it('leaves a worktree that the agent made alone', async () => {
      const { workspace, worktree, base } = await started();
      await git(worktree, 'worktree', 'add', '--quiet', '-b', 'agents-own', '.claude/worktrees/one');
      await write(worktree, { 'a.txt': 'x' });
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      assert.deepEqual((await workspace.changes(worktree, base, sha)).map((change) => change.path), ['a.txt']);
    });

    it('keeps a submodule a submodule', async () => {
      const other = await fixture({ 'lib.c': 'int x;\n' });
      const made = await fixture();
      await made.repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other.repo.root, 'sub');
      await made.repo.commit('Add a submodule');
      const info = await made.workspace.create('t1', 'current');
      await write(info.worktree, { 'a.txt': 'x' });
      const { sha } = await made.workspace.checkpoint(info.worktree, 'Step');
      assert.deepEqual((await made.workspace.changes(info.worktree, info.base_sha, sha)).map((change) => change.path), ['a.txt']);
      assert.match(await git(info.worktree, 'ls-tree', sha, 'sub'), /^160000 commit/);
      await made.workspace.remove('t1', info.worktree, info.branch);
    });
  });

  describe('an agent that left its branch', () => {
    it('by a branch of its own: the task’s branch follows', async () => {
      const { workspace, worktree } = await started();
      await git(worktree, 'checkout', '--quiet', '-b', 'feature/mine');
      await write(worktree, { 'one.txt': '1' });
      const own = await agentCommits(worktree, 'Own');
      await write(worktree, { 'two.txt': '2' });
      const { sha, changed } = await workspace.checkpoint(worktree, 'Step');
      assert.equal(changed, true);
      assert.equal(await git(worktree, 'symbolic-ref', '--short', 'HEAD'), 'baton/t1');
      assert.equal(await git(worktree, 'rev-parse', `${sha}^`), own);
    });

    it('by a detached HEAD: its commits come back', async () => {
      const { workspace, worktree } = await started();
      await git(worktree, 'checkout', '--quiet', '--detach');
      await write(worktree, { 'one.txt': '1' });
      const own = await agentCommits(worktree, 'Own');
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      assert.equal(sha, own);
      assert.equal(await git(worktree, 'rev-parse', 'baton/t1'), own);
    });

    it('for an older commit: finished steps stay and new work is added to them', async () => {
      const { workspace, worktree, base } = await started({ 'a.txt': 'a\n' });
      await write(worktree, { 'step1.txt': 'finished' });
      await workspace.checkpoint(worktree, 'Step 1');
      await git(worktree, 'checkout', '--quiet', base);
      await write(worktree, { 'step2.txt': 'new work' });
      const { changed } = await workspace.checkpoint(worktree, 'Step 2');
      assert.equal(changed, true);
      assert.equal(await read(worktree, 'step1.txt'), 'finished');
      assert.equal(await read(worktree, 'step2.txt'), 'new work');
      assert.equal(await git(worktree, 'status', '--porcelain'), '');
    });

    it('for an older commit without work: nothing changed and the branch is checked out again', async () => {
      const { workspace, worktree, base } = await started();
      await write(worktree, { 'step1.txt': 'finished' });
      const first = await workspace.checkpoint(worktree, 'Step 1');
      await git(worktree, 'checkout', '--quiet', base);
      assert.deepEqual(await workspace.checkpoint(worktree, 'Step 2'), { sha: first.sha, changed: false });
      assert.equal(await read(worktree, 'step1.txt'), 'finished');
    });

    it('with work that contradicts the branch: the agent’s version of those files wins, finished steps stay', async () => {
      const { workspace, worktree, base } = await started({ 'a.txt': 'start\n' });
      await write(worktree, { 'a.txt': 'step one\n', 'step1.txt': 'finished\n' });
      const first = await workspace.checkpoint(worktree, 'Step 1');
      await git(worktree, 'checkout', '--quiet', base);
      await write(worktree, { 'a.txt': 'other way\n' });
      const { sha } = await workspace.checkpoint(worktree, 'Step 2');
      assert.equal(await read(worktree, 'a.txt'), 'other way\n');
      assert.equal(await read(worktree, 'step1.txt'), 'finished\n');
      await git(worktree, 'merge-base', '--is-ancestor', first.sha, sha);
    });

    it('and deleted it: the branch is made again', async () => {
      const { workspace, worktree } = await started();
      await git(worktree, 'checkout', '--quiet', '-b', 'mine');
      await git(worktree, 'branch', '-D', 'baton/t1');
      await write(worktree, { 'a.txt': 'x' });
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      assert.equal(await git(worktree, 'rev-parse', 'baton/t1'), sha);
    });
  });

  describe('an unfinished operation of the agent', () => {
    async function conflicting(): Promise<Started> {
      const made = await started({ 'a.txt': 'start\n' });
      await write(made.worktree, { 'a.txt': 'task\n' });
      await made.workspace.checkpoint(made.worktree, 'Step 1');
      await made.repo.commit('Target', { 'a.txt': 'target\n' });
      return made;
    }

    it('a merge with resolved conflicts becomes a merge commit, so that the conflict does not come back (row 228)', async () => {
      const { workspace, worktree } = await conflicting();
      await assert.rejects(git(worktree, 'merge', 'main'));
      await write(worktree, { 'a.txt': 'task and target\n' });
      const { sha } = await workspace.checkpoint(worktree, 'Resolve');
      assert.equal((await git(worktree, 'log', '-1', '--format=%P')).split(' ').length, 2);
      assert.deepEqual((await workspace.testMerge(sha, 'main')).conflicts, []);
    });

    it('a merge with markers left stays a conflict with the target', async () => {
      const { workspace, worktree } = await conflicting();
      await assert.rejects(git(worktree, 'merge', 'main'));
      const { sha } = await workspace.checkpoint(worktree, 'Not resolved');
      assert.deepEqual((await workspace.testMerge(sha, 'main')).conflicts, ['a.txt']);
      assert.equal(await git(worktree, 'status', '--porcelain'), '');
    });

    it('a rebase is dropped and the work comes back to the branch; its autostash does not reach the stash', async () => {
      const { repo, workspace, worktree } = await conflicting();
      await write(worktree, { 'README.md': 'x' });
      await git(worktree, 'add', '--all');
      await assert.rejects(git(worktree, 'rebase', '--autostash', 'main'));
      await write(worktree, { 'b.txt': 'new\n' });
      await workspace.checkpoint(worktree, 'Step 2');
      assert.equal(await git(worktree, 'symbolic-ref', '--short', 'HEAD'), 'baton/t1');
      assert.equal(await read(worktree, 'b.txt'), 'new\n');
      assert.equal(await read(worktree, 'a.txt'), 'task\n');
      assert.equal(await repo.git('stash', 'list'), '');
      assert.notEqual(await repo.git('for-each-ref', 'refs/baton/snapshots/t1'), '');
      assert.doesNotMatch(await git(worktree, 'status'), /rebas/);
    });

    it('a cherry-pick is dropped, its files are kept', async () => {
      const { workspace, worktree } = await conflicting();
      await assert.rejects(git(worktree, 'cherry-pick', 'main'));
      await write(worktree, { 'a.txt': 'picked\n' });
      await workspace.checkpoint(worktree, 'Step 2');
      assert.equal((await git(worktree, 'log', '-1', '--format=%P')).split(' ').length, 1);
      assert.equal(await git(worktree, 'show', 'HEAD:a.txt'), 'picked');
    });
  });

  describe('changes', () => {
    it('tell renames, binary files, counts and names with tabs apart', async function () {
      if (process.platform === 'win32') this.skip();
      const long = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
      const { workspace, worktree, base } = await started({ 'old.txt': long, 'gone.txt': '1\n2\n', 'mod.txt': 'a\nb\n' });
      await git(worktree, 'mv', 'old.txt', 'new name.txt');
      await git(worktree, 'rm', '--quiet', 'gone.txt');
      await write(worktree, { 'mod.txt': 'a\nc\nd\n', 'bin.dat': '\0\x01\x02', 'tab\tname.txt': 'x\n' });
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      const found = await workspace.changes(worktree, base, sha);
      assert.deepEqual(
        found.sort((a, b) => (a.path < b.path ? -1 : 1)),
        [
          { path: 'bin.dat', status: 'added', added: null, removed: null },
          { path: 'gone.txt', status: 'deleted', added: 0, removed: 2 },
          { path: 'mod.txt', status: 'modified', added: 2, removed: 1 },
          { path: 'new name.txt', from: 'old.txt', status: 'renamed', added: 0, removed: 0 },
          { path: 'tab\tname.txt', status: 'added', added: 1, removed: 0 },
        ],
      );
    });

    it('mark files in which only white space differs', async () => {
      const { workspace, worktree, base } = await started({ 'space.ts': 'if (a) {\nb();\n}\n', 'code.ts': 'a();\n' });
      await write(worktree, { 'space.ts': 'if (a) {\n  b();\n\n}\n', 'code.ts': 'a( );\nb();\n' });
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      const marked = (await workspace.changes(worktree, base, sha)).filter((change) => change.whitespace_only);
      assert.deepEqual(marked, [{ path: 'space.ts', status: 'modified', added: 2, removed: 1, whitespace_only: true }]);
    });

    it('judge white space as git does', async () => {
      const cases: [before: string, after: string][] = [
        ['a\nb\n', 'a\r\nb\r\n'],
        ['a b\n', 'ab\n'],
        ['a\tb\n', 'a  b'],
        ['a\n\n\nb\n', 'a\nb\n\n'],
        ['\n\na\n', 'a\n'],
        ['ab\n', 'a\nb\n'],
        ['a\n', 'a\u00a0\n'],
        ['a\n', 'a\f\n'],
        ['a\nb\n', 'b\na\n'],
        ['', '\n'],
      ];
      const files = (side: 0 | 1): Record<string, string> => Object.fromEntries(cases.map((one, index) => [`${index}.txt`, one[side]]));
      const { repo, workspace, worktree, base } = await started(files(0));
      await write(worktree, files(1));
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      const seen = await repo.git('diff-tree', '-r', '--numstat', '--ignore-all-space', '--ignore-blank-lines', base, sha);
      const differs = new Set(seen.split('\n').flatMap((line) => (line.startsWith('0\t0\t') ? [] : [line.split('\t')[2] ?? ''])));
      const marked = (await workspace.changes(worktree, base, sha)).filter((change) => change.whitespace_only).map((change) => change.path);
      assert.deepEqual(marked.sort(), Object.keys(files(0)).filter((name) => !differs.has(name)).sort());
      assert.ok(marked.length > 0 && differs.size > 0);
    });

    it('do not read a large file for white space', async () => {
      const line = `${'x'.repeat(99)}\n`;
      const { workspace, worktree, base } = await started({ 'large.txt': line.repeat(11_000) });
      await write(worktree, { 'large.txt': ` ${line.repeat(11_000)}` });
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      assert.deepEqual(await workspace.changes(worktree, base, sha), [{ path: 'large.txt', status: 'modified', added: 1, removed: 1 }]);
    });

    it('are not changed by the user’s diff settings', async () => {
      const { repo, workspace, worktree, base } = await started({ 'a.txt': '1\n' });
      for (const [key, value] of [['diff.external', 'false'], ['diff.noprefix', 'true'], ['color.ui', 'always'], ['diff.renames', 'false']] as const) {
        await repo.git('config', key, value);
      }
      await write(worktree, { 'a.txt': '2\n' });
      const { sha } = await workspace.checkpoint(worktree, 'Step');
      assert.deepEqual(await workspace.changes(worktree, base, sha), [{ path: 'a.txt', status: 'modified', added: 1, removed: 1 }]);
    });
  });

  it('state says when something is unsaved', async () => {
    const { workspace, worktree } = await started();
    await mkdir(path.join(worktree, 'new'));
    assert.equal((await workspace.state(worktree)).dirty, false);
    await write(worktree, { 'new/a.txt': 'x' });
    assert.equal((await workspace.state(worktree)).dirty, true);
  });
});
