import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDiscount, applyDiscountFraction, includedTax, lineTotal, subtotal } from '../src/index.js';

test('multiplies and sums', () => {
  assert.equal(lineTotal({ unitCents: 199, quantity: 0.345 }), 69);
  assert.equal(subtotal([{ unitCents: 250 }, { unitCents: 100, quantity: 3 }]), 550);
  assert.throws(() => lineTotal({ unitCents: 1, quantity: -1 }), RangeError);
});

test('rounds discounts in the customer’s favour', () => {
  assert.equal(applyDiscount(999, 15), 849);
  assert.throws(() => applyDiscount(100, 101), RangeError);
});

test('still takes a fraction', () => {
  assert.equal(applyDiscountFraction(1000, 0.25), 750);
});

test('finds the tax in a gross amount', () => {
  assert.equal(includedTax(1190, 19), 190);
});
