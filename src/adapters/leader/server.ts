/** Serves the leader's EngineApi to other processes of the same user over a local socket. */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { BatonError } from '../../core/errors.ts';
import type { Clock, Disposable, Log } from '../../engine/ports.ts';
import type { EngineApi, Snapshot } from '../../shared/api.ts';
import { errorToWire, helloSchema, IPC_VERSION, requestSchema, type ClientRequest, type Hello, type LeaderMessage } from '../../shared/ipc.ts';
import { assertMayConsent } from './consent.ts';
import { lineChannel, type LineChannel } from './framing.ts';

/** Bytes of a message: of one that has not said who it is, and of one that has. */
const HELLO_LIMIT = 16 * 1024;
const MESSAGE_LIMIT = 8 * 1024 * 1024;
/** How long a connection may take to say hello, in ms. */
const HELLO_TIME = 5000;
/** Snapshots a client gets: at most one in this many ms. */
const PUSH_INTERVAL = 250;

export interface ServerOptions {
  readonly api: EngineApi;
  /** Path or pipe name to listen on. */
  readonly socket: string;
  readonly token: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LeaderServer {
  /** Connected clients that have said hello. */
  readonly clients: number;
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/** Listens and resolves when clients can connect. The caller holds the leader's lock, so a socket that is there already is a dead one's. */
export async function serveEngine(options: ServerOptions): Promise<LeaderServer> {
  const connections = new Set<Connection>();
  const server = net.createServer((socket) => {
    const connection = new Connection(socket, options, () => connections.delete(connection));
    connections.add(connection);
  });
  if (process.platform !== 'win32') fs.rmSync(options.socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socket, resolve);
  });
  if (process.platform !== 'win32') fs.chmodSync(options.socket, 0o600);
  server.on('error', (error) => options.log.error('leader: the socket failed', error));
  return {
    get clients() {
      return [...connections].filter((connection) => connection.known).length;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.destroy();
      }),
  };
}

class Connection {
  readonly #options: ServerOptions;
  readonly #channel: LineChannel;
  readonly #helloTimer: Disposable;
  #hello: Hello | undefined;
  #subscription: Disposable | undefined;
  /** The newest snapshot that waits for its turn. */
  #waiting: Snapshot | undefined;
  #lastPush = -Infinity;
  #pushTimer: Disposable | undefined;
  #congested = false;

  constructor(socket: net.Socket, options: ServerOptions, closed: () => void) {
    this.#options = options;
    this.#channel = lineChannel(socket, {
      message: (message) => this.#receive(message),
      limit: () => (this.#hello === undefined ? HELLO_LIMIT : MESSAGE_LIMIT),
      closed: (error) => {
        if (error !== undefined) options.log.debug(`leader: a connection ended: ${error.message}`);
        this.#helloTimer.dispose();
        this.#subscribe(false);
        closed();
      },
    });
    this.#channel.onDrain(() => {
      this.#congested = false;
      this.#push();
    });
    this.#helloTimer = options.clock.after(HELLO_TIME, () => this.#channel.destroy());
  }

  get known(): boolean {
    return this.#hello !== undefined;
  }

  destroy(): void {
    this.#channel.destroy();
  }

  #receive(message: unknown): void {
    if (this.#hello === undefined) {
      this.#greet(message);
      return;
    }
    const parsed = requestSchema.safeParse(message);
    if (parsed.success) {
      if (parsed.data.type === 'subscribe') this.#subscribe(parsed.data.on);
      else void this.#answer(parsed.data, this.#hello);
      return;
    }
    const id = typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined;
    const isTask = parsed.error.issues.some(({ path }) => path[1] === 'task');
    const error = new BatonError(isTask ? 'invalid_task' : 'usage', `The leader does not understand this request: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}.`);
    if (typeof id === 'number') this.#say({ type: 'error', id, error: errorToWire(error) });
    else this.#refuse(error);
  }

  #greet(message: unknown): void {
    this.#helloTimer.dispose();
    const parsed = helloSchema.safeParse(message);
    if (!parsed.success || !sameToken(parsed.data.token, this.#options.token)) {
      this.#refuse(new BatonError('refused', 'The leader does not know this client: its token is not the right one.'));
      return;
    }
    if (parsed.data.version !== IPC_VERSION) {
      const hint = 'Update both, and reload the window or restart the command that leads.';
      this.#refuse(new BatonError('unsupported', `The leading Baton (process ${process.pid}) is of another version than this one.`, { hint }));
      return;
    }
    this.#hello = parsed.data;
    this.#say({ type: 'welcome', pid: process.pid });
  }

  async #answer(request: Exclude<ClientRequest, { type: 'subscribe' }>, hello: Hello): Promise<void> {
    const { id } = request;
    try {
      // undefined would vanish from the JSON; clients read null as undefined.
      this.#say({ type: 'result', id, value: (await this.#perform(request, hello)) ?? null });
    } catch (error) {
      if (!(error instanceof BatonError)) this.#options.log.error(`leader: ${request.type} failed`, error);
      this.#say({ type: 'error', id, error: errorToWire(error) });
    }
  }

  async #perform(request: Exclude<ClientRequest, { type: 'subscribe' }>, hello: Hello): Promise<unknown> {
    const { api } = this.#options;
    switch (request.type) {
      case 'snapshot':
        return api.snapshot();
      case 'task':
        return api.task(request.task_id);
      case 'changes':
        return api.changes(request.task_id);
      case 'metrics':
        return api.metrics(request.query);
      case 'health':
        return api.health();
      case 'send':
        await assertMayConsent(request.command, hello, api);
        return api.send(request.command);
    }
  }

  #subscribe(on: boolean): void {
    if (on) {
      this.#subscription ??= this.#options.api.onSnapshot((snapshot) => {
        this.#waiting = snapshot;
        this.#push();
      });
      return;
    }
    this.#subscription?.dispose();
    this.#subscription = undefined;
    this.#pushTimer?.dispose();
    this.#pushTimer = undefined;
    this.#waiting = undefined;
  }

  /** Sends the newest snapshot when its time has come and the client has read what it got. */
  #push(): void {
    if (this.#waiting === undefined || this.#congested || this.#pushTimer !== undefined) return;
    const { clock } = this.#options;
    const wait = this.#lastPush + PUSH_INTERVAL - clock.now();
    // A clock that was set back must not silence a client.
    if (wait > 0 && wait <= PUSH_INTERVAL) {
      this.#pushTimer = clock.after(wait, () => {
        this.#pushTimer = undefined;
        this.#push();
      });
      return;
    }
    const snapshot = this.#waiting;
    this.#waiting = undefined;
    this.#lastPush = clock.now();
    this.#say({ type: 'pushed', snapshot });
  }

  #refuse(error: BatonError): void {
    this.#options.log.warn(`leader: a connection was refused: ${error.message}`);
    this.#say({ type: 'refused', error: errorToWire(error) });
    this.#channel.end();
  }

  #say(message: LeaderMessage): void {
    if (!this.#channel.write(message)) this.#congested = true;
  }
}

/** In constant time, so that a wrong token tells nothing of the right one. */
function sameToken(given: string, right: string): boolean {
  const digest = (text: string): Buffer => crypto.createHash('sha256').update(text).digest();
  return crypto.timingSafeEqual(digest(given), digest(right));
}
