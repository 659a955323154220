/** Which provider accounts are closed, until when and why. A closed account holds its tasks; other accounts go on. */
import type { Attempt } from '../core/execution.ts';
import type { AccountView } from '../shared/api.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Clock } from './ports.ts';

export interface AccountHold {
  readonly account: string;
  /** Epoch ms; null = until the user signs in and presses Start or Retry. */
  readonly until: number | null;
  readonly reason: string;
  /** Limits in a row without a success between them; drives the backoff when the provider names no time. */
  readonly count: number;
  /** Epoch ms of the evidence: only what began later can prove that the account works. */
  readonly since: number;
}

const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 3_600_000;
/** Tasks of one account resume this far apart, so that they do not run into the same limit together. */
const STAGGER_MS = 2_000;

export class Accounts {
  readonly #holds = new Map<string, AccountHold>();
  readonly #lastResume = new Map<string, number>();
  readonly #lifecycle: Lifecycle;
  readonly #clock: Clock;

  constructor(lifecycle: Lifecycle, clock: Clock, stored: unknown) {
    this.#lifecycle = lifecycle;
    this.#clock = clock;
    // Baton 0.1.0 did not store since when.
    for (const hold of Array.isArray(stored) ? (stored as (Omit<AccountHold, 'since'> & { since?: number })[]) : []) this.#holds.set(hold.account, { since: 0, ...hold });
  }

  /** The hold on an account, or undefined while it is open. */
  hold(account: string): AccountHold | undefined {
    const hold = this.#holds.get(account);
    if (!hold || (hold.until !== null && hold.until <= this.#clock.now())) return undefined;
    return hold;
  }

  holds(): AccountHold[] {
    return [...this.#holds.keys()].map((account) => this.hold(account)).filter((hold) => hold !== undefined);
  }

  /** As the surfaces see the named accounts, each once. */
  views(accounts: readonly string[]): AccountView[] {
    return [...new Set(accounts)].map((account) => {
      const hold = this.hold(account);
      const until = hold?.until ?? null;
      return { account, closed: hold !== undefined, closed_until: until === null ? null : new Date(until).toISOString(), reason: hold?.reason ?? null };
    });
  }

  /**
   * Closes an account until `resetsAt` (epoch ms); without one, for 1, 2, 4 … minutes, at most an hour. One that is closed already stays so at
   * least as long: attempts that run into one limit together meet it once, and a limit says nothing about a sign-in.
   */
  async closeForLimit(account: string, reason: string, resetsAt: number | null): Promise<AccountHold> {
    const now = this.#clock.now();
    const open = this.hold(account);
    if (open !== undefined) {
      if (open.until === null || resetsAt === null || resetsAt <= open.until) return open;
      return this.#close({ ...open, until: resetsAt, reason, since: now });
    }
    const count = (this.#holds.get(account)?.count ?? 0) + 1;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (count - 1), LONGEST_WAIT_MS);
    const until = resetsAt !== null && resetsAt > now ? resetsAt : now + wait;
    return this.#close({ account, until, reason, count, since: now });
  }

  /** Closes an account whose sign-in is refused; it opens when the user asks again. */
  async closeForSignIn(account: string, reason: string): Promise<AccountHold> {
    return this.#close({ account, until: null, reason, count: 0, since: this.#clock.now() });
  }

  /** An attempt that began after the account was closed and succeeded proves that it works; one that was at work before proves nothing. */
  async succeeded({ account, started_at }: Pick<Attempt, 'account' | 'started_at'>): Promise<void> {
    const hold = this.#holds.get(account);
    if (hold === undefined || Date.parse(started_at) <= hold.since) return;
    this.#holds.delete(account);
    await this.#save([{ type: 'account_opened', data: { account } }]);
  }

  /** The user says that sign-in works again: opens what was closed for that. */
  async reopenSignIns(): Promise<void> {
    const closed = [...this.#holds.values()].filter((hold) => hold.until === null);
    if (closed.length === 0) return;
    for (const hold of closed) this.#holds.delete(hold.account);
    await this.#save(closed.map((hold) => ({ type: 'account_opened', data: { account: hold.account } })));
  }

  /** Epoch ms at which the next account opens by itself; undefined when none will. */
  nextOpening(): number | undefined {
    const times = this.holds().flatMap((hold) => (hold.until === null ? [] : [hold.until]));
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** After a limit, grants one start per account and 2 s; says when the next is due (epoch ms), or undefined to go on. */
  staggered(account: string): number | undefined {
    if (!this.#holds.has(account)) return undefined;
    const due = (this.#lastResume.get(account) ?? 0) + STAGGER_MS;
    const now = this.#clock.now();
    if (due > now) return due;
    this.#lastResume.set(account, now);
    return undefined;
  }

  async #close(hold: AccountHold): Promise<AccountHold> {
    this.#holds.set(hold.account, hold);
    await this.#save([{ type: 'account_closed', data: { ...hold } }]);
    return hold;
  }

  async #save(events: { type: string; data: Record<string, unknown> }[]): Promise<void> {
    await this.#lifecycle.record(events, { accounts: [...this.#holds.values()] });
  }
}
