/** What an attempt will probably cost and take: from like attempts of the past, else from the tier of its model. */
import type { Config } from './config/schema.ts';
import type { Role } from './execution.ts';
import { formatDuration, formatMoney, plural } from './format.ts';
import type { AttemptRow } from './history.ts';
import { isSameModel } from './routing.ts';
import { likelyPrice, likelyTier, type Tier } from './tiers.ts';

/** What an attempt is like: role, agent and model tell most of its cost; risk and area where there are enough of them. */
export interface AttemptSubject {
  readonly role: Role;
  readonly agent: string;
  /** The kind of driver; a `command` tells nothing before it has run. */
  readonly driver: string;
  readonly model: string | null;
  readonly risk: string;
  readonly area: string;
}

export interface Forecast {
  /** Median, in dollars; null when like attempts had no price. */
  readonly cost_usd: number | null;
  /** Median. */
  readonly seconds: number;
  readonly basis: 'history' | 'tier';
  /** Like attempts that it rests on. */
  readonly samples: number;
}

/** Fewer than this say too little. */
export const MIN_SAMPLES = 3;
/** Attempts that are remembered for each role and agent: the latest are the truest. */
const REMEMBERED = 200;

/** The attempts of the past, by role and agent. Everything it answers is kept until the next attempt is added. */
export class Experience {
  readonly #rows = new Map<string, AttemptRow[]>();
  readonly #forecasts = new Map<string, Forecast | undefined>();
  readonly #reserves = new Map<string, number | undefined>();
  #config: Config | undefined;

  /** Adds an attempt that ended; in the order in which they did. */
  add(row: AttemptRow): void {
    const key = `${row.role} ${row.agent}`;
    const rows = this.#rows.get(key) ?? [];
    this.#rows.set(key, rows);
    rows.push(row);
    if (rows.length > REMEMBERED) rows.shift();
    this.#forecasts.clear();
    this.#reserves.clear();
  }

  /** Median cost and time of like attempts that succeeded, else what the model's tier lets expect; undefined for a program of the user that has not run yet. */
  forecast(config: Config, subject: AttemptSubject): Forecast | undefined {
    // Prices and tiers may have changed.
    if (config !== this.#config) this.#forecasts.clear();
    this.#config = config;
    return this.#kept(this.#forecasts, subject, () => this.#fromHistory(subject) ?? fromTier(config, subject));
  }

  /** The cost that 9 of 10 like attempts did not pass; undefined while there are too few. */
  reserve(subject: AttemptSubject): number | undefined {
    return this.#kept(this.#reserves, subject, () => {
      const costs = this.#like(subject, (row) => row.cost_usd !== null && (row.outcome === 'succeeded' || row.cost_usd > 0)).map((row) => row.cost_usd ?? 0);
      return costs.length < MIN_SAMPLES ? undefined : percentile(costs, 0.9);
    });
  }

  #fromHistory(subject: AttemptSubject): Forecast | undefined {
    const like = this.#like(subject, (row) => row.outcome === 'succeeded');
    if (like.length < MIN_SAMPLES) return undefined;
    const costs = like.flatMap((row) => row.cost_usd ?? []);
    return { cost_usd: costs.length === 0 ? null : percentile(costs, 0.5), seconds: percentile(like.map((row) => row.seconds), 0.5), basis: 'history', samples: like.length };
  }

  /** Those of the same risk and area where there are enough of them. An agent's own model counts as every model that it said it was. */
  #like(subject: AttemptSubject, counts: (row: AttemptRow) => boolean): AttemptRow[] {
    const { model } = subject;
    const rows = (this.#rows.get(`${subject.role} ${subject.agent}`) ?? []).filter((row) => counts(row) && (model === null || row.model === null || isSameModel(row.model, model)));
    const closer = rows.filter((row) => row.risk === subject.risk && row.area === subject.area);
    return closer.length >= MIN_SAMPLES ? closer : rows;
  }

  #kept<T>(answers: Map<string, T | undefined>, subject: AttemptSubject, find: () => T | undefined): T | undefined {
    const key = `${subject.role}\n${subject.agent}\n${subject.driver}\n${subject.model ?? ''}\n${subject.risk}\n${subject.area}`;
    if (!answers.has(key)) answers.set(key, find());
    return answers.get(key);
  }
}

/** The smallest value that a share of the values does not pass (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** Tokens in and out, and seconds, of an ordinary attempt. */
const TYPICAL: Readonly<Record<Role, readonly [input: number, output: number, seconds: number]>> = {
  planner: [60_000, 4_000, 120],
  plan_reviewer: [20_000, 2_000, 60],
  implementer: [150_000, 8_000, 360],
  code_reviewer: [30_000, 2_000, 90],
};
/** Stronger models take longer. */
const PACE: Readonly<Record<Tier, number>> = { economy: 0.6, standard: 1, advanced: 1.4 };

function fromTier(config: Config, { role, driver, model }: AttemptSubject): Forecast | undefined {
  if (driver === 'command') return undefined;
  const [input, output, seconds] = TYPICAL[role];
  const price = likelyPrice(config, model);
  return { cost_usd: (input * price.input + output * price.output) / 1_000_000, seconds: Math.round(seconds * PACE[likelyTier(config, model)]), basis: 'tier', samples: 0 };
}

/** `about $0.12 and 3m (median of 8 like attempts)`. */
export function forecastText(forecast: Forecast): string {
  const text = texts.get(forecast) ?? wordsOf(forecast);
  texts.set(forecast, text);
  return text;
}

/** Ten thousand tasks share a handful of forecasts. */
const texts = new WeakMap<Forecast, string>();

function wordsOf({ cost_usd, seconds, basis, samples }: Forecast): string {
  const cost = cost_usd === null ? 'unpriced' : `about ${formatMoney(Math.round(cost_usd * 1000) / 1000)}`;
  return `${cost} and ${formatDuration(Math.max(1, Math.round(seconds)))} (${basis === 'history' ? `median of ${plural(samples, 'like attempt')}` : 'typical of its tier'})`;
}
