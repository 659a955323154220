import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { GateConfig } from '../../../src/core/config/schema.ts';
import { selectGates } from '../../../src/core/gates.ts';
import { gateLogName, runGateRound, type GateRoundRequest } from '../../../src/engine/pipeline/gateRound.ts';
import type { CommandRequest, CommandResult, Gates } from '../../../src/engine/ports.ts';

/** The port over a plain child process: real exit codes, real output, ended by the signal. */
const shell: Pick<Gates, 'run'> = {
  run: (request: CommandRequest) =>
    new Promise<CommandResult>((resolve) => {
      const started = Date.now();
      const posix = process.platform !== 'win32';
      const child = spawn(request.run, { shell: true, cwd: request.cwd, env: { ...process.env, ...request.env }, detached: posix });
      // The group, not only the shell.
      request.signal.addEventListener('abort', () => (posix && child.pid !== undefined ? process.kill(-child.pid, 'SIGKILL') : child.kill()));
      let tail = '';
      child.stdout.on('data', (data: Buffer) => (tail += data.toString()));
      child.stderr.on('data', (data: Buffer) => (tail += data.toString()));
      child.on('close', (code) => resolve({ exit_code: code, timed_out: false, aborted: request.signal.aborted, seconds: (Date.now() - started) / 1000, tail }));
    }),
};

function gate(name: string, run: string, more: Partial<GateConfig> = {}): GateConfig {
  return { name, run, timeout: 60, required: true, parallel: true, ...more };
}

function request(gates: GateConfig[], more: Partial<GateRoundRequest> = {}): GateRoundRequest {
  const selected = selectGates(gates, { changes: [{ path: 'a.ts', added: 1, removed: 0 }], size: 'small', area: 'core' });
  return {
    ...{ round: 2, subject: 'branch', gates, selected, cwd: process.cwd(), tree_sha: 'tree', base_sha: 'base', env: { BATON_TASK_ID: 't1' }, mark: 'm' },
    ...{ log: (name: string) => `/logs/${name}`, signal: new AbortController().signal, allow_warnings: false, clock: { now: () => 0 } },
    ...more,
  };
}

/** A port whose gates end when the test says so. */
function manual(): { port: Pick<Gates, 'run'>; running: string[]; end: (name: string, result?: Partial<CommandResult>) => Promise<void> } {
  const open = new Map<string, (result: CommandResult) => void>();
  const running: string[] = [];
  return {
    running,
    port: {
      run: ({ run }) => {
        running.push(run);
        return new Promise((resolve) => open.set(run, resolve));
      },
    },
    end: async (name, result = {}) => {
      open.get(name)?.({ exit_code: 0, timed_out: false, aborted: false, seconds: 1, tail: '', ...result });
      running.splice(running.indexOf(name), 1);
      await new Promise(setImmediate);
    },
  };
}

describe('a round of gates', () => {
  it('gives every gate’s evidence in the order of the configuration (row 180)', async () => {
    const gates = [
      gate('fails', 'node -e "console.log(process.env.BATON_TASK_ID); console.error(\'boom\'); process.exit(3)"'),
      gate('passes', 'node -e ""'),
      gate('warns', 'node -e "process.exit(1)"', { required: false }),
      gate('skipped', 'node -e ""', { when: { area: ['docs'] } }),
    ];
    const seen: string[] = [];
    const round = await runGateRound(shell, request(gates, { onCheck: (check) => seen.push(check.name) }));
    assert.ok(round);
    assert.deepEqual(round.checks.map((check) => `${check.name} ${check.status} ${String(check.exit_code)}`), ['fails failed 3', 'passes passed 0', 'warns warning 1', 'skipped skipped null']);
    assert.deepEqual(round.checks[0]?.details.split('\n').sort(), ['boom', 't1']);
    assert.equal(round.checks[0].log, '/logs/gate-2-branch-fails.log');
    assert.deepEqual({ ...round, checks: [] }, { round: 2, subject: 'branch', checks: [], passed: false, can_merge: false, tree_sha: 'tree', base_sha: 'base', started_at: '1970-01-01T00:00:00.000Z', at: '1970-01-01T00:00:00.000Z' });
    assert.deepEqual(seen.sort(), ['fails', 'passes', 'skipped', 'warns']);
  });

  it('runs gates in parallel, and those with parallel: false alone after them', async () => {
    const { port, running, end } = manual();
    const gates = [gate('alone1', 'alone1', { parallel: false }), gate('a', 'a'), gate('b', 'b'), gate('alone2', 'alone2', { parallel: false })];
    const round = runGateRound(port, request(gates));
    assert.deepEqual(running, ['a', 'b']);
    await end('a');
    assert.deepEqual(running, ['b']);
    await end('b');
    assert.deepEqual(running, ['alone1']);
    await end('alone1');
    assert.deepEqual(running, ['alone2']);
    await end('alone2');
    assert.equal((await round)?.can_merge, true);
  });

  it('keeps to the limit of gates at the same time', async () => {
    const { port, running, end } = manual();
    const round = runGateRound(port, request(['a', 'b', 'c'].map((name) => gate(name, name)), { concurrency: 2 }));
    assert.deepEqual(running, ['a', 'b']);
    await end('b');
    assert.deepEqual(running, ['a', 'c']);
    await end('a');
    await end('c');
    assert.equal((await round)?.checks.length, 3);
  });

  it('is no round at all when it was stopped half-way', async () => {
    const controller = new AbortController();
    const { port, end } = manual();
    const round = runGateRound(port, request([gate('a', 'a'), gate('b', 'b', { parallel: false })], { signal: controller.signal }));
    controller.abort();
    await end('a', { aborted: true, exit_code: null });
    assert.equal(await round, null);
  });

  it('ends real commands by the signal', async () => {
    const controller = new AbortController();
    const round = runGateRound(shell, request([gate('long', 'node -e "setInterval(() => {}, 1000)"')], { signal: controller.signal }));
    setImmediate(() => controller.abort());
    assert.equal(await round, null);
  });

  it('takes a gate that cannot start for a failed one', async () => {
    const round = await runGateRound({ run: () => Promise.reject(new Error('no shell')) }, request([gate('a', 'a')]));
    assert.equal(round?.checks[0]?.status, 'failed');
    assert.match(round.checks[0].details, /could not be started: no shell/);
  });

  it('passes with a failure that is ignored by decision, but asks before the merge', async () => {
    const round = await runGateRound(shell, request([gate('red', 'node -e "process.exit(1)"')], { ignore: ['red'] }));
    assert.deepEqual([round?.passed, round?.can_merge], [true, false]);
  });

  it('with no gates passes but cannot be merged by itself', async () => {
    const round = await runGateRound(shell, request([]));
    assert.deepEqual([round?.passed, round?.can_merge, round?.checks], [true, false, []]);
  });

  it('names log files safely and apart', () => {
    assert.match(gateLogName('a/b c', 1, 'merge'), /^gate-1-merge-a-b-c-[a-z0-9]+\.log$/);
    assert.notEqual(gateLogName('a/b', 1, 'merge'), gateLogName('a b', 1, 'merge'));
  });
});
