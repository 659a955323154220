import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { searchRuns } from '../../../src/adapters/runs/searchRuns.ts';
import { Transcript } from '../../../src/adapters/runs/transcript.ts';
import { renderTranscript, type TranscriptEntry } from '../../../src/core/transcript.ts';
import { cli } from '../../support/cli.ts';
import { MemoryEngine } from '../../support/memoryEngine.ts';
import { tempDir } from '../../support/tmp.ts';

const entry = (second: number, more: Record<string, unknown>): TranscriptEntry => ({ at: `2030-05-17T12:00:${String(second).padStart(2, '0')}.000Z`, ...more });
const LONG = [...Array.from({ length: 40 }, (_, index) => `line ${String(index)}`), 'the Needle in the middle', ...Array.from({ length: 40 }, (_, index) => `more ${String(index)}`)].join('\n');

describe('Searching transcripts (row 239)', () => {
  const make = async (): Promise<string> => {
    const batonDir = tempDir();
    const write = async (task: string, attempt: string, entries: readonly TranscriptEntry[], age: number): Promise<void> => {
      const folder = path.join(batonDir, 'runs', task, attempt);
      await mkdir(folder, { recursive: true });
      const file = path.join(folder, 'transcript.jsonl');
      await writeFile(file, `${entries.map((one) => JSON.stringify(one)).join('\n')}\n{"at":"2030-05-17T12:00:59.000Z","type":"te`);
      await utimes(file, 1_900_000_000 - age, 1_900_000_000 - age);
    };
    await write('csv', 'a1', [entry(1, { type: 'prompt', text: 'Read it', role: 'implementer', agent: 'claude' }), entry(2, { type: 'text', text: 'I look for the needle\nin "the stack".' })], 10);
    await write('csv', 'a2', [entry(3, { type: 'tool_call', id: 't', name: 'Bash', title: 'npm test' }), entry(4, { type: 'tool_result', id: 't', ok: true, output: LONG })], 0);
    return batonDir;
  };

  it('finds words of all tasks, the newest transcript first, with the line of the readable form', async () => {
    const batonDir = await make();
    const hits = await searchRuns(batonDir, 'NEEDLE');
    assert.deepEqual(hits.map(({ task_id, attempt_id }) => `${task_id} ${attempt_id}`), ['csv a2', 'csv a1']);
    const said = hits[1];
    const page = renderTranscript([entry(1, { type: 'prompt', text: 'Read it', role: 'implementer', agent: 'claude' }), entry(2, { type: 'text', text: 'I look for the needle\nin "the stack".' })]);
    assert.equal(page.split('\n')[said?.line ?? -1], 'I look for the needle');
    assert.equal(said?.text, 'I look for the needle');
  });

  it('finds what the readable form leaves out, with its time', async () => {
    const [hit] = await searchRuns(await make(), 'needle in the middle');
    assert.deepEqual([hit?.attempt_id, hit?.at, hit?.text], ['a2', '2030-05-17T12:00:04.000Z', 'the Needle in the middle']);
  });

  it('keeps to one task and to a limit, takes quotes as they are, and finds nothing in nothing', async () => {
    const batonDir = await make();
    assert.equal((await searchRuns(batonDir, 'needle', { task: 'other' })).length, 0);
    assert.equal((await searchRuns(batonDir, 'e', { limit: 3 })).length, 3);
    assert.equal((await searchRuns(batonDir, '"the stack"')).length, 1);
    assert.deepEqual(await searchRuns(batonDir, '  '), []);
    assert.deepEqual(await searchRuns(path.join(batonDir, 'none'), 'needle'), []);
  });

  it('meets no secret, since none was written', async () => {
    const batonDir = tempDir();
    const written = new Transcript({ directory: path.join(batonDir, 'runs', 't', 'a1'), redactor: createRedactor({}), now: () => 0, onError: (_file, error) => assert.fail(String(error)) });
    written.append({ type: 'text', text: 'The key is sk-ant-api03-abcdefghijklmnopqrstuvwxyz012345 there' });
    written.append({ type: 'tool_result', id: 'x', ok: true, output: 'export GH=ghp_abcdefghijklmnopqrstuvwxyz0123456789' });
    written.close();
    assert.deepEqual(await searchRuns(batonDir, 'abcdefghijklmnopqrstuvwxyz'), []);
    assert.match((await searchRuns(batonDir, 'The key is'))[0]?.text ?? '', /The key is \[redacted\] there/);
  });

  it('is a command, with a document and an exit code that tells whether there was anything', async () => {
    const batonDir = await make();
    const found = await cli(new MemoryEngine(), ['search', 'the', 'stack'], { batonDir });
    assert.equal(found.code, 0);
    assert.match(found.stdout, /^csv a1:\d+ 2030-05-17T12:00:02Z in "the stack"\.\n$/);
    const { hits } = JSON.parse((await cli(new MemoryEngine(), ['search', 'needle', '--json'], { batonDir })).stdout) as { hits: { task_id: string; line: number }[] };
    assert.equal(hits.length, 2);
    assert.equal((await cli(new MemoryEngine(), ['search', 'nowhere'], { batonDir })).code, 1);
    assert.equal((await cli(new MemoryEngine(), ['search', 'x', '--limit', '0'], { batonDir })).code, 2);
  });
});
