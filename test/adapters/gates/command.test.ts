import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '../../../src/adapters/gates/command.ts';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import type { CommandRequest } from '../../../src/engine/ports.ts';
import { newMark, survivors, until, withFolder } from '../../support/processes.ts';

function request(cwd: string, run: string, more: Partial<CommandRequest> = {}): CommandRequest {
  return { run, cwd, env: {}, mark: newMark(), timeout_seconds: 20, log: path.join(cwd, 'logs', 'gate.log'), signal: new AbortController().signal, ...more };
}

describe('running a command of the user', function () {
  this.timeout(60_000);

  it('goes through the shell in the folder, with its environment, and reports the exit code', () =>
    withFolder(async (cwd) => {
      const result = await runCommand(request(cwd, 'echo "$GREETING" | tr a-z A-Z > out.txt && exit 3', { env: { GREETING: 'hello' } }));
      assert.equal(result.exit_code, 3);
      assert.equal(result.timed_out, false);
      assert.equal(result.aborted, false);
      assert.ok(result.seconds > 0);
      assert.equal(await readFile(path.join(cwd, 'out.txt'), 'utf8'), 'HELLO\n');
    }));

  it('keeps stdout and stderr in the order they were written', () =>
    withFolder(async (cwd) => {
      const { tail } = await runCommand(request(cwd, 'for i in 1 2 3 4 5 6 7 8 9; do echo out$i; echo err$i >&2; done'));
      assert.equal(tail, [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `out${i}\nerr${i}\n`).join(''));
    }));

  it('logs everything and returns the last 64 KiB, whole lines, without colours', () =>
    withFolder(async (cwd) => {
      const one = request(cwd, `${JSON.stringify(process.execPath)} -e 'for (let i = 0; i < 60000; i++) console.log("\\x1b[32mline " + i + "\\x1b[0m")'`);
      const { tail } = await runCommand(one);
      const log = await readFile(one.log, 'utf8');
      assert.equal(log.split('\n').length, 60_001);
      assert.ok(log.startsWith('\x1b[32mline 0\x1b[0m\n'));
      assert.ok(Buffer.byteLength(tail) <= 65_536 && Buffer.byteLength(tail) > 65_000);
      assert.match(tail.split('\n')[0] ?? '', /^line \d+$/);
      assert.ok(tail.endsWith('line 59999\n'));
    }));

  it('ends the whole tree at the time limit (row 231)', () =>
    withFolder(async (cwd) => {
      const one = request(cwd, 'echo begun; setsid sleep 313 & sleep 314 & sleep 315', { timeout_seconds: 1.5 });
      const result = await runCommand(one);
      assert.deepEqual([result.timed_out, result.exit_code, result.aborted], [true, null, false]);
      assert.match(result.tail, /^begun\nEnded after its time limit of 1.5 s/);
      assert.deepEqual(await survivors(one.mark), []);
    }));

  it('ends the whole tree when the signal says so (row 231)', () =>
    withFolder(async (cwd) => {
      const stop = new AbortController();
      const one = request(cwd, 'sleep 313 & touch up; wait', { signal: stop.signal });
      const running = runCommand(one);
      await until('it is up', () => existsSync(path.join(cwd, 'up')));
      stop.abort();
      const result = await running;
      assert.deepEqual([result.aborted, result.exit_code, result.timed_out], [true, null, false]);
      assert.deepEqual(await survivors(one.mark), []);
    }));

  it('starts nothing when the signal came first', () =>
    withFolder(async (cwd) => {
      const result = await runCommand(request(cwd, 'touch ran', { signal: AbortSignal.abort() }));
      assert.equal(result.aborted, true);
      assert.equal(existsSync(path.join(cwd, 'ran')), false);
    }));

  it('ends a server that a passing command left behind, without waiting for it (row 231)', () =>
    withFolder(async (cwd) => {
      const one = request(cwd, 'setsid sleep 313 & echo ok');
      const result = await runCommand(one);
      assert.equal(result.exit_code, 0);
      assert.ok(result.seconds < 10);
      assert.deepEqual(await survivors(one.mark), []);
    }));

  it('does not end its neighbours of the same attempt', () =>
    withFolder(async (cwd) => {
      const mark = newMark();
      const slow = runCommand(request(cwd, 'touch up; sleep 0.5; echo slow', { mark, log: path.join(cwd, 'slow.log') }));
      await until('the slow one is up', () => existsSync(path.join(cwd, 'up')));
      await runCommand(request(cwd, 'true', { mark, log: path.join(cwd, 'fast.log') }));
      assert.equal((await slow).exit_code, 0);
    }));

  it('keeps secrets out of the log and the tail', () =>
    withFolder(async (cwd) => {
      const one = request(cwd, 'echo "key is $MY_API_KEY"', { env: { MY_API_KEY: 'hunter2hunter2' } });
      const { tail } = await runCommand(one, createRedactor({}));
      assert.equal(tail, 'key is [redacted]\n');
      assert.equal(await readFile(one.log, 'utf8'), 'key is [redacted]\n');
    }));

  it('keeps every line of a private key and of a secret of several lines out, and no more', () =>
    withFolder(async (cwd) => {
      const body = Array.from({ length: 3 }, (_, index) => `MIIEvQIBADANBgkqhkiG9w0BAQEFAASC${index}`);
      const pem = ['-----BEGIN RSA PRIVATE KEY-----', ...body, '-----END RSA PRIVATE KEY-----'].join('\n');
      await writeFile(path.join(cwd, 'key.pem'), `${pem} after\n`);
      const secret = 'first line of the secret\nshort\nsecond line of the secret';
      const one = request(cwd, 'echo before; sed "s/^/log | /" key.pem; echo "$MY_SECRET" | tac; echo end', { env: { MY_SECRET: secret } });
      const { tail } = await runCommand(one, createRedactor({}));
      const hidden = '[redacted]\n';
      assert.equal(tail, `before\nlog | ${hidden}${hidden.repeat(3)}[redacted] after\n${hidden}short\n${hidden}end\n`);
      assert.equal(await readFile(one.log, 'utf8'), tail);
    }));

  it('hides no more than a key can be long where one is only mentioned', () =>
    withFolder(async (cwd) => {
      const { tail } = await runCommand(request(cwd, 'echo "-----BEGIN PRIVATE KEY-----"; seq 201'), createRedactor({}));
      assert.equal(tail, '[redacted]\n'.repeat(201) + '201\n');
    }));

  it('says what is wrong when the folder is gone or the log cannot be written', () =>
    withFolder(async (cwd) => {
      const gone = await runCommand(request(path.join(cwd, 'gone'), 'true', { log: path.join(cwd, 'a.log') }));
      assert.equal(gone.exit_code, null);
      assert.match(gone.tail, /could not be started/);
      await writeFile(path.join(cwd, 'file'), '');
      const unlogged = await runCommand(request(cwd, 'echo fine', { log: path.join(cwd, 'file', 'x.log') }));
      assert.equal(unlogged.exit_code, 0);
      assert.match(unlogged.tail, /could not be written[\s\S]*fine/);
    }));
});
