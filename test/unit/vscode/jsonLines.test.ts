import assert from 'node:assert/strict';
import { JsonLines } from '../../../src/vscode/model/jsonLines.ts';

describe('A growing transcript', () => {
  it('is read the same however its bytes arrive', () => {
    const entries = [{ at: 't1', type: 'text', text: 'Grüße 🎼' }, { at: 't2', type: 'end' }];
    const bytes = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    for (let size = 1; size <= bytes.length; size += 1) {
      const lines = new JsonLines();
      for (let at = 0; at < bytes.length; at += size) lines.push(bytes.subarray(at, at + size));
      assert.deepEqual(lines.entries, entries);
    }
  });

  it('waits for the end of a line and passes over one that a crash cut off', () => {
    const lines = new JsonLines();
    lines.push(Buffer.from('{"at":"t1"}\n{"at":"t2","te'));
    assert.deepEqual(lines.entries, [{ at: 't1' }]);
    lines.push(Buffer.from('\n{"at":"t3"}\n'));
    assert.deepEqual(lines.entries, [{ at: 't1' }, { at: 't3' }]);
  });
});
