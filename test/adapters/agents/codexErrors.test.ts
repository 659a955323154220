import assert from 'node:assert/strict';
import { ModelServer } from '../../support/modelServer/server.ts';
import { codexEnvironment, provisionCodex } from '../../support/agents.ts';
import { withCodex } from './codexHarness.ts';

let server: ModelServer;
before(async function () {
  this.timeout(600_000);
  await provisionCodex();
  server = await ModelServer.start();
});
after(() => server.close());

/** Fewer tries than Codex makes by itself, so that what it does after the last one comes soon. */
const IMPATIENT = { args: ['-c', 'model_providers.scripted.request_max_retries=1', '-c', 'model_providers.scripted.stream_max_retries=1'] };
const hour = (): number => Math.floor(Date.now() / 1000) + 3600;

describe('the real Codex when the provider fails', function () {
  this.timeout(60_000);

  for (const status of [401, 403]) {
    it(`fails as an authentication error at the second ${status} and says how to sign in (row 139)`, () =>
      withCodex(server, () => ({ error: { status, message: 'invalid key' } }), async ({ start, requests }) => {
        const end = await (await start()).ended;
        assert.equal(end.error?.kind, 'authentication');
        assert.equal(end.error.status, status);
        assert.match(end.error.message, /invalid key.*codex login/s);
        assert.ok(requests().length < 4);
      }));
  }

  it('waits as long as a 429 asks for, says so, and recovers', () =>
    withCodex(server, [{ error: { status: 429, headers: { 'retry-after': '1' } } }, { text: 'Recovered.' }], async ({ start }) => {
      const attempt = await start();
      assert.deepEqual(await attempt.ended, { ok: true, result: 'Recovered.', exit_code: 0 });
      assert.deepEqual(attempt.all('retrying').map((one) => one.status), [429]);
      assert.equal(attempt.all('limit').length, 0);
    }));

  it('takes a 429 with a long wait for a limit instead of sleeping it out, never for success', () =>
    withCodex(server, () => ({ error: { status: 429, headers: { 'retry-after': '3600' } } }), async ({ start }) => {
      const attempt = await start();
      const end = await attempt.ended;
      assert.equal(end.ok, false);
      assert.equal(end.error?.kind, 'rate_limit');
      assert.equal(end.error.status, 429);
      assert.deepEqual(attempt.all('limit').map((one) => one.resets_at), [null]);
    }));

  it('gives up on a 429 that does not end as a limit', () =>
    withCodex(server, () => ({ error: { status: 429, headers: { 'retry-after': '1' } } }), async ({ start }) => {
      const attempt = await start({ config: IMPATIENT });
      assert.equal((await attempt.ended).error?.kind, 'rate_limit');
      assert.equal(attempt.all('limit').length, 1);
    }));

  it('knows when the limit of a plan ends (row 229)', () => {
    const resets = hour();
    const headers = { 'x-codex-primary-used-percent': '100', 'x-codex-primary-window-minutes': '300', 'x-codex-primary-reset-at': String(resets) };
    const body = { error: { type: 'usage_limit_reached', message: 'The usage limit has been reached', plan_type: 'pro', resets_at: resets } };
    return withCodex(server, [{ error: { status: 429, headers, body } }], async ({ start }) => {
      const attempt = await start();
      const end = await attempt.ended;
      assert.equal(end.ok, false);
      assert.equal(end.error?.kind, 'usage_limit');
      assert.equal(end.error.resets_at, resets * 1000);
      assert.deepEqual(attempt.all('limit').map((one) => one.resets_at), [resets * 1000]);
    });
  });

  it('takes the later end where the week is used up too, and no end of a window that is not', () => {
    const resets = hour();
    const usage = (primary: number, secondary: number) => ({
      'x-codex-primary-used-percent': String(primary),
      'x-codex-primary-window-minutes': '300',
      'x-codex-primary-reset-at': String(resets),
      'x-codex-secondary-used-percent': String(secondary),
      'x-codex-secondary-window-minutes': '10080',
      'x-codex-secondary-reset-at': String(resets + 86_400),
    });
    const limit = (headers: Record<string, string>) => ({ error: { status: 429, headers, body: { error: { type: 'usage_limit_reached', message: 'limit' } } } });
    return withCodex(server, [limit(usage(100, 100)), limit(usage(100, 40))], async ({ start }) => {
      assert.equal((await (await start()).ended).error?.resets_at, (resets + 86_400) * 1000);
      assert.equal((await (await start()).ended).error?.resets_at, resets * 1000);
    });
  });

  it('takes no talk about limits for one', () =>
    withCodex(server, [{ text: 'Error 429: usage limit reached, try again at 3 PM. That is what the log said; it is fixed.' }], async ({ start }) => {
      const attempt = await start();
      assert.equal((await attempt.ended).ok, true);
      assert.equal(attempt.all('limit').length, 0);
    }));

  it('recovers from an overloaded provider (529) and says that it tries again', () =>
    withCodex(server, [...Array.from({ length: 2 }, () => ({ error: { status: 529 } })), { text: 'Recovered.' }], async ({ start }) => {
      const attempt = await start({ config: IMPATIENT });
      assert.equal((await attempt.ended).result, 'Recovered.');
      assert.deepEqual(attempt.all('retrying').map((one) => one.status), [529]);
    }));

  it('reports a provider that stays overloaded, or fails, as such', async () => {
    for (const [status, kind] of [[529, 'overloaded'], [500, 'server_error'], [502, 'server_error']] as const) {
      await withCodex(server, () => ({ error: { status } }), async ({ start }) => {
        assert.equal((await (await start({ config: IMPATIENT })).ended).error?.kind, kind);
      });
    }
  });

  it('recovers from an answer that was cut off, whose first part is not said twice', () =>
    withCodex(server, [{ text: 'Begun but cut off', cut: true }, { text: 'The whole answer.' }], async ({ start }) => {
      const attempt = await start();
      assert.equal((await attempt.ended).result, 'The whole answer.');
      assert.deepEqual(attempt.all('text').map((one) => one.text), ['The whole answer.']);
      assert.deepEqual(attempt.all('retrying').map((one) => one.status), [null]);
    }));

  it('reports a connection that always breaks, or is refused, as a connection error', async () => {
    await withCodex(server, () => ({ text: 'Begun but cut off', cut: true }), async ({ start }) => {
      const end = await (await start({ config: IMPATIENT })).ended;
      assert.equal(end.ok, false);
      assert.equal(end.error?.kind, 'connection');
    });
    await withCodex(server, [], async ({ home, start }) => {
      const env = await codexEnvironment(home, 'http://127.0.0.1:9');
      assert.equal((await (await start({ config: { ...IMPATIENT, env } })).ended).error?.kind, 'connection');
    });
  });

  it('knows an unknown model', () =>
    withCodex(server, () => ({ error: { status: 404, message: 'no such model' } }), async ({ start }) => {
      const end = await (await start({ model: 'no-such-model-9' })).ended;
      assert.deepEqual(end.error, { kind: 'model_not_found', message: 'no such model' });
    }));

  it('knows a request that is refused for what it says', () =>
    withCodex(server, [{ error: { status: 400, message: 'prompt has a bad thing' } }], async ({ start }) => {
      assert.deepEqual((await (await start()).ended).error, { kind: 'invalid_request', message: 'prompt has a bad thing' });
    }));

  it('takes a CLI that is not signed in for an authentication error, without asking the network', () =>
    withCodex(server, [], async ({ home, start }) => {
      const env = { HOME: home, CODEX_HOME: home };
      const end = await (await start({ config: { env } })).ended;
      assert.equal(end.error?.kind, 'authentication');
      assert.match(end.error.message, /codex login/);
    }));

  it('says what the CLI said when it refuses its command line', () =>
    withCodex(server, [], async ({ start }) => {
      const end = await (await start({ config: { args: ['--no-such-option'] } })).ended;
      assert.equal(end.error?.kind, 'unknown');
      assert.match(end.error.message, /no-such-option/);
    }));

  it('says how to install the CLI when it is missing', () =>
    withCodex(server, [], async ({ start }) => {
      const end = await (await start({ config: { command: '/nowhere/codex' } })).ended;
      assert.equal(end.error?.kind, 'not_found');
      assert.match(end.error.message, /npm install -g @openai\/codex/);
    }));
});
