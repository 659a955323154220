import assert from 'node:assert/strict';
import { Latest } from '../../../src/engine/latest.ts';

describe('Looks that overtake each other', () => {
  it('leave what the newest of those that came back has found', async () => {
    const latest = new Latest();
    const kept: string[] = [];
    const answers = new Map<string, (found: string) => void>();
    const look = (name: string) => latest.take(() => new Promise<string>((resolve) => answers.set(name, resolve)), (found) => kept.push(found));
    const [first, second, third] = [look('first'), look('second'), look('third')];
    answers.get('second')?.('second');
    assert.equal(await second, true);
    answers.get('first')?.('first');
    assert.equal(await first, false);
    answers.get('third')?.('third');
    assert.equal(await third, true);
    assert.deepEqual(kept, ['second', 'third']);
  });

  it('leave what was there when one fails', async () => {
    const latest = new Latest();
    const kept: string[] = [];
    const slow = latest.take(() => Promise.resolve('slow'), (found) => kept.push(found));
    await assert.rejects(latest.take(() => Promise.reject(new Error('no')), () => kept.push('never')), /no/);
    assert.equal(await slow, true);
    assert.deepEqual(kept, ['slow']);
  });
});
