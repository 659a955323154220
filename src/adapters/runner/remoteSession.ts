/** An agent in another process, as the engine sees it: its runner at the other end of a line. */
import { rmSync } from 'node:fs';
import type { PermissionRule } from '../../core/config/schema.ts';
import { BatonError, errorFromData, messageOf } from '../../core/errors.ts';
import type { AgentMessage, AttendedSession, PermissionAnswer } from '../../engine/ports.ts';
import { Channel } from '../agents/channel.ts';
import { failure } from '../agents/launch.ts';
import { killTree } from '../process/kill.ts';
import type { ProcessIdentity } from '../process/table.ts';
import { isAlive } from '../process/table.ts';
import type { Link } from '../process/link.ts';
import type { FromRunner, ToRunner } from './protocol.ts';

/** How long a runner may take to end its agent's tree, TERM, KILL and its own end included, in ms. */
const KILL_MS = 15_000;
/** Looking for a process may start a helper program, so the pause grows. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 500;

export interface RemoteSessionOptions {
  readonly runner: ProcessIdentity;
  /** The attempt's mark, which every process of the agent's tree carries. */
  readonly mark: string;
  /** Files of the runner that only one which ends by itself takes away. */
  readonly files: readonly string[];
  /** Whether the runner's process lives; asked of the system when absent. */
  readonly isAlive?: () => Promise<boolean>;
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
  readonly #isAlive: () => Promise<boolean>;
  readonly #closed: Promise<void>;
  #lineClosed: () => void = () => undefined;

  constructor(link: Link<ToRunner>, options: RemoteSessionOptions) {
    this.#link = link;
    this.#options = options;
    this.#isAlive = options.isAlive ?? (() => isAlive(options.runner));
    this.#closed = new Promise((resolve) => (this.#lineClosed = resolve));
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
    this.#lineClosed();
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
    // The line ends just before its process does: until then there is nothing to look for.
    await this.#closedWithin(KILL_MS);
    for (let pause = FIRST_PAUSE_MS; await this.#isAlive(); pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      if (performance.now() > deadline) return (this.#ending ??= this.#endTree());
      await new Promise((resolve) => setTimeout(resolve, pause));
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

  async #closedWithin(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([this.#closed, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
    clearTimeout(timer);
  }

  /** Where the runner cannot do it itself. */
  async #endTree(): Promise<void> {
    const { runner, mark, files } = this.#options;
    if (await this.#isAlive()) await killTree(runner, { graceMs: 0 });
    await killTree(this.#agent, { marked: (one) => one === mark });
    removeFiles(files);
  }
}

/** What a runner that was killed has left of itself. */
export function removeFiles(files: readonly string[]): void {
  for (const file of files) rmSync(file, { force: true });
}

function gone(): BatonError {
  return new BatonError('conflict', 'The agent has ended and takes no more messages.', { hint: 'Request changes instead.' });
}
