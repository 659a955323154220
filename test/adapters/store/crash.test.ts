import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { build } from 'esbuild';
import { keepTempDir } from '../../support/tmp.ts';
import { Sandbox } from './fixture.ts';

const SHIM_SOURCE = path.resolve('test/adapters/store/faults/faults.c');
const LANES = 4;

describe('the store under kill -9 and a failing disk', function () {
  this.timeout(300_000);
  const built = keepTempDir();
  let sandbox: Sandbox;
  let acknowledged: number[];
  // Started some seventy times: from its sources that would take most of the time.
  before(() =>
    build({
      entryPoints: { committer: 'test/adapters/store/faults/committer.ts', storeWorker: 'src/adapters/store/worker.ts' },
      outdir: built.path,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    }),
  );
  after(() => built.remove());
  beforeEach(() => {
    sandbox = new Sandbox();
    acknowledged = Array.from({ length: LANES }, () => 0);
  });
  afterEach(() => sandbox.dispose());

  /** Runs the committer until it ends or `kill` says so; notes what it had confirmed. */
  async function commitUntil(kill: (acks: number, openForMs: number) => boolean, env: Record<string, string> = {}, rounds = 0, dataDir: string[] = []): Promise<{ lines: string[]; signal: string | null }> {
    const child = spawn(process.execPath, [path.join(built.path, 'committer.mjs'), sandbox.batonDir, String(rounds), ...dataDir], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    let text = '';
    let acks = 0;
    let opened = 0;
    let killed = false;
    const consider = (): void => {
      if (!killed && opened > 0 && kill(acks, performance.now() - opened)) killed = child.kill('SIGKILL');
    };
    const timer = setInterval(consider, 1);
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      if (opened === 0 && text.includes('open\n')) opened = performance.now();
      acks = text.split('ack ').length - 1;
      consider();
    });
    const signal = await new Promise<string | null>((resolve) => child.on('close', (_, name) => resolve(name)));
    clearInterval(timer);
    // A last line without its end was not said.
    const lines = text.split('\n').slice(0, -1);
    for (const line of lines) {
      const [, lane, rev] = /^ack (\d+) (\d+)$/.exec(line) ?? [];
      if (lane !== undefined) acknowledged[Number(lane)] = Number(rev);
    }
    return { lines, signal };
  }

  /** Everything confirmed is there, at most the one commit more that was under way, and every commit is whole. */
  async function assertNothingLostOrHalf(): Promise<void> {
    for (const name of fs.existsSync(sandbox.file('state')) ? fs.readdirSync(sandbox.file('state')) : []) {
      if (name.endsWith('.json')) JSON.parse(fs.readFileSync(sandbox.file('state', name), 'utf8'));
    }
    const store = await sandbox.open();
    assert.deepEqual(store.repairs.filter((repair) => /corrupt|database/.test(repair)), []);
    const tasks = new Map((await store.loadTasks()).map((task) => [task.task_id, task]));
    const meta = await store.meta();
    const events = await store.events(0);
    assert.deepEqual(events.map(({ seq }) => seq), events.map((_, index) => index + 1));
    for (let lane = 0; lane < LANES; lane++) {
      const left = tasks.get(`left-${lane}`);
      const right = tasks.get(`right-${lane}`);
      const rev = left?.rev ?? 0;
      const confirmed = acknowledged[lane] ?? 0;
      assert.ok(rev === confirmed || rev === confirmed + 1, `lane ${lane}: ${confirmed} was confirmed, ${rev} is stored`);
      assert.deepEqual([right?.rev ?? 0, right?.feedback, meta[`lane-${lane}`] ?? 0], [rev, left?.feedback, rev]);
      assert.deepEqual(
        events.filter(({ task_id }) => task_id === `left-${lane}`).map(({ data }) => data['rev']),
        Array.from({ length: rev }, (_, index) => index + 1),
      );
      acknowledged[lane] = rev;
    }
    await store.close();
    for (const task of tasks.values()) assert.deepEqual(sandbox.readState(task.task_id), task);
  }

  it('keeps every confirmed commit and nothing half through 30 kills at random moments (rows 13, 125, 190)', async () => {
    let total = 0;
    for (let round = 1; round <= 30; round++) {
      const afterMs = Math.random() * 60;
      // Every other time it has confirmed something before, however slow the disk is.
      const least = round % 2 === 0 ? 8 : 0;
      const { signal } = await commitUntil((acks, openForMs) => openForMs > afterMs && acks >= least);
      assert.equal(signal, 'SIGKILL');
      await assertNothingLostOrHalf();
      const sum = acknowledged.reduce((a, b) => a + b);
      total = Math.max(total, sum);
      assert.equal(sum, total);
    }
    assert.ok(total > 100, `only ${total} commits in all`);
  });

  describe('with every write, flush, rename and removal counted', () => {
    let shim: string;
    before(function () {
      if (process.platform !== 'linux') return void this.skip();
      const folder = fs.mkdtempSync('/tmp/baton-faults-');
      shim = path.join(folder, 'faults.so');
      const compiled = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', shim, SHIM_SOURCE, '-ldl'], { encoding: 'utf8' });
      // Without a C compiler the disk cannot be broken on purpose.
      if (compiled.error !== undefined) return void this.skip();
      assert.equal(compiled.status, 0, compiled.stderr);
    });
    after(() => {
      if (fs.existsSync(shim)) fs.rmSync(path.dirname(shim), { recursive: true });
    });

    const faults = (kind: string, at: number): Record<string, string> => ({
      LD_PRELOAD: shim,
      FAULT_ROOT: `${sandbox.batonDir}/`,
      FAULT_LOG: path.join(sandbox.root, 'calls.log'),
      FAULT_KIND: kind,
      FAULT_AT: String(at),
    });
    const calls = (): string[] => fs.readFileSync(path.join(sandbox.root, 'calls.log'), 'utf8').trim().split('\n');

    it('a kill at any of them loses nothing that was confirmed, the first opening included (row 190)', async () => {
      const rehearsal = await commitUntil(() => false, faults('none', 0), 3);
      assert.equal(rehearsal.lines.at(-1), 'closed');
      const last = calls().length;
      assert.ok(last > 60, calls().join('\n'));
      // Every one of them with BATON_TEST_ALL, else some forty spread over the whole way, the first ones all.
      const stride = process.env['BATON_TEST_ALL'] === undefined ? Math.ceil(last / 32) : 1;
      for (let at = 1; at <= last; at += at < 8 ? 1 : stride) {
        fs.rmSync(sandbox.root, { recursive: true });
        fs.mkdirSync(sandbox.root);
        acknowledged.fill(0);
        const { signal } = await commitUntil(() => false, faults('kill', at), 3);
        // How many calls a run takes depends on which commits and state files meet, so the last ones may not come.
        assert.ok(signal === 'SIGKILL' || at > last / 2, `no kill at call ${at} of ${last}`);
        await assertNothingLostOrHalf();
      }
    });

    it('after a failed flush the store is read-only, says so once, and never flushes again (row 190)', async () => {
      await commitUntil(() => false, faults('none', 0), 2);
      const opening = calls().length;
      fs.rmSync(path.join(sandbox.root, 'calls.log'));
      acknowledged.fill(2);
      const { lines, signal } = await commitUntil(() => false, faults('eio', Math.ceil(opening / 2)), 200);
      assert.equal(signal, null);
      assert.equal(lines.filter((line) => line === 'read-only').length, 1, lines.join('\n'));
      assert.equal(lines.filter((line) => /^rejected .*read-only until Baton is started again/.test(line)).length, LANES + 1, lines.join('\n'));
      assert.equal(lines.filter((line) => line.startsWith('error ')).length, 1);
      assert.deepEqual(lines.slice(-2), [`read ${2 * LANES}`, 'closed']);
      const all = calls();
      const failed = all.findIndex((call) => call.endsWith('flush baton.db-wal failed'));
      assert.ok(failed > 0, all.join('\n'));
      assert.deepEqual(all.slice(failed + 1).filter((call) => call.includes('flush') || call.includes('write baton.db')), []);
      await assertNothingLostOrHalf();
    });

    it('a full disk turns the store read-only and loses nothing that was confirmed', async () => {
      await commitUntil(() => false, faults('none', 0), 2);
      const opening = calls().length;
      acknowledged.fill(2);
      const { lines } = await commitUntil(() => false, faults('enospc', opening + 20), 50);
      assert.ok(lines.some((line) => line.startsWith('rejected ') && line.includes('full')), lines.join('\n'));
      assert.equal(lines.filter((line) => line === 'read-only').length, 1);
      assert.equal(lines.at(-1), 'closed');
      await assertNothingLostOrHalf();
    });

    it('where memory cannot be shared (network mounts) the database goes to the data directory; without one it works there too, and says so', async () => {
      const dataDir = path.join(sandbox.root, 'data');
      const moved = await commitUntil(() => false, faults('noshm', 0), 2, [dataDir]);
      assert.ok(moved.lines.includes(`path ${path.join(dataDir, 'baton.db')}`), moved.lines.join('\n'));
      assert.ok(moved.lines.some((line) => line.startsWith('info ') && line.includes('network mount')));
      assert.deepEqual(fs.readdirSync(sandbox.batonDir).filter((name) => name.startsWith('baton.db') && !name.endsWith('.lock')), []);
      assert.equal(sandbox.readState('left-0').rev, 2);

      // The next one finds it there, wherever it looks first.
      const again = await commitUntil(() => false, {}, 1, [dataDir]);
      assert.ok(again.lines.includes(`path ${path.join(dataDir, 'baton.db')}`));
      assert.ok(again.lines.includes('ack 0 3'));

      fs.rmSync(sandbox.root, { recursive: true });
      fs.mkdirSync(sandbox.root);
      const { lines } = await commitUntil(() => false, faults('noshm', 0), 2);
      assert.ok(lines.some((line) => line.includes('rollback journal')), lines.join('\n'));
      assert.equal(lines.at(-1), 'closed');
      await assertNothingLostOrHalf();
    });
  });
});
