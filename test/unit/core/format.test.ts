import assert from 'node:assert/strict';
import { formatDuration, formatMoney, formatNumber, isoTime, plural } from '../../../src/core/format.ts';

describe('Figures in words', () => {
  it('durations show their two largest units (row 49)', () => {
    const table: readonly (readonly [number, string])[] = [
      [0, '0s'], [-5, '0s'], [45.9, '45s'], [60, '1m'], [192, '3m12s'], [3600, '1h'], [4200, '1h10m'], [3601, '1h'], [86_400, '1d'], [97_200, '1d3h'],
    ];
    for (const [seconds, text] of table) assert.equal(formatDuration(seconds), text);
  });
  it('money has 2 to 4 decimals', () => {
    for (const [dollars, text] of [[0.38, '$0.38'], [0.0045, '$0.0045'], [2, '$2.00'], [0.422, '$0.422'], [12.5, '$12.50'], [0, '$0.00'], [-1.5, '-$1.50']] as const) {
      assert.equal(formatMoney(dollars), text);
    }
  });
  it('times are ISO 8601 in UTC, across days and leap years', () => {
    for (const at of ['1970-01-01T00:00:00.000Z', '2028-02-29T23:59:59.999Z', '2028-03-01T00:00:00.000Z', '2026-11-25T09:05:07.040Z', '1969-12-31T23:59:59.001Z']) {
      assert.equal(isoTime(Date.parse(at)), at);
    }
  });
  it('numbers and plurals read naturally', () => {
    assert.equal(formatNumber(0.1 + 0.2), '0.3');
    assert.equal(plural(1, 'task'), '1 task');
    assert.equal(plural(2, 'reply', 'replies'), '2 replies');
  });
});
