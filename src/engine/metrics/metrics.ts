/**
 * The metrics of an engine. What a change of a task adds is measured before it is committed and stored with it; what was stored is read
 * at the first question and kept in step from then on, so that a report never adds up events.
 */
import type { Config } from '../../core/config/schema.ts';
import { BatonError } from '../../core/errors.ts';
import type { TaskExecution } from '../../core/execution.ts';
import { measure } from '../../core/metrics/measure.ts';
import { floor, stretchMs, type MetricsChange, type MetricsUpkeep, type MetricsWrite } from '../../core/metrics/rollup.ts';
import { Series } from '../../core/metrics/series.ts';
import type { MetricsQuery, MetricsReport } from '../../shared/metrics.ts';
import type { Committed, Lifecycle } from '../lifecycle.ts';
import type { Clock, Disposable, Log, Store } from '../ports.ts';
import { buildReport } from './report.ts';

/** Ten years, in seconds: nothing is kept longer. */
const LONGEST = 315_360_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A window of a day is answered to the minute. */
const FINE_MS = DAY_MS + HOUR_MS;

export interface MetricsOptions {
  readonly store: Store;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: () => Config;
}

export class Metrics implements Disposable {
  readonly #options: MetricsOptions;
  readonly #subscription: Disposable;
  #series: Series | undefined;
  #loading: Promise<Series> | undefined;
  /** Committed while the stored ones were being read. */
  #missed: Committed[] = [];
  #upkept = -Infinity;
  #begun: boolean;

  /** `since` is what is stored under `metrics_since`. */
  constructor(options: MetricsOptions, since: unknown) {
    this.#options = options;
    this.#begun = since !== undefined;
    this.#subscription = options.lifecycle.onCommitted((committed) => this.#take(committed));
    options.lifecycle.measureWith((before, after) => this.#measure(before, after));
  }

  /** Rejects with `usage` when the window has no length. */
  async report(query: MetricsQuery): Promise<MetricsReport> {
    if (!(query.since_seconds > 0) || query.since_seconds > LONGEST) {
      throw new BatonError('usage', `A window of ${query.since_seconds} s cannot be looked at.`, { hint: 'Say how long it is, for example 30m, 24h or 7d.' });
    }
    const { enabled, aggregation_interval: interval } = this.#options.config().metrics;
    const series = this.#series ?? (await (this.#loading ??= this.#load()));
    return buildReport(series, query, { now: this.#options.clock.now(), interval, stretch: stretchMs(interval), enabled });
  }

  /** Measures once what tasks did before there were metrics, before they were turned on, or before they were lost with the database. */
  async begin(): Promise<void> {
    const { lifecycle, log } = this.#options;
    if (this.#begun || !this.#config.enabled) return;
    this.#begun = true;
    const whole: { [Key in keyof MetricsChange]: MetricsChange[Key][number][] } = { rollups: [], costs: [], endings: [] };
    for (const task of lifecycle.all()) {
      const change = measure(undefined, task, stretchMs(this.#config.aggregation_interval));
      whole.rollups.push(...(change?.rollups ?? []));
      whole.costs.push(...(change?.costs ?? []));
      whole.endings.push(...(change?.endings ?? []));
    }
    try {
      await lifecycle.record([{ type: 'metrics_started' }], { metrics_since: lifecycle.now() }, { ...whole, upkeep: this.#upkeep() });
    } catch (error) {
      log.error('The metrics of earlier tasks could not be stored', error);
    }
  }

  /** Adds what the retention asks for, once an hour, to something that is written anyway. */
  kept(change: MetricsChange): MetricsWrite {
    const now = this.#options.clock.now();
    if (now - this.#upkept < HOUR_MS) return change;
    this.#upkept = now;
    return { ...change, upkeep: this.#upkeep() };
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  get #config(): Config['metrics'] {
    return this.#options.config().metrics;
  }

  #measure(before: TaskExecution | undefined, after: TaskExecution): MetricsWrite | undefined {
    if (!this.#config.enabled) return undefined;
    const change = measure(before, after, stretchMs(this.#config.aggregation_interval));
    return change && this.kept(change);
  }

  #upkeep(): MetricsUpkeep {
    const now = this.#options.clock.now();
    const interval_ms = Math.max(1, Math.round(this.#config.aggregation_interval * 1000));
    return { forget_before: now - this.#config.retention_days * DAY_MS, coarsen_before: floor(now - FINE_MS, interval_ms), interval_ms };
  }

  async #load(): Promise<Series> {
    try {
      const { forget_before } = this.#upkeep();
      const { seq, rollups, costs, endings } = await this.#options.store.metrics(forget_before);
      const series = new Series(rollups, costs, endings);
      this.#series = series;
      for (const committed of this.#missed) if (committed.seq > seq) this.#take(committed);
      return series;
    } finally {
      this.#loading = undefined;
      this.#missed = [];
    }
  }

  #take(committed: Committed): void {
    const { metrics } = committed;
    if (!metrics) return;
    if (!this.#series) {
      if (this.#loading) this.#missed.push(committed);
      return;
    }
    this.#series.add(metrics);
    if (!metrics.upkeep) return;
    this.#series.prune(metrics.upkeep.forget_before);
    this.#series.coarsen(metrics.upkeep.coarsen_before, metrics.upkeep.interval_ms);
  }
}
