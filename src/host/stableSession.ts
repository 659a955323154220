/** A session that outlives its leaders: one EngineApi for its user, whoever answers at the moment. */
import { BatonError, messageOf } from '../core/errors.ts';
import type { Disposable, Log } from '../engine/ports.ts';
import type { EngineApi, Snapshot } from '../shared/api.ts';
import { closed, type Election, type Term } from './election.ts';
import type { Session } from './session.ts';

/** Reads are tried again on the next leader, this often at most. */
const READ_ATTEMPTS = 3;
/** Pause before a failed election is repeated, in ms. */
const ELECTION_PAUSE = 2000;

export class StableSession implements Session {
  readonly root: string;
  readonly api: EngineApi;
  readonly opened: Promise<void>;
  readonly #election: Election;
  readonly #log: Log;
  /** The term under way or the one being elected; rejected while nobody can be reached. */
  #term: Promise<Term>;
  /** The term under way, if any; what comes from another one comes too late. */
  #active: Term | undefined;
  #role: Session['role'] = 'client';
  #closing: Promise<void> | undefined;
  readonly #roleListeners = new Set<(role: Session['role']) => void>();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #subscription: Disposable | undefined;
  readonly #sequence = new Sequence();

  constructor(root: string, election: Election, log: Log) {
    this.root = root;
    this.#election = election;
    this.#log = log;
    this.#term = this.#hold(election.run());
    this.opened = this.#term.then(() => undefined);
    void this.#live();
    this.api = {
      snapshot: () => this.#read(async (term) => this.#sequence.of(term, await term.api.snapshot())),
      onSnapshot: (listener) => this.#listen(listener),
      // Not repeated: the leader may have done it before it went away.
      send: async (command) => (await this.#current()).api.send(command),
      task: (taskId) => this.#read(({ api }) => api.task(taskId)),
      changes: (taskId) => this.#read(({ api }) => api.changes(taskId)),
      metrics: (query) => this.#read(({ api }) => api.metrics(query)),
      health: () => this.#read(({ api }) => api.health()),
    };
  }

  get role(): Session['role'] {
    return this.#role;
  }

  onRoleChange(listener: (role: Session['role']) => void): Disposable {
    this.#roleListeners.add(listener);
    return { dispose: () => void this.#roleListeners.delete(listener) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#election.abort();
    this.#subscription?.dispose();
    this.#listeners.clear();
    this.#roleListeners.clear();
    const term = await this.#term.catch(() => undefined);
    await term?.close();
  }

  /** Elects again whenever a term is over, until the session is closed. */
  async #live(): Promise<void> {
    let term: Term | undefined;
    try {
      term = await this.#term;
    } catch {
      // `opened` has told it; a session that did not open does not live.
      return;
    }
    for (;;) {
      await term?.over;
      if (this.#isClosed()) return;
      if (term !== undefined) this.#log.info('session: the leader is gone; looking for the next one');
      this.#active = undefined;
      this.#subscription = undefined;
      this.#term = this.#hold(this.#election.run());
      try {
        term = await this.#term;
      } catch (error) {
        if (this.#isClosed()) return;
        this.#log.warn(`session: ${messageOf(error)}`);
        term = undefined;
        await this.#election.pause(ELECTION_PAUSE);
      }
    }
  }

  /** Makes a freshly elected term the current one: role, subscription, and a first complete picture for who is listening. */
  #hold(election: Promise<Term>): Promise<Term> {
    const held = election.then(async (term) => {
      if (this.#isClosed()) {
        await term.close();
        throw closed();
      }
      const before = this.#role;
      this.#active = term;
      this.#role = term.role;
      this.#subscribe();
      if (before !== term.role) for (const listener of [...this.#roleListeners]) this.#tell(listener, term.role);
      if (this.#listeners.size > 0) {
        term.api.snapshot().then(
          (snapshot) => this.#deliver(term, snapshot),
          (error: unknown) => this.#log.debug(`session: no first snapshot: ${messageOf(error)}`),
        );
      }
      return term;
    });
    // Whoever calls meanwhile gets the error; a term without callers has nobody to tell.
    held.catch(() => undefined);
    return held;
  }

  async #current(): Promise<Term> {
    if (this.#isClosed()) throw closed();
    return this.#term;
  }

  async #read<T>(read: (term: Term) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const term = await this.#current();
      try {
        return await read(term);
      } catch (error) {
        const isGone = error instanceof BatonError && error.kind === 'leader_gone';
        if (!isGone || term.role === 'leader' || attempt === READ_ATTEMPTS || this.#isClosed()) throw error;
        // Only then is the next term the current one.
        await term.over;
      }
    }
  }

  #listen(listener: (snapshot: Snapshot) => void): Disposable {
    const own = (snapshot: Snapshot): void => listener(snapshot);
    this.#listeners.add(own);
    this.#subscribe();
    return {
      dispose: () => {
        if (!this.#listeners.delete(own) || this.#listeners.size > 0) return;
        this.#subscription?.dispose();
        this.#subscription = undefined;
      },
    };
  }

  #subscribe(): void {
    const term = this.#active;
    if (term === undefined || this.#listeners.size === 0) return;
    this.#subscription ??= term.api.onSnapshot((snapshot) => this.#deliver(term, snapshot));
  }

  #deliver(term: Term, snapshot: Snapshot): void {
    if (term !== this.#active) return;
    const numbered = this.#sequence.of(term, snapshot);
    for (const listener of [...this.#listeners]) this.#tell(listener, numbered);
  }

  /** A listener's fault is its own: it must not take the connection or the other listeners along. */
  #tell<T>(listener: (value: T) => void, value: T): void {
    try {
      listener(value);
    } catch (error) {
      this.#log.error('session: a listener failed', error);
    }
  }

  #isClosed(): boolean {
    return this.#closing !== undefined;
  }
}

/** Keeps `seq` growing through changes of leader, each of whom counts from where it likes. */
class Sequence {
  #term: Term | undefined;
  #offset = 0;
  #last = 0;

  of(term: Term, snapshot: Snapshot): Snapshot {
    if (this.#term !== term) {
      this.#term = term;
      this.#offset = Math.max(0, this.#last + 1 - snapshot.seq);
    }
    const seq = snapshot.seq + this.#offset;
    this.#last = Math.max(this.#last, seq);
    return this.#offset === 0 ? snapshot : { ...snapshot, seq };
  }
}
