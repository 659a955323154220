/** A VS Code Server of its own for a test: own data, own settings, on a free loopback port. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../processes.ts';
import { keepTempDir, removeDir } from '../tmp.ts';
import { ROOT } from './cache.ts';
import { provideServer } from './provision.ts';
import { cleanEnv, run } from './tools.ts';

export interface ServerOptions {
  /** Ask for trust as VS Code does; without it every folder is trusted. */
  readonly workspaceTrust?: boolean;
  /** Keeps profile and installed extensions beyond this server; the caller removes it. Keep the path short (sockets live in it). */
  readonly dataDir?: string;
  /** User settings for windows that open from now on; they add to the harness's own quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment that the extension host inherits. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The extension in its windows: a folder (under development), a VSIX file (installed before the start) or null for none.
   * By default BATON_TEST_VSIX, else this repository.
   */
  readonly extension?: string | null;
}

export interface VsCodeServer {
  readonly port: number;
  /** `127.0.0.1:PORT`, the authority of vscode-remote URIs. */
  readonly authority: string;
  readonly dataDir: string;
  /** Folder of the extension under development, which every window's address must name; null when it is installed or absent. */
  readonly developed: string | null;
  /** Everything that the server printed. */
  log(): string;
  stop(): Promise<void>;
}

/** Settings that keep the workbench quiet and reachable without a network. */
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.reduceMotion': 'on',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': 'off',
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'git.autofetch': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'chat.disableAIFeatures': true,
  'security.workspace.trust.untrustedFiles': 'open',
  'window.autoDetectColorScheme': false,
  'window.autoDetectHighContrast': false,
  'window.commandCenter': false,
  'workbench.editor.useModal': 'off',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
};

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;

export async function startServer(options: ServerOptions = {}): Promise<VsCodeServer> {
  const home = await provideServer();
  const temp = options.dataDir === undefined ? keepTempDir() : undefined;
  const dataDir = options.dataDir ?? temp?.path ?? '';
  await mkdir(path.join(dataDir, 'data/User'), { recursive: true });
  await writeFile(path.join(dataDir, 'data/User/settings.json'), JSON.stringify({ ...SETTINGS, ...options.settings }, null, 2));
  const common = ['out/server-main.js', '--accept-server-license-terms', '--server-data-dir', dataDir, '--telemetry-level', 'off'];
  const extension = options.extension === undefined ? (process.env['BATON_TEST_VSIX'] ?? ROOT) : options.extension;
  const packaged = extension?.endsWith('.vsix') === true ? path.resolve(extension) : null;
  if (packaged !== null) {
    await run(process.execPath, [...common, '--install-extension', packaged], { cwd: home, purpose: `install ${path.basename(packaged)}` });
  }
  const developed = packaged === null && extension !== null ? await linkExtension(extension, path.join(dataDir, 'extension')) : null;
  const id = randomUUID();
  const trust = options.workspaceTrust === true ? [] : ['--disable-workspace-trust'];
  const listen = ['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--enable-smoke-test-driver'];
  const child = spawn(process.execPath, [...common, ...listen, ...trust], {
    cwd: home,
    env: { ...cleanEnv(), ...options.env, [SERVER]: id },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the extension hosts end with it. Agents outlive them by design.
    detached: true,
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const killGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  const onExit = (): void => killGroup('SIGKILL');
  process.once('exit', onExit);
  const ended = once(child, 'exit');

  const stop = async (): Promise<void> => {
    killGroup('SIGTERM');
    const timer = setTimeout(() => killGroup('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
    killGroup('SIGKILL');
    await endRunners(id);
    process.off('exit', onExit);
    await temp?.remove();
  };

  try {
    const port = await new Promise<number>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`The VS Code Server ${why}. It printed:\n${log}`));
      const timer = setTimeout(() => fail('did not start within 60 s'), START_TIMEOUT_MS);
      child.once('error', reject);
      child.once('exit', (code) => fail(`ended with code ${String(code)}`));
      createInterface({ input: child.stdout }).on('line', (line) => {
        log += `${line}\n`;
        const match = /agent listening on (\d+)/.exec(line);
        if (match === null) return;
        clearTimeout(timer);
        resolve(Number(match[1]));
      });
    });
    return { port, authority: `127.0.0.1:${String(port)}`, dataDir, developed, log: () => log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** In the environment of a server and of what descends from it. */
const SERVER = 'BATON_TEST_SERVER';

/** Ends the runners that a server's windows have left, and their agents with them. */
async function endRunners(id: string): Promise<void> {
  const runners = (): number[] =>
    readdirSync('/proc').flatMap((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${SERVER}=${id}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('runner.js') ? [Number(pid)] : [];
      } catch {
        return []; // another user's, or gone by now
      }
    });
  if (process.platform !== 'linux') return;
  for (const pid of runners()) process.kill(pid, 'SIGTERM');
  await until('no agent is left', () => runners().length === 0, STOP_TIMEOUT_MS);
}

/**
 * A folder with the extension's code and links to its other parts, to be developed in place of the checkout: VS Code takes a theme found under that
 * path for the extension's own and applies it whatever the settings say, and the cache under the checkout holds VS Code's.
 */
async function linkExtension(source: string, target: string): Promise<string> {
  await removeDir(target);
  await mkdir(target);
  for (const name of await readdir(source)) {
    if (name.startsWith('.') || name === 'node_modules') continue;
    // VS Code tells by a module's real path whose it is, so the code itself must lie here.
    if (name === 'dist') await cp(path.join(source, name), path.join(target, name), { recursive: true });
    else await symlink(path.join(source, name), path.join(target, name));
  }
  return target;
}
