/** A VS Code Server of its own for a test: own data, own settings, on a free loopback port. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { keepTempDir } from '../tmp.ts';
import { provideServer } from './provision.ts';
import { cleanEnv, run } from './tools.ts';

export interface ServerOptions {
  /** Ask for trust as VS Code does; without it every folder is trusted. */
  readonly workspaceTrust?: boolean;
  /** Keeps profile and installed extensions beyond this server; the caller removes it. Keep the path short (sockets live in it). */
  readonly dataDir?: string;
  /** User settings; they add to the harness's own quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment that the extension host inherits. */
  readonly env?: Readonly<Record<string, string>>;
  /** VSIX files to install before the start. */
  readonly vsix?: readonly string[];
}

export interface VsCodeServer {
  readonly port: number;
  /** `127.0.0.1:PORT`, the authority of vscode-remote URIs. */
  readonly authority: string;
  readonly dataDir: string;
  /** Everything that the server printed. */
  log(): string;
  stop(): Promise<void>;
}

/** Settings that keep the workbench quiet and reachable without a network. */
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'git.autofetch': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'chat.disableAIFeatures': true,
  'security.workspace.trust.untrustedFiles': 'open',
  'window.commandCenter': false,
  'files.simpleDialog.enable': true,
};

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

export async function startServer(options: ServerOptions = {}): Promise<VsCodeServer> {
  const home = await provideServer();
  const temp = options.dataDir === undefined ? keepTempDir() : undefined;
  const dataDir = options.dataDir ?? temp?.path ?? '';
  const user = path.join(dataDir, 'data/User');
  await mkdir(user, { recursive: true });
  await writeFile(path.join(user, 'settings.json'), JSON.stringify({ ...SETTINGS, ...options.settings }, null, 2));
  const common = ['out/server-main.js', '--accept-server-license-terms', '--server-data-dir', dataDir, '--telemetry-level', 'off'];
  for (const vsix of options.vsix ?? []) {
    await run(process.execPath, [...common, '--install-extension', vsix], { cwd: home, purpose: `install ${path.basename(vsix)}` });
  }
  const trust = options.workspaceTrust === true ? [] : ['--disable-workspace-trust'];
  const listen = ['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--enable-smoke-test-driver'];
  const child = spawn(process.execPath, [...common, ...listen, ...trust], {
    cwd: home,
    env: { ...cleanEnv(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the extension hosts and what they started end with it.
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
    return { port, authority: `127.0.0.1:${String(port)}`, dataDir, log: () => log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
