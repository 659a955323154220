import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receipt } from '../src/index.js';

test('prints a receipt', () => {
  assert.equal(
    receipt([{ name: 'Tea', unitCents: 350, quantity: 2 }, { name: 'Bun', unitCents: 120 }], 24),
    ['2 x Tea             7.00', '1 x Bun             1.20', '------------------------', 'Total               8.20'].join('\n'),
  );
});
