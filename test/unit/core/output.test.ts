import assert from 'node:assert/strict';
import fc from 'fast-check';
import { plainText, trimOutput } from '../../../src/core/output.ts';

describe('shortened output', () => {
  it('stays as it is when it is short', () => assert.equal(trimOutput('a\nb'), 'a\nb'));

  it('keeps the head, the end and the lines that name errors, and says what is missing', () => {
    const lines = Array.from({ length: 2000 }, (_, index) => (index === 700 ? 'src/a.ts:12:5 - error TS2322: no' : `line ${index} of a long log that says little`));
    const short = trimOutput(lines.join('\n'), 3000);
    assert.ok(short.length <= 3000);
    assert.match(short, /^line 0 /);
    assert.match(short, /line 1999 of a long log that says little$/);
    assert.match(short, /error TS2322/);
    assert.match(short, /… \d+ lines left out …/);
  });

  it('is never longer than asked for, and never empty when there was something', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 600 }), { maxLength: 300 }), fc.integer({ min: 500, max: 4000 }), (lines, max) => {
        const short = trimOutput(lines.join('\n'), max);
        assert.ok(short.length <= max + 400, `${short.length} > ${max}`);
        assert.equal(short === '', plainText(lines.join('\n')) === '');
      }),
    );
  });

  it('drops colours and progress that was overwritten', () => {
    assert.equal(plainText('\u001b[31mred\u001b[0m\r\n10%\r50%\r100%\ndone \n'), 'red\n100%\ndone');
  });
});
