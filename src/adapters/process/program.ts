/** Finding the file behind a program's name, and starting it without a shell on every platform. */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** What to give to spawn: a real executable, and arguments that come before the caller's. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * The absolute path of a program: as given when it names a folder, else the first match on PATH, else in the places
 * where installers put CLIs, since a VS Code started from a dock has a short PATH. Undefined when there is none.
 */
export async function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  cwd: string = process.cwd(),
  places: readonly string[] = usualPlaces(env),
): Promise<string | undefined> {
  const given = name.startsWith('~/') ? path.join(homedir(), name.slice(2)) : name;
  if (/[\\/]/.test(given)) return await firstExecutable([path.resolve(cwd, given)], env);
  const folders = [...(pathOf(env)?.split(path.delimiter) ?? []), ...places].filter((folder) => path.isAbsolute(folder));
  return await firstExecutable([...new Set(folders)].map((folder) => path.join(folder, given)), env);
}

/**
 * How to start a program's file. Windows cannot start the `.cmd` shims that npm writes without a shell, so the shim is
 * read and the script or program behind it is started instead.
 */
export async function resolveProgram(file: string): Promise<Program> {
  if (!/\.(cmd|bat)$/i.test(file)) return /\.[cm]?js$/i.test(file) && process.platform === 'win32' ? { file: await node(), args: [file] } : { file, args: [] };
  const target = shimTarget(await readFile(file, 'utf8'), path.dirname(file));
  if (target === undefined) throw new Error(`${file} is a batch file, and Baton starts no agent through a shell. Name the program itself.`);
  return /\.[cm]?js$/i.test(target) ? { file: await node(), args: [target] } : { file: target, args: [] };
}

/** What a shim of npm, pnpm or yarn starts: the last quoted path relative to the shim's own folder. */
export function shimTarget(shim: string, folder: string): string | undefined {
  const targets = [...shim.matchAll(/"%(?:~dp0|dp0%)\\?([^"]+)"/gi)].map((match) => match[1] ?? '').filter((target) => !/^node\.exe$/i.test(target));
  const last = targets.at(-1);
  return last === undefined ? undefined : path.win32.join(folder, last);
}

async function node(): Promise<string> {
  const found = await findProgram('node');
  if (found !== undefined) return found;
  // In VS Code process.execPath is Electron, which is Node only with a variable that would leak into the agent.
  if (process.versions['electron'] !== undefined) throw new Error('Node.js was not found on PATH, and this program needs it.');
  return process.execPath;
}

async function firstExecutable(candidates: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const extensions = process.platform === 'win32' ? ['', ...(env['PATHEXT'] ?? '.COM;.EXE;.BAT;.CMD').toLowerCase().split(';')] : [''];
  for (const candidate of candidates) {
    for (const extension of extensions) {
      const file = candidate + extension;
      // On Windows npm puts an extensionless script for other shells beside each shim; it cannot be started.
      if (process.platform === 'win32' && extension === '' && path.extname(candidate) === '') continue;
      if (await isExecutable(file)) return file;
    }
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

function pathOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env['PATH'] ?? Object.entries(env).find(([name]) => name.toLowerCase() === 'path')?.[1];
}

function usualPlaces(env: Readonly<Record<string, string | undefined>>): string[] {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir();
  if (process.platform === 'win32') {
    return [
      path.join(home, '.local', 'bin'),
      path.join(env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'npm'),
      path.join(env['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'pnpm'),
      path.join(home, '.bun', 'bin'),
      path.join(home, 'scoop', 'shims'),
    ];
  }
  return [
    path.join(home, '.local', 'bin'),
    path.join(home, '.claude', 'local'),
    path.join(home, '.opencode', 'bin'),
    path.join(home, '.npm-global', 'bin'),
    path.join(home, '.bun', 'bin'),
    path.join(home, '.volta', 'bin'),
    path.join(home, '.local', 'share', 'pnpm'),
    '/opt/homebrew/bin',
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
  ];
}
