import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { createRunFiles } from '../../../src/adapters/runs/runFiles.ts';
import { readTranscript, Transcript, type TranscriptOptions } from '../../../src/adapters/runs/transcript.ts';
import { withFolder } from '../../support/processes.ts';

const NOW = Date.UTC(2026, 0, 1);

function transcript(directory: string, more: Partial<TranscriptOptions> = {}): Transcript {
  return new Transcript({ directory, redactor: createRedactor({}), now: () => NOW, onError: (_file, error) => assert.fail(String(error)), ...more });
}

describe('the transcript of an attempt', () => {
  it('is numbered from its prompt, one JSON object a line, and there when the writer is told so', () =>
    withFolder(async (folder) => {
      const directory = path.join(folder, 'runs', 'T-1', 'a1');
      const written = transcript(directory);
      assert.equal(written.append({ type: 'prompt', text: 'Do it' }), 0);
      assert.equal(written.append({ type: 'text', text: 'Done' }), 1);
      const lines = (await readFile(path.join(directory, 'transcript.jsonl'), 'utf8')).trim().split('\n');
      assert.deepEqual(lines.map((line) => JSON.parse(line) as unknown), [
        { seq: 0, at: '2026-01-01T00:00:00.000Z', type: 'prompt', text: 'Do it' },
        { seq: 1, at: '2026-01-01T00:00:00.000Z', type: 'text', text: 'Done' },
      ]);
      written.close();
    }));

  it('is read back without an earlier attempt of the same name and without a line that was cut off', () =>
    withFolder(async (directory) => {
      for (const text of ['first', 'second']) {
        const written = transcript(directory);
        written.append({ type: 'prompt', text });
        written.append({ type: 'text', text });
        written.close();
      }
      await appendFile(path.join(directory, 'transcript.jsonl'), '{"seq":2,"type":"te');
      assert.deepEqual(readTranscript(directory).map(({ seq, type, text }) => [seq, type, text]), [[0, 'prompt', 'second'], [1, 'text', 'second']]);
    }));

  it('is read back for one runner only where that one wrote last', () =>
    withFolder(async (directory) => {
      const written = transcript(directory);
      for (const runner of ['first', 'second']) written.append({ type: 'prompt', runner });
      written.append({ type: 'text', text: 'second' });
      written.close();
      assert.deepEqual(readTranscript(directory, 'second').map(({ type }) => type), ['prompt', 'text']);
      assert.deepEqual(readTranscript(directory, 'first'), []);
      await appendFile(path.join(directory, 'transcript.jsonl'), '{"seq":0,"type":"prompt"}\n');
      assert.deepEqual(readTranscript(directory, 'second'), []);
    }));

  it('ends with its end: what is said after it was closed is not kept', () =>
    withFolder(async (directory) => {
      const written = transcript(directory);
      written.append({ type: 'end' });
      written.close();
      assert.equal(written.append({ type: 'log', text: 'too late' }), 1);
      assert.equal(readTranscript(directory).at(-1)?.type, 'end');
      assert.equal((await readFile(path.join(directory, 'transcript.jsonl'), 'utf8')).trim().split('\n').length, 1);
    }));

  it('is empty where nothing was written', () => withFolder((directory) => {
    assert.deepEqual(readTranscript(directory), []);
    return Promise.resolve();
  }));

  it('holds no secret, wherever in an entry it stands (row 239)', () =>
    withFolder(async (directory) => {
      transcript(directory, { redactor: createRedactor({ DB_PASSWORD: 'pa"ss\\word' }) }).append({ type: 'text', text: 'it is pa"ss\\word', input: { command: ['curl', 'Bearer abcdefghijklmnopqrstuv'] } });
      const { text, input } = JSON.parse(await readFile(path.join(directory, 'transcript.jsonl'), 'utf8')) as Record<string, unknown>;
      assert.deepEqual({ text, input }, { text: 'it is [redacted]', input: { command: ['curl', 'Bearer [redacted]'] } });
    }));

  it('is given up quietly, and said once, when the disk refuses it', () =>
    withFolder(async (folder) => {
      await writeFile(path.join(folder, 'T-1'), 'a file where a folder should be');
      const faults: string[] = [];
      const written = transcript(path.join(folder, 'T-1', 'a1'), { onError: (file) => faults.push(file) });
      written.append({ type: 'prompt' });
      written.append({ type: 'text' });
      assert.equal(faults.length, 1);
    }));
});

describe('the folder of an attempt', () => {
  it('lies under .baton/runs', () => {
    assert.equal(createRunFiles({ batonDir: '/repo/.baton' }).directory('T-1', 'a1'), path.join('/repo/.baton', 'runs', 'T-1', 'a1'));
  });

  it('refuses ids that would lead out of it', () => {
    assert.throws(() => createRunFiles({ batonDir: '/tmp' }).directory('..', 'a1'), /not fit/);
    assert.throws(() => createRunFiles({ batonDir: '/tmp' }).directory('T-1', 'a/../../b'), /not fit/);
  });
});

describe('redaction', () => {
  const redactor = createRedactor({ ANTHROPIC_API_KEY: 'local-key-without-shape', GH_TOKEN: 'short', SSH_AUTH_SOCK: '/tmp/agent.sock', HOME: '/home/someone', TOKEN_LIMIT_TOKEN: '12345678' });

  it('replaces values of variables whose name says they are secret', () => {
    assert.equal(redactor.redact('using local-key-without-shape now'), 'using [redacted] now');
  });

  it('leaves paths, numbers, short values and ordinary variables alone', () => {
    const text = 'short /tmp/agent.sock /home/someone 12345678';
    assert.equal(redactor.redact(text), text);
  });

  it('knows the shapes of tokens', () => {
    for (const token of [
      'sk-ant-api03-abcdefghijklmnop_qrstuv',
      'sk-proj-abcdefghijklmnopqrstu',
      'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
      'github_pat_abcdefghijklmnopqrstuvwxyz',
      'AKIAIOSFODNN7EXAMPLE',
      'xoxb-1234567890-abcdef',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N',
      '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----',
    ]) {
      assert.equal(redactor.redact(`a ${token} b`), 'a [redacted] b', token);
    }
    assert.equal(redactor.redact('postgres://me:secretpass@db/x'), 'postgres://me:[redacted]@db/x');
  });

  it('does not touch ordinary code', () => {
    const code = 'const task-runner = sk(risk-based); // see https://example.com:8080/a@b #bearer of news';
    assert.equal(redactor.redact(code), code);
  });
});
