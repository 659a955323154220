/** Running a program to its end, its time limit or a signal, never leaving its tree behind when it was not the one that ended. */
import { drain } from './drain.ts';
import { spawnProcess, type Exit, type Spawned, type SpawnRequest } from './spawn.ts';

/** The longest that a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface RunRequest extends SpawnRequest {
  /** Written to stdin, which is closed then. */
  readonly input?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface RunResult {
  /** Null when the program was ended from outside. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it was ended; null when it ended by itself. */
  readonly cause: 'time' | 'signal' | null;
}

/**
 * Runs a program and returns what it said. At its time limit or the signal its whole tree is ended, hooks and helpers included; what a
 * program that ended by itself has left running (a daemon that keeps the user's password) stays.
 * @throws the system's error (ENOENT, EACCES …) when it cannot be started.
 */
export async function runProgram(request: RunRequest): Promise<RunResult> {
  if (request.signal.aborted) return { code: null, stdout: '', stderr: '', cause: 'signal' };
  const spawned = await spawnProcess(request);
  const { stdin, stdout, stderr } = spawned.child;
  const [said, complained] = [collect(stdout), collect(stderr)];
  stdin.end(request.input ?? '');
  const ended = await endOf(spawned, request.timeoutMs, request.signal);
  try {
    // What a program that ended by itself has left is its own business.
    if (typeof ended === 'string') await spawned.killTree();
  } finally {
    await drain(spawned);
  }
  const [code, cause] = typeof ended === 'string' ? [null, ended] : [ended.code, null];
  return { code, stdout: said(), stderr: complained(), cause };
}

/** Resolves when the root has ended, or with what came first: its time limit or the signal. Ends nothing. */
export async function endOf({ exited }: Pick<Spawned, 'exited'>, timeoutMs: number, signal: AbortSignal): Promise<Exit | 'time' | 'signal'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('time'), Math.min(timeoutMs, LONGEST_TIMER_MS));
    const abort = (): void => resolve('signal');
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    void exited.then((exit) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve(exit);
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  stream.on('error', () => undefined);
  return () => text;
}
