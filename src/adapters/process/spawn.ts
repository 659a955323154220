/** Starting a program as the root of a tree that can be ended as a whole. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { MARK } from './mark.ts';
import { killTree } from './kill.ts';
import type { Standby } from './standby.ts';
import { identify, identifyNow, type ProcessIdentity } from './table.ts';

export interface SpawnRequest {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; the mark is added to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Value of BATON_MARK, unique to this tree. */
  readonly mark: string;
  /** Windows only: the arguments are a command line already (for cmd.exe). */
  readonly verbatim?: boolean;
  /** The process that it is to be, where that can be told this. */
  readonly standby?: Standby | undefined;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Spawned {
  readonly child: ChildProcessWithoutNullStreams;
  /** Null when the process was gone before it could be asked. */
  readonly identity: ProcessIdentity | null;
  /** Resolves when the root process has ended; its output may still be read. */
  readonly exited: Promise<Exit>;
  /** Ends what is left of the tree; resolves when nothing is. */
  readonly killTree: (graceMs?: number) => Promise<void>;
}

/**
 * Starts a program in its own process group, with its three streams as pipes. No shell reads its words: where one stands by it gets them as data.
 * @throws the system's error (ENOENT, EACCES …) when it cannot be started.
 */
export async function spawnProcess(request: SpawnRequest): Promise<Spawned> {
  const env = { ...request.env, [MARK]: request.mark };
  const became = request.standby?.become({ ...request, env });
  const child = became ?? start(request, env);
  const { pid } = child;
  // Asked before the event loop turns: until then the child cannot have been reaped.
  const early = pid === undefined ? undefined : identifyNow(pid, 'ended too');
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  // A program that ends before it has read its input is no error of ours.
  child.stdin.on('error', () => undefined);
  if (became === undefined) await once(child, 'spawn');
  const identity = early ?? (pid === undefined ? undefined : await identify(pid)) ?? null;
  // A tree that was found empty has nobody left to grow from.
  let empty = false;
  return {
    child,
    identity: identity && { pid: identity.pid, started: identity.started },
    exited,
    killTree: async (graceMs) => {
      if (empty) return;
      await killTree(identity, { marked: (mark) => mark === request.mark, ownGroup: true, ...(graceMs === undefined ? {} : { graceMs }) });
      empty = true;
    },
  };
}

function start(request: SpawnRequest, env: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams {
  return spawn(request.file, request.args, {
    cwd: request.cwd,
    env,
    detached: process.platform !== 'win32', // there it would open a console window
    windowsHide: true,
    windowsVerbatimArguments: request.verbatim === true,
    stdio: 'pipe',
  });
}
