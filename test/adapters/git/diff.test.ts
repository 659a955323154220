import assert from 'node:assert/strict';
import { hunksOf } from '../../../src/adapters/git/conflicts.ts';
import { fixture, git, write } from './fixture.ts';

describe('The diff between two commits', () => {
  it('is plain whatever the user has set up, and cut where a file is long', async () => {
    const { repo, workspace } = await fixture({ 'a.txt': 'one\n', 'long.txt': 'x\n' });
    await git(repo.root, 'config', 'diff.noprefix', 'true');
    await git(repo.root, 'config', 'color.ui', 'always');
    await git(repo.root, 'config', 'diff.external', 'false');
    const base = await git(repo.root, 'rev-parse', 'HEAD');
    await write(repo.root, { 'a.txt': 'two\n', 'long.txt': 'another line\n'.repeat(5000) });
    await git(repo.root, 'commit', '-qam', 'Change');
    const diff = await workspace.diff(repo.root, base, 'HEAD');
    assert.match(diff, /^diff --git a\/a\.txt b\/a\.txt\n/);
    assert.match(diff, /-one\n\+two\n/);
    assert.match(diff, /more lines of this file left out/);
    assert.ok(diff.length < 20_000);
  });
});

describe('the places of a conflict', () => {
  it('are shown with three lines around each, and what lies between is left out', () => {
    const side = (name: string): string[] => [`<<<<<<< a`, `${name} of theirs`, '=======', `${name} of ours`, '>>>>>>> b'];
    const lines = [...[1, 2, 3, 4, 5].map(String), ...side('first'), ...Array.from({ length: 9 }, (_, index) => `between ${index}`), ...side('second'), 'end'];
    const expected = ['…', '3', '4', '5', ...side('first'), 'between 0', 'between 1', 'between 2', '…', 'between 6', 'between 7', 'between 8', ...side('second'), 'end'];
    assert.equal(hunksOf(lines.join('\n')), expected.join('\n'));
  });
});
