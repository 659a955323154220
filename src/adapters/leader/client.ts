/** The EngineApi of a leader in another process. */
import * as net from 'node:net';
import { BatonError } from '../../core/errors.ts';
import type { TaskExecution } from '../../core/execution.ts';
import type { ChangesView, Command, CommandReply, EngineApi, Snapshot } from '../../shared/api.ts';
import type { HealthReport } from '../../shared/health.ts';
import type { MetricsReport } from '../../shared/metrics.ts';
import { errorFromWire, IPC_VERSION, type ClientRequest, type Hello, type LeaderMessage } from '../../shared/ipc.ts';
import type { Origin } from './consent.ts';
import { lineChannel, type LineChannel } from './framing.ts';
import type { LeaderInfo } from './lock.ts';

/** Bytes of one message of the leader; a snapshot of ten thousand tasks has some ten million. */
const MESSAGE_LIMIT = 512 * 1024 * 1024;

export interface ClientConnection {
  readonly api: EngineApi;
  /** Resolves when the leader is gone or the connection was closed. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface ClientOptions {
  readonly info: LeaderInfo;
  readonly host: 'vscode' | 'cli';
  readonly origin: Origin;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal;
}

/** Connects and says hello. Rejects with `leader_gone` when nobody answers there, `refused` or `unsupported` when the leader says so. */
export function connectEngine({ info, host, origin, signal }: ClientOptions): Promise<ClientConnection> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(info.socket);
    const abort = (): void => void socket.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    const client = new Client(socket, {
      welcome: () => {
        signal?.removeEventListener('abort', abort);
        resolve(client);
      },
      // After the welcome these have no effect: a promise settles once.
      refused: reject,
    });
    const hello: Hello = { type: 'hello', version: IPC_VERSION, token: info.token, pid: process.pid, host, mark: origin.mark, ancestors: [...origin.ancestors] };
    client.say(hello);
  });
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: BatonError): void;
}

/** How the leader takes the hello; the first call counts. */
interface Greeting {
  welcome(): void;
  refused(error: BatonError): void;
}

class Client implements ClientConnection {
  readonly api: EngineApi;
  readonly closed: Promise<void>;
  readonly #channel: LineChannel;
  readonly #greeting: Greeting;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #lastId = 0;
  #gone = false;

  constructor(socket: net.Socket, greeting: Greeting) {
    this.#greeting = greeting;
    let ended: () => void;
    this.closed = new Promise((resolve) => (ended = resolve));
    this.#channel = lineChannel(socket, {
      message: (message) => this.#receive(message as LeaderMessage),
      limit: () => MESSAGE_LIMIT,
      closed: () => {
        this.#end();
        ended();
      },
    });
    this.api = {
      snapshot: () => this.#ask<Snapshot>({ type: 'snapshot' }),
      onSnapshot: (listener) => this.#listen(listener),
      send: (command: Command) => this.#ask<CommandReply>({ type: 'send', command }),
      task: async (taskId) => (await this.#ask<TaskExecution | null>({ type: 'task', task_id: taskId })) ?? undefined,
      changes: (taskId) => this.#ask<ChangesView>({ type: 'changes', task_id: taskId }),
      metrics: (query) => this.#ask<MetricsReport>({ type: 'metrics', query }),
      health: () => this.#ask<HealthReport>({ type: 'health' }),
    };
  }

  close(): void {
    this.#channel.destroy();
  }

  say(message: Hello | ClientRequest): void {
    this.#channel.write(message);
  }

  #ask<T>(request: DistributiveOmit<Exclude<ClientRequest, { type: 'subscribe' }>, 'id'>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(gone());
        return;
      }
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      this.say({ ...request, id });
    });
  }

  #listen(listener: (snapshot: Snapshot) => void): { dispose(): void } {
    // A listener handed in twice is two.
    const own = (snapshot: Snapshot): void => listener(snapshot);
    if (this.#listeners.size === 0) this.say({ type: 'subscribe', on: true });
    this.#listeners.add(own);
    return {
      dispose: () => {
        if (this.#listeners.delete(own) && this.#listeners.size === 0) this.say({ type: 'subscribe', on: false });
      },
    };
  }

  #receive(message: LeaderMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#greeting.welcome();
        break;
      case 'refused':
        this.#greeting.refused(errorFromWire(message.error));
        break;
      case 'result':
        this.#take(message.id)?.resolve(message.value);
        break;
      case 'error':
        this.#take(message.id)?.reject(errorFromWire(message.error));
        break;
      case 'pushed':
        for (const listener of [...this.#listeners]) listener(message.snapshot);
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #end(): void {
    this.#gone = true;
    this.#greeting.refused(gone());
    for (const pending of this.#pending.values()) pending.reject(gone());
    this.#pending.clear();
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function gone(): BatonError {
  return new BatonError('leader_gone', 'The Baton process that leads this repository went away before it answered.', { hint: 'Look whether it was done, and try again if it was not.' });
}
