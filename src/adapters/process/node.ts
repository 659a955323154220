/** Which Node runs the processes of Baton's own (the runners of agents). */
import { execFile } from 'node:child_process';
import { findProgram } from './program.ts';

/** The Node that Baton needs everywhere. */
const MAJOR = 22;
const MINOR = 13;

export interface NodeProgram {
  readonly file: string;
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

let found: Promise<NodeProgram> | undefined;

/**
 * This process's own Node; in VS Code for the desktop, whose program is Electron, a Node of the system that is new enough,
 * else Electron as Node. Looked for once.
 */
export function nodeProgram(): Promise<NodeProgram> {
  found ??= find();
  return found;
}

async function find(): Promise<NodeProgram> {
  if (process.versions['electron'] === undefined) return { file: process.execPath, env: {} };
  const node = await findProgram('node');
  if (node !== undefined && isNewEnough(await versionOf(node))) return { file: node, env: {} };
  return { file: process.execPath, env: { ELECTRON_RUN_AS_NODE: '1' } };
}

/** Whether this answer to `node --version` is of 22.13 or newer. */
export function isNewEnough(version: string): boolean {
  const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major > MAJOR || (major === MAJOR && minor >= MINOR);
}

function versionOf(file: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(file, ['--version'], { timeout: 5_000, windowsHide: true }, (_error, stdout) => resolve(stdout));
  });
}
