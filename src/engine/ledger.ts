/** What was spent, by day and area, and what attempts of the past cost and took. Kept up from committed events; outlives its tasks. */
import { dayOf } from '../core/budget.ts';
import type { SpendRow } from '../core/cost.ts';
import { Experience } from '../core/forecast.ts';
import { historyOf, historyOfRecord, type AttemptRow } from '../core/history.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Clock, Disposable, Store } from './ports.ts';

/** Attempts that estimates rest on. */
const REMEMBERED = 5_000;

export class Ledger implements Disposable {
  readonly experience = new Experience();
  readonly #clock: Clock;
  readonly #listening: Disposable;
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
    for (const row of [...recent].reverse()) this.experience.add(row);
    this.#listening = lifecycle.onCommitted(({ task, events }) => {
      for (const row of task === undefined ? [] : historyOf(task, events)) if (row.kind === 'attempt') this.#add(row);
    });
  }

  /** The attempts that ended today (UTC), in no order. */
  today(): readonly SpendRow[] {
    this.#turnPage();
    return this.#today.rows;
  }

  dispose(): void {
    this.#listening.dispose();
  }

  #add(row: AttemptRow): void {
    this.experience.add(row);
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
