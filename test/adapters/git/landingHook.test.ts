import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { HookLimit } from '../../../src/engine/ports.ts';
import { newMark, survivors, until } from '../../support/processes.ts';
import { fixture, git, TRAILERS, write, type Fixture } from './fixture.ts';

interface Ready extends Fixture {
  /** A file of the hooks and the test, outside the checkout's own files. */
  readonly flag: (name: string) => string;
  readonly advance: (limit: HookLimit) => ReturnType<Fixture['workspace']['advance']>;
  readonly merge_sha: string;
}

/** A merge that is built, and a hook in the repository that it lands in. */
async function ready(hook: string, body: (flag: Ready['flag']) => string): Promise<Ready> {
  const made = await fixture();
  const { worktree } = await made.workspace.create('t1', 'current');
  await write(worktree, { 'task.txt': 'new\n' });
  const { sha } = await made.workspace.checkpoint(worktree, 'Step 1');
  const merge = await made.workspace.buildMerge({ worktree, head_sha: sha, target: 'main', strategy: 'squash', message: 'Do it', trailers: TRAILERS, env: {} });
  assert.ok(merge.kind === 'merged', JSON.stringify(merge));
  const flag = (name: string): string => path.join(made.repo.root, '.git', name);
  await writeFile(path.join(made.repo.root, '.git/hooks', hook), `#!/bin/sh\n${body(flag)}\n`, { mode: 0o755 });
  return { ...made, flag, merge_sha: merge.merge_sha, advance: (limit) => made.workspace.advance('main', merge.merge_sha, merge.target_sha, limit) };
}

function limitOf(stop: AbortController, spare = false): HookLimit {
  return { mark: newMark(), signal: stop.signal, spare: () => spare };
}

describe('A hook of the user that the merge into their checkout runs', function () {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  it('is ended with what it started when nobody waits for it any more: the merge has happened', async () => {
    const made = await ready('post-merge', (flag) => `sleep 300 & touch ${flag('up')}; wait`);
    const stop = new AbortController();
    const limit = limitOf(stop);
    const advanced = made.advance(limit);
    await until('the hook is up', () => existsSync(made.flag('up')));
    assert.notDeepEqual(await survivors(limit.mark), []);
    stop.abort();
    assert.deepEqual(await advanced, { kind: 'advanced' });
    assert.deepEqual(await survivors(limit.mark), []);
    assert.equal(await made.repo.git('rev-parse', 'main'), made.merge_sha);
    assert.equal(await made.repo.git('status', '--porcelain'), '');
    assert.deepEqual(made.warnings, ['A hook of the merge into main was ended before its time; the merge itself is complete.']);
  });

  it('goes on by itself where it is spared', async () => {
    const made = await ready('post-merge', (flag) => `touch ${flag('up')}; until test -e ${flag('go')}; do sleep 0.1; done; echo done > ${flag('done')}`);
    const stop = new AbortController();
    const advanced = made.advance(limitOf(stop, true));
    await until('the hook is up', () => existsSync(made.flag('up')));
    stop.abort();
    assert.deepEqual(await advanced, { kind: 'advanced' });
    await writeFile(made.flag('go'), '');
    await until('the hook has ended', async () => (await readFile(made.flag('done'), 'utf8').catch(() => '')) === 'done\n');
  });

  it('is left alone until the target has moved: git is at work on the user’s files', async () => {
    const made = await ready('reference-transaction', (flag) => `test "$1" = prepared && grep -q refs/heads/main && { touch ${flag('up')}; sleep 1; }; true`);
    const stop = new AbortController();
    const limit = limitOf(stop);
    const advanced = made.advance(limit);
    await until('the hook is up', () => existsSync(made.flag('up')));
    stop.abort();
    assert.deepEqual(await advanced, { kind: 'advanced' });
    assert.equal(await git(made.repo.root, 'rev-parse', 'main'), made.merge_sha);
    assert.equal(await made.repo.git('status', '--porcelain'), '');
  });
});
