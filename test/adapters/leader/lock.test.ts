import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { acquireLock, readLeaderInfo, type LeaderInfo, type LeaderLock } from '../../../src/adapters/leader/lock.ts';

const KEY = 'abc123';

describe('the leader lock', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  const info = (pid: number): LeaderInfo => ({ pid, started_at: '2026-11-20T12:00:00.000Z', host: 'vscode', socket: '/run/x.sock', token: 'secret', root: '/repo' });

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'baton-lock-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    fs.rmSync(directory, { recursive: true });
  });

  function acquire(): LeaderLock {
    const attempt = acquireLock(directory, KEY);
    assert.equal(attempt.kind, 'acquired');
    return attempt.lock;
  }

  /** A process that takes the lock, publishes, and stays. */
  async function holder(): Promise<ChildProcess> {
    const script = path.join(directory, 'holder.mts');
    fs.writeFileSync(script, `
      import { acquireLock } from ${JSON.stringify(path.resolve('src/adapters/leader/lock.ts'))};
      const attempt = acquireLock(${JSON.stringify(directory)}, '${KEY}');
      if (attempt.kind === 'acquired') attempt.lock.publish({ ...${JSON.stringify(info(0))}, pid: process.pid });
      console.log(attempt.kind);
      setInterval(() => undefined, 1000);
    `);
    const child = spawn(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const said = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data).trim())));
    assert.equal(said, 'acquired');
    return child;
  }

  it('is held by one; the others learn who it is, without waiting', () => {
    const lock = acquire();
    assert.deepEqual(acquireLock(directory, KEY), { kind: 'busy', info: undefined });
    lock.publish(info(1));
    // With a wait for each of them the test would not end in time.
    for (let times = 0; times < 200; times++) assert.deepEqual(acquireLock(directory, KEY), { kind: 'busy', info: info(1) });
    lock.release();
  });

  it('is free after its release, and what was published is gone', () => {
    const lock = acquire();
    lock.publish(info(1));
    lock.release();
    lock.release();
    assert.equal(readLeaderInfo(directory, KEY), undefined);
    acquire().release();
  });

  it('of another repository is another lock', () => {
    const lock = acquire();
    const other = acquireLock(directory, 'other');
    assert.equal(other.kind, 'acquired');
    other.lock.release();
    lock.release();
  });

  it('is freed by kill -9 of its holder, ten times over, and what that one published is withdrawn by the next (row 241)', async function () {
    this.timeout(60_000);
    for (let round = 0; round < 10; round++) {
      const child = await holder();
      const busy = acquireLock(directory, KEY);
      assert.equal(busy.kind, 'busy');
      assert.equal(busy.info?.pid, child.pid);
      const gone = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      const lock = acquire();
      assert.equal(readLeaderInfo(directory, KEY), undefined);
      lock.release();
    }
  });

  it('shows its secret to its user alone', function () {
    if (process.platform === 'win32') return void this.skip();
    const lock = acquire();
    lock.publish(info(1));
    assert.equal(fs.statSync(path.join(directory, `${KEY}.json`)).mode & 0o777, 0o600);
    lock.release();
  });

  it('takes a file that was tampered with for none', () => {
    const lock = acquire();
    fs.writeFileSync(path.join(directory, `${KEY}.json`), '{"pid": "x"}');
    assert.deepEqual(acquireLock(directory, KEY), { kind: 'busy', info: undefined });
    lock.release();
  });

  it('in a folder that does not exist is an error that names the file', () => {
    assert.throws(() => acquireLock(path.join(directory, 'none'), KEY), /abc123\.lock/);
  });
});
