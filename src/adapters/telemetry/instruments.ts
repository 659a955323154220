/** The metrics that are sent: counted from what is committed since this process leads, as for Prometheus. */
import type { Meter } from '@opentelemetry/api';
import type { MetricsChange } from '../../core/metrics/rollup.ts';

export interface Instruments {
  add(change: MetricsChange): void;
}

/** Seconds; tasks take from moments to a day. */
const DURATIONS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400];

export function createInstruments(meter: Meter): Instruments {
  const completed = meter.createCounter('baton.tasks.completed', { unit: '{task}', description: 'Tasks that were completed.' });
  const failed = meter.createCounter('baton.tasks.failed', { unit: '{task}', description: 'Tasks that failed; cancelled ones are none.' });
  const durations = meter.createHistogram('baton.task.duration', {
    unit: 's',
    description: 'From the start of a task to its completion.',
    advice: { explicitBucketBoundaries: DURATIONS },
  });
  const tokens = meter.createCounter('baton.tokens', { unit: '{token}', description: 'Tokens that attempts used.' });
  const cost = meter.createCounter('baton.cost', { unit: '{USD}', description: 'What attempts cost, in dollars; those without a price are not in it.' });
  return {
    add: ({ endings, costs }) => {
      for (const one of endings) {
        (one.completed ? completed : failed).add(1);
        if (one.completed && one.seconds !== null) durations.record(one.seconds);
      }
      for (const one of costs) {
        const who = { 'gen_ai.agent.name': one.agent, 'gen_ai.request.model': one.model, 'baton.role': one.role, 'baton.task.area': one.area };
        cost.add(one.cost_usd, who);
        for (const kind of ['input', 'output', 'cache_read', 'cache_write'] as const) tokens.add(one[`${kind}_tokens`], { ...who, 'gen_ai.token.type': kind });
      }
    },
  };
}
