import assert from 'node:assert/strict';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { createCommands } from '../../../src/adapters/gates/command.ts';
import { childEnvironment } from '../../../src/adapters/process/environment.ts';
import { MARK, markedPids } from '../../../src/adapters/process/mark.ts';
import { spawnProcess, type SpawnRequest } from '../../../src/adapters/process/spawn.ts';
import { Standby } from '../../../src/adapters/process/standby.ts';
import { listProcesses } from '../../../src/adapters/process/table.ts';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { newMark, survivors, until, withFolder } from '../../support/processes.ts';

/** Tells what it was given, then what it is told. */
const SHOW = 'process.stdin.setEncoding("utf8").on("data", (heard) => console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(1), cwd: process.cwd(), env: process.env, heard })))';

interface Shown {
  readonly pid: number;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly heard: string;
}

/** Those of this process; other tests have their own. */
const standing = async (): Promise<number[]> => [...(await markedPids((mark) => mark.startsWith('standby:'), (await listProcesses()).filter(({ ppid }) => ppid === process.pid)))];

describe('A process that waits for its program', function () {
  this.timeout(60_000);
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  const request = (cwd: string, more: Partial<SpawnRequest> = {}): SpawnRequest => ({ file: process.execPath, args: ['-e', SHOW], cwd, env: childEnvironment(), mark: newMark(), ...more });

  const shown = async (asked: SpawnRequest): Promise<Shown> => {
    const { child, exited } = await spawnProcess(asked);
    child.stdin.end('said to the program\nnot to the shell\n');
    const said = await text(child.stdout);
    assert.equal((await exited).code, 0);
    return JSON.parse(said) as Shown;
  };

  for (const shell of ['/bin/sh', '/bin/bash', '/bin/busybox']) {
    it(`becomes it as if it had been started there (${shell})`, function () {
      if (!existsSync(shell)) this.skip();
      return withFolder(async (folder) => {
        const sh = path.join(folder, 'sh');
        symlinkSync(shell, sh);
        const words = ['', ' two  words ', '$HOME `id` $(id) *', "it's \"quoted\" \\n \\", '-e', '--', '#', 'über'];
        const env = { ...childEnvironment(), BATON_TASK_ID: 'a task', EMPTY: '', QUOTED: 'a=b "$c" \\n \'d\' ' };
        const standby = Standby.start(childEnvironment(), sh);
        assert.ok(standby?.isReady);
        const [waiting] = await standing();
        const asked = request(folder, { args: ['-e', SHOW, '--', ...words], env });
        const there = await shown({ ...asked, standby });
        const usual = await shown(asked);
        assert.equal(there.pid, waiting);
        assert.notEqual(usual.pid, waiting);
        assert.deepEqual([there.args, there.cwd, there.heard], [words, folder, usual.heard]);
        // What shells set by themselves.
        for (const { env: its } of [there, usual]) for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) Reflect.deleteProperty(its, name);
        assert.deepEqual(there.env, usual.env);
        assert.equal(there.env[MARK], asked.mark);
        assert.equal(standby.isReady, false);
      });
    });
  }

  it('stays what it is where it could not be told, and the program is started anew', () =>
    withFolder(async (folder) => {
      const standby = Standby.start({ ...childEnvironment(), GONE: '1' });
      const one = { ...childEnvironment(), GONE: '1' };
      const cannot: Partial<SpawnRequest>[] = [
        { args: ['-e', SHOW, 'two\nlines'], env: one },
        { env: { ...one, TWO: 'two\nlines' } },
        { env: childEnvironment() },
        { env: { ...one, 'npm_config_//registry/:_authToken': 'secret' } },
      ];
      const [waiting] = await standing();
      for (const more of cannot) assert.notEqual((await shown(request(folder, { ...more, standby }))).pid, waiting);
      assert.equal((await shown(request(folder, { env: one, standby }))).pid, waiting);
      for (const name of ['UID', 'PS4', 'BASH_VERSION', 'BASH_FUNC_cd%%']) assert.equal(Standby.start({ ...one, [name]: '7' }), undefined, name);
    }));

  it('is done without where none can be started', () =>
    withFolder(async (folder) => {
      const standby = Standby.start(childEnvironment(), path.join(folder, 'nothing'));
      assert.ok(!standby?.isReady);
      assert.equal((await shown(request(folder, { standby }))).cwd, folder);
    }));

  it('is done without when it has died', () =>
    withFolder(async (folder) => {
      const standby = Standby.start(childEnvironment());
      const [waiting = 0] = await standing();
      process.kill(waiting, 'SIGKILL');
      await until('it is known', () => standby?.isReady === false);
      assert.notEqual((await shown(request(folder, { standby }))).pid, waiting);
    }));

  it('stays what it is where the program cannot be started, of which the system tells as ever', () =>
    withFolder(async (folder) => {
      const standby = Standby.start(childEnvironment());
      const script = path.join(folder, 'script');
      writeFileSync(script, '#!/nowhere/interpreter\n', { mode: 0o755 });
      const plain = path.join(folder, 'plain');
      writeFileSync(plain, '#!/bin/sh\n', { mode: 0o644 });
      for (const more of [{ file: path.join(folder, 'nothing') }, { cwd: path.join(folder, 'nowhere') }, { file: script }]) await assert.rejects(spawnProcess(request(folder, { ...more, standby })), { code: 'ENOENT' });
      await assert.rejects(spawnProcess(request(folder, { file: plain, standby })), { code: 'EACCES' });
      assert.equal(standby?.isReady, true);
      standby.close();
    }));

  it('is ended as a tree with what it has started', () =>
    withFolder(async (folder) => {
      const asked = request(folder, { file: '/bin/sh', args: ['-c', 'setsid sleep 300 & echo up; wait'], standby: Standby.start(childEnvironment()) });
      const { child, killTree } = await spawnProcess(asked);
      await new Promise((resolve) => child.stdout.once('data', resolve));
      assert.equal((await survivors(asked.mark)).length, 2);
      await killTree();
      assert.deepEqual(await survivors(asked.mark), []);
    }));

  it('runs the first gate that comes, and is gone when the engine closes', () =>
    withFolder(async (folder) => {
      const commands = createCommands(createRedactor());
      const pid = async (): Promise<number> => {
        const { tail } = await commands.run({ run: 'echo $$; echo wrong >&2', cwd: folder, env: { BATON_TASK_ID: 't1' }, mark: newMark(), timeout_seconds: 20, log: path.join(folder, 'gate.log'), signal: new AbortController().signal });
        assert.match(tail, /^\d+\nwrong\n$/);
        return Number.parseInt(tail, 10);
      };
      commands.prepare();
      commands.prepare();
      const [first, ...others] = await standing();
      assert.deepEqual(others, []);
      assert.equal(await pid(), first);
      assert.notEqual(await pid(), first);
      commands.keep();
      await until('one waits for the next task', async () => (await standing()).length === 1);
      commands.close();
      await until('it has ended', async () => (await standing()).length === 0);
      commands.prepare();
      assert.deepEqual(await standing(), []);
    }));
});
