/**
 * Sees to one agent at work, in whatever process that is: writes its transcript, ends it when it hangs, keeps its
 * permission requests open until they are answered.
 */
import { BatonError, messageOf } from '../../core/errors.ts';
import type { AgentDriver, AgentEnd, AgentMessage, AgentSession, AttemptOrder, Clock, PermissionAnswer } from '../../engine/ports.ts';
import { refuseEdit } from '../agents/editable.ts';
import { failure } from '../agents/launch.ts';
import { Watchdog } from './watchdog.ts';

export type PermissionRequest = AgentMessage & { type: 'permission' };

export interface Surroundings {
  /** The runner's id, which the prompt's entry names: a folder may hold what another runner wrote before. */
  readonly runner?: string;
  readonly clock: Clock;
  /** Makes an entry durable and returns its number. */
  readonly write: (entry: { readonly type: string } & Readonly<Record<string, unknown>>) => number;
  /** Told every message after it was written, the `end` last. */
  readonly hear: (message: AgentMessage, seq: number) => void;
}

/** How long an agent that is to stop may take to end what it is doing, in ms. */
const SAFE_POINT_MS = 60_000;

const HANGS = {
  start_timeout: (seconds: number) => `The agent said nothing for ${seconds} s after its start.`,
  silence: (seconds: number) => `The agent was silent for ${seconds} s.`,
  time_limit: (seconds: number) => `The attempt took longer than ${seconds} s.`,
} as const;

export class Attendant {
  /** Resolves when the agent has ended and everybody was told. */
  readonly over: Promise<void>;
  readonly #order: AttemptOrder;
  readonly #around: Surroundings;
  readonly #watchdog: Watchdog;
  readonly #session: Promise<AgentSession>;
  readonly #pending = new Map<string, PermissionRequest>();
  /** Tools that were called and have not answered. */
  readonly #calls = new Set<string>();
  #verdict: AgentEnd | undefined;
  #atRest: (() => void) | undefined;

  /** Begins the attempt at once; a driver that is missing or cannot start is its end. */
  constructor(driver: AgentDriver | undefined, order: AttemptOrder, around: Surroundings) {
    this.#order = order;
    this.#around = around;
    const { request } = order;
    around.write({ type: 'prompt', text: request.prompt, role: request.role, agent: order.agent, model: request.model, resume: request.resume, ...(around.runner === undefined ? {} : { runner: around.runner }) });
    this.#watchdog = new Watchdog(around.clock, order.limits, (kind, seconds) => void this.end(failure(kind, HANGS[kind](seconds))));
    this.#session = driver === undefined ? Promise.reject(new BatonError('unsupported', `No driver for agents of kind "${request.agent.driver}" is built in.`)) : driver.start(request);
    this.over = this.#follow();
  }

  /** Requests that wait for an answer, oldest first. */
  get pending(): readonly PermissionRequest[] {
    return [...this.#pending.values()];
  }

  async answer(requestId: string, answer: PermissionAnswer, by: string): Promise<void> {
    const request = this.#pending.get(requestId);
    if (request === undefined) throw new BatonError('not_found', 'The agent no longer waits for this answer.', { hint: 'It was withdrawn or answered already.' });
    refuseEdit(request, answer);
    this.#settled(requestId);
    this.#around.write({ type: 'permission_answer', request_id: requestId, tool: request.tool, title: request.title, by, ...answer });
    await (await this.#session).answer(requestId, answer);
  }

  async send(text: string): Promise<void> {
    await (await this.#session).send(text);
  }

  async kill(reason: string): Promise<void> {
    const session = await this.#session.catch(() => undefined);
    await session?.kill(reason);
  }

  /** Ends the agent with this as its end, unless it has one already. */
  async end(end: AgentEnd): Promise<void> {
    this.#verdict ??= end;
    await this.kill(end.error?.message ?? 'ended').catch((error: unknown) => this.#say({ type: 'log', text: messageOf(error) }));
  }

  /** As `end`, when no tool is at work: what was begun is finished first, for a minute at most. Not at all where it is no longer wanted by then. */
  async endAtSafePoint(end: AgentEnd, isWanted: () => boolean): Promise<void> {
    if (this.#calls.size > this.#pending.size) {
      await new Promise<void>((resolve) => {
        this.#atRest = resolve;
        this.#around.clock.after(SAFE_POINT_MS, resolve);
      });
    }
    if (isWanted()) await this.end(end);
  }

  async #follow(): Promise<void> {
    const end = await this.#attend().catch((error: unknown) => failure(error instanceof BatonError ? error.kind : 'start_failed', messageOf(error)));
    this.#watchdog.dispose();
    this.#say({ type: 'end', end: this.#verdict ?? end });
  }

  async #attend(): Promise<AgentEnd> {
    const session = await this.#session;
    // A protocol agent that has only been spawned has not said anything yet; a command may work without a word.
    let spawned = this.#order.request.agent.driver === 'command';
    for await (const message of session.messages) {
      if (spawned || message.type !== 'started') this.#watchdog.sign();
      spawned = true;
      if (message.type === 'end') return message.end;
      this.#note(message);
      this.#say(message);
    }
    return failure('crashed', 'The agent ended without a result.');
  }

  #note(message: AgentMessage): void {
    if (message.type === 'permission') {
      this.#pending.set(message.request_id, message);
      this.#watchdog.sleep();
    } else if (message.type === 'permission_withdrawn') this.#settled(message.request_id);
    else if (message.type === 'tool_call') this.#calls.add(message.id);
    else if (message.type === 'tool_result') this.#calls.delete(message.id);
    if (this.#calls.size <= this.#pending.size) this.#atRest?.();
  }

  #settled(requestId: string): void {
    if (this.#pending.delete(requestId)) this.#watchdog.wake();
  }

  #say(message: AgentMessage): void {
    this.#around.hear(message, this.#around.write(message));
  }
}
