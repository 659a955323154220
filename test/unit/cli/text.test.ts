import assert from 'node:assert/strict';
import fc from 'fast-check';
import { clockTime, cost, secondsSince } from '../../../src/cli/format.ts';
import { fit, plain, truncate, widthOf, wrap } from '../../../src/cli/text.ts';
import { renderTable } from '../../../src/cli/table.ts';

describe('text on a terminal', () => {
  it('counts cells: wide characters and emoji take two, combining marks none', () => {
    assert.deepEqual(['abc', '日本', '✅', '⚠️', 'e\u0301', '👩‍💻', ''].map(widthOf), [3, 4, 2, 2, 1, 2, 0]);
  });

  it('cuts at cells, marks the cut, and never splits a character', () => {
    assert.equal(truncate('pricing', 7), 'pricing');
    assert.equal(truncate('pricing fix', 9), 'pricing…');
    assert.equal(truncate('日本語', 4), '日…');
    assert.equal(truncate('abc', 0), '');
  });

  it('fits any text into exactly the asked width', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
        assert.equal(widthOf(fit(plain(text), width)), width);
      }),
    );
  });

  it('takes escape sequences, line breaks and reordering marks out of untrusted text', () => {
    assert.equal(plain('a\x1b[31mb\r\nc\u202ed\u0007'), 'a [31mb c d');
  });

  it('wraps at spaces and cuts a word that is longer than a line', () => {
    assert.deepEqual(wrap('fix the rounding of extraordinarily large totals', 12), ['fix the', 'rounding of', 'extraordina…', 'large totals']);
  });
});

describe('figures', () => {
  it('says unpriced instead of $0, and a lower bound as one', () => {
    assert.deepEqual([cost(0, false), cost(0.38, false), cost(0, true), cost(0.0045, true)], ['$0.00', '$0.38', 'unpriced', '$0.0045 + unpriced']);
  });

  it('counts seconds between times and never below zero', () => {
    assert.equal(secondsSince('2026-03-02T10:00:00.000Z', '2026-03-02T10:01:30.000Z'), 90);
    assert.equal(secondsSince('2026-03-02T10:00:00.000Z', 0), 0);
    assert.equal(clockTime(Date.parse('2026-03-02T10:00:07.900Z')), '10:00:07');
  });
});

describe('a table', () => {
  const columns = [
    { title: '#', text: (row: readonly string[]) => row[0] ?? '', align: 'right' as const },
    { title: 'Name', text: (row: readonly string[]) => row[1] ?? '', min: 4 },
    { title: 'Note', text: (row: readonly string[]) => row[2] ?? '', min: 4, keep: 1 },
  ];

  it('is as wide as its content where there is room', () => {
    assert.deepEqual(renderTable(columns, [['1', 'one', 'first']], 80), [
      '+---+------+-------+',
      '| # | Name | Note  |',
      '+---+------+-------+',
      '| 1 | one  | first |',
      '+---+------+-------+',
    ]);
  });

  it('cuts the widest columns first and drops the least important ones when it must', () => {
    const rows = [['1', 'a-long-name', 'and a much longer note']];
    assert.equal(renderTable(columns, rows, 30)[3], '| 1 | a-long-na… | and a mu… |');
    assert.deepEqual(renderTable(columns, rows, 16)[1], '| # | Name     |');
  });

  it('is never wider than asked while its fixed columns fit', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }))), fc.integer({ min: 20, max: 130 }), (rows, width) => {
        const lines = renderTable(columns, rows, width);
        for (const line of lines) assert.ok(widthOf(line) <= width, `${line} is wider than ${width}`);
        assert.equal(new Set(lines.map(widthOf)).size, 1);
      }),
    );
  });
});
