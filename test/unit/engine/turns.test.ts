import assert from 'node:assert/strict';
import { Turns } from '../../../src/engine/turns.ts';

const free = (): AbortSignal => new AbortController().signal;

describe('Turns', () => {
  it('go one after another, whatever becomes of each', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
      if (name === 'b') throw new Error('b failed');
      return name;
    };
    const all = await Promise.allSettled(['a', 'b', 'c'].map((name) => turns.take(free(), work(name))));
    assert.deepEqual(all.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))), ['a', 'Error: b failed', 'c']);
    assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('are not waited for by who is called off; the next still waits for who is at work', async () => {
    const turns = new Turns();
    let finish: () => void = () => undefined;
    const first = turns.take(free(), () => new Promise<void>((resolve) => (finish = resolve)));
    const calledOff = new AbortController();
    const second = turns.take(calledOff.signal, () => assert.fail('it was called off'));
    let began = false;
    const third = turns.take(free(), () => Promise.resolve((began = true)));
    calledOff.abort();
    assert.equal(await second, undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(began, false);
    finish();
    await first;
    assert.equal(await third, true);
  });

  it('that have come are finished, also when they are called off then', async () => {
    const turns = new Turns();
    const controller = new AbortController();
    const done = await turns.take(controller.signal, async () => {
      controller.abort();
      await new Promise((resolve) => setImmediate(resolve));
      return 'done';
    });
    assert.equal(done, 'done');
    assert.equal(await turns.take(controller.signal, () => assert.fail('it was called off before')), undefined);
  });
});
