/** The metrics of an engine: what its tasks' records tell, as the figures of a window. */
import type { Config } from '../../core/config/schema.ts';
import { BatonError } from '../../core/errors.ts';
import { measure, stretchMs } from '../../core/metrics/measure.ts';
import { Series } from '../../core/metrics/series.ts';
import type { MetricsQuery, MetricsReport } from '../../shared/metrics.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Clock } from '../ports.ts';
import { buildReport } from './report.ts';

/** Ten years, in seconds: nothing is kept longer. */
const LONGEST = 315_360_000;

export class Metrics {
  readonly #lifecycle: Lifecycle;
  readonly #clock: Clock;
  readonly #config: () => Config;

  constructor(lifecycle: Lifecycle, clock: Clock, config: () => Config) {
    this.#lifecycle = lifecycle;
    this.#clock = clock;
    this.#config = config;
  }

  /** Rejects with `usage` when the window has no length. */
  report(query: MetricsQuery): Promise<MetricsReport> {
    if (!(query.since_seconds > 0) || query.since_seconds > LONGEST) {
      return Promise.reject(new BatonError('usage', `A window of ${query.since_seconds} s cannot be looked at.`, { hint: 'Say how long it is, for example 30m, 24h or 7d.' }));
    }
    const { enabled, aggregation_interval: interval } = this.#config().metrics;
    const stretch = stretchMs(interval);
    const series = new Series();
    for (const task of this.#lifecycle.all()) {
      const change = measure(undefined, task, stretch);
      if (change) series.add(change);
    }
    return Promise.resolve(buildReport(series, query, { now: this.#clock.now(), interval, stretch, enabled }));
  }
}
