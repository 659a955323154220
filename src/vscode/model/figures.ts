/** The figures of the chosen window for every repository that a dashboard shows, asked for one at a time. */
import { messageOf } from '../../core/errors.ts';
import type { EngineApi } from '../../shared/api.ts';
import type { ChartWindow } from '../../shared/dashboard.ts';
import { metricsQuery } from './charts.ts';
import type { Figures } from './dashboard.ts';

/** The least time between two questions to one engine, in ms: changes come in bursts, charts need not follow each. */
const SHORTEST_MS = 1000;
const NONE: Figures = { report: undefined, failure: undefined };

export class FigureDesk {
  readonly #arrived: () => void;
  readonly #figures = new Map<string, Figures>();
  /** When each was asked last, epoch ms; Infinity while its answer is awaited. */
  readonly #asked = new Map<string, number>();
  #window: ChartWindow = '24h';
  /** Grows with every choice: an answer for an earlier one comes too late. */
  #choice = 0;

  /** `arrived`: figures have come that were not there before. */
  constructor(arrived: () => void) {
    this.#arrived = arrived;
  }

  /** The window that the figures are of. */
  get window(): ChartWindow {
    return this.#window;
  }

  of(repository: string): Figures {
    return this.#figures.get(repository) ?? NONE;
  }

  /** Shows another window as soon as the figures of all of them are there; until then what is shown stays true. */
  async choose(window: ChartWindow, engines: ReadonlyMap<string, EngineApi>): Promise<void> {
    this.#choice += 1;
    const choice = this.#choice;
    const found = await Promise.all([...engines].map(async ([key, api]) => [key, await ask(api, window)] as const));
    if (choice !== this.#choice) return;
    this.#window = window;
    this.#figures.clear();
    for (const [key, figures] of found) this.#figures.set(key, figures);
    this.#arrived();
  }

  /** Brings the figures up to date where they are older than a second; `now` is epoch ms. */
  refresh(engines: ReadonlyMap<string, EngineApi>, now: number): void {
    for (const [key, api] of engines) {
      if ((this.#asked.get(key) ?? 0) + SHORTEST_MS <= now) void this.#refreshOne(key, api, now);
    }
  }

  async #refreshOne(key: string, api: EngineApi, now: number): Promise<void> {
    const choice = this.#choice;
    this.#asked.set(key, Number.POSITIVE_INFINITY);
    const figures = await ask(api, this.#window);
    this.#asked.set(key, now);
    if (choice !== this.#choice) return;
    const before = this.of(key);
    // A passing failure takes nothing away that was true.
    const after = { report: figures.report ?? before.report, failure: figures.failure };
    this.#figures.set(key, after);
    if (marksOf(before) !== marksOf(after)) this.#arrived();
  }
}

async function ask(api: EngineApi, window: ChartWindow): Promise<Figures> {
  try {
    return { report: await api.metrics(metricsQuery(window)), failure: undefined };
  } catch (error) {
    return { report: undefined, failure: messageOf(error) };
  }
}

/** What must have changed for a picture to be drawn because of it. */
function marksOf({ report, failure }: Figures): string {
  return JSON.stringify([failure, report?.tasks_started, report?.tasks_completed, report?.tasks_failed, report?.total_cost_usd, report?.first_pass_gate_rate]);
}
