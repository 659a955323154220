/** Opens VS Code with Baton in development on a folder: an installed one, a downloaded one, or a server for the browser. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { windowUrl } from '../test/support/vscode/workbench.ts';
import { startServer } from '../test/support/vscode/server.ts';
import { which } from '../test/support/vscode/tools.ts';

export interface WindowOptions {
  readonly dir: string;
  readonly project: string;
  readonly say: (...lines: string[]) => void;
}

const WHAT_TO_DO = [
  'In the window:',
  '  1. Click the Baton icon in the activity bar: the queue is there, nothing runs yet.',
  '  2. Press ▶ (Baton: Start) at the top of the queue and watch the tasks run.',
  '  3. "Needs You" fills up: approve the start of remove-discount-fraction, review and approve each diff.',
];

/** Resolves with the exit code when VS Code was handed the folder (desktop) or the user ended the server (Ctrl-C). */
export async function openWindow(options: WindowOptions): Promise<number> {
  const desktop = (await installed()) ?? (await downloaded(options));
  if (desktop !== undefined && (await openDesktop(desktop, options))) return 0;
  return serveBrowser(options);
}

/** VS Code's own command on the PATH, where a window can be shown. */
function installed(): Promise<string | undefined> {
  const names = process.platform === 'win32' ? ['code.cmd', 'code-insiders.cmd'] : ['code', 'code-insiders'];
  return Promise.resolve(hasDisplay() ? which(...names) : undefined);
}

async function downloaded({ project, say }: WindowOptions): Promise<string | undefined> {
  if (!hasDisplay()) {
    say('There is no display here, so VS Code is served to a browser.');
    return undefined;
  }
  say('No VS Code was found on the PATH; downloading one into .vscode-test/ …');
  try {
    return await downloadAndUnzipVSCode({ cachePath: path.join(project, '.vscode-test'), timeout: 30_000 });
  } catch (error) {
    say(`VS Code could not be downloaded (${error instanceof Error ? error.message : String(error)}), so it is served to a browser.`);
    return undefined;
  }
}

function hasDisplay(): boolean {
  return process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);
}

/** Starts the window and leaves it alone; false when the program does not start. */
function openDesktop(program: string, { dir, project, say }: WindowOptions): Promise<boolean> {
  // As root VS Code asks for a profile folder of its own and cannot use its sandbox.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox', '--user-data-dir', path.join(project, '.vscode-test/desktop')] : [];
  const args = ['--new-window', `--extensionDevelopmentPath=${project}`, '--disable-workspace-trust', ...asRoot, dir];
  return new Promise((resolve) => {
    // Windows runs .cmd files through its shell only; these paths are our own and quoted.
    const shell = program.endsWith('.cmd');
    const child = shell
      ? spawn(`"${program}"`, args.map((arg) => `"${arg}"`), { shell, stdio: 'ignore', detached: true })
      : spawn(program, args, { stdio: 'ignore', detached: true });
    child.once('error', (error) => {
      say(`${program} could not be started (${error.message}), so VS Code is served to a browser.`);
      resolve(false);
    });
    child.once('spawn', () => {
      child.unref();
      say(`Opening VS Code: ${program}`, ...WHAT_TO_DO);
      resolve(true);
    });
  });
}

async function serveBrowser({ dir, project, say }: WindowOptions): Promise<number> {
  say('Starting a VS Code Server (the first time it is installed into .vscode-test/, which takes a minute) …');
  const server = await startServer({ extension: project });
  say('', 'VS Code is ready. Open this address in a browser on this machine:', '', `  ${windowUrl(server, dir)}`, '', ...WHAT_TO_DO, '', 'Ctrl-C here ends it.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  say('', 'Stopping the VS Code Server …');
  await server.stop();
  return 0;
}
