import assert from 'node:assert/strict';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { latch } from '../../support/latch.ts';
import { git, portrait, read, write } from './fixture.ts';
import { build, built, landed, ready, type Ready } from './merging.ts';

async function hook(root: string, name: string, body: string): Promise<void> {
  await writeFile(path.join(root, '.git/hooks', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

describe('git merge', () => {
  describe('in memory', () => {
    it('gives the tree and touches nothing (row 226)', async () => {
      const made = await ready();
      await made.repo.write({ 'b.txt': 'dirty\n' });
      const before = await portrait(made.repo.root);
      const result = await made.workspace.testMerge(made.head, 'main');
      assert.deepEqual(result.conflicts, []);
      assert.equal(result.target_sha, await made.repo.git('rev-parse', 'main'));
      assert.equal(await made.repo.git('show', `${result.tree_sha}:a.txt`), 'task');
      assert.equal(await portrait(made.repo.root), before);
    });

    it('names the files in conflict (row 228)', async () => {
      const made = await ready({ 'a.txt': 'start\n', 'ünï 1.txt': 'start\n' });
      await write(made.worktree, { 'ünï 1.txt': 'task\n' });
      const { sha } = await made.workspace.checkpoint(made.worktree, 'Step 2');
      await made.repo.commit('Target', { 'a.txt': 'target\n', 'ünï 1.txt': 'target\n' });
      assert.deepEqual((await made.workspace.testMerge(sha, 'main')).conflicts.sort(), ['a.txt', 'ünï 1.txt']);
    });

    it('says what to do when the target is gone', async () => {
      const made = await ready();
      await assert.rejects(made.workspace.testMerge(made.head, 'gone'), { name: 'BatonError', message: /does not exist any more/, hint: /git branch gone/ });
    });
  });

  describe('the merge commit', () => {
    it('by squash is one commit on the target with the trailers, checked out in the worktree (row 227)', async () => {
      const made = await ready();
      const target = await made.repo.commit('Target', { 'b.txt': 'target\n' });
      const merge = await built(made, { message: 'Do the thing\n\nBecause.' });
      assert.equal(merge.target_sha, target);
      assert.equal(await git(made.worktree, 'rev-parse', 'HEAD'), merge.merge_sha);
      assert.equal(await git(made.worktree, 'log', '-1', '--format=%P', merge.merge_sha), target);
      assert.equal(await git(made.worktree, 'log', '-1', '--format=%B', merge.merge_sha), 'Do the thing\n\nBecause.\n\nBaton-Task: t1\nBaton-Hash: abc123\n');
      assert.equal(await read(made.worktree, 'a.txt'), 'task\n');
      assert.equal(await read(made.worktree, 'b.txt'), 'target\n');
      assert.equal(merge.tree_sha, await git(made.worktree, 'rev-parse', 'HEAD^{tree}'));
      assert.equal(await git(made.worktree, 'rev-parse', made.branch), made.head);
    });

    it('by merge has both parents and the trailers, also where a fast-forward would do', async () => {
      const made = await ready();
      await made.repo.git('config', 'merge.ff', 'only');
      const merge = await built(made, { strategy: 'merge' });
      assert.equal(await git(made.worktree, 'log', '-1', '--format=%P', merge.merge_sha), `${merge.target_sha} ${made.head}`);
      assert.match(await git(made.worktree, 'log', '-1', '--format=%B', merge.merge_sha), /^Do the thing\n\nBaton-Task: t1\nBaton-Hash: abc123/);
    });

    it('keeps trailers that the message has, in one block with Baton’s', async () => {
      const made = await ready();
      const merge = await built(made, { message: 'Do it\n\nCo-authored-by: A <a@b.c>' });
      assert.equal(await git(made.worktree, 'log', '-1', '--format=%B', merge.merge_sha), 'Do it\n\nCo-authored-by: A <a@b.c>\nBaton-Task: t1\nBaton-Hash: abc123\n');
    });

    it('leaves what lies unsaved in the worktree where the gates have seen the tree, and cleans up where they have not', async () => {
      const made = await ready();
      await write(made.worktree, { 'b.txt': 'unsaved\n', 'scratch.txt': 'unsaved\n' });
      const tree = await git(made.worktree, 'rev-parse', `${made.head}^{tree}`);
      assert.equal((await built(made, { proven: tree })).tree_sha, tree);
      assert.equal(await git(made.worktree, 'status', '--short'), ' M b.txt\n?? scratch.txt');
      assert.equal(await git(made.worktree, 'symbolic-ref', '--short', 'HEAD'), made.branch);
      assert.equal((await built(made, { proven: await git(made.worktree, 'rev-parse', 'main^{tree}') })).tree_sha, tree);
      assert.equal(await git(made.worktree, 'status', '--short'), '');
      assert.equal(await git(made.repo.root, 'for-each-ref', '--format=%(refname:rstrip=-4)', 'refs/baton/snapshots'), 'refs/baton/snapshots/t1');
    });

    it('touches nothing before it may, and never when that fails', async () => {
      const made = await ready();
      await made.repo.commit('Target', { 'b.txt': 'target\n' });
      const before = await portrait(made.worktree);
      const [asked, storing] = [latch(), latch()];
      const store = async (): Promise<never> => {
        asked.release();
        await storing.held;
        throw new Error('not stored');
      };
      const merging = assert.rejects(build(made, { ready: store }), /not stored/);
      await asked.held;
      // Long enough for a checkout that does not wait.
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(await portrait(made.worktree), before);
      storing.release();
      await merging;
      assert.equal(await portrait(made.worktree), before);
    });

    it('gives the conflicting files with both sides and leaves the worktree on its branch', async () => {
      const made = await ready();
      await made.repo.commit('Target', { 'a.txt': 'target\n' });
      const result = await build(made);
      assert.ok(result.kind === 'conflict');
      assert.deepEqual(result.files, ['a.txt']);
      assert.match(result.conflicts[0]?.hunks ?? '', /^<{7} [0-9a-f]{40}\ntarget\n={7}\ntask\n>{7} [0-9a-f]{40}\n?$/);
      assert.equal(await git(made.worktree, 'symbolic-ref', '--short', 'HEAD'), made.branch);
    });

    for (const strategy of ['squash', 'merge'] as const) {
      it(`by ${strategy} obeys the user's commit-msg hook: a refusal names its words and leaves everything as it was`, async () => {
        const made = await ready();
        await hook(made.repo.root, 'commit-msg', 'echo "no ticket in the message" >&2; exit 1');
        const result = await build(made, { strategy });
        assert.equal(result.kind, 'refused');
        assert.match(result.message, /no ticket in the message/);
        assert.equal(await git(made.worktree, 'symbolic-ref', '--short', 'HEAD'), made.branch);
        assert.equal(await git(made.worktree, 'status', '--porcelain'), '');
        assert.equal(await git(made.worktree, 'rev-parse', 'HEAD'), made.head);
      });
    }

    it('obeys a pre-commit hook that refuses, with its environment and no open stdin', async () => {
      const made = await ready();
      await hook(made.repo.root, 'pre-commit', 'cat > /dev/null; echo "mark $BATON_MARK"; exit 1');
      const result = await build(made, { env: { BATON_MARK: 'm-1', GIT_DIR: '/nowhere' } });
      assert.equal(result.kind, 'refused');
      assert.match(result.message, /mark m-1/);
    });

    it('holds what a pre-commit hook formatted, and drops what it left behind', async () => {
      const made = await ready();
      await hook(made.repo.root, 'pre-commit', 'echo formatted > a.txt && git add a.txt && echo junk > junk.txt');
      const merge = await built(made);
      assert.equal(await git(made.worktree, 'show', `${merge.merge_sha}:a.txt`), 'formatted');
      assert.equal(await git(made.worktree, 'status', '--porcelain'), '');
      assert.equal(merge.tree_sha, await git(made.worktree, 'rev-parse', 'HEAD^{tree}'));
    });

    it('is refused when a hook removes the trailers', async () => {
      const made = await ready();
      await hook(made.repo.root, 'commit-msg', 'echo "My own message" > "$1"');
      const result = await build(made);
      assert.equal(result.kind, 'refused');
      assert.match(result.message, /Baton-Task, Baton-Hash/);
    });

    it('runs hooks of a relative core.hooksPath that exist in the main checkout only', async () => {
      const made = await ready({ '.gitignore': '.husky/_/\n', 'a.txt': '1\n' });
      await mkdir(path.join(made.repo.root, '.husky/_'), { recursive: true });
      await writeFile(path.join(made.repo.root, '.husky/_/pre-commit'), '#!/bin/sh\necho "husky says no"\nexit 1\n', { mode: 0o755 });
      await made.repo.git('config', 'core.hooksPath', '.husky/_');
      const result = await build(made);
      assert.equal(result.kind, 'refused');
      assert.match(result.message, /husky says no/);
    });

    it('is signed when the user signs; a signature that fails is a refusal with its reason', async () => {
      const made = await ready();
      const signer = path.join(made.repo.root, '.git/signer.sh');
      await writeFile(signer, '#!/bin/sh\necho "no secret key" >&2\nexit 1\n', { mode: 0o755 });
      await made.repo.git('config', 'commit.gpgsign', 'true');
      await made.repo.git('config', 'gpg.program', signer);
      const result = await build(made);
      assert.equal(result.kind, 'refused');
      assert.match(result.message, /no secret key|failed to sign/);
      assert.equal(await git(made.worktree, 'symbolic-ref', '--short', 'HEAD'), made.branch);
    });

    it('saves what gates left unsaved before it is built', async () => {
      const made = await ready();
      await write(made.worktree, { 'coverage.txt': 'x' });
      await built(made);
      const ref = await made.repo.git('for-each-ref', '--format=%(refname)', 'refs/baton/snapshots/t1');
      assert.equal(await made.repo.git('show', `${ref}:coverage.txt`), 'x');
    });

    it('can be dropped: the worktree goes back to the branch and can be built again', async () => {
      const made = await ready();
      await built(made);
      await made.workspace.backToBranch(made.worktree, made.branch);
      assert.equal(await git(made.worktree, 'rev-parse', 'HEAD'), made.head);
      assert.equal(await git(made.worktree, 'symbolic-ref', '--short', 'HEAD'), made.branch);
      await built(made);
    });
  });

  describe('moving the target', () => {
    it('takes the user’s clean checkout along', async () => {
      const made = await ready();
      const sha = await landed(made);
      assert.equal(await made.repo.git('rev-parse', 'HEAD'), sha);
      assert.equal(await read(made.repo.root, 'a.txt'), 'task\n');
      assert.equal(await made.repo.git('status', '--porcelain'), '');
    });

    it('keeps every uncommitted change of the user that does not overlap, byte for byte (row 226)', async () => {
      const made = await ready({ 'a.txt': 'start\n', 'b.txt': 'other\n', 'c.txt': 'c\n', 'd.txt': 'd\n', '.gitignore': 'ignored.log\n' });
      await made.repo.write({ 'c.txt': 'stashed\n' });
      await made.repo.git('stash', 'push', '--quiet', '--message', 'mine');
      await made.repo.write({ 'b.txt': 'staged\n', 'untracked/x.txt': 'mine\n', 'ignored.log': 'log\n', 'new-staged.txt': 'n\n' });
      await made.repo.git('add', 'b.txt', 'new-staged.txt');
      await made.repo.write({ 'b.txt': 'staged and changed\n', 'c.txt': 'changed\n' });
      await rm(path.join(made.repo.root, 'd.txt'));
      const own = async (): Promise<string> =>
        [
          await made.repo.git('status', '--porcelain=v1', '--untracked-files=all', '--ignored'),
          await made.repo.git('diff', '--binary'),
          await made.repo.git('diff', '--binary', '--cached'),
          await made.repo.git('stash', 'list', '--format=%H %s'),
          await read(made.repo.root, 'untracked/x.txt'),
          await read(made.repo.root, 'ignored.log'),
        ].join('\n---\n');
      const before = await own();
      const sha = await landed(made);
      assert.equal(await own(), before);
      assert.equal(await made.repo.git('rev-parse', 'main'), sha);
      assert.equal(await read(made.repo.root, 'a.txt'), 'task\n');
    });

    for (const [what, prepare, files] of [
      ['a changed file', (made: Ready) => made.repo.write({ 'a.txt': 'mine\n' }), ['a.txt']],
      ['an untracked file', (made: Ready) => made.repo.write({ 'task.txt': 'mine\n' }), ['task.txt']],
      [
        'a staged file',
        async (made: Ready) => {
          await made.repo.write({ 'a.txt': 'mine\n' });
          await made.repo.git('add', 'a.txt');
        },
        ['a.txt'],
      ],
      [
        'an ignored file',
        async (made: Ready) => {
          await writeFile(path.join(made.repo.root, '.git/info/exclude'), 'task.txt\n');
          await made.repo.write({ 'task.txt': 'secret\n' });
        },
        ['task.txt'],
      ],
      ['a folder in the place of a file', (made: Ready) => made.repo.write({ 'task.txt/inner.txt': 'mine\n' }), ['task.txt/inner.txt']],
    ] as const) {
      it(`is blocked by ${what} of the user in the way, named, and changes nothing (row 226)`, async () => {
        const made = await ready();
        const merge = await built(made);
        await prepare(made);
        const before = await portrait(made.repo.root);
        const result = await made.workspace.advance('main', merge.merge_sha, merge.target_sha);
        assert.equal(result.kind, 'blocked', JSON.stringify(result));
        assert.deepEqual(result.files, files);
        assert.match(result.message, /Commit, move or discard/);
        assert.equal(await portrait(made.repo.root), before);
        assert.equal(await made.repo.git('rev-parse', 'main'), merge.target_sha);
      });
    }

    it('is not led astray by the user’s merge settings', async () => {
      const made = await ready();
      for (const [key, value] of [['merge.autostash', 'true'], ['merge.verifySignatures', 'true'], ['branch.main.mergeOptions', '--squash'], ['merge.ff', 'false']] as const) {
        await made.repo.git('config', key, value);
      }
      await made.repo.write({ 'b.txt': 'mine\n' });
      await landed(made);
      assert.equal(await made.repo.git('stash', 'list'), '');
      assert.equal(await made.repo.git('diff', '--name-only'), 'b.txt');
    });

    it('of a branch that is checked out nowhere swaps the ref and touches no checkout', async () => {
      const made = await ready();
      await made.repo.git('checkout', '--quiet', '-b', 'elsewhere');
      await made.repo.write({ 'a.txt': 'mine\n' });
      const before = await portrait(made.repo.root);
      const sha = await landed(made);
      assert.equal(await made.repo.git('rev-parse', 'main'), sha);
      assert.equal(await portrait(made.repo.root), before);
    });

    it('of a branch in another worktree of the user goes through that worktree', async () => {
      const made = await ready();
      await made.repo.git('checkout', '--quiet', '-b', 'elsewhere');
      const second = path.join(made.worktreesDir, '..', 'users own');
      await made.repo.git('worktree', 'add', '--quiet', second, 'main');
      await landed(made);
      assert.equal(await read(second, 'a.txt'), 'task\n');
      assert.equal(await git(second, 'status', '--porcelain'), '');
    });

    it('of a branch whose worktree folder is gone swaps the ref', async () => {
      const made = await ready();
      await made.repo.git('checkout', '--quiet', '-b', 'elsewhere');
      const second = path.join(made.worktreesDir, '..', 'lost');
      await made.repo.git('worktree', 'add', '--quiet', second, 'main');
      await rm(second, { recursive: true });
      await landed(made);
    });

    it('notices that the target has moved', async () => {
      const made = await ready();
      const merge = await built(made);
      await made.repo.commit('Meanwhile', { 'b.txt': 'x\n' });
      assert.deepEqual(await made.workspace.advance('main', merge.merge_sha, merge.target_sha), { kind: 'moved' });
      await made.repo.git('checkout', '--quiet', '-b', 'elsewhere');
      assert.deepEqual(await made.workspace.advance('main', merge.merge_sha, merge.target_sha), { kind: 'moved' });
    });

    it('is done when it was done before a crash', async () => {
      const made = await ready();
      const merge = await built(made);
      for (let time = 0; time < 2; time++) assert.deepEqual(await made.workspace.advance('main', merge.merge_sha, merge.target_sha), { kind: 'advanced' });
    });

    it('and removing the worktree afterwards leaves no snapshot: nothing would be lost', async () => {
      const made = await ready();
      const merge = await built(made);
      await made.workspace.advance('main', merge.merge_sha, merge.target_sha);
      await made.workspace.remove('t1', made.worktree, made.branch);
      assert.equal(await made.repo.git('for-each-ref', 'refs/baton/snapshots'), '');
      assert.equal(await made.repo.git('rev-parse', 'refs/baton/tasks/t1'), made.head);
    });

    it('waits for the user who is rebasing it', async () => {
      const made = await ready();
      const merge = await built(made);
      await made.repo.git('checkout', '--quiet', '-b', 'other', 'main');
      await made.repo.commit('Other', { 'b.txt': 'other side\n' });
      await made.repo.git('checkout', '--quiet', 'main');
      await made.repo.commit('Mine', { 'b.txt': 'my side\n' });
      await assert.rejects(made.repo.git('rebase', 'other'));
      const result = await made.workspace.advance('main', merge.merge_sha, await made.repo.git('rev-parse', 'main'));
      assert.equal(result.kind, 'blocked');
      assert.match(result.message, /middle of a rebase/);
    });

    it('says so when the user’s index is locked, and does not remove their lock', async () => {
      const made = await ready();
      const merge = await built(made);
      const lock = path.join(made.repo.root, '.git/index.lock');
      await writeFile(lock, '');
      const result = await made.workspace.advance('main', merge.merge_sha, merge.target_sha);
      assert.equal(result.kind, 'blocked');
      assert.match(result.message, /index\.lock/);
      await access(lock);
      await rm(lock);
    });
  });
});
