import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createUsageMeter, parsePsUsage, parseStatUsage, parseWindowsUsage } from '../../../src/adapters/process/usage.ts';

const BURN = 'const end = Date.now() + 60_000; const keep = Buffer.alloc(80_000_000, 1); while (Date.now() < end) keep[0]++;';

describe('The use of processor and memory', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  const start = (code: string, mark?: string): ChildProcess => {
    const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore', env: { ...process.env, ...(mark === undefined ? {} : { BATON_MARK: mark }) } });
    children.push(child);
    return child;
  };

  it('is measured for each agent’s process tree, found by its mark, and for Baton without them (row 116)', async function () {
    if (process.platform === 'win32') this.skip();
    start(BURN, 'metrics-test:a:1');
    start('setTimeout(() => undefined, 60_000)', 'metrics-test:b:1');
    const trees = ['metrics-test:a:1', 'metrics-test:b:1', 'metrics-test:none:1'].map((mark) => ({ mark, pid: null }));
    const measure = createUsageMeter();
    const first = await measure(trees);
    assert.equal(first.own.cpu_percent, null);
    let last = await measure(trees);
    // A busy machine may give the busy one little, and not at once.
    for (let look = 0; look < 100 && !((last.trees.get('metrics-test:a:1')?.cpu_percent ?? 0) > 5 && (last.trees.get('metrics-test:a:1')?.memory_mb ?? 0) > 80); look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      last = await measure(trees);
    }
    // Long enough that a moment in which this process stood still between looking and reading the clock does not count.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    last = await measure(trees);
    const [busy, quiet, none] = trees.map(({ mark }) => last.trees.get(mark));
    assert.ok((busy?.cpu_percent ?? 0) > 5 && (busy?.cpu_percent ?? 0) < 150, JSON.stringify(busy));
    assert.ok((busy?.memory_mb ?? 0) > 80, JSON.stringify(busy));
    assert.ok((quiet?.cpu_percent ?? 100) < (busy?.cpu_percent ?? 0) && (quiet?.memory_mb ?? 0) > 10, JSON.stringify(quiet));
    assert.deepEqual(none, { cpu_percent: 0, memory_mb: 0 });
    const real = process.memoryUsage.rss() / 1e6;
    assert.ok(last.own.memory_mb > real * 0.5 && last.own.memory_mb < real + 80, `${last.own.memory_mb} MB beside ${real}`);
  });

  it('counts the children of an agent that dropped the mark to the agent', async function () {
    if (process.platform === 'win32') this.skip();
    const parent = start("require('node:child_process').spawn(process.execPath, ['-e', 'const keep = Buffer.alloc(120e6, 1); setTimeout(() => keep, 60000)'], { env: {}, stdio: 'ignore' }); setTimeout(() => undefined, 60000)", 'metrics-test:c:1');
    const measure = createUsageMeter();
    const memory = async () => (await measure([{ mark: 'metrics-test:c:1', pid: parent.pid ?? null }])).trees.get('metrics-test:c:1')?.memory_mb ?? 0;
    while ((await memory()) < 150) await new Promise((resolve) => setTimeout(resolve, 50));
  });

  it('is read from Linux’ stat, whatever the program is called', () => {
    const stat = '42 (a b) c) S 7 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 9999 1000000 2560 18446744073709551615';
    assert.deepEqual(parseStatUsage(stat), { pid: 42, ppid: 7, started: '9999', cpu_ms: 2000, memory_mb: 10.48576 });
    assert.equal(parseStatUsage('nonsense'), undefined);
  });
  it('is read from ps as macOS prints it', () => {
    assert.deepEqual(parsePsUsage('  501     1   0:01.50  20480 Fri Nov 20 12:00:00 2026\n  502   501 1-02:03:04   1024 Fri Nov 20 12:00:01 2026\nPID\n'), [
      { pid: 501, ppid: 1, started: 'Fri Nov 20 12:00:00 2026', cpu_ms: 1500, memory_mb: 20.97152 },
      { pid: 502, ppid: 501, started: 'Fri Nov 20 12:00:01 2026', cpu_ms: 93_784_000, memory_mb: 1.048576 },
    ]);
  });
  it('is read from what PowerShell prints', () => {
    assert.deepEqual(parseWindowsUsage('4 0 15000000 2000000 639000000000000000\r\nrubbish\r\n8 4 10000 1000000 \r\n'), [
      { pid: 4, ppid: 0, started: '639000000000000000', cpu_ms: 1500, memory_mb: 2 },
      { pid: 8, ppid: 4, started: '', cpu_ms: 1, memory_mb: 1 },
    ]);
  });
});
