/** A receiver on 127.0.0.1, of webhooks or of OTLP, that keeps what it gets and answers as the test says. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body parsed; undefined where it is no JSON. */
  readonly json: Record<string, unknown>;
}

export interface Receiver {
  readonly url: string;
  /** Every request, in the order in which they came; also those that were answered with an error. */
  readonly got: Received[];
  /** How the next requests are answered; 200 by default. */
  answer: (response: ServerResponse, request: Received) => void;
  /** Resolves as soon as so many requests have come. */
  until(count: number): Promise<readonly Received[]>;
  /** The `event` of every request that came. */
  events(): unknown[];
  close(): Promise<void>;
}

const open: Receiver[] = [];

/** Listens on a free port. */
export async function makeReceiver(): Promise<Receiver> {
  const got: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8');
      const received = { path: request.url ?? '', headers: request.headers, body, json: JSON.parse(body) as Record<string, unknown> };
      got.push(received);
      receiver.answer(response, received);
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/s3cret-path`,
    got,
    answer: (response) => void response.writeHead(200).end('ok'),
    events: () => got.map(({ json }) => json['event']),
    until: (count) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`${count} requests were expected and ${got.length} came: ${receiver.events().join(', ')}`));
        }, 45_000);
        const look = (): void => {
          if (got.length < count) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(got);
        };
        waiting.add(look);
        look();
      }),
    close: () => closeServer(server),
  };
  open.push(receiver);
  return receiver;
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

afterEach('close receivers', async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
