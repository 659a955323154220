import assert from 'node:assert/strict';
import { configSchema } from '../../../src/core/config/schema.ts';
import { Experience, forecastText, percentile, type AttemptSubject } from '../../../src/core/forecast.ts';
import type { AttemptRow } from '../../../src/core/history.ts';

const config = configSchema.parse({ models: { dear: { input_per_mtok: 10, output_per_mtok: 50, tier: 'advanced' } } });
const row = (cost_usd: number | null, seconds: number, more: Partial<AttemptRow> = {}): AttemptRow => ({
  kind: 'attempt', at: '2026-11-20T12:00:00.000Z', task_id: 't', area: 'api', risk: 'medium', complexity: null, cost_usd, seconds, error_kind: null,
  attempt_id: 'a1', role: 'implementer', step_id: 's', agent: 'claude', model: 'm', outcome: 'succeeded', usage: { input_tokens: 1, output_tokens: 1, cache_read_tokens: 0, cache_write_tokens: 0 }, turns: 1,
  ...more,
});
const subject = (more: Partial<AttemptSubject> = {}): AttemptSubject => ({ role: 'implementer', agent: 'claude', driver: 'claude', model: 'm', risk: 'medium', area: 'api', ...more });
const after = (...rows: AttemptRow[]): Experience => {
  const experience = new Experience();
  for (const one of rows) experience.add(one);
  return experience;
};

describe('What an attempt will cost and take (row 178)', () => {
  it('is the median of like attempts that succeeded', () => {
    const known = after(row(0.1, 60), row(0.3, 120), row(0.2, 90), row(9, 9000, { outcome: 'failed' }), row(5, 500, { role: 'planner' }), row(5, 500, { agent: 'codex' }), row(5, 500, { model: 'other' }));
    const forecast = known.forecast(config, subject());
    assert.deepEqual(forecast, { cost_usd: 0.2, seconds: 90, basis: 'history', samples: 3 });
    assert.equal(forecastText(forecast), 'about $0.20 and 1m30s (median of 3 like attempts)');
  });
  it('looks at the same risk and area where there are enough of them', () => {
    const known = after(row(1, 100), row(1, 100), row(1, 100), row(2, 200, { risk: 'high', area: 'core' }), row(2, 200, { risk: 'high', area: 'core' }), row(2, 200, { risk: 'high', area: 'core' }));
    assert.equal(known.forecast(config, subject({ risk: 'high', area: 'core' }))?.cost_usd, 2);
    assert.equal(known.forecast(config, subject({ risk: 'high', area: 'math' }))?.samples, 6);
  });
  it('comes from the tier and price of the model while there are too few', () => {
    const known = after(row(0.1, 60), row(0.1, 60));
    assert.equal(known.forecast(config, subject())?.basis, 'tier');
    const dear = known.forecast(config, subject({ model: 'dear' }));
    assert.deepEqual(dear, { cost_usd: 1.9, seconds: 504, basis: 'tier', samples: 0 });
    assert.equal(forecastText(dear), 'about $1.90 and 8m24s (typical of its tier)');
  });
  it('is not guessed for a program of the user, and unpriced work stays unpriced', () => {
    assert.equal(after().forecast(config, subject({ driver: 'command' })), undefined);
    const known = after(row(null, 5), row(null, 6), row(null, 7)).forecast(config, subject({ driver: 'command' }));
    assert.equal(known && forecastText(known), 'unpriced and 6s (median of 3 like attempts)');
  });
  it('is made anew when another attempt has ended', () => {
    const known = after(row(0.1, 60), row(0.1, 60), row(0.1, 60));
    assert.equal(known.forecast(config, subject())?.samples, 3);
    known.add(row(0.1, 60));
    assert.equal(known.forecast(config, subject())?.samples, 4);
  });
});

describe('What an attempt reserves (row 237)', () => {
  it('is what nine of ten like attempts did not pass, failed ones included', () => {
    const costs = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 5];
    assert.equal(after(...costs.map((cost) => row(cost, 1, { outcome: cost > 0.8 ? 'failed' : 'succeeded' }))).reserve(subject()), 0.9);
  });
  it('is unknown while fewer than three are known, or none had a price', () => {
    assert.equal(after(row(0.1, 1), row(0.1, 1)).reserve(subject()), undefined);
    assert.equal(after(row(null, 1), row(null, 1), row(null, 1)).reserve(subject()), undefined);
  });
  it('takes the nearest rank', () => assert.deepEqual([percentile([3, 1, 2], 0.5), percentile([1, 2, 3, 4], 0.5), percentile([1], 0.9)], [2, 2, 1]));
});
