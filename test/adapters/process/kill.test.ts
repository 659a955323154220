import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { killTree } from '../../../src/adapters/process/kill.ts';
import { createProcesses } from '../../../src/adapters/process/processes.ts';
import { identify, identifyNow, isAlive, listProcesses } from '../../../src/adapters/process/table.ts';
import { newMark, run, startScript, survivors, until } from '../../support/processes.ts';

const POSIX = process.platform !== 'win32';
const LINUX = process.platform === 'linux';

describe('ending a process tree', function () {
  this.timeout(60_000);
  before(function () {
    if (!POSIX) this.skip();
  });

  it('ends a shell, its background children and their children (row 231)', async () => {
    const mark = newMark();
    const { identity, killTree: kill } = await startScript('sleep 313 & (sleep 314 & sleep 315) & sleep 316', mark);
    await until('five processes run', async () => (await survivors(mark)).length >= 5);
    await kill();
    assert.deepEqual(await survivors(mark), []);
    assert.ok(identity);
    assert.equal(await isAlive(identity), false);
  });

  it('ends children that took a session of their own (row 231)', async function () {
    if (!LINUX) this.skip();
    const mark = newMark();
    const spawned = await startScript('setsid sleep 313 & setsid sh -c "sleep 314 & sleep 315" & sleep 316', mark);
    await until('they run', async () => (await survivors(mark)).length >= 5);
    await spawned.killTree();
    assert.deepEqual(await survivors(mark), []);
  });

  it('ends daemons that forked twice and whose parents are long gone (row 231)', async function () {
    if (!LINUX) this.skip();
    const mark = newMark();
    const spawned = await startScript('(setsid sh -c "sleep 313 & exit" &) ; exit 0', mark);
    await spawned.exited;
    await until('only the daemon is left', async () => (await survivors(mark)).length === 1);
    await spawned.killTree();
    assert.deepEqual(await survivors(mark), []);
  });

  it('ends what a dead root left in its group even when the mark was washed off (row 231)', async () => {
    const spawned = await startScript('env -i sleep 313.77 & exit 0', newMark());
    await spawned.exited;
    const sleeper = async () => (await listProcesses()).filter((one) => one.pgid === spawned.child.pid);
    await until('the sleeper is alone in the group', async () => (await sleeper()).length === 1);
    await spawned.killTree();
    assert.deepEqual(await sleeper(), []);
  });

  it('ends what a root left that had ended before it could be asked for its name (row 231)', async function () {
    if (!LINUX) this.skip();
    const child = spawn('/bin/sh', ['-c', 'env -i sleep 313.78 & exit 0'], { detached: true, stdio: 'ignore' });
    // The event loop stands still, so that nobody has reaped it.
    while (!/\) Z /.test(readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8')));
    const identity = identifyNow(child.pid ?? 0, 'ended too');
    assert.ok(identity);
    await once(child, 'exit');
    await killTree(identity, { ownGroup: true });
    assert.deepEqual((await listProcesses()).filter((one) => one.pgid === child.pid), []);
  });

  it('kills after the grace what ignores TERM', async () => {
    const mark = newMark();
    const spawned = await startScript(`trap '' TERM; echo ready; while :; do sleep 0.1; done`, mark);
    await once(spawned.child.stdout, 'data');
    const begun = performance.now();
    await spawned.killTree(400);
    assert.ok(performance.now() - begun >= 400, 'TERM comes first, and time to obey it');
    assert.deepEqual(await survivors(mark), []);
    assert.equal((await spawned.exited).signal, 'SIGKILL');
  });

  it('lets a process that obeys TERM clean up', async () => {
    const spawned = await startScript(`trap 'echo cleaned; exit 3' TERM; echo ready; while :; do sleep 0.05; done`, newMark());
    let output = '';
    spawned.child.stdout.on('data', (chunk) => (output += String(chunk)));
    await until('it is ready', () => output.includes('ready'));
    await spawned.killTree();
    await until('its last words are read', () => output.includes('cleaned'));
    assert.deepEqual(await spawned.exited, { code: 3, signal: null });
  });

  it('ends a stopped process', async () => {
    const spawned = await startScript('kill -STOP $$', newMark());
    await until('it has stopped', async () => (await run('ps', ['-o', 'stat=', '-p', String(spawned.child.pid)], '/')).startsWith('T'));
    await spawned.killTree(200);
    assert.equal((await spawned.exited).signal, 'SIGKILL');
  });

  it('takes a zombie for ended', async function () {
    if (!LINUX) this.skip();
    const mark = newMark();
    // The background shell ends at once; its parent execs into sleep and never waits for it.
    const spawned = await startScript('sh -c "exit 0" & exec sleep 313', mark);
    await until('the zombie is there', async () => {
      const { stdout } = spawnPs(spawned.child.pid ?? 0);
      return (await stdout).includes('Z');
    });
    await spawned.killTree();
    assert.deepEqual(await survivors(mark), []);
  });

  it('catches a tree that goes on forking while it is ended', async function () {
    if (!LINUX) this.skip();
    const mark = newMark();
    const spawned = await startScript(`trap '' TERM; n=0; while [ $n -lt 400 ]; do (setsid sleep 60 &); n=$((n+1)); sleep 0.005; done`, mark);
    await until('some are there', async () => (await survivors(mark)).length > 5);
    await spawned.killTree(150);
    assert.deepEqual(await survivors(mark), []);
  });

  it('never touches a process whose start time is another one', async () => {
    const stranger = spawn('sleep', ['313'], { stdio: 'ignore', detached: true });
    await once(stranger, 'spawn');
    assert.ok(stranger.pid);
    await killTree({ pid: stranger.pid, started: 'another time' }, { graceMs: 0, ownGroup: true });
    assert.ok(await identify(stranger.pid), 'the stranger lives');
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  });

  it('never ends itself, whatever the mark says', async () => {
    // In a process that has no children, which the tests before may have left here.
    const script = [
      `import { killTree } from ${JSON.stringify(path.resolve('src/adapters/process/kill.ts'))};`,
      `import { identify } from ${JSON.stringify(path.resolve('src/adapters/process/table.ts'))};`,
      'console.log(await killTree(await identify(process.pid), { graceMs: 0 }), "and alive");',
    ];
    const node = [...process.execArgv, '--input-type=module', '--eval', script.join('\n')];
    assert.equal((await run(process.execPath, node, process.cwd())).trim(), '0 and alive');
  });
});

describe('the sweep after a crash', function () {
  this.timeout(60_000);

  it('ends every process whose mark starts with the prefix, counts them, and spares the others (row 231)', async function () {
    if (!LINUX) this.skip();
    const prefix = newMark();
    const mine = await startScript('(setsid sleep 313 &); exec sleep 314', `${prefix}/t1/a1`);
    const other = await startScript('exec sleep 315', newMark());
    // Not the shells that they come from, of which there may be two for a moment too.
    await until('both of mine sleep', async () => {
      const names = await Promise.all((await survivors(prefix)).map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
      return names.length === 2 && names.every((name) => name.trim() === 'sleep');
    });
    assert.equal(await createProcesses().sweep(prefix), 2);
    assert.deepEqual(await survivors(prefix), []);
    assert.ok(other.identity && (await isAlive(other.identity)));
    await Promise.all([mine.exited, other.killTree()]);
  });

  it('ends a root with its children where no mark tells, and nobody who was given its pid (row 231)', async function () {
    if (!LINUX) this.skip();
    const root = spawn('sh', ['-c', 'sleep 313 & sleep 314 & wait'], { stdio: 'ignore' });
    const ended = once(root, 'exit');
    const identity = await identify(root.pid ?? 0);
    assert.ok(identity);
    const children = async () => (await listProcesses()).filter((one) => one.ppid === identity.pid);
    await until('its children run', async () => (await children()).length === 2);
    const pids = await children();
    assert.equal(await createProcesses().sweep(newMark(), { roots: [{ pid: identity.pid, started: 'another boot/1' }] }), 0);
    assert.equal(await isAlive(identity), true);
    assert.equal(await createProcesses().sweep(newMark(), { roots: [identity] }), 3);
    await ended;
    for (const child of pids) assert.equal(await isAlive(child), false);
  });

  it('finds nothing where nothing is', async () => {
    assert.equal(await createProcesses().sweep(newMark()), 0);
  });
});

function spawnPs(parent: number): { stdout: Promise<string> } {
  const child = spawn('ps', ['--ppid', String(parent), '-o', 'stat='], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  return { stdout: once(child, 'close').then(() => text) };
}
