import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runGit, type GitCommand } from '../../../src/adapters/git/command.ts';
import { Git, gitEnvironment } from '../../../src/adapters/git/git.ts';
import { GitStarter } from '../../../src/adapters/git/starter.ts';
import { BatonError } from '../../../src/core/errors.ts';
import { until } from '../../support/processes.ts';
import { makeRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/tmp.ts';

/** The process that started the git which runs this alias. */
const WHO = 'alias.who=!cut -d" " -f4 "/proc/$PPID/stat"';
/** Ends that process while it waits for git, and works on. */
const KILL = 'alias.fell=!kill -9 "$(cut -d" " -f4 "/proc/$PPID/stat")"; sleep 0.3; touch "$DONE"';

const started: GitStarter[] = [];
function starter(options: { idle?: number } = {}): { git: Git; starter: GitStarter; warnings: string[] } {
  const warnings: string[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: (text: string) => void warnings.push(text), error: () => undefined };
  const made = new GitStarter({ log, ...options });
  started.push(made);
  return { git: new Git({ start: (command) => made.run(command) }), starter: made, warnings };
}

const who = async (git: Git): Promise<number> => Number(await git.text(['who'], { cwd: process.cwd(), config: [WHO] }));
const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Where the shell's outputs go. */
const folderOf = async (shell: number): Promise<string> => (await readFile(`/proc/${shell}/cmdline`, 'utf8')).split('\0').at(-2) ?? '';

describe('the shells that start git', () => {
  before(function () {
    if (process.platform !== 'linux') this.skip(); // /proc tells who started a program
  });
  afterEach(() => {
    for (const one of started.splice(0)) one.close();
  });

  it('are as many as commands come at once, and the same for those that follow', async () => {
    const { git, warnings } = starter();
    const first = await who(git);
    assert.notEqual(first, process.pid);
    const all = new Set(await Promise.all(Array.from({ length: 5 }, () => who(git))));
    assert.equal(all.size, 5);
    assert.ok(all.has(first));
    assert.ok(all.has(await who(git)));
    assert.equal(await who(new Git()), process.pid);
    assert.deepEqual(warnings, []);
  });

  it('gives the answers and the errors that git here gives', async () => {
    const { root } = await makeRepo();
    const made = starter().starter;
    const command = (more: Partial<GitCommand>): GitCommand => ({ args: ['status', '--short'], cwd: root, env: gitEnvironment({}), extra: {}, input: '', hooks: false, config: [], ...more });
    const commands = [
      command({ args: ['hash-object', '--stdin'], input: 'ä\n' }),
      command({ args: ['rev-parse', '--verify', 'nothing'] }),
      command({ args: ['config', 'user.name'], config: ['user.name=Somebody "else"'] }),
      command({ args: ['var', 'GIT_AUTHOR_IDENT'], extra: { GIT_AUTHOR_NAME: "A 'quoted' $HOME", GIT_AUTHOR_EMAIL: 'a@b.c', GIT_AUTHOR_DATE: '1700000000 +0000' } }),
      command({ args: ['var', 'GIT_AUTHOR_IDENT'], env: gitEnvironment({ GIT_AUTHOR_NAME: 'B', GIT_AUTHOR_EMAIL: 'b@c.d', GIT_AUTHOR_DATE: '1700000000 +0000' }) }),
      command({ args: ['config', 'user.name'], config: ['user.name=$(touch made) `touch made`; touch made\\'] }),
      command({ args: ['config', 'user.name'], config: ['user.name=two\nlines'] }),
      command({ args: ['config', '--show-origin', '--get-regexp', '.*'], hooks: true }),
      command({ args: ['config', '--show-origin', '--get-regexp', '.*'] }),
      command({ args: ['rev-parse', '--sq-quote', '', '*', '-n', ' a  b ', "'"] }),
      command({ args: ['hash-object', '--stdin'], input: 'no\0text\n' }),
      command({ args: ['stripspace'], input: 'x'.repeat(1_000_000) }),
      command({ cwd: path.join(root, 'gone') }),
      command({ env: { PATH: tempDir() } }),
    ];
    const outcome = (ran: Promise<unknown>): Promise<unknown> => ran.catch((error: unknown) => error instanceof BatonError && { kind: error.kind, message: error.message, hint: error.hint });
    for (const one of commands) assert.deepEqual(await outcome(made.run(one)), await outcome(runGit(one)), one.args.join(' '));
    assert.ok(!existsSync(path.join(root, 'made')), 'what is data was run');
  });

  it('end when nothing is asked for a while, and are started again', async () => {
    const { git } = starter({ idle: 50 });
    const first = await who(git);
    await until('the idle shell has ended', () => !lives(first));
    assert.notEqual(await who(git), first);
  });

  it('do not end while git is at work, however long', async () => {
    const { git } = starter({ idle: 50 });
    const first = await who(git);
    assert.equal(await git.text(['slow'], { cwd: process.cwd(), config: ['alias.slow=!sleep 0.3; cut -d" " -f4 "/proc/$PPID/stat"'] }), String(first));
  });

  it('tell when one dies at work, once its git has ended, and the next command has another', async () => {
    const { git, warnings } = starter();
    const done = path.join(tempDir(), 'done');
    await who(git);
    const killed = git.run(['fell'], { cwd: process.cwd(), config: [KILL], env: { DONE: done } });
    await assert.rejects(killed, { name: 'BatonError', kind: 'git', message: /ended while git fell was at work/, hint: /Try again/ });
    assert.ok(existsSync(done), 'git was still at work');
    assert.ok((await who(git)) > 0);
    assert.deepEqual(warnings, []);
  });

  it('are done without where none can be started', async () => {
    const { git, warnings } = starter();
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = path.join(tempDir(), 'missing');
    try {
      assert.equal(await who(git), process.pid);
      assert.equal(await who(git), process.pid);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /missing.*reload the window/);
  });

  it('are replaced when their folder was tidied away', async () => {
    const { git } = starter();
    const first = await who(git);
    rmSync(await folderOf(first), { recursive: true });
    assert.equal(await who(git), process.pid);
    const second = await who(git);
    assert.ok(second !== first && second !== process.pid);
  });

  it('leave no files', async () => {
    const { git, starter: made } = starter();
    const folder = await folderOf(await who(git));
    await git.run(['hash-object', '--stdin'], { cwd: process.cwd(), input: 'x' });
    assert.deepEqual(await readdir(folder), []);
    made.close();
    await until('the folder is gone', () => !existsSync(folder));
  });

  it('answer what they were asked before they are closed, then end; later commands are started here', async () => {
    const { git, starter: made } = starter();
    const first = await who(git);
    const last = git.text(['slow'], { cwd: process.cwd(), config: ['alias.slow=!sleep 0.2; echo done'] });
    // Asked, and not only about to be.
    await new Promise(setImmediate);
    made.close();
    assert.equal(await last, 'done');
    await until('the shell has ended', () => !lives(first));
    assert.equal(await who(git), process.pid);
  });

  it('outlive what ends the engine orderly, and end with one that is killed', async () => {
    const script = path.join(tempDir(), 'engine.mts');
    const source = [
      `import { Git } from ${JSON.stringify(path.resolve('src/adapters/git/git.ts'))};`,
      `import { GitStarter } from ${JSON.stringify(path.resolve('src/adapters/git/starter.ts'))};`,
      `const starter = new GitStarter({ log: console });`,
      `const git = new Git({ start: (command) => starter.run(command) });`,
      `const tell = async () => console.log(await git.text(['who'], { cwd: process.cwd(), config: [${JSON.stringify(WHO)}] }));`,
      "process.stdin.on('data', tell);",
      'await tell();',
    ];
    await writeFile(script, source.join('\n'));
    const engine = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const told = async (): Promise<number> => Number(((await once(engine.stdout.setEncoding('utf8'), 'data')) as [string])[0]);
      const pid = await told();
      for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.kill(pid, signal);
      engine.stdin.write('again\n');
      assert.equal(await told(), pid);
      engine.kill('SIGKILL');
      await until('it has ended with its engine', () => !lives(pid));
    } finally {
      engine.kill('SIGKILL');
    }
  });
});
