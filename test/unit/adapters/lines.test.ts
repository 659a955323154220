import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { eachLine } from '../../../src/adapters/process/lines.ts';

async function linesOf(chunks: readonly (string | Buffer)[], longest?: number): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  const read = eachLine(stream, (line) => lines.push(line), longest);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await read;
  return lines;
}

describe('A stream read line by line', () => {
  it('gives whole lines however they are cut, the last one without an end too', async () => {
    const bytes = Buffer.from('eins\r\nzw\u00f6lf\n\ndrei\r\n\r\nvier');
    for (let size = 1; size <= bytes.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
      assert.deepEqual(await linesOf(chunks), ['eins', 'zw\u00f6lf', '', 'drei', '', 'vier'], `in parts of ${size}`);
    }
  });

  it('gives one that is too long in parts', async () => {
    assert.deepEqual(await linesOf(['abcd', 'efgh', 'ij\nk'], 6), ['abcdefgh', 'ij', 'k']);
  });

  it('looks at every character once: a line of many chunks ends within the test’s time', async () => {
    const part = 'x'.repeat(512);
    const [line = ''] = await linesOf(Array.from({ length: 12_000 }, () => part));
    assert.equal(line.length, 12_000 * 512);
  });
});
