import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { createWebhook } from '../../../src/adapters/webhook/webhook.ts';
import { classifyError, evidenceOf } from '../../../src/core/classify.ts';
import type { WebhookRequest } from '../../../src/engine/ports.ts';
import { makeReceiver } from '../../support/receiver.ts';

const request = (url: string, more: Partial<WebhookRequest> = {}): WebhookRequest => ({
  url,
  id: 'repo-7',
  event: 'task_failed',
  body: '{"event":"task_failed"}',
  signal: new AbortController().signal,
  ...more,
});
const failed = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was taken');
};

describe('A webhook', () => {
  const webhook = createWebhook(createRedactor({ API_KEY: 'very-secret-value' }));

  it('posts JSON with its event and an id that stays the same (row 65)', async () => {
    const receiver = await makeReceiver();
    await webhook.send(request(receiver.url));
    const [got] = receiver.got;
    assert.equal(got?.body, '{"event":"task_failed"}');
    assert.match(got.headers['content-type'] ?? '', /^application\/json/);
    assert.equal(got.headers['x-baton-event'], 'task_failed');
    assert.equal(got.headers['x-baton-delivery'], 'repo-7');
    assert.equal(got.headers['idempotency-key'], 'repo-7');
    assert.equal(got.headers['x-baton-signature'], undefined);
  });

  it('is signed with its secret over time and body, so that a receiver can refuse forgeries and repetitions', async () => {
    const receiver = await makeReceiver();
    await webhook.send(request(receiver.url, { secret: 'shared' }));
    const { headers = {}, body = '' } = receiver.got[0] ?? {};
    const timestamp = String(headers['x-baton-timestamp']);
    assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60, timestamp);
    assert.equal(headers['x-baton-signature'], `v1=${createHmac('sha256', 'shared').update(`${timestamp}.${body}`).digest('hex')}`);
  });

  it('carries no secret of the environment', async () => {
    const receiver = await makeReceiver();
    await webhook.send(request(receiver.url, { body: '{"message":"key very-secret-value was refused"}' }));
    assert.equal(receiver.got[0]?.body, '{"message":"key [redacted] was refused"}');
  });

  it('stays JSON whatever secret is in it, and loses nothing else of it', async () => {
    const receiver = await makeReceiver();
    const body = { first: 'see http://localhost:3000', second: '-----BEGIN PRIVATE KEY-----\nMIIE', third: 'me@host.example' };
    await webhook.send(request(receiver.url, { body: JSON.stringify(body) }));
    const got = JSON.parse(receiver.got[0]?.body ?? '') as typeof body;
    assert.deepEqual([got.first, got.third], [body.first, body.third]);
    assert.doesNotMatch(got.second, /MIIE/);
  });

  it('says what a retry can be judged by, and never its address', async () => {
    const receiver = await makeReceiver();
    const judged = async (): Promise<string> => {
      const error = await failed(webhook.send(request(receiver.url)));
      assert.doesNotMatch(`${error.message} ${String(error.stack)}`, /s3cret-path/);
      return classifyError(evidenceOf(error)).decision;
    };
    receiver.answer = (response) => response.writeHead(503).end('later');
    assert.equal(await judged(), 'retry');
    receiver.answer = (response) => response.writeHead(404).end('who?');
    assert.equal(await judged(), 'never');
    receiver.answer = (response) => response.destroy();
    assert.equal(await judged(), 'retry');
    await receiver.close();
    assert.equal(await judged(), 'retry');
  });

  it('follows no redirect', async () => {
    const receiver = await makeReceiver();
    receiver.answer = (response) => response.writeHead(302, { location: '/elsewhere' }).end();
    assert.match((await failed(webhook.send(request(receiver.url)))).message, /status 302/);
    assert.equal(receiver.got.length, 1);
  });

  it('ends with its signal', async () => {
    const receiver = await makeReceiver();
    const controller = new AbortController();
    receiver.answer = () => controller.abort(new Error('enough'));
    assert.match((await failed(webhook.send(request(receiver.url, { signal: controller.signal })))).message, /enough/);
  });
});
