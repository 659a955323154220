/**
 * A model provider on the loopback address that says what a script says. The real CLIs talk to it: they take a base
 * URL with a path, so `<url>/s/<scenario>` selects the scenario, and the route tells the provider's protocol.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { anthropic } from './anthropic.ts';
import { chat } from './chat.ts';
import { gemini } from './gemini.ts';
import { openai } from './openai.ts';
import type { Protocol } from './protocol.ts';
import { missing, type Conversation, type Script, type Turn } from './scenario.ts';

/** By the route of a request for a turn. */
const PROTOCOLS: readonly (readonly [RegExp, Protocol])[] = [
  [/^\/v1\/messages$/, anthropic],
  [/^\/v1\/responses$/, openai],
  [/^\/v1\/chat\/completions$/, chat],
  [/^\/v1beta\/models\/[^/]+:streamGenerateContent$/, gemini],
];

export interface LoggedRequest {
  readonly scenario: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
  /** Absent for requests that ask for no turn. */
  readonly conversation?: Conversation;
  /** The turn that it got. */
  readonly turn?: Turn;
}

export class ModelServer {
  /** Base of all scenario URLs, without a slash at the end. */
  readonly url: string;
  /** Every request, in the order of arrival. */
  readonly requests: LoggedRequest[] = [];
  private readonly server: ReturnType<typeof createServer>;
  private readonly scripts = new Map<string, { script: Script; next: number }>();

  private constructor(server: ReturnType<typeof createServer>) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      this.handle(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else sendJson(response, 400, anthropic.errorBody(missing(error instanceof Error ? error.message : String(error)).error ?? { status: 400 }));
      });
    });
    // Codex tries a WebSocket first and falls back to HTTP when it is refused.
    server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\n\r\n'));
  }

  static async start(): Promise<ModelServer> {
    const server = createServer({ keepAliveTimeout: 1_000 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ModelServer(server);
  }

  /** Sets or replaces a scenario; returns the base URL that selects it. */
  scenario(name: string, script: Script): string {
    this.scripts.set(name, { script, next: 0 });
    return `${this.url}/s/${name}`;
  }

  /** The requests for turns of one scenario. */
  turns(scenario: string): LoggedRequest[] {
    return this.requests.filter((one) => one.scenario === scenario && one.turn !== undefined);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const [, scenario = '', route = ''] = /^\/s\/([^/]+)(\/.*)$/.exec(url.pathname) ?? [];
    const body = await readBody(request);
    const logged = { scenario, path: route, headers: request.headers, body };
    const protocol = PROTOCOLS.find(([path]) => path.test(route))?.[1];
    if (request.method === 'POST' && protocol) await this.answer(protocol, logged, response);
    else {
      this.requests.push(logged);
      if (route.endsWith('/count_tokens')) sendJson(response, 200, { input_tokens: 1000 });
      else if (route.endsWith('/models')) sendJson(response, 200, { data: [], has_more: false });
      else sendJson(response, 404, { type: 'error', error: { type: 'not_found_error', message: `No such route: ${request.method ?? ''} ${url.pathname}` } });
    }
  }

  private async answer(protocol: Protocol, logged: LoggedRequest, response: ServerResponse): Promise<void> {
    const conversation = protocol.readConversation(logged.body);
    // Only main turns use up the script: titles, probes and summaries come without tools.
    const turn = conversation.tools.length === 0 ? { text: 'OK' } : this.nextTurn(logged.scenario, conversation);
    this.requests.push(conversation.tools.length === 0 ? { ...logged, conversation } : { ...logged, conversation, turn });
    if (turn.delay_ms !== undefined) await new Promise((resolve) => setTimeout(resolve, turn.delay_ms));
    if (turn.hold) await turn.hold;
    if (turn.silent === true) return;
    if (turn.error) sendJson(response, turn.error.status, protocol.errorBody(turn.error), { ...turn.headers, ...turn.error.headers });
    else await protocol.writeTurn(response, turn, conversation, logged.body['stream'] === true);
  }

  private nextTurn(name: string, conversation: Conversation): Turn {
    const scenario = this.scripts.get(name);
    if (!scenario) return missing(`there is no scenario "${name}"`);
    if (typeof scenario.script === 'function') return scenario.script(conversation);
    return scenario.script[scenario.next++] ?? missing(`"${name}" has only ${scenario.script.length} turns`);
  }
}

const DECODERS: Readonly<Record<string, (data: Buffer) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, Buffer>(zlib.gunzip),
  br: promisify<Buffer, Buffer>(zlib.brotliDecompress),
  deflate: promisify<Buffer, Buffer>(zlib.inflate),
  zstd: promisify<Buffer, Buffer>(zlib.zstdDecompress),
};

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const decode = DECODERS[request.headers['content-encoding'] ?? ''];
  const text = (decode ? await decode(Buffer.concat(chunks)) : Buffer.concat(chunks)).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
