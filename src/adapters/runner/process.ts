/** A runner's work from its order to its agent's end: who listens, who is away, what is answered meanwhile. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { errorToData, messageOf } from '../../core/errors.ts';
import { formatDuration } from '../../core/format.ts';
import type { AgentDriver, AgentMessage, AttemptOrder, Clock, Disposable } from '../../engine/ports.ts';
import { acceptsEdits, judgePermission, permissionQuestion } from '../../engine/permissionQuestion.ts';
import { failure } from '../agents/launch.ts';
import type { Redactor } from '../runs/redact.ts';
import { messageIn, readTranscript, Transcript, type StoredEntry } from '../runs/transcript.ts';
import { replaceFileSync } from '../store/atomicFile.ts';
import { resolvePath } from '../system/resolvePath.ts';
import { Attendant, type PermissionRequest } from './attendant.ts';
import { socketLink, type Link } from '../process/link.ts';
import { RUNNER_FILE, RUNNER_VERSION, type FromRunner, type RunnerInfo, type ToRunner } from './protocol.ts';

export interface RunnerProcessOptions {
  readonly start: ToRunner & { type: 'start' };
  readonly engine: Link<FromRunner>;
  readonly drivers: readonly AgentDriver[];
  /** Knows the secrets of this process's environment. */
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Ends this process. */
  readonly exit: () => void;
}

/** How long an engine may take to take in the end, in ms. */
const FAREWELL_MS = 5_000;

export class RunnerProcess {
  readonly #options: RunnerProcessOptions;
  readonly #token = randomBytes(32).toString('hex');
  readonly #infoFile: string;
  readonly #transcript: Transcript;
  readonly #attendant: Attendant;
  #engine: Link<FromRunner> | undefined;
  #server: Server | undefined;
  /** No later engine can come. */
  #unreachable = false;
  #grace: Disposable | undefined;
  /** What it judges by while no engine is there: the order's, until an engine tells of others. */
  #rules: Pick<AttemptOrder, 'permissions' | 'granted'>;
  /** What every engine is to know. */
  #warning: string | undefined;

  constructor(options: RunnerProcessOptions) {
    this.#options = options;
    this.#engine = options.engine;
    const { order, id } = options.start;
    this.#rules = order;
    this.#infoFile = path.join(order.directory, RUNNER_FILE);
    options.redactor.learn(order.request.agent.env);
    options.redactor.learn(order.request.env);
    this.#transcript = new Transcript({ directory: order.directory, redactor: options.redactor, now: () => options.clock.now(), onError: (file, error) => this.#warn(file, error) });
    this.#listen();
    const driver = options.drivers.find(({ kind }) => kind === order.request.agent.driver);
    this.#attendant = new Attendant(driver, order, {
      runner: id,
      clock: options.clock,
      write: (entry) => this.#transcript.append(entry),
      hear: (message, seq) => this.#hear(message, seq),
    });
    void this.#attendant.over.then(() => this.#leave());
  }

  /** Obeys an engine. */
  take(message: ToRunner, from: Link<FromRunner>): void {
    if (from !== this.#engine) return;
    if (message.type === 'kill') void this.#attendant.kill(message.reason);
    else if (message.type === 'answer') this.#reply(from, message.id, this.#attendant.answer(message.request_id, message.answer, message.by));
    else if (message.type === 'send') this.#reply(from, message.id, this.#attendant.send(message.text));
    else if (message.type === 'rules') this.#rules = message;
  }

  /** The engine is away: the agent goes on for as long as it may. */
  lost(engine: Link<FromRunner>): void {
    if (engine !== this.#engine) return;
    this.#engine = undefined;
    const seconds = this.#unreachable ? 0 : this.#options.start.order.orphan_grace;
    const grace = this.#options.clock.after(seconds * 1000, () => {
      const end = failure('interrupted', this.#unreachable ? 'Baton went away, and its runner could not be reached by another.' : `No Baton came back for the agent within ${formatDuration(seconds)}.`);
      // One that comes while the agent finishes what it was at is in time.
      void this.#attendant.endAtSafePoint(end, () => this.#grace === grace);
    });
    this.#grace = grace;
    for (const request of this.#attendant.pending) this.#judge(request);
  }

  stop(reason: string): void {
    void this.#attendant.end(failure('interrupted', reason));
  }

  /** A fault of the runner itself must not leave an agent without anybody. */
  fail(error: unknown): void {
    this.#transcript.append({ type: 'log', text: `The runner failed: ${messageOf(error)}` });
    this.stop('The runner of the agent failed.');
  }

  /** The agent goes on; what it says meanwhile, no later engine can learn. */
  #warn(file: string, error: unknown): void {
    this.#warning = `The transcript ${file} cannot be written: ${messageOf(error)}. The agent goes on, but what it says is not kept, and if it ends while Baton is away, its attempt is begun anew. Make room on the disk, or make the file writable.`;
    this.#engine?.send({ type: 'warning', text: this.#warning });
  }

  #hear(message: AgentMessage, seq: number): void {
    if (this.#engine !== undefined) this.#engine.send({ type: 'message', seq, message });
    else if (message.type === 'permission') this.#judge(message);
  }

  /** What policy decides needs no engine; what a human decides waits for one. */
  #judge(request: PermissionRequest): void {
    const { order } = this.#options.start;
    void permissionQuestion(request, order.request.cwd, resolvePath)
      .then((question) => {
        const { then, reason, by } = judgePermission(this.#rules.permissions, this.#rules.granted, question, acceptsEdits(order.request.role, order.request.agent.permission_mode));
        if (this.#engine !== undefined || then === 'ask') return undefined;
        return this.#attendant.answer(request.request_id, then === 'allow' ? { behavior: 'allow' } : { behavior: 'deny', message: reason }, by);
      })
      .catch((error: unknown) => this.#transcript.append({ type: 'log', text: `A permission request could not be judged: ${messageOf(error)}` }));
  }

  #reply(to: Link<FromRunner>, id: number, work: Promise<void>): void {
    work.then(
      () => to.send({ type: 'reply', id }),
      (error: unknown) => to.send({ type: 'reply', id, error: errorToData(error) }),
    );
  }

  // ------------------------------------------------------------ later engines

  #listen(): void {
    const { id, socket } = this.#options.start;
    let listens = false;
    const failed = (error: Error): void => {
      // A single connection that could not be accepted says nothing of the next.
      if (listens) return;
      this.#unreachable = true;
      this.#transcript.append({ type: 'log', text: `After a reload of the window this agent cannot be found again: ${error.message}` });
    };
    this.#server = createServer((connection) => this.#greet(connection)).on('error', failed);
    this.#server.listen(socket, () => {
      try {
        if (process.platform !== 'win32') chmodSync(socket, 0o600);
        mkdirSync(path.dirname(this.#infoFile), { recursive: true });
        const info: RunnerInfo = { version: RUNNER_VERSION, id, pid: process.pid, socket, token: this.#token };
        replaceFileSync(this.#infoFile, `${JSON.stringify(info)}\n`, 0o600);
        listens = true;
      } catch (error) {
        failed(error as Error);
      }
    });
  }

  #greet(connection: Socket): void {
    let known = false;
    const link = socketLink<FromRunner, ToRunner>(connection, {
      message: (message) => {
        if (known) this.take(message, link);
        else if (message.type === 'hello' && message.version === RUNNER_VERSION && sameToken(message.token, this.#token)) {
          known = true;
          this.#attach(link);
        } else connection.destroy();
      },
      closed: () => this.lost(link),
    });
  }

  /** From here on the engine hears everything, beginning with what was said before it came. */
  #attach(link: Link<FromRunner>): void {
    void this.#engine?.close();
    this.#engine = link;
    this.#grace?.dispose();
    this.#grace = undefined;
    const pending = new Map(this.#attendant.pending.map((request) => [request.request_id, request]));
    link.send({ type: 'welcome', pending: [...pending.keys()] });
    for (const entry of this.#journal()) {
      // As it was asked: the transcript knows no secrets.
      const message = entry.type === 'permission' ? pending.get(String(entry['request_id'])) : messageIn(entry);
      if (message?.type === 'permission') pending.delete(message.request_id);
      if (message !== undefined) link.send({ type: 'message', seq: entry.seq, message });
    }
    if (this.#warning === undefined) return;
    link.send({ type: 'warning', text: this.#warning });
    // Where the transcript could not be written, an agent that waits must still be heard.
    for (const message of pending.values()) link.send({ type: 'message', seq: -1, message });
  }

  /** What was said so far, as far as it could be kept: a disk that fails ends no agent. */
  #journal(): StoredEntry[] {
    const { order, id } = this.#options.start;
    try {
      return readTranscript(order.directory, id);
    } catch (error) {
      this.#transcript.append({ type: 'log', text: `What was said so far cannot be told again: ${messageOf(error)}` });
      return [];
    }
  }

  /** The agent has ended, and its end is written: whoever asks later finds it there. */
  async #leave(): Promise<void> {
    this.#transcript.close();
    this.#options.clock.after(FAREWELL_MS, this.#options.exit);
    rmSync(this.#infoFile, { force: true });
    this.#server?.close();
    if (process.platform !== 'win32') rmSync(this.#options.start.socket, { force: true });
    await this.#engine?.close();
    try {
      // Only the end of this process is left, which should not be in the way of what the engine does next.
      setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // A machine that allows this to nobody.
    }
    this.#options.exit();
  }
}

/** In constant time, so that a wrong token tells nothing of the right one. */
function sameToken(given: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(right));
}
