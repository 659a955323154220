import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isatty } from 'node:tty';
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
function starter(options: { idle?: number; shell?: string } = {}): { git: Git; starter: GitStarter; warnings: string[] } {
  const warnings: string[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: (text: string) => void warnings.push(text), error: () => undefined };
  const made = new GitStarter({ log, ...options });
  started.push(made);
  return { git: new Git({ start: (command) => made.run(command) }), starter: made, warnings };
}

const who = async (git: Git, hooks = false): Promise<number> => Number(await git.text(['who'], { cwd: process.cwd(), config: [WHO], hooks }));
const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A folder for PATH that has `env` and no git. */
function pathWithEnvOnly(): string {
  const folder = tempDir();
  symlinkSync('/usr/bin/env', path.join(folder, 'env'));
  return folder;
}

async function withTmpdir(folder: string, work: () => Promise<void>): Promise<void> {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    await work();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

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
      command({ env: { PATH: pathWithEnvOnly() }, extra: { A: 'b' } }),
      command({ args: ['rev-parse', '--sq-quote', ...Array.from({ length: 500 }, (_, index) => String(index))] }),
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
    await assert.rejects(killed, { name: 'BatonError', kind: 'git', message: /What became of git fell is not known/, hint: /Try again/ });
    assert.ok(existsSync(done), 'git was still at work');
    assert.ok((await who(git)) > 0);
    assert.deepEqual(warnings, []);
  });

  it('are done without where none can be started', async () => {
    const { git, warnings } = starter();
    await withTmpdir(path.join(tempDir(), 'missing'), async () => {
      assert.equal(await who(git), process.pid);
      assert.equal(await who(git), process.pid);
    });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /missing.*reload the window/);
  });

  it('are replaced when their folders were tidied away, whatever comes next', async () => {
    const { git } = starter();
    const shells = await Promise.all(Array.from({ length: 3 }, () => who(git)));
    for (const shell of shells) rmSync(await folderOf(shell), { recursive: true });
    assert.equal(await git.text(['hash-object', '--stdin'], { cwd: process.cwd(), input: 'x' }), await new Git().text(['hash-object', '--stdin'], { cwd: process.cwd(), input: 'x' }));
    assert.equal(await who(git), process.pid);
    assert.equal(await git.text(['stripspace'], { cwd: process.cwd(), input: 'y\n' }), 'y');
    const next = await who(git);
    assert.ok(!shells.includes(next) && next !== process.pid);
  });

  it('run nothing twice, also when what it said was removed', async () => {
    const { git } = starter();
    const times = path.join(tempDir(), 'times');
    const clear = `alias.clear=!echo once >>"${times}"; rm -rf "${await folderOf(await who(git))}"`;
    await assert.rejects(git.run(['clear'], { cwd: process.cwd(), config: [clear] }), { name: 'BatonError', kind: 'git', message: /What became of git clear is not known/ });
    assert.equal(readFileSync(times, 'utf8'), 'once\n');
    assert.ok((await who(git)) > 0);
  });

  it('say so where there is no room for what git says, and are done without', async function () {
    const folder = tempDir();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      this.skip(); // only root may, and not in every container
    }
    try {
      const { git } = starter();
      await withTmpdir(folder, async () => {
        assert.notEqual(await who(git), process.pid);
        try {
          writeFileSync(path.join(folder, 'filler'), Buffer.alloc(128 * 1024));
        } catch {
          // Full.
        }
        // More than the files take that are there already.
        await assert.rejects(git.run(['ls-files'], { cwd: process.cwd() }), { name: 'BatonError', message: new RegExp(`no room left in ${folder}`), hint: /Free some space/ });
        assert.match(await git.text(['--version'], { cwd: process.cwd() }), /^git version/);
      });
    } finally {
      execFileSync('umount', ['--lazy', folder]);
    }
  });

  it('find their files also where TMPDIR is relative', async () => {
    const { git } = starter();
    await withTmpdir(path.relative(process.cwd(), tempDir()), async () => assert.notEqual(await who(git), process.pid));
  });

  it('follow the environment of this process', async () => {
    const { git } = starter();
    const said = (): Promise<string> => git.text(['said'], { cwd: process.cwd(), config: ['alias.said=!echo "$BATON_TEST_SAID"'] });
    for (const text of ['first', 'second']) {
      process.env['BATON_TEST_SAID'] = text;
      assert.equal(await said(), text);
    }
    delete process.env['BATON_TEST_SAID'];
    assert.equal(await said(), '');
  });

  it('leave hooks to this process where a shell would take something from them', async function () {
    if (isatty(0) || isatty(1)) this.skip(); // there it leaves them all
    const { git } = starter();
    assert.notEqual(await who(git, true), process.pid);
    process.env['npm_config_//registry/:_authToken'] = 'secret';
    try {
      assert.equal(await who(git, true), process.pid);
      assert.notEqual(await who(git), process.pid);
    } finally {
      delete process.env['npm_config_//registry/:_authToken'];
    }
  });

  it('are not led astray by what the user has made of a shell’s own commands', async () => {
    const shell = path.join(tempDir(), 'sh');
    if (!existsSync('/bin/bash')) return;
    symlinkSync('/bin/bash', shell);
    const { git } = starter({ shell });
    const functions = { cd: 'builtin cd "$@" && pwd', echo: 'builtin echo said "$@"', git: 'builtin echo 1 0', rm: ':' };
    for (const [name, body] of Object.entries(functions)) process.env[`BASH_FUNC_${name}%%`] = `() { ${body}\n}`;
    try {
      assert.notEqual(await who(git), process.pid);
      assert.match(await git.text(['--version'], { cwd: process.cwd() }), /^git version/);
    } finally {
      for (const name of Object.keys(functions)) Reflect.deleteProperty(process.env, `BASH_FUNC_${name}%%`);
    }
  });

  it('leave no files but those that the next uses again, and none at their end', async () => {
    const { git, starter: made } = starter();
    const folder = await folderOf(await who(git));
    await git.run(['hash-object', '--stdin'], { cwd: process.cwd(), input: 'x' });
    await git.run(['hash-object', '--stdin'], { cwd: process.cwd(), input: 'x', hooks: true });
    assert.deepEqual((await readdir(folder)).sort(), ['usual.err', 'usual.in', 'usual.out']);
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
      "const wait = () => git.run(['wait'], { cwd: process.cwd(), config: ['alias.wait=!echo at work; sleep 0.5'] });",
      "process.stdin.on('data', (data) => (String(data) === 'wait\\n' ? wait() : tell()));",
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
      const folder = await folderOf(pid);
      engine.stdin.write('wait\n');
      await until('git is at work', () => readFileSync(path.join(folder, 'usual.out'), 'utf8') === 'at work\n');
      engine.kill('SIGKILL');
      await until('it has ended with its engine', () => !lives(pid));
      assert.ok(!existsSync(folder), 'its files are left');
    } finally {
      engine.kill('SIGKILL');
    }
  });
});
