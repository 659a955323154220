import assert from 'node:assert/strict';
import path from 'node:path';
import { ModelServer } from '../../support/modelServer/server.ts';
import { provisionClaude } from '../../support/agents.ts';
import { withClaude } from './claudeHarness.ts';

let server: ModelServer;
before(async function () {
  this.timeout(600_000);
  await provisionClaude();
  server = await ModelServer.start();
});
after(() => server.close());

describe('the real CLI when the provider fails', function () {
  this.timeout(60_000);

  it('fails as an authentication error within seconds on 401, not after minutes (row 139)', () =>
    withClaude(server, () => ({ error: { status: 401, message: 'invalid x-api-key' } }), async ({ start }) => {
      const attempt = await start();
      const end = await attempt.ended;
      assert.equal(end.error?.kind, 'authentication');
      assert.equal(end.error.status, 401);
      // Left to itself the CLI tries ten times, with longer and longer waits.
      assert.ok(attempt.all('retrying').length <= 2);
    }));

  it('waits as long as a 429 asks for, says so, and recovers', () =>
    withClaude(server, [{ error: { status: 429, headers: { 'retry-after': '1' } } }, { text: 'Recovered.' }], async ({ start }) => {
      const attempt = await start();
      assert.deepEqual(await attempt.ended, { ok: true, result: 'Recovered.', exit_code: 0 });
      const [retry] = attempt.all('retrying');
      assert.equal(retry?.status, 429);
      assert.ok((retry.delay_ms ?? 0) >= 1000);
      assert.equal(attempt.all('limit').length, 0);
    }));

  it('takes a 429 with a long wait for a limit and fails at once, never for success', () =>
    withClaude(server, [{ error: { status: 429, headers: { 'retry-after': '3600' }, message: 'Slow down' } }], async ({ start }) => {
      const attempt = await start();
      const end = await attempt.ended;
      assert.equal(end.ok, false);
      assert.equal(end.error?.kind, 'rate_limit');
      assert.equal(end.error.status, 429);
      assert.deepEqual(attempt.all('limit').map((one) => one.resets_at), [null]);
    }));

  it('knows when the limit of a plan ends', () => {
    const reset = Math.floor(Date.now() / 1000) + 3600;
    const headers = {
      'retry-after': '3600',
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(reset),
      'anthropic-ratelimit-unified-5h-status': 'rejected',
      'anthropic-ratelimit-unified-5h-reset': String(reset),
      'anthropic-ratelimit-unified-5h-utilization': '1',
      'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    };
    return withClaude(server, [{ error: { status: 429, headers, message: 'limit' } }], async ({ start, home, baseUrl }) => {
      const env = { HOME: home, CLAUDE_CONFIG_DIR: path.join(home, '.claude'), ANTHROPIC_BASE_URL: baseUrl, CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-scripted' };
      const attempt = await start({ config: { env } });
      const end = await attempt.ended;
      assert.equal(end.error?.kind, 'usage_limit');
      assert.equal(end.error.resets_at, reset * 1000);
      assert.equal(attempt.all('limit')[0]?.resets_at, reset * 1000);
    });
  });

  it('recovers from an overloaded provider (529) and says that it tries again', () =>
    withClaude(server, [{ error: { status: 529 } }, { error: { status: 529 } }, { text: 'Recovered.' }], async ({ start }) => {
      const attempt = await start();
      assert.equal((await attempt.ended).result, 'Recovered.');
      assert.deepEqual(attempt.all('retrying').map((one) => one.status), [529, 529]);
    }));

  it('reports a provider that stays overloaded as such', () =>
    withClaude(server, () => ({ error: { status: 529 } }), async ({ start }) => {
      const end = await (await start({ env: { CLAUDE_CODE_MAX_RETRIES: '1' } })).ended;
      assert.equal(end.error?.kind, 'overloaded');
      assert.equal(end.error.status, 529);
    }));

  it('reports an error of the server as such', () =>
    withClaude(server, () => ({ error: { status: 500 } }), async ({ start }) => {
      const end = await (await start({ env: { CLAUDE_CODE_MAX_RETRIES: '1' } })).ended;
      assert.equal(end.error?.kind, 'server_error');
      assert.equal(end.error.status, 500);
    }));

  it('recovers from an answer that was cut off, whose first part is not said twice', () =>
    withClaude(server, [{ text: 'Begun but cut off', cut: true }, { text: 'The whole answer.' }], async ({ start }) => {
      const attempt = await start();
      assert.equal((await attempt.ended).result, 'The whole answer.');
      assert.deepEqual(attempt.all('text').map((one) => one.text), ['The whole answer.']);
      assert.deepEqual(attempt.all('retrying').map((one) => one.status), [null]);
    }));

  it('reports a connection that always breaks as a connection error', () =>
    withClaude(server, () => ({ text: 'Begun but cut off', cut: true }), async ({ start }) => {
      const end = await (await start({ env: { CLAUDE_CODE_MAX_RETRIES: '1' } })).ended;
      assert.equal(end.ok, false);
      assert.equal(end.error?.kind, 'connection');
    }));

  it('reports a refused connection as a connection error', () =>
    withClaude(server, [], async ({ start }) => {
      const end = await (await start({ env: { CLAUDE_CODE_MAX_RETRIES: '1', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' } })).ended;
      assert.equal(end.error?.kind, 'connection');
    }));

  it('knows an unknown model', () =>
    withClaude(server, () => ({ error: { status: 404, message: 'model: no-such-model-9' } }), async ({ start }) => {
      const end = await (await start({ model: 'no-such-model-9' })).ended;
      assert.equal(end.error?.kind, 'model_not_found');
    }));

  it('knows a request that is refused for what it says', () =>
    withClaude(server, [{ error: { status: 400, message: 'prompt has a bad thing' } }], async ({ start }) => {
      const end = await (await start()).ended;
      assert.equal(end.error?.kind, 'invalid_request');
      assert.equal(end.error.status, 400);
    }));

  it('takes a CLI that is not signed in for an authentication error', () =>
    withClaude(server, [], async ({ start, home, baseUrl }) => {
      const env = { HOME: home, CLAUDE_CONFIG_DIR: path.join(home, '.claude'), ANTHROPIC_BASE_URL: baseUrl };
      const end = await (await start({ config: { env } })).ended;
      assert.equal(end.error?.kind, 'authentication');
    }));

  it('says what the CLI said when it refuses its command line', () =>
    withClaude(server, [], async ({ start }) => {
      const end = await (await start({ config: { args: ['--no-such-option'] } })).ended;
      assert.equal(end.error?.kind, 'unknown');
      assert.match(end.error.message, /no-such-option/);
    }));

  it('says how to install the CLI when it is missing', () =>
    withClaude(server, [], async ({ start }) => {
      const end = await (await start({ config: { command: '/nowhere/claude' } })).ended;
      assert.equal(end.error?.kind, 'not_found');
      assert.match(end.error.message, /npm install -g @anthropic-ai\/claude-code/);
    }));
});
