/**
 * Runs test/host in desktop VS Code: the oldest version that package.json admits and the current one. Both are downloaded, which
 * needs the network; on Linux without a display xvfb-run lends one.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { makeRepo } from '../test/support/repo.ts';
import { apt, canApt } from '../test/support/vscode/apt.ts';
import { which } from '../test/support/vscode/tools.ts';

const ROOT = process.cwd();
const DOWNLOADS = 'update.code.visualstudio.com';

await main();

async function main(): Promise<void> {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { vscode: string } };
  const oldest = engines.vscode.replace(/^\D+/, '');
  const programs = new Map<string, string>();
  for (const version of [oldest, 'stable']) {
    const program = await download(version);
    if (program === undefined) {
      process.exitCode = 1;
      return;
    }
    programs.set(version, program);
  }
  if (process.platform === 'linux' && process.env['DISPLAY'] === undefined && process.env['WAYLAND_DISPLAY'] === undefined) {
    process.exitCode = await underXvfb();
    return;
  }
  for (const [version, program] of programs) {
    if (!(await passes(version, program))) process.exitCode = 1;
  }
}

async function download(version: string): Promise<string | undefined> {
  try {
    return await downloadAndUnzipVSCode({ version });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    console.error(
      `The desktop test could not download VS Code ${version} from ${DOWNLOADS} (${why}). ` +
        'Run it on a machine that reaches that host; `npm test` runs the same suite in the VS Code Server, which comes from the npm registry.',
    );
    return undefined;
  }
}

async function passes(version: string, vscodeExecutablePath: string): Promise<boolean> {
  const temp = mkdtempSync(path.join(tmpdir(), 'bt-'));
  try {
    const folder = await makeRepo(undefined, path.join(temp, 'sample'));
    const code = await runTests({
      vscodeExecutablePath,
      extensionDevelopmentPath: ROOT,
      extensionTestsPath: path.join(ROOT, 'out/test/host/index.js'),
      extensionTestsEnv: { BATON_TEST_RESULTS: path.join(ROOT, 'out/results', `desktop-${version}.json`) },
      launchArgs: [folder.root, '--user-data-dir', path.join(temp, 'user'), '--disable-extensions', '--disable-workspace-trust', '--skip-welcome', '--no-sandbox'],
    });
    console.log(`VS Code ${version}: ${code === 0 ? 'passed' : 'failed'}`);
    return code === 0;
  } catch (error) {
    console.error(`VS Code ${version}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  } finally {
    rmSync(temp, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Starts this script again on a virtual display; returns its exit code. */
async function underXvfb(): Promise<number> {
  if (which('xvfb-run') === undefined && canApt()) await apt(['xvfb', 'xauth']);
  const xvfb = which('xvfb-run');
  if (xvfb === undefined) {
    console.error('The desktop test needs a display. There is none, and no xvfb-run: install it (Debian: apt-get install xvfb) or set DISPLAY.');
    return 1;
  }
  return spawnSync(xvfb, ['-a', process.execPath, ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' }).status ?? 1;
}
