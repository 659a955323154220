import assert from 'node:assert/strict';
import { test } from 'node:test';
import { column, slugify, truncate } from '../src/index.js';

test('makes slugs', () => {
  assert.equal(slugify('  Green Tea, 100 g! '), 'green-tea-100-g');
});

test('cuts and fills', () => {
  assert.equal(truncate('earl grey', 5), 'earl…');
  assert.equal(column('bun', 5), 'bun  ');
  assert.equal(column('3.50', 6, 'right'), '  3.50');
});
