import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Git } from '../../../src/adapters/git/git.ts';
import { makeRepo } from '../../support/repo.ts';
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
    const deadline = Date.now() + 8000;
    while ((await readFile(trace, 'utf8').catch(() => '')).split('built-in: git add').length < 3) {
      assert.ok(Date.now() < deadline, 'git was not tried again');
      await new Promise(setImmediate);
    }
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

  it('lets no hook and no setting of a test reach git’s children', async () => {
    const { root } = await makeRepo();
    // Abbreviated options work in the user's hooks only if simple-git's test switch is off.
    await writeFile(path.join(root, '.git/hooks/pre-commit'), '#!/bin/sh\ngit status --porcel > /dev/null || exit 7\n', { mode: 0o755 });
    assert.equal((await new Git().run(['commit', '--allow-empty', '-m', 'x'], { cwd: root, hooks: true, codes: 'any' })).code, 0);
  });
});
