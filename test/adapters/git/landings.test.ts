import assert from 'node:assert/strict';
import { createWorkspace } from '../../../src/adapters/git/workspace.ts';
import { write } from './fixture.ts';
import { landed, ready } from './merging.ts';

describe('git recognising Baton’s own merges', () => {
  it('by the trailers of squash and merge commits', async () => {
    for (const strategy of ['squash', 'merge'] as const) {
      const made = await ready();
      const sha = await landed(made, { strategy });
      assert.deepEqual([...(await made.workspace.merged('main'))], [['t1', { hash: 'abc123', sha }]]);
    }
  });

  it('also behind a later merge from another branch', async () => {
    const made = await ready();
    await made.repo.git('checkout', '--quiet', '-b', 'trunk');
    await made.repo.commit('Trunk', { 'z.txt': 'z\n' });
    const sha = await landed(made);
    await made.repo.git('merge', '--quiet', '--no-edit', 'main');
    assert.deepEqual([...(await made.workspace.merged('trunk'))], [['t1', { hash: 'abc123', sha }]]);
  });

  it('not when they were reverted, again when the revert was', async () => {
    const made = await ready();
    const sha = await landed(made);
    await made.repo.git('revert', '--no-edit', sha);
    assert.equal((await made.workspace.merged('main')).size, 0);
    await made.repo.git('revert', '--no-edit', 'HEAD');
    assert.deepEqual([...(await made.workspace.merged('main')).keys()], ['t1']);
  });

  it('and gives the newest of two merges of one task', async () => {
    const made = await ready();
    await landed(made);
    await write(made.worktree, { 'more.txt': 'x\n' });
    const { sha } = await made.workspace.checkpoint(made.worktree, 'Step 2');
    const second = await landed({ ...made, head: sha }, { trailers: { 'Baton-Task': 't1', 'Baton-Hash': 'def456' } });
    assert.deepEqual([...(await made.workspace.merged('main'))], [['t1', { hash: 'def456', sha: second }]]);
  });

  it('and a second look, which goes on from the first, finds the same as a look from scratch', async () => {
    const made = await ready();
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const look = async (): Promise<string[]> => {
      const known = [...(await made.workspace.merged('main'))];
      const scratch = createWorkspace({ root: made.repo.root, worktreesDir: made.worktreesDir, log });
      assert.deepEqual(known, [...(await scratch.merged('main'))]);
      return known.map(([task]) => task);
    };
    assert.deepEqual(await look(), []);
    const sha = await landed(made);
    assert.deepEqual(await look(), ['t1']);
    await made.repo.git('revert', '--no-edit', sha);
    assert.deepEqual(await look(), []);
    await made.repo.git('revert', '--no-edit', 'HEAD');
    assert.deepEqual(await look(), ['t1']);
    await made.repo.commit('Two of a key\n\nBaton-Task: t7\nBaton-Task: t8', { 'two.txt': '2' });
    await made.repo.commit('Folded\n\nBaton-Task: t6\n  and more\nBaton-Hash: h6', { 'folded.txt': 'f' });
    await made.repo.commit('Quote\n\nBaton-Task: t9 is a trailer\n\nand more text', { 'q.txt': 'q' });
    await look();
    await made.repo.git('checkout', '--quiet', '-b', 'side');
    await made.repo.commit('On the side\n\nBaton-Task: t2\nBaton-Hash: h2', { 'side.txt': 's' });
    await made.repo.git('checkout', '--quiet', 'main');
    await made.repo.git('merge', '--quiet', '--no-ff', '--no-edit', 'side');
    assert.ok((await look()).includes('t2'));
    await made.repo.git('checkout', '--quiet', '-b', 'older', 'HEAD~3');
    await made.repo.git('-c', 'user.name=Test', 'commit', '--quiet', '--allow-empty', '--date=2020-01-01T00:00:00Z', '-m', 'Older\n\nBaton-Task: t2\nBaton-Hash: h0');
    await made.repo.git('checkout', '--quiet', 'main');
    await made.repo.git('merge', '--quiet', '--no-ff', '--no-edit', 'older');
    await look();
    for (let index = 0; index < 40; index++) await made.repo.git('commit', '--quiet', '--allow-empty', '-m', `Empty ${index}`);
    assert.ok((await look()).includes('t2'));
    await made.repo.git('reset', '--hard', '--quiet', sha);
    assert.deepEqual(await look(), ['t1']);
    await made.repo.git('reset', '--hard', '--quiet', `${sha}^`);
    assert.deepEqual(await look(), []);
  });

  it('and knows nothing of a branch that does not exist or words in a message', async () => {
    const made = await ready();
    await made.repo.commit('Quote\n\nBaton-Task: t9 is a trailer\n\nand more text', { 'q.txt': 'q' });
    assert.equal((await made.workspace.merged('nowhere')).size, 0);
    assert.equal((await made.workspace.merged('main')).size, 0);
  });
});
