import assert from 'node:assert/strict';
import { createClock } from '../../../src/adapters/system/clock.ts';
import { createCrypto } from '../../../src/adapters/system/crypto.ts';

describe('the machine’s clock', () => {
  it('calls back once after the time, and never when disposed', async () => {
    const clock = createClock();
    const called: string[] = [];
    clock.after(1, () => called.push('disposed')).dispose();
    const begun = clock.now();
    // Its timers do not keep the process alive, so the test has to.
    const alive = setInterval(() => undefined, 1000);
    await new Promise<void>((resolve) => {
      clock.after(20, () => {
        called.push('kept');
        resolve();
      });
    });
    clearInterval(alive);
    assert.deepEqual(called, ['kept']);
    assert.ok(clock.now() - begun >= 19);
  });

  it('does not fire at once for a time longer than a timer can hold', async () => {
    let fired = false;
    const timer = createClock().after(2 ** 31 + 5, () => (fired = true));
    await new Promise((resolve) => setImmediate(resolve));
    timer.dispose();
    assert.equal(fired, false);
  });
});

describe('hashes and ids', () => {
  it('are SHA-256 in hex, and different each time', () => {
    const crypto = createCrypto();
    assert.equal(crypto.hash('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const ids = new Set(Array.from({ length: 1000 }, () => crypto.id()));
    assert.equal(ids.size, 1000);
    for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
  });
});
