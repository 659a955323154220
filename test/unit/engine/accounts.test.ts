import assert from 'node:assert/strict';
import { Accounts } from '../../../src/engine/accounts.ts';
import { Lifecycle } from '../../../src/engine/lifecycle.ts';
import type { Log, Store } from '../../../src/engine/ports.ts';
import { FakeClock } from '../../support/fakeClock.ts';

const MINUTE = 60_000;
const AT = Date.parse('2026-03-02T10:00:00.000Z');
const log: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Accounts over a store that keeps what it is given. */
function makeAccounts(stored?: unknown) {
  const clock = new FakeClock(AT);
  const kept: { holds?: unknown } = {};
  const store: Pick<Store, 'commit'> = {
    commit: ({ meta }) => {
      kept.holds = meta?.['accounts'] ?? kept.holds;
      return Promise.resolve(1);
    },
  };
  const accounts = new Accounts(new Lifecycle(store as Store, clock, log), clock, stored);
  const begun = (ms: number) => ({ account: 'a', started_at: new Date(ms).toISOString() });
  return { accounts, clock, kept, begun };
}

describe('The hold on an account', () => {
  it('is not ended by the success of an attempt that was at work before, but by one that began after it', async () => {
    const { accounts, clock, begun } = makeAccounts();
    await accounts.closeForLimit('a', 'usage limit', AT + 60 * MINUTE);
    await clock.advance(MINUTE);
    await accounts.succeeded(begun(AT - MINUTE));
    assert.equal(accounts.hold('a')?.until, AT + 60 * MINUTE);
    await clock.advance(60 * MINUTE);
    assert.equal(accounts.staggered('a'), undefined);
    await accounts.succeeded(begun(clock.now()));
    assert.equal((await accounts.closeForLimit('a', 'again', null)).count, 1);
  });

  it('counts a limit once that many attempts meet together', async () => {
    const { accounts, clock } = makeAccounts();
    for (let attempt = 0; attempt < 5; attempt += 1) await accounts.closeForLimit('a', 'rate limit', null);
    assert.deepEqual([accounts.hold('a')?.count, accounts.hold('a')?.until], [1, AT + MINUTE]);
    await clock.advance(MINUTE);
    assert.deepEqual(await accounts.closeForLimit('a', 'rate limit', null), { account: 'a', until: AT + 3 * MINUTE, reason: 'rate limit', count: 2, since: AT + MINUTE });
  });

  it('is never shortened: a known reset stands against a later limit without one, the later of two resets counts', async () => {
    const { accounts } = makeAccounts();
    await accounts.closeForLimit('a', 'usage limit', AT + 300 * MINUTE);
    await accounts.closeForLimit('a', 'rate limit', null);
    await accounts.closeForLimit('a', 'rate limit', AT + MINUTE);
    assert.equal(accounts.hold('a')?.until, AT + 300 * MINUTE);
    await accounts.closeForLimit('a', 'weekly limit', AT + 900 * MINUTE);
    assert.equal(accounts.hold('a')?.until, AT + 900 * MINUTE);
  });

  it('for a sign-in outlives a limit and a success of before, until the user asks again', async () => {
    const { accounts, begun } = makeAccounts();
    await accounts.closeForSignIn('a', 'Invalid API key');
    await accounts.closeForLimit('a', 'rate limit', null);
    await accounts.succeeded(begun(AT - MINUTE));
    assert.equal(accounts.hold('a')?.until, null);
    await accounts.reopenSignIns();
    assert.equal(accounts.hold('a'), undefined);
  });

  it('stands after a restart, also one that an older Baton stored', async () => {
    const before = makeAccounts();
    await before.accounts.closeForLimit('a', 'usage limit', AT + 60 * MINUTE);
    const { accounts, begun } = makeAccounts(before.kept.holds);
    await accounts.succeeded(begun(AT));
    assert.equal(accounts.hold('a')?.until, AT + 60 * MINUTE);
    const old = makeAccounts([{ account: 'a', until: AT + 60 * MINUTE, reason: 'usage limit', count: 1 }]);
    await old.accounts.succeeded(begun(AT));
    assert.equal(old.accounts.hold('a'), undefined);
  });
});
