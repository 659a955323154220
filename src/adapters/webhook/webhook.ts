/** The Webhook port over HTTP: one signed POST an attempt. */
import { createHmac } from 'node:crypto';
import type { Webhook, WebhookRequest } from '../../engine/ports.ts';
import type { Redactor } from '../runs/redact.ts';

const USER_AGENT = 'Baton-Webhook/1';

/**
 * Rejects where the receiver does not take the message, with its `status` or the connection's `code` for the retry policy. Nothing that it throws
 * holds the address, which is a secret with Slack and others.
 */
export function createWebhook(redactor: Redactor): Webhook {
  return {
    send: async (request) => {
      // What an agent or a gate said may hold a secret of the environment. Text by text: in JSON's own writing it may look otherwise, or run on.
      const response = await post({ ...request, body: JSON.stringify(redactor.redactValue(JSON.parse(request.body))) }, Math.floor(Date.now() / 1000)).catch((error: unknown) => {
        throw request.signal.aborted ? error : new ReceiverError(`It could not be reached (${codeOf(error)}).`, { code: codeOf(error) });
      });
      // The body is of no use, but an unread one keeps its connection open.
      await response.body?.cancel().catch(() => undefined);
      if (response.status >= 300) throw new ReceiverError(`It answered with status ${response.status}.`, { status: response.status });
    },
  };
}

/** `X-Baton-Signature` is `v1=` and the hex HMAC-SHA256, keyed with the secret, of `<timestamp>.<body>`. */
export function signature(secret: string, timestamp: number, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

function post({ url, id, event, body, secret, signal }: WebhookRequest, timestamp: number): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    // A redirect would turn the POST into a GET, or carry the signature elsewhere.
    redirect: 'manual',
    signal,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': USER_AGENT,
      'idempotency-key': id,
      'x-baton-delivery': id,
      'x-baton-event': event,
      'x-baton-timestamp': String(timestamp),
      ...(secret === undefined ? {} : { 'x-baton-signature': signature(secret, timestamp, body) }),
    },
    body,
  });
}

/** The system's code of a failed connection (`ECONNREFUSED`), which fetch hides in the causes. */
function codeOf(error: unknown): string {
  for (let one = error; typeof one === 'object' && one !== null; one = 'cause' in one ? one.cause : undefined) {
    if ('code' in one && typeof one.code === 'string') return one.code;
  }
  return 'unknown reason';
}

class ReceiverError extends Error {
  readonly status: number | undefined;
  readonly code: string | undefined;

  constructor(message: string, evidence: { status?: number; code?: string }) {
    super(message);
    this.name = 'ReceiverError';
    this.status = evidence.status;
    this.code = evidence.code;
  }
}
