/** What was spent, by day and area, and what attempts of the past cost and took. Kept up from committed events; outlives its tasks. */
import { dayOf } from '../core/budget.ts';
import { spendingBy, type SpendRow, type SpendShares } from '../core/cost.ts';
import { Experience } from '../core/forecast.ts';
import { historyOf, historyOfRecord, type AttemptRow } from '../core/history.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Clock, Disposable, Store } from './ports.ts';

/** Days that are told apart. */
const DAYS = 14;
/** Attempts that estimates and days rest on. */
const REMEMBERED = 5_000;

export class Ledger implements Disposable {
  readonly experience = new Experience();
  readonly #clock: Clock;
  readonly #listening: Disposable;
  /** The attempts that are remembered, oldest first. */
  readonly #rows: AttemptRow[];
  #shares: { readonly day: string; readonly shares: SpendShares } | undefined;
  /** The attempts that ended today. */
  #today: { readonly day: string; readonly rows: AttemptRow[] };

  /** Reads the history; a store that has none yet, but tasks, gets it from their records. */
  static async open(store: Store, lifecycle: Lifecycle, clock: Clock): Promise<Ledger> {
    const day = dayOf(clock.now());
    let [recent, today] = await Promise.all([attempts(store, { limit: REMEMBERED }), attempts(store, { since: day })]);
    if (recent.length === 0) {
      const rows = lifecycle.all().flatMap(historyOfRecord).sort((a, b) => (a.at < b.at ? -1 : 1));
      if (rows.length > 0) await store.commit({ history: rows });
      recent = rows.filter((row) => row.kind === 'attempt').reverse();
      today = recent.filter((row) => row.at >= day);
    }
    return new Ledger(lifecycle, clock, recent, { day, rows: today });
  }

  private constructor(lifecycle: Lifecycle, clock: Clock, recent: readonly AttemptRow[], today: { day: string; rows: AttemptRow[] }) {
    this.#clock = clock;
    this.#today = today;
    this.#rows = [...recent].reverse();
    for (const row of this.#rows) this.experience.add(row);
    this.#listening = lifecycle.onCommitted(({ task, events }) => {
      for (const row of task === undefined ? [] : historyOf(task, events)) if (row.kind === 'attempt') this.#add(row);
    });
  }

  /** The attempts that ended today (UTC), in no order. */
  today(): readonly SpendRow[] {
    this.#turnPage();
    return this.#today.rows;
  }

  /** Today by agent, model, role and area, and the latest days, of the attempts that have ended. */
  shares(): SpendShares {
    const day = dayOf(this.#clock.now());
    if (this.#shares?.day !== day) {
      const today = this.today();
      const first = dayOf(this.#clock.now() - (DAYS - 1) * 86_400_000);
      const shares = {
        agent: spendingBy(today, 'agent'),
        model: spendingBy(today, 'model'),
        role: spendingBy(today, 'role'),
        area: spendingBy(today, 'area'),
        day: spendingBy(this.#rows.filter((row) => row.at >= first), 'day'),
      };
      this.#shares = { day, shares };
    }
    return this.#shares.shares;
  }

  dispose(): void {
    this.#listening.dispose();
  }

  #add(row: AttemptRow): void {
    this.experience.add(row);
    this.#shares = undefined;
    this.#rows.push(row);
    if (this.#rows.length > REMEMBERED) this.#rows.shift();
    this.#turnPage();
    if (row.at >= this.#today.day) this.#today.rows.push(row);
  }

  #turnPage(): void {
    const day = dayOf(this.#clock.now());
    if (day !== this.#today.day) this.#today = { day, rows: [] };
  }
}

async function attempts(store: Store, query: { since?: string; limit?: number }): Promise<AttemptRow[]> {
  return (await store.history({ kind: 'attempt', ...query })).filter((row) => row.kind === 'attempt');
}
