/** The two-way JSON-RPC that agents speak over their standard streams, one message a line. */
import { object, parseLine, string, type Json } from './json.ts';

/** An answer of the server that is an error. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export type RequestId = string | number;

export interface RpcHandler {
  notified(method: string, params: Json): void;
  /** The server asks; the answer goes back by `respond` or `refuse`. */
  asked(id: RequestId, method: string, params: Json): void;
  /** A line that is no message. */
  noise(line: string): void;
}

export const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;

export class Rpc {
  private readonly write: (line: string) => void;
  private readonly handler: RpcHandler;
  private readonly waiting = new Map<RequestId, { resolve: (result: Json) => void; reject: (error: RpcError) => void }>();
  private readonly envelope: Json;
  private next = 1;

  /** `versioned`: every message says that it is JSON-RPC 2.0, which Codex leaves out. */
  constructor(write: (line: string) => void, handler: RpcHandler, versioned: boolean) {
    this.envelope = versioned ? { jsonrpc: '2.0' } : {};
    this.write = write;
    this.handler = handler;
  }

  /** @throws RpcError when the server refuses, or ends before it answers. */
  request(method: string, params: Json): Promise<Json> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send({ id, method, params });
    });
  }

  notify(method: string, params?: Json): void {
    this.send({ method, ...(params === undefined ? {} : { params }) });
  }

  respond(id: RequestId, result: Json): void {
    this.send({ id, result });
  }

  refuse(id: RequestId, message: string): void {
    this.send({ id, error: { code: METHOD_NOT_FOUND, message } });
  }

  receive(line: string): void {
    const message = parseLine(line);
    if (!message) {
      if (line.trim() !== '') this.handler.noise(line);
      return;
    }
    const method = string(message['method']);
    const id = message['id'];
    const named = typeof id === 'string' || typeof id === 'number';
    if (method === undefined) {
      if (named) this.settle(id, message);
    } else if (named) this.handler.asked(id, method, object(message['params']));
    else this.handler.notified(method, object(message['params']));
  }

  /** The server has ended: nothing is answered any more. */
  close(): void {
    for (const { reject } of this.waiting.values()) reject(new RpcError(INTERNAL_ERROR, 'The agent ended before it answered.'));
    this.waiting.clear();
  }

  private settle(id: RequestId, message: Json): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (message['error'] === undefined) waiting?.resolve(object(message['result']));
    else {
      const error = object(message['error']);
      waiting?.reject(new RpcError(Number(error['code'] ?? INTERNAL_ERROR), string(error['message']) ?? 'The agent refused without saying why.', error['data']));
    }
  }

  private send(message: Json): void {
    this.write(JSON.stringify({ ...this.envelope, ...message }) + '\n');
  }
}
