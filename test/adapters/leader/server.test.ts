import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { connectEngine, type ClientConnection } from '../../../src/adapters/leader/client.ts';
import { originOfThisProcess, type Origin } from '../../../src/adapters/leader/consent.ts';
import { serveEngine, type LeaderServer } from '../../../src/adapters/leader/server.ts';
import { BatonError } from '../../../src/core/errors.ts';
import type { Clock } from '../../../src/engine/ports.ts';
import type { Command, Snapshot } from '../../../src/shared/api.ts';
import { IPC_VERSION } from '../../../src/shared/ipc.ts';
import { until } from '../../support/processes.ts';
import { rejectsWith } from '../store/conformance.ts';
import { changed, Sandbox } from '../store/fixture.ts';
import { runningAttempt, smallEngine, type SmallEngine } from './engine.ts';

const HUMAN: Origin = { mark: null, ancestors: [process.ppid] };
const decide = (taskId: string): Command => ({ type: 'decide', task_id: taskId, verdict: 'approve', by: 'ann', via: 'cli' });

describe('the leader and its clients', () => {
  let sandbox: Sandbox;
  let engine: SmallEngine;
  let server: LeaderServer;
  let clock: Clock & { time: number; due: (() => void)[] };
  let socket: string;
  const connections: { close(): void }[] = [];

  beforeEach(async () => {
    sandbox = new Sandbox();
    engine = await smallEngine(sandbox, sandbox.log);
    clock = {
      time: 0,
      due: [],
      now: () => clock.time,
      after: (_, callback) => {
        clock.due.push(callback);
        return { dispose: () => void (clock.due = clock.due.filter((one) => one !== callback)) };
      },
    };
    socket = process.platform === 'win32' ? `\\\\.\\pipe\\baton-test-${process.pid}` : path.join(sandbox.root, 's.sock');
    server = await serveEngine({ api: engine.api, socket, token: 'secret', clock, log: sandbox.log });
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.close();
    await server.close();
    await engine.close();
    await sandbox.dispose();
  });

  async function connect(origin: Origin = HUMAN, token = 'secret'): Promise<ClientConnection> {
    const info = { pid: process.pid, started_at: '', host: 'vscode' as const, socket, token, root: sandbox.root };
    const connection = await connectEngine({ info, host: 'cli', origin });
    connections.push(connection);
    return connection;
  }

  /** A peer that says what it likes; resolves with what it was told until the line ended. */
  async function say(...lines: string[]): Promise<{ type: string; error?: { kind: string } }[]> {
    const peer = net.connect(socket);
    connections.push({ close: () => void peer.destroy() });
    let text = '';
    peer.on('data', (data) => (text += String(data)));
    peer.on('error', () => undefined);
    for (const line of lines) peer.write(`${line}\n`);
    await new Promise((resolve) => peer.on('close', resolve));
    return text.trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { type: string });
  }
  const hello = (change: Record<string, unknown> = {}): string => JSON.stringify({ type: 'hello', version: IPC_VERSION, token: 'secret', pid: 1, host: 'cli', mark: null, ancestors: [], ...change });

  describe('commands and questions', () => {
    it('reach the leader and come back as the engine answered them (row 241)', async () => {
      const { api } = await connect();
      const reply = await api.send({ type: 'add_task', task: { id: 't1', goal: 'Say "hi"\n\u{1F600}', labels: ['a'] } });
      assert.deepEqual(reply, { message: 'Task t1 was added.', task_id: 't1' });
      assert.deepEqual(await api.task('t1'), await engine.api.task('t1'));
      assert.equal((await api.snapshot()).tasks[0]?.goal, 'Say "hi"\n\u{1F600}');
      assert.equal(await api.task('none'), undefined);
      assert.equal((await api.changes('b')).base_sha, 'b');
      assert.equal((await api.metrics({ since_seconds: 3600, max_buckets: 12 })).bucket_seconds, 300);
      assert.deepEqual(await api.health(), await engine.api.health());
      await assert.rejects(api.metrics({ since_seconds: -1 }), rejectsWith('usage'));
      assert.equal(server.clients, 1);
    });

    it('of many clients at once are each answered to who asked', async () => {
      const clients = await Promise.all(Array.from({ length: 5 }, () => connect()));
      const replies = await Promise.all(clients.flatMap(({ api }, client) => Array.from({ length: 20 }, (_, index) => api.changes(`c${client}-${index}`))));
      assert.deepEqual(replies.map(({ base_sha }) => base_sha), clients.flatMap((_, client) => Array.from({ length: 20 }, (__, index) => `c${client}-${index}`)));
    });

    it('that fail bring the error over with its kind, hint and place', async () => {
      const { api } = await connect();
      await assert.rejects(api.send(decide('nope')), (error) => {
        assert.ok(error instanceof BatonError);
        assert.deepEqual([error.kind, error.message, error.hint, error.location], ['not_found', 'There is no task nope.', 'List them with: baton list-tasks', { file: 'tasks.yaml', line: 3, column: 5 }]);
        return true;
      });
      await assert.rejects(api.send({ type: 'refresh' }), (error) => rejectsWith('internal')(error) && /a fault of the engine/.test(String(error)));
      assert.ok(sandbox.log.lines.some((line) => line.startsWith('error: leader: send failed')));
    });

    it('that are no command of the engine are refused, and the connection goes on', async () => {
      const { api } = await connect();
      await assert.rejects(api.send({ type: 'format_disk' } as unknown as Command), rejectsWith('usage'));
      await assert.rejects(api.send({ type: 'add_task', task: { id: '../x', goal: 'g' } }), rejectsWith('invalid_task'));
      assert.equal((await api.send({ type: 'pause' })).message, 'pause');
    });

    it('larger than a pipe holds at once arrive whole', async () => {
      const { api } = await connect();
      const text = 'ü'.repeat(2_000_000);
      await api.send({ type: 'add_task', task: { id: 't1', goal: 'g', description: text } });
      assert.equal((await api.task('t1'))?.task_def.description, text);
    });
  });

  describe('a stranger', () => {
    it('without the token is refused and logged', async () => {
      await assert.rejects(connect(HUMAN, 'guess'), rejectsWith('refused'));
      assert.deepEqual((await say(hello({ token: 'guess' }), hello())).map(({ type }) => type), ['refused']);
      assert.ok(sandbox.log.lines.some((line) => line.includes('token is not the right one')));
      assert.equal(server.clients, 0);
    });

    it('of another version is told so', async () => {
      const [answer] = await say(hello({ version: 999 }));
      assert.deepEqual([answer?.type, answer?.error?.kind], ['refused', 'unsupported']);
    });

    it('that talks before its hello, in no JSON, or without end, is cut off', async () => {
      assert.deepEqual((await say('{"type":"snapshot","id":1}')).map(({ type }) => type), ['refused']);
      assert.deepEqual(await say('GET / HTTP/1.1'), []);
      assert.deepEqual(await say('x'.repeat(20_000)), []);
      assert.deepEqual((await say(hello(), 'x'.repeat(9_000_000))).map(({ type }) => type), ['welcome']);
    });

    it('that says nothing is cut off after a while', async () => {
      const silent = net.connect(socket);
      const ended = new Promise((resolve) => silent.on('close', resolve));
      await until('the connection', () => clock.due.length > 0);
      for (const callback of clock.due) callback();
      await ended;
    });

    it('cannot reach the socket at all when it is another user', function () {
      if (process.platform === 'win32') return void this.skip();
      assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
    });
  });

  describe('consent', () => {
    it('is taken from a human\'s process', async () => {
      const { api } = await connect();
      await api.send({ type: 'add_task', task: { id: 't1', goal: 'g' } });
      assert.equal((await api.send(decide('t1'))).message, 'approve by ann.');
    });

    it('is refused from a process that carries an attempt\'s mark, which may do everything else', async () => {
      const { api } = await connect({ mark: 'key/t1/a1', ancestors: [] });
      await api.send({ type: 'add_task', task: { id: 't1', goal: 'g' } });
      await assert.rejects(api.send(decide('t1')), rejectsWith('refused'));
      // Words that an agent would read as a human's, or that change what a human approves, are no agent's to give either.
      await assert.rejects(api.send({ type: 'message', task_id: 't1', text: 'the user says so' }), rejectsWith('refused'));
      await assert.rejects(api.send({ type: 'retry', task_id: 't1' }), rejectsWith('refused'));
      await assert.rejects(api.send({ type: 'comment', task_id: 't1', place: { step_id: 's' }, text: 'x', by: 'ann' }), rejectsWith('refused'));
      await assert.rejects(api.send({ type: 'edit_comment', task_id: 't1', thread_id: 't1', comment_id: 'c1', text: null, by: 'ann' }), rejectsWith('refused'));
      await assert.rejects(api.send({ type: 'resolve_thread', task_id: 't1', thread_id: 't1', resolved: true, by: 'ann' }), rejectsWith('refused'));
      await assert.rejects(api.send({ type: 'edit_plan', task_id: 't1', plan: {}, by: 'ann' }), rejectsWith('refused'));
      assert.equal((await engine.api.task('t1'))?.rev, 1);
    });

    it('is refused from a descendant of a running attempt that hides its mark', async () => {
      const store = await connect();
      await store.api.send({ type: 'add_task', task: { id: 't1', goal: 'g' } });
      await engine.close();
      const writer = await sandbox.open();
      const task = await writer.task('t1');
      await writer.commit({ tasks: [changed(task!, { attempts: [runningAttempt(4242)] })] });
      await writer.close();
      await server.close();
      engine = await smallEngine(sandbox, sandbox.log);
      server = await serveEngine({ api: engine.api, socket, token: 'secret', clock, log: sandbox.log });
      const descendant = await connect({ mark: null, ancestors: [9, 4242, 1] });
      await assert.rejects(descendant.api.send(decide('t1')), rejectsWith('refused'));
      const stranger = await connect({ mark: null, ancestors: [9, 4243, 1] });
      await stranger.api.send(decide('t1'));
    });

    it('finds the mark of an ancestor although the process itself has dropped it', async function () {
      if (process.platform === 'win32') return void this.skip();
      const script = path.join(sandbox.root, 'origin.mts');
      fs.writeFileSync(script, `
        import { originOfThisProcess } from ${JSON.stringify(path.resolve('src/adapters/leader/consent.ts'))};
        console.log(JSON.stringify(await originOfThisProcess()));
      `);
      // The shell stays between and keeps the mark in its own environment.
      const child = spawn('/bin/sh', ['-c', `env -u BATON_MARK "$0" --disable-warning=MODULE_TYPELESS_PACKAGE_JSON "$1"; true`, process.execPath, script], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, BATON_MARK: 'key/t1/a1' },
      });
      let output = '';
      child.stdout.on('data', (data) => (output += String(data)));
      await new Promise((resolve) => child.on('close', resolve));
      const origin = JSON.parse(output) as Origin;
      assert.equal(origin.mark, 'key/t1/a1');
      assert.deepEqual(origin.ancestors.slice(0, 2), [child.pid, process.pid]);
      assert.equal((await originOfThisProcess()).mark, null);
    });

    it('finds the session of an agent that the process is in, although its parent has ended and its mark is gone', async function () {
      if (process.platform !== 'linux') return void this.skip();
      const [script, out] = [path.join(sandbox.root, 'orphan.mts'), path.join(sandbox.root, 'origin.json')];
      fs.writeFileSync(script, `
        import { renameSync, writeFileSync } from 'node:fs';
        import { originOfThisProcess } from ${JSON.stringify(path.resolve('src/adapters/leader/consent.ts'))};
        while (process.ppid === Number(process.argv[2])) await new Promise((resolve) => setTimeout(resolve, 10));
        writeFileSync(${JSON.stringify(`${out}.new`)}, JSON.stringify(await originOfThisProcess()));
        renameSync(${JSON.stringify(`${out}.new`)}, ${JSON.stringify(out)});
      `);
      const child = spawn('/bin/sh', ['-c', `env -u BATON_MARK "$0" --disable-warning=MODULE_TYPELESS_PACKAGE_JSON "$1" $$ > /dev/null 2>&1 &`, process.execPath, script], { stdio: 'ignore', detached: true, env: { ...process.env, BATON_MARK: 'key/t1/a1' } });
      await until('the orphan has looked', () => fs.existsSync(out));
      const origin = JSON.parse(fs.readFileSync(out, 'utf8')) as Origin;
      assert.equal(origin.mark, null);
      assert.ok(origin.ancestors.includes(child.pid ?? 0), JSON.stringify(origin));
    });
  });

  describe('snapshots', () => {
    it('go to those who listen, and to nobody else', async () => {
      const [listening, silent] = await Promise.all([connect(), connect()]);
      const seen: Snapshot[] = [];
      const subscription = listening.api.onSnapshot((snapshot) => void seen.push(snapshot));
      await until('the subscription', () => engine.listeners === 1);
      await silent.api.send({ type: 'add_task', task: { id: 't1', goal: 'g' } });
      await until('a snapshot', () => seen.length === 1);
      assert.deepEqual(seen[0]?.tasks.map(({ id }) => id), ['t1']);
      subscription.dispose();
      await until('the end of the subscription', () => engine.listeners === 0);
    });

    it('come at most four times a second, the newest last', async () => {
      const { api } = await connect();
      const seen: number[] = [];
      api.onSnapshot(({ seq }) => void seen.push(seq));
      await until('the subscription', () => engine.listeners === 1);
      for (let index = 0; index < 20; index++) await engine.announce();
      // A question is answered after what was sent before it.
      await api.changes('x');
      assert.deepEqual(seen, [1]);
      clock.time += 250;
      for (const callback of clock.due.splice(0)) callback();
      await until('the second snapshot', () => seen.length === 2);
      assert.deepEqual(seen, [1, 20]);
    });

    it('stop when a client goes away without a word', async () => {
      const { api } = await connect();
      api.onSnapshot(() => undefined);
      await until('the subscription', () => engine.listeners === 1);
      connections.splice(0).forEach((connection) => connection.close());
      await until('its end', () => engine.listeners === 0 && server.clients === 0);
    });
  });

  describe('the end of the leader', () => {
    it('ends the connection; calls on their way and later ones reject with leader_gone', async () => {
      const { api, closed } = await connect();
      const never = new Promise<never>(() => undefined);
      engine.api.changes = () => never;
      const pending = api.changes('x');
      const rejected = assert.rejects(pending, rejectsWith('leader_gone'));
      await until('the call', async () => (await api.send({ type: 'pause' })).message === 'pause');
      await server.close();
      await closed;
      await rejected;
      await assert.rejects(api.snapshot(), rejectsWith('leader_gone'));
      await assert.rejects(connect(), rejectsWith('leader_gone'));
    });

    it('leaves no socket behind, and one that a killed leader left is replaced', async () => {
      await server.close();
      if (process.platform !== 'win32') {
        assert.equal(fs.existsSync(socket), false);
        fs.writeFileSync(socket, '');
      }
      server = await serveEngine({ api: engine.api, socket, token: 'secret', clock, log: sandbox.log });
      assert.equal((await (await connect()).api.send({ type: 'pause' })).message, 'pause');
    });
  });
});

