import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createForge } from '../../../src/adapters/forge/gh.ts';
import { newMark } from '../../support/processes.ts';
import { makeRepo, type TestRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/tmp.ts';
import { fixture, git, TRAILERS, write, type Fixture } from './fixture.ts';

/** A commit of the repository that holds another one as its submodule `sub`. */
async function addSubmodule(repo: TestRepo): Promise<TestRepo> {
  const inner = await makeRepo({ 'inner.txt': 'inner\n' });
  await repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub');
  await repo.commit('Add the submodule');
  return inner;
}

/** What a task has done: one step, from the state that its repository has. */
async function worked(made: Fixture): Promise<{ worktree: string; branch: string; head_sha: string }> {
  const { worktree, branch } = await made.workspace.create('t1', 'current');
  await write(worktree, { 'task.txt': 'new\n' });
  const { sha } = await made.workspace.checkpoint(worktree, 'Step 1');
  return { worktree, branch, head_sha: sha };
}

/** Signs and verifies everything as gpg would. */
async function standInGpg(repo: TestRepo): Promise<void> {
  const program = path.join(tempDir(), 'gpg');
  const text = ['#!/bin/sh', 'cat > /dev/null', 'case "$*" in', '*--verify*) echo "gpg: Good signature" >&2;;', '*) printf "%s\\n" "-----BEGIN PGP SIGNATURE-----" "" "abcd" "-----END PGP SIGNATURE-----"; echo "[GNUPG:] SIG_CREATED x" >&2;;', 'esac', ''];
  await writeFile(program, text.join('\n'), { mode: 0o755 });
  await repo.git('config', 'gpg.program', program);
  await repo.git('config', 'commit.gpgsign', 'true');
}

describe('Settings of the user', function () {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  it('submodule.recurse keeps no task from its worktree, its merge and its reset', async () => {
    const made = await fixture();
    await addSubmodule(made.repo);
    await made.repo.git('config', 'submodule.recurse', 'true');
    const { worktree, branch, head_sha } = await worked(made);
    assert.equal(await readFile(path.join(worktree, '.gitmodules'), 'utf8'), await readFile(path.join(made.repo.root, '.gitmodules'), 'utf8'));
    await made.repo.commit('Meanwhile', { 'b.txt': 'b\n' });
    for (const strategy of ['squash', 'merge'] as const) {
      const result = await made.workspace.buildMerge({ worktree, head_sha, target: 'main', strategy, message: 'Do it', trailers: TRAILERS, env: {} });
      assert.equal(result.kind, 'merged', JSON.stringify(result));
      await made.workspace.backToBranch(worktree, branch);
    }
    await made.workspace.reset(worktree, 't1', head_sha);
    await made.workspace.remove('t1', worktree, branch);
  });

  it('submodule.recurse brings no submodule along when a target is fetched', async () => {
    const bare = path.join(tempDir(), 'origin.git');
    const repo = await makeRepo();
    const inner = await addSubmodule(repo);
    await repo.git('clone', '--quiet', '--bare', repo.root, bare);
    await repo.git('remote', 'add', 'origin', bare);
    await repo.git('config', 'submodule.recurse', 'true');
    await repo.git('update-index', '--cacheinfo', `160000,${await inner.commit('More', { 'inner.txt': 'more\n' })},sub`);
    await repo.git('commit', '--quiet', '--message', 'Move the submodule');
    await git(bare, 'fetch', '--quiet', repo.root, 'main:main');
    const tip = await repo.git('rev-parse', 'HEAD');
    await repo.git('reset', '--quiet', '--hard', '--no-recurse-submodules', 'HEAD~1');
    await git(path.join(repo.root, 'sub'), 'remote', 'set-url', 'origin', path.join(bare, 'gone'));
    assert.equal(await createForge({ root: repo.root }).fetch('main', { mark: newMark(), signal: new AbortController().signal }), tip);
  });

  it('merge.log adds nothing behind the trailers of a merge', async () => {
    const made = await fixture();
    await made.repo.git('config', 'merge.log', 'true');
    const { worktree, head_sha } = await worked(made);
    await made.repo.commit('Meanwhile', { 'b.txt': 'b\n' });
    const result = await made.workspace.buildMerge({ worktree, head_sha, target: 'main', strategy: 'merge', message: 'Do it', trailers: TRAILERS, env: {} });
    assert.equal(result.kind, 'merged', JSON.stringify(result));
    assert.equal(await git(worktree, 'log', '-1', '--format=%B'), 'Do it\n\nBaton-Task: t1\nBaton-Hash: abc123\n');
  });

  it('log.showSignature hides no merge, and spoils no message that only git can read', async () => {
    const made = await fixture();
    const since = await made.repo.git('rev-parse', 'main');
    await standInGpg(made.repo);
    await made.repo.git('config', 'log.showSignature', 'true');
    const { worktree, head_sha } = await worked(made);
    // A folded trailer of the user's.
    const message = 'Do it\n\nReviewed-by: somebody\n  and another\n';
    const result = await made.workspace.buildMerge({ worktree, head_sha, target: 'main', strategy: 'squash', message, trailers: TRAILERS, env: {} });
    assert.ok(result.kind === 'merged', JSON.stringify(result));
    assert.deepEqual(await made.workspace.advance('main', result.merge_sha, result.target_sha), { kind: 'advanced' });
    assert.deepEqual([...(await made.workspace.merged('main', since))], [['t1', { hash: 'abc123', sha: result.merge_sha }]]);
  });
});
