import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { RUNNER_FILE, type RunnerInfo } from '../../../src/adapters/runner/protocol.ts';
import { survivors, until } from '../../support/processes.ts';
import { withRunners, type RunnerBench } from './harness.ts';

/** Says a number, and again when the file `go` is there. */
const TALKS = 'echo one; while [ ! -e go ]; do sleep 0.05; done; echo two';
/** Leaves a daemon with a session of its own behind. */
const DAEMON = 'setsid sleep 600 & echo ready; wait';

const go = ({ folder }: RunnerBench): void => writeFileSync(path.join(folder, 'go'), '');
const info = ({ directory }: RunnerBench): RunnerInfo => JSON.parse(readFileSync(path.join(directory, RUNNER_FILE), 'utf8')) as RunnerInfo;

/** Neither its socket nor the file that tells of it. */
function leavesNothingOfItself(bench: RunnerBench): void {
  assert.deepEqual(readdirSync(bench.directory), ['transcript.jsonl']);
  assert.deepEqual(readdirSync(bench.folder).filter((name) => name.endsWith('.sock')), []);
}

describe('An agent under a runner', function () {
  this.timeout(60_000);

  it('is told in full to its engine and in its transcript, and leaves nothing behind', () =>
    withRunners(async (bench) => {
      const agent = await bench.script('cat; echo; echo done');
      const end = await agent.ended;
      assert.equal(end?.ok, true);
      assert.deepEqual(await survivors(bench.mark), []);
      await bench.gone();
      assert.deepEqual(bench.transcript().map(({ seq, type }) => [seq, type]), [[0, 'prompt'], [1, 'started'], [2, 'text'], [3, 'text'], [4, 'end']]);
      assert.deepEqual(bench.transcript().flatMap(({ type, text }) => (type === 'text' ? [text] : [])), agent.texts());
      assert.deepEqual(readdirSync(bench.directory), ['transcript.jsonl']);
    }));

  it('goes on when its engine goes, and a later one hears all of it once (rows 230, 255)', () =>
    withRunners(async (bench) => {
      const first = await bench.script(TALKS);
      await first.hears('one');
      await first.session.detach?.();
      assert.equal(await first.ended, undefined);
      const second = await bench.adopt();
      await second.hears('one');
      go(bench);
      assert.equal((await second.ended)?.ok, true);
      assert.deepEqual(second.texts(), ['one', 'two']);
      assert.equal(second.alive, true);
      await bench.gone();
      assert.equal(bench.transcript().filter(({ type }) => type === 'text').length, 2);
    }));

  it('that ends while no engine is there is found ended by the next one (row 255)', () =>
    withRunners(async (bench) => {
      const first = await bench.script(TALKS);
      await first.hears('one');
      await first.session.detach?.();
      go(bench);
      await bench.gone();
      const second = await bench.adopt();
      assert.equal((await second.ended)?.ok, true);
      assert.deepEqual(second.texts(), ['one', 'two']);
      assert.equal(second.alive, false);
    }));

  it('is ended with its daemons and its runner when it is killed (row 231)', () =>
    withRunners(async (bench) => {
      const agent = await bench.script(DAEMON);
      await agent.hears('ready');
      await until('its daemon is there', async () => (await survivors(bench.mark)).length >= 2);
      await agent.session.kill('Baton was stopped.');
      assert.deepEqual(await survivors(`${bench.key}:`), []);
      assert.equal((await agent.ended)?.error?.kind, 'interrupted');
    }));

  it('is ended by the engine that adopted it, too (row 231)', () =>
    withRunners(async (bench) => {
      const first = await bench.script(DAEMON);
      await first.hears('ready');
      await first.session.detach?.();
      const second = await bench.adopt();
      await second.session.kill('The task was cancelled.');
      assert.deepEqual(await survivors(`${bench.key}:`), []);
      assert.equal((await second.ended)?.error?.message, 'The task was cancelled.');
    }));

  it('does not outlive its runner: the engine ends what is left and says that it was interrupted (row 231)', () =>
    withRunners(async (bench) => {
      const agent = await bench.script(DAEMON);
      await agent.hears('ready');
      process.kill(bench.record?.pid ?? 0, 'SIGKILL');
      const end = await agent.ended;
      assert.deepEqual([end?.ok, end?.error?.kind], [false, 'interrupted']);
      assert.deepEqual(await survivors(`${bench.key}:`), []);
      leavesNothingOfItself(bench);
    }));

  it('whose runner was killed while no engine was there is not gone on with', () =>
    withRunners(async (bench) => {
      const first = await bench.script(DAEMON);
      await first.hears('ready');
      await first.session.detach?.();
      process.kill(bench.record?.pid ?? 0, 'SIGKILL');
      assert.equal(await bench.find(), undefined);
      leavesNothingOfItself(bench);
    }));

  it('is not taken for an earlier one of its name, whose end its runner died too early to follow', () =>
    withRunners(async (bench) => {
      const earlier = await bench.script('echo old');
      assert.equal((await earlier.ended)?.ok, true);
      await bench.gone();
      // State was cleaned, so ids begin anew; this runner is stored with the attempt and dies before it has its order.
      const { record } = await bench.engine().take();
      bench.record = record ?? assert.fail('the runner is a process');
      process.kill(bench.record.pid, 'SIGKILL');
      await bench.gone();
      assert.equal(await bench.find(), undefined);
    }));

  it('is stopped when no engine comes back in time, and the next one learns that it was interrupted (row 231)', () =>
    withRunners(async (bench) => {
      const first = await bench.script(DAEMON, { orphan_grace: 0.3 });
      await first.hears('ready');
      await first.session.detach?.();
      await bench.gone();
      const second = await bench.adopt();
      const error = (await second.ended)?.error;
      assert.equal(error?.kind, 'interrupted');
      assert.match(error.message, /^No Baton came back for the agent within /);
    }));

  it('has all the time it needs when an engine comes back', () =>
    withRunners(async (bench) => {
      const first = await bench.script('echo one; sleep 1.5; echo two', { orphan_grace: 0.7 });
      await first.hears('one');
      await first.session.detach?.();
      const second = await bench.adopt();
      assert.equal((await second.ended)?.ok, true);
    }));

  it('keeps to its time limits while no engine is there (row 232)', () =>
    withRunners(async (bench) => {
      const first = await bench.script(DAEMON, { limits: { start: 60, silence: 60, total: 1 } });
      await first.hears('ready');
      await first.session.detach?.();
      await bench.gone();
      assert.equal((await (await bench.adopt()).ended)?.error?.kind, 'time_limit');
    }));

  it('is known by a process that waits for it, and goes with an engine that never needs it (row 231)', () =>
    withRunners(async (bench) => {
      const engine = bench.engine();
      engine.warm();
      await until('a runner waits', async () => (await survivors(`${bench.key}:`)).length === 1);
      const runner = await engine.take();
      assert.deepEqual(await survivors(`${bench.key}:`), [runner.record?.pid]);
      engine.warm();
      await until('another waits', async () => (await survivors(`${bench.key}:`)).length === 2);
      runner.release();
      engine.close();
      await bench.gone();
    }));

  it('waits for the next task, one of them however many ended or are announced', () =>
    withRunners(async (bench) => {
      const engine = bench.engine();
      engine.keep();
      engine.keep();
      await until('a runner waits', async () => (await survivors(`${bench.key}:`)).length === 1);
      const [waiting] = await survivors(`${bench.key}:`);
      // A task that begins takes it, and needs no other.
      engine.warm();
      const runner = await engine.take();
      assert.equal(runner.record?.pid, waiting);
      assert.deepEqual(await survivors(`${bench.key}:`), [waiting]);
      runner.release();
      await bench.gone();
      engine.keep();
      engine.close();
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.deepEqual(await survivors(`${bench.key}:`), [], 'a closed engine keeps nothing');
    }));

  it('listens to nobody who does not know its token, which only its user can read', () =>
    withRunners(async (bench) => {
      const agent = await bench.script(TALKS);
      await agent.hears('one');
      const { socket, token } = info(bench);
      assert.equal(statSync(path.join(bench.directory, RUNNER_FILE)).mode & 0o777, 0o600);
      assert.equal(statSync(socket).mode & 0o777, 0o600);
      const stranger = connect(socket);
      const heard: Buffer[] = [];
      stranger.on('data', (data: Buffer) => heard.push(data));
      stranger.write(`${JSON.stringify({ type: 'hello', version: 1, token: token.replace(/./g, '0') })}\n${JSON.stringify({ type: 'kill', reason: 'no' })}\n`);
      await new Promise((resolve) => stranger.once('close', resolve));
      assert.equal(heard.length, 0);
      go(bench);
      assert.equal((await agent.ended)?.ok, true);
    }));

  it('of a kind that this runner has no driver for ends with that reason', () =>
    withRunners(async (bench) => {
      const agent = await bench.start({ request: { agent: { driver: 'telepathy' as 'acp', args: [], env: {} } } });
      assert.match((await agent.ended)?.error?.message ?? '', /No driver for agents of kind "telepathy"/);
      await bench.gone();
    }));
});
