import assert from 'node:assert/strict';
import { followLine, parseHunks } from '../../../src/core/hunks.ts';

const DIFF = [
  'diff --git a/a.txt b/a.txt',
  'index 1..2 100644',
  '--- a/a.txt',
  '+++ b/a.txt',
  '@@ -0,0 +1 @@',
  '+zero',
  '@@ -2 +3,2 @@ one',
  '-two',
  '+2',
  '+--- a/not/a/header',
  '@@ -5,2 +6,0 @@ four',
  '-five',
  '-six',
  'diff --git "a/\\303\\244 b.txt" b/c.txt',
  'similarity index 90%',
  'rename from "\\303\\244 b.txt"',
  'rename to c.txt',
  'diff --git a/gone.txt b/gone.txt',
  'deleted file mode 100644',
  '--- a/gone.txt',
  '+++ /dev/null',
  '@@ -1 +0,0 @@',
  '-x',
  'diff --git a/new.txt b/new.txt',
  'new file mode 100644',
  '--- /dev/null',
  '+++ b/new.txt',
  '@@ -0,0 +1 @@',
  '+x',
  '',
].join('\n');

describe('Lines between two versions', () => {
  const files = parseHunks(DIFF);

  it('are read by the path before, renames and deletions included', () => {
    assert.deepEqual([...files].map(([from, { to }]) => [from, to]), [['a.txt', 'a.txt'], ['ä b.txt', 'c.txt'], ['gone.txt', null]]);
  });

  it('move with what was added and taken away before them, and are changed where they stood in a hunk', () => {
    const hunks = files.get('a.txt')?.hunks ?? [];
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7].map((line) => followLine(hunks, line)),
      [
        { changed: false, line: 2 },
        { changed: true, line: 3 },
        { changed: false, line: 5 },
        { changed: false, line: 6 },
        { changed: true, line: 6 },
        { changed: true, line: 6 },
        { changed: false, line: 7 },
      ],
    );
  });
});
