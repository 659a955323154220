import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { createRunFiles } from '../../../src/adapters/runs/runFiles.ts';
import { withFolder } from '../../support/processes.ts';

describe('the transcript of an attempt', () => {
  it('is appended in order, one JSON object a line, without waiting', () =>
    withFolder(async (batonDir) => {
      const runs = createRunFiles({ batonDir });
      for (let i = 0; i < 500; i += 1) runs.append('T-1', 'a1', { at: '2026-01-01T00:00:00.000Z', i });
      runs.append('T-1', 'a2', { at: '2026-01-01T00:00:00.000Z', other: true });
      await runs.flush();
      runs.append('T-1', 'a1', { at: '2026-01-01T00:00:01.000Z', i: 500 });
      await runs.flush();
      assert.equal(runs.directory('T-1', 'a1'), path.join(batonDir, 'runs', 'T-1', 'a1'));
      const lines = (await readFile(path.join(batonDir, 'runs', 'T-1', 'a1', 'transcript.jsonl'), 'utf8')).trim().split('\n');
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as { i: number }).i),
        Array.from({ length: 501 }, (_, i) => i),
      );
    }));

  it('holds no secret, wherever in an entry it stands (row 239)', () =>
    withFolder(async (batonDir) => {
      const runs = createRunFiles({ batonDir, redactor: createRedactor({ DB_PASSWORD: 'pa"ss\\word' }) });
      runs.append('T-1', 'a1', { at: 'now', text: 'it is pa"ss\\word', input: { command: ['curl', 'Bearer abcdefghijklmnopqrstuv'] } });
      await runs.flush();
      const text = await readFile(path.join(batonDir, 'runs', 'T-1', 'a1', 'transcript.jsonl'), 'utf8');
      assert.deepEqual(JSON.parse(text), { at: 'now', text: 'it is [redacted]', input: { command: ['curl', 'Bearer [redacted]'] } });
    }));

  it('is given up quietly, and said once, when the disk refuses it', () =>
    withFolder(async (batonDir) => {
      await mkdir(path.join(batonDir, 'runs'));
      await writeFile(path.join(batonDir, 'runs', 'T-1'), 'a file where a folder should be');
      const faults: string[] = [];
      const runs = createRunFiles({ batonDir, onError: (file) => faults.push(file) });
      runs.append('T-1', 'a1', { at: 'now' });
      await runs.flush();
      assert.equal(faults.length, 1);
    }));

  it('refuses ids that would lead out of its folder', () => {
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
