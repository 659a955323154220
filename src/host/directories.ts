/** Where a user's program keeps what belongs to no repository: sockets and locks (gone at logout), and data. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { BatonError, messageOf } from '../core/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The user's runtime directory, made and private (0700). Linux: XDG_RUNTIME_DIR, else /run/user/<uid> where there is one (a session
 * without the variable must meet the others), else a private folder in the temporary directory; macOS: the latter; Windows: LOCALAPPDATA.
 * Throws `refused` when somebody else owns it.
 */
export function runtimeDirectory(env: Environment = process.env): string {
  const directory = runtimePath(env);
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (process.platform !== 'win32') assertPrivate(directory);
  } catch (error) {
    if (error instanceof BatonError) throw error;
    throw new BatonError('store', `The runtime directory ${directory} cannot be used: ${messageOf(error)}.`, { cause: error, hint: 'Set XDG_RUNTIME_DIR to a folder of your own.' });
  }
  return directory;
}

function runtimePath(env: Environment): string {
  if (process.platform === 'win32') return path.join(localAppData(env), 'baton', 'run');
  const given = absolute(env['XDG_RUNTIME_DIR']) ?? (process.platform === 'linux' ? existing(`/run/user/${uid()}`) : undefined);
  return given === undefined ? path.join(os.tmpdir(), `baton-${uid()}`) : path.join(given, 'baton');
}

/** In a shared temporary directory anybody may have made the folder first. */
function assertPrivate(directory: string): void {
  const found = fs.lstatSync(directory);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new BatonError('refused', `${directory} belongs to another user, so Baton does not put its sockets and locks there.`, { hint: 'Remove it, or set XDG_RUNTIME_DIR to a folder of your own.' });
  }
  if ((found.mode & 0o077) !== 0) fs.chmodSync(directory, 0o700);
}

/** The user's data directory for Baton; not made. XDG_DATA_HOME or ~/.local/share, ~/Library/Application Support, LOCALAPPDATA. */
export function dataDirectory(env: Environment = process.env): string {
  if (process.platform === 'win32') return path.join(localAppData(env), 'baton');
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Application Support', 'baton');
  return path.join(absolute(env['XDG_DATA_HOME']) ?? path.join(os.homedir(), '.local', 'share'), 'baton');
}

/** Where the store of one repository goes when its own folder cannot carry it (network mounts). */
export function storeDirectory(key: string, env: Environment = process.env): string {
  return path.join(dataDirectory(env), 'stores', key);
}

/** Bytes that a socket's path may have (sun_path less its end). */
const SOCKET_PATH_LIMIT = process.platform === 'darwin' ? 103 : 107;

/**
 * Where a leader listens: a socket in the runtime directory, or in a shorter private one where that path would be too long for the system;
 * a named pipe on Windows. `nonce` makes the pipe's name unguessable and new each time.
 */
export function socketPath(directory: string, key: string, nonce: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\baton-${key}-${nonce}`;
  const name = `${key}.sock`;
  const fits = [directory, path.join(os.tmpdir(), `baton-${uid()}`), `/tmp/baton-${uid()}`].find((folder) => Buffer.byteLength(path.join(folder, name)) <= SOCKET_PATH_LIMIT);
  const folder = fits ?? directory;
  if (folder !== directory) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    assertPrivate(folder);
  }
  return path.join(folder, name);
}

function localAppData(env: Environment): string {
  return absolute(env['LOCALAPPDATA']) ?? path.join(os.homedir(), 'AppData', 'Local');
}

function uid(): number {
  return process.getuid?.() ?? 0;
}

/** The XDG specification has relative paths ignored. */
function absolute(value: string | undefined): string | undefined {
  return value !== undefined && path.isAbsolute(value) ? value : undefined;
}

function existing(directory: string): string | undefined {
  return fs.existsSync(directory) ? directory : undefined;
}
