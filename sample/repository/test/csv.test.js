import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCsv, parseRecords } from '../src/index.js';

test('splits rows and fields', () => {
  assert.deepEqual(parseCsv('a,b\n1,2\n'), [['a', 'b'], ['1', '2']]);
  assert.deepEqual(parseCsv(''), []);
});

test('accepts CRLF line ends', () => {
  assert.deepEqual(parseCsv('a,b\r\n1,2\r\n'), [['a', 'b'], ['1', '2']]);
});

test('keeps empty fields', () => {
  assert.deepEqual(parseCsv('a,,\n,,'), [['a', '', ''], ['', '', '']]);
});

test('names fields by the first row', () => {
  assert.deepEqual(parseRecords('name,price\ntea,3.50\nbun'), [{ name: 'tea', price: '3.50' }, { name: 'bun', price: '' }]);
});
