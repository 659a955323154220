import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { runProgram, type RunRequest } from '../../../src/adapters/process/run.ts';
import { identify } from '../../../src/adapters/process/table.ts';
import { childEnvironment } from '../../../src/adapters/process/environment.ts';
import { newMark, survivors } from '../../support/processes.ts';

describe('A program that is run to its end', function () {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  const script = (text: string, changes: Partial<RunRequest> = {}): RunRequest => ({
    file: '/bin/sh',
    args: ['-c', text],
    cwd: tmpdir(),
    env: childEnvironment(),
    mark: newMark(),
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    ...changes,
  });

  it('gives its exit code and all that it said, and has read its input', async () => {
    assert.deepEqual(await runProgram(script('cat; echo wrong >&2; exit 3', { input: 'said' })), { code: 3, stdout: 'said', stderr: 'wrong\n', cause: null });
  });

  it('may leave a daemon, which keeps neither its caller waiting nor is ended', async () => {
    const request = script('sleep 300 & echo $!');
    const { code, stdout } = await runProgram(request);
    assert.equal(code, 0);
    assert.deepEqual(await survivors(request.mark), [Number(stdout)]);
    process.kill(Number(stdout), 'SIGKILL');
  });

  it('is ended at its time limit with all that it has started', async () => {
    const request = script('sleep 300 & echo $!; wait', { timeoutMs: 300 });
    const { code, cause, stdout } = await runProgram(request);
    assert.deepEqual([code, cause], [null, 'time']);
    assert.equal(await identify(Number(stdout)), undefined);
  });

  it('is ended by its signal, and not even started after it', async () => {
    const stop = new AbortController();
    const running = runProgram(script('sleep 300', { signal: stop.signal }));
    setImmediate(() => stop.abort());
    assert.deepEqual([(await running).cause, (await runProgram(script('exit 0', { signal: stop.signal }))).cause], ['signal', 'signal']);
  });
});
