/** Leads with an engine of its own when nobody leads, else connects to the one who does. */
import * as crypto from 'node:crypto';
import { assertMayConsent, type Origin } from '../adapters/leader/consent.ts';
import { connectEngine } from '../adapters/leader/client.ts';
import { acquireLock, readLeaderInfo, type LeaderInfo, type LeaderLock } from '../adapters/leader/lock.ts';
import { serveEngine, type LeaderServer } from '../adapters/leader/server.ts';
import { BatonError } from '../core/errors.ts';
import type { Clock, Log } from '../engine/ports.ts';
import type { EngineApi } from '../shared/api.ts';
import { socketPath } from './directories.ts';
import type { Repository } from './repositoryKey.ts';

export interface BuiltEngine {
  readonly api: EngineApi;
  /** Ends running attempts as interrupted and closes the store. */
  close(): Promise<void>;
}

/** One term: from an election until the leader it found, or was, is gone. */
export interface Term {
  readonly role: 'leader' | 'client';
  readonly api: EngineApi;
  /** Resolves when this term is over. */
  readonly over: Promise<void>;
  close(): Promise<void>;
}

export interface ElectionOptions {
  readonly repository: Repository;
  readonly host: 'vscode' | 'cli';
  readonly prefer: 'lead' | 'client-or-lead' | 'client-only';
  readonly buildEngine: (repository: Repository) => Promise<BuiltEngine>;
  readonly log: Log;
  readonly clock: Clock;
  readonly runtimeDir: string;
  readonly origin: Origin;
}

/** How long a leader may take to answer: it opens its store and recovers first. And how long one is waited for who may not be there. In ms. */
const BUSY_DEADLINE = 30_000;
const ABSENT_DEADLINE = 3000;
/** How long a leader may take to greet a client, in ms. */
const ANSWER_TIME = 5000;
/** Pause between two looks, in ms: grows so that many waiting windows do not keep a machine busy. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 250;

export class Election {
  readonly #options: ElectionOptions;
  readonly #aborter = new AbortController();

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** Ends a run that is under way; no further one succeeds. */
  abort(): void {
    this.#aborter.abort();
  }

  /** Waits, and keeps the process alive for it, which the clock's timers do not. Returns early when aborted. */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#aborter;
    if (signal.aborted) return;
    const alive = setInterval(() => undefined, 60_000);
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(ms, done);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        timer.dispose();
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
    clearInterval(alive);
  }

  /** Rejects as `openSession` says. */
  async run(): Promise<Term> {
    const { clock, prefer } = this.#options;
    const start = clock.now();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
      this.#assertWanted();
      const { term, info, held } = prefer === 'client-only' ? await this.#follow(this.#info()) : await this.#leadOrFollow();
      if (term !== undefined) return term;
      const waited = clock.now() - start;
      if (waited > (held ? BUSY_DEADLINE : ABSENT_DEADLINE)) throw held ? busy(info) : nobody();
      // Some disorder, so that several do not go on looking in step.
      await this.pause(pause * (0.75 + Math.random() / 2));
    }
  }

  async #leadOrFollow(): Promise<{ term?: Term; info?: LeaderInfo | undefined; held: boolean }> {
    const { runtimeDir, repository } = this.#options;
    const attempt = acquireLock(runtimeDir, repository.key);
    if (attempt.kind === 'busy') return { ...(await this.#follow(attempt.info)), held: true };
    return { term: await this.#lead(attempt.lock), held: false };
  }

  async #lead(lock: LeaderLock): Promise<Term> {
    const { buildEngine, clock, host, log, origin, repository, runtimeDir } = this.#options;
    let engine: BuiltEngine | undefined;
    let server: LeaderServer | undefined;
    const close = async (): Promise<void> => {
      try {
        lock.withdraw();
        await server?.close();
        await engine?.close();
      } finally {
        lock.release();
      }
    };
    try {
      engine = await buildEngine(repository);
      this.#assertWanted();
      const token = crypto.randomBytes(32).toString('hex');
      const socket = socketPath(runtimeDir, repository.key, crypto.randomBytes(8).toString('hex'));
      server = await serveEngine({ api: engine.api, socket, token, clock, log });
      lock.publish({ pid: process.pid, started_at: new Date(clock.now()).toISOString(), host, socket, token, root: repository.root });
    } catch (error) {
      await close().catch((second: unknown) => log.error('leader: the engine could not be closed', second));
      throw error;
    }
    // Nobody can take the lead from a process that lives, so this term ends by its own close only.
    return { role: 'leader', api: withConsentCheck(engine.api, origin), over: new Promise(() => undefined), close };
  }

  async #follow(info: LeaderInfo | undefined): Promise<{ term?: Term; info: LeaderInfo | undefined; held: boolean }> {
    const { clock, host, origin } = this.#options;
    if (info === undefined) return { info, held: false };
    // A suspended leader accepts the connection and says nothing.
    const patience = new AbortController();
    const timer = clock.after(ANSWER_TIME, () => patience.abort());
    try {
      const signal = AbortSignal.any([this.#aborter.signal, patience.signal]);
      const connection = await connectEngine({ info, host, origin, signal });
      const close = (): Promise<void> => {
        connection.close();
        return connection.closed;
      };
      return { term: { role: 'client', api: connection.api, over: connection.closed, close }, info, held: true };
    } catch (error) {
      // Both pass: a leader that has just gone, and one whose file was written by its predecessor.
      if (error instanceof BatonError && (error.kind === 'leader_gone' || error.kind === 'refused')) return { info, held: false };
      throw error;
    } finally {
      timer.dispose();
    }
  }

  #info(): LeaderInfo | undefined {
    return readLeaderInfo(this.#options.runtimeDir, this.#options.repository.key);
  }

  #assertWanted(): void {
    if (this.#aborter.signal.aborted) throw closed();
  }
}

/** A command that leads by itself asks nobody else's leave, so the rule of consent is kept here too. */
function withConsentCheck(api: EngineApi, origin: Origin): EngineApi {
  return {
    snapshot: () => api.snapshot(),
    onSnapshot: (listener) => api.onSnapshot(listener),
    task: (taskId) => api.task(taskId),
    changes: (taskId) => api.changes(taskId),
    metrics: (query) => api.metrics(query),
    health: () => api.health(),
    send: async (command) => {
      await assertMayConsent(command, origin, api);
      return api.send(command);
    },
  };
}

export function closed(): BatonError {
  return new BatonError('leader_gone', 'This session with Baton was closed.');
}

function busy(info: LeaderInfo | undefined): BatonError {
  const who = info === undefined ? 'Another process' : `Process ${info.pid} (${info.host === 'vscode' ? 'VS Code' : 'the baton command'}, since ${info.started_at})`;
  return new BatonError('leader_busy', `${who} leads this repository but does not answer.`, { hint: 'Wait a moment, or end that process; the lead is free as soon as it is gone.' });
}

function nobody(): BatonError {
  return new BatonError('leader_gone', 'No Baton is running for this repository.', { hint: 'Open the repository in VS Code, or run: baton run' });
}
