import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Git } from '../../../src/adapters/git/git.ts';
import { makeRepo, type TestRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/tmp.ts';

describe('running git', () => {
  it('tries again while another process holds a lock', async () => {
    const { root } = await makeRepo();
    const lock = path.join(root, '.git/index.lock');
    const trace = path.join(tempDir(), 'trace');
    await writeFile(lock, '');
    await writeFile(path.join(root, 'a.txt'), 'x');
    const added = new Git({ patience: 20_000 }).run(['add', 'a.txt'], { cwd: root, env: { GIT_TRACE: trace } });
    // Freed only after git was seen to fail and to be started again.
    await seen(trace, 'built-in: git add', 2);
    await rm(lock);
    assert.equal((await added).code, 0);
  });

  it('says which lock is in the way when it stays', async () => {
    const { root } = await makeRepo();
    await writeFile(path.join(root, '.git/index.lock'), '');
    await writeFile(path.join(root, 'a.txt'), 'x');
    await assert.rejects(new Git({ patience: 100 }).run(['add', 'a.txt'], { cwd: root }), { name: 'BatonError', kind: 'git', message: /index\.lock/, hint: /delete the lock file/ });
  });

  it('gives exit code and both outputs of an expected failure', async () => {
    const { root } = await makeRepo();
    const result = await new Git().run(['rev-parse', '--verify', 'nothing'], { cwd: root, codes: 'any' });
    assert.equal(result.code, 128);
    assert.match(result.stderr, /Needed a single revision/);
  });

  it('returns large outputs whole', async () => {
    const text = `${'ä'.repeat(60)}\n`.repeat(40_000);
    const { root } = await makeRepo({ 'large.txt': text });
    assert.equal((await new Git().run(['show', 'HEAD:large.txt'], { cwd: root })).stdout, text);
  });

  it('says when git is not installed', async () => {
    const before = process.env['PATH'];
    process.env['PATH'] = tempDir();
    try {
      await assert.rejects(new Git().run(['--version'], { cwd: tempDir() }), { name: 'BatonError', message: /git was not found/, hint: /Install git/ });
    } finally {
      process.env['PATH'] = before;
    }
  });

  it('says when the folder is gone', async () => {
    await assert.rejects(new Git().run(['status'], { cwd: path.join(tempDir(), 'gone') }), { name: 'BatonError', message: /does not exist/ });
  });

  it('carries the mark that it is given, never one that Baton was started with', async () => {
    const shown = (env?: Record<string, string>): Promise<string> =>
      new Git().text(['mark'], { cwd: process.cwd(), config: ['alias.mark=!echo "<$BATON_MARK>"'], ...(env !== undefined && { env }) });
    process.env['BATON_MARK'] = 'inherited';
    try {
      assert.deepEqual([await shown(), await shown({ BATON_MARK: 'given' })], ['<>', '<given>']);
    } finally {
      delete process.env['BATON_MARK'];
    }
  });

  it('lets no hook and no setting of a test reach git’s children', async () => {
    const { root } = await makeRepo();
    // Abbreviated options work in the user's hooks only if simple-git's test switch is off.
    await writeFile(path.join(root, '.git/hooks/pre-commit'), '#!/bin/sh\ngit status --porcel > /dev/null || exit 7\n', { mode: 0o755 });
    assert.equal((await new Git().run(['commit', '--allow-empty', '-m', 'x'], { cwd: root, hooks: true, codes: 'any' })).code, 0);
  });
});

describe('updating refs', () => {
  const started = async (patience = 5000): Promise<{ repo: TestRepo; git: Git; head: string; refs: () => Promise<string> }> => {
    const repo = await makeRepo();
    const head = await repo.git('rev-parse', 'HEAD');
    return { repo, git: new Git({ root: repo.root, patience }), head, refs: () => repo.git('for-each-ref', '--format=%(refname)', 'refs/t') };
  };

  it('takes one process for many transactions, also when they come at once', async () => {
    const { repo, git, head, refs } = await started();
    const trace = path.join(tempDir(), 'trace');
    process.env['GIT_TRACE'] = trace;
    try {
      await git.updateRefs([`update refs/t/a ${head}`, `update refs/t/b ${head}`], repo.root);
      await Promise.all(['c', 'd', 'e'].map((name) => git.updateRefs([`update refs/t/${name} ${head}`], repo.root)));
      await git.updateRefs(['delete refs/t/a', 'delete refs/t/never'], repo.root);
    } finally {
      delete process.env['GIT_TRACE'];
    }
    assert.equal(await refs(), ['b', 'c', 'd', 'e'].map((name) => `refs/t/${name}`).join('\n'));
    assert.equal((await readFile(trace, 'utf8')).split('built-in: git').length - 1, 1);
  });

  it('makes a folder of names where a deleted ref was', async () => {
    const { repo, git, head, refs } = await started();
    for (const command of [`update refs/t/a ${head}`, 'delete refs/t/a', `update refs/t/a/b ${head}`]) await git.updateRefs([command], repo.root);
    assert.equal(await refs(), 'refs/t/a/b');
  });

  it('does all or nothing, tells why, and goes on', async () => {
    const { repo, git, head, refs } = await started();
    const refused = git.updateRefs([`update refs/t/a ${head}`, 'update refs/t/b 1234'], repo.root);
    const alongside = git.updateRefs([`update refs/t/c ${head}`], repo.root);
    await assert.rejects(refused, { name: 'BatonError', kind: 'git', message: /refs\/t\/b/ });
    await alongside;
    await git.updateRefs([`update refs/t/d ${head}`], repo.root);
    assert.equal(await refs(), 'refs/t/c\nrefs/t/d');
  });

  it('waits for a ref that another process has locked', async () => {
    const { repo, git, head, refs } = await started(20_000);
    const lock = path.join(repo.root, '.git/refs/t/a.lock');
    const trace = path.join(tempDir(), 'trace');
    await mkdir(path.dirname(lock), { recursive: true });
    await writeFile(lock, '');
    process.env['GIT_TRACE'] = trace;
    try {
      const updated = git.updateRefs([`update refs/t/a ${head}`], repo.root);
      await seen(trace, 'built-in: git update-ref', 3);
      await rm(lock);
      await updated;
    } finally {
      delete process.env['GIT_TRACE'];
    }
    assert.equal(await refs(), 'refs/t/a');
  });
});

/** Resolves when git's trace says so as many times. */
async function seen(trace: string, text: string, times: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await readFile(trace, 'utf8').catch(() => '')).split(text).length <= times) {
    assert.ok(Date.now() < deadline, `${text} was not seen ${times} times`);
    await new Promise(setImmediate);
  }
}
