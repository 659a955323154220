import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCents, splitEvenly, toCents } from '../src/index.js';

test('reads numbers and text', () => {
  assert.equal(toCents(12.34), 1234);
  assert.equal(toCents(' 0.5 '), 50);
  assert.equal(toCents(-3), -300);
});

test('refuses what is no amount', () => {
  for (const wrong of ['', 'free', Number.NaN, null]) assert.throws(() => toCents(wrong), TypeError);
});

test('writes amounts', () => {
  assert.equal(formatCents(123456), '1,234.56');
  assert.equal(formatCents(-5), '-0.05');
});

test('splits without losing a cent', () => {
  assert.deepEqual(splitEvenly(100, 3), [34, 33, 33]);
  assert.deepEqual(splitEvenly(-100, 3), [-34, -33, -33]);
  assert.throws(() => splitEvenly(100, 0), RangeError);
});
