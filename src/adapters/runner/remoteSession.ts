/** An agent in another process, as the engine sees it: its runner at the other end of a line. */
import type { PermissionRule } from '../../core/config/schema.ts';
import { BatonError, messageOf } from '../../core/errors.ts';
import type { AgentMessage, AttendedSession, PermissionAnswer } from '../../engine/ports.ts';
import { Channel } from '../agents/channel.ts';
import { failure } from '../agents/launch.ts';
import { killTree } from '../process/kill.ts';
import type { ProcessIdentity } from '../process/table.ts';
import { isAlive } from '../process/table.ts';
import type { Link } from './link.ts';
import { errorFromData, type FromRunner, type ToRunner } from './protocol.ts';

/** How long a runner may take to end its agent's tree, TERM, KILL and its own end included, in ms. */
const KILL_MS = 15_000;
const POLL_MS = 5;

export interface RemoteSessionOptions {
  readonly runner: ProcessIdentity;
  /** The attempt's mark, which every process of the agent's tree carries. */
  readonly mark: string;
}

export class RemoteSession implements AttendedSession {
  readonly messages = new Channel();
  readonly #options: RemoteSessionOptions;
  readonly #link: Link<ToRunner>;
  readonly #replies = new Map<number, { resolve(): void; reject(error: Error): void }>();
  #agent: ProcessIdentity | null = null;
  #asked = 0;
  #detached = false;
  #ending: Promise<void> | undefined;

  constructor(link: Link<ToRunner>, options: RemoteSessionOptions) {
    this.#link = link;
    this.#options = options;
  }

  /** What came from the runner. */
  take(message: FromRunner): void {
    if (message.type === 'message') this.#hear(message.message);
    else if (message.type === 'reply') {
      const waiting = this.#replies.get(message.id);
      this.#replies.delete(message.id);
      if (message.error === undefined) waiting?.resolve();
      else waiting?.reject(errorFromData(message.error));
    }
  }

  /** The line has ended. Without an end before it the runner has died, and its agent must not outlive it. */
  lost(): void {
    for (const waiting of this.#replies.values()) waiting.reject(gone());
    this.#replies.clear();
    if (this.#detached || this.messages.isEnded) return;
    this.#ending ??= this.#endTree();
    void this.#ending
      .catch((error: unknown) => this.messages.push({ type: 'log', text: messageOf(error) }))
      .then(() => this.messages.end(failure('interrupted', 'The runner of the agent ended unexpectedly.')));
  }

  answer(requestId: string, answer: PermissionAnswer, by: string): Promise<void> {
    return this.#ask((id) => ({ type: 'answer', id, request_id: requestId, answer, by }));
  }

  send(text: string): Promise<void> {
    return this.#ask((id) => ({ type: 'send', id, text }));
  }

  rules(permissions: readonly PermissionRule[], granted: readonly PermissionRule[]): void {
    if (!this.messages.isEnded) this.#link.send({ type: 'rules', permissions, granted });
  }

  async kill(reason: string): Promise<void> {
    // Once it has told the end, nothing of the agent is left, and the runner is about to go by itself.
    if (this.#detached || this.messages.isEnded) return this.#ending;
    this.#link.send({ type: 'kill', reason });
    const deadline = performance.now() + KILL_MS;
    while (await isAlive(this.#options.runner)) {
      if (performance.now() > deadline) return (this.#ending ??= this.#endTree());
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await this.#ending;
  }

  async detach(): Promise<void> {
    this.#detached = true;
    this.messages.close();
    await this.#link.close();
  }

  #hear(message: AgentMessage): void {
    if (message.type === 'end') this.messages.end(message.end);
    else this.messages.push(message);
    if (message.type === 'started') this.#agent = message.process;
  }

  #ask(request: (id: number) => ToRunner): Promise<void> {
    if (this.messages.isEnded) return Promise.reject(gone());
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve, reject });
      this.#link.send(request(id));
    });
  }

  /** Where the runner cannot do it itself. */
  async #endTree(): Promise<void> {
    const { runner, mark } = this.#options;
    if (await isAlive(runner)) await killTree(runner, { graceMs: 0 });
    await killTree(this.#agent, { marked: (one) => one === mark });
  }
}

function gone(): BatonError {
  return new BatonError('conflict', 'The agent has ended and takes no more messages.', { hint: 'Request changes instead.' });
}
