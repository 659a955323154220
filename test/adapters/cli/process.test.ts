import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { exec } from '../../../src/cli/process.ts';
import { tempDir } from '../../support/tmp.ts';

const run = promisify(execFile);
const MAIN = path.resolve('src/cli/main.ts');
// Sources are run directly here; this warning is about that, not about the product.
const NODE = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the entry in a process of its own, with a script that is loaded before it. */
async function main(argv: readonly string[], preload?: string): Promise<Result> {
  const cwd = tempDir();
  const before: string[] = [];
  if (preload !== undefined) {
    const file = path.join(cwd, 'preload.cjs');
    writeFileSync(file, preload);
    before.push('--require', file);
  }
  try {
    const { stdout, stderr } = await run(process.execPath, [...NODE, ...before, MAIN, ...argv], { cwd });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Result;
    return { code, stdout, stderr };
  }
}

const pretend = (version: string) => `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;

describe('the process of the baton command', () => {
  it('prints its version, help and errors with the exit codes of a command line', async () => {
    assert.match((await main(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
    const wrong = await main(['frobnicate']);
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.match(wrong.stderr, /^baton: Unknown command 'frobnicate'/);
  });

  for (const version of ['18.20.4', '20.20.2', '22.12.0']) {
    it(`says on Node ${version} what is needed, and does nothing else`, async () => {
      const { code, stdout, stderr } = await main(['--version'], pretend(version));
      assert.deepEqual([code, stdout], [1, '']);
      assert.equal(stderr, `baton: Node ${version} is too old: Baton keeps its state in node:sqlite, which needs Node 22.13 or newer. Install a newer one from https://nodejs.org and run baton with it.\n`);
    });
  }

  it('runs on the oldest Node that is supported', async () => {
    assert.equal((await main(['--version'], pretend('22.13.0'))).code, 0);
  });

  it('hides the announcement of node:sqlite and no other warning', async () => {
    const warn = `process.on('exit', () => undefined); setImmediate(() => {
      process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
      process.emitWarning('something the user should know');
    });`;
    const { stderr } = await main(['--version'], warn);
    assert.doesNotMatch(stderr, /SQLite/);
    assert.match(stderr, /something the user should know/);
  });

  it('is not disturbed by a reader that leaves early', async () => {
    const child = spawn(process.execPath, [...NODE, MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const errors: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.deepEqual([code, errors.join('')], [0, '']);
  });
});

describe('what the system tells', () => {
  it('runs programs and reports a missing one without throwing', async () => {
    assert.deepEqual(await exec(process.execPath, ['-e', 'process.stdout.write("hi"); process.exit(3)'], '.'), { code: 3, stdout: 'hi', stderr: '' });
    assert.equal((await exec('no-such-program-anywhere', [], '.')).code, null);
  });
});
