/** Runs the command line inside the test's process on an engine that the test describes. */
import { runCli } from '../../src/cli/program.ts';
import { initRepository } from '../../src/host/init.ts';
import { modifiedAt } from '../../src/cli/process.ts';
import type { CliDeps, CliIo, ConnectOptions, ExecResult, Signal } from '../../src/cli/io.ts';
import { readTemplates } from '../../src/adapters/sources/templates.ts';
import type { TasksFile } from '../../src/cli/tasksFile.ts';
import { BatonError } from '../../src/core/errors.ts';
import { searchRuns } from '../../src/adapters/runs/searchRuns.ts';
import type { EngineApi } from '../../src/shared/api.ts';
import { FakeClock } from './fakeClock.ts';
import { AT, memorySession } from './memoryEngine.ts';

export interface CliWorld {
  readonly role?: 'leader' | 'client';
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly columns?: number | (() => number);
  readonly rows?: number;
  readonly cwd?: string;
  /** Main checkout of the session's repository; `/repo` when absent. */
  readonly root?: string;
  /** Lines the user types, in order; the input ends behind them. */
  readonly typed?: readonly string[];
  readonly stdin?: string;
  readonly findRepository?: CliDeps['findRepository'];
  readonly exec?: (file: string, args: readonly string[], cwd: string) => ExecResult | Promise<ExecResult>;
  readonly nodeVersion?: string;
  /** Plays a program that has the terminal to itself, such as an editor; returns its exit code. */
  readonly onTerminal?: (file: string, args: readonly string[]) => number;
  readonly files?: Readonly<Record<string, TasksFile>>;
  readonly clock?: FakeClock;
  readonly isInteractive?: boolean;
  /** Where `search` looks, in place of the repository's. */
  readonly batonDir?: string;
  /** Given the function that sends a signal to the command. */
  readonly signals?: (send: (signal: Signal) => void) => void;
  /** Given the function that tells the command of another size of the terminal; `columns` and `rows` are functions then. */
  readonly resized?: (tell: () => void) => void;
  /** Sees every write to stdout as it comes. */
  readonly watch?: (text: string) => void;
  readonly connect?: CliDeps['connect'];
}

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How the repository was opened. */
  readonly opened: readonly ConnectOptions[];
  /** Sessions that were let go of. */
  readonly closed: number;
}

export const NO_GIT: ExecResult = { code: null, stdout: '', stderr: '' };

export async function cli(engine: EngineApi, argv: readonly string[], world: CliWorld = {}): Promise<CliRun> {
  const out = { stdout: '', stderr: '' };
  const opened: ConnectOptions[] = [];
  const session = { ...memorySession(engine, world.role), ...(world.root === undefined ? {} : { root: world.root }) };
  const typed = [...(world.typed ?? [])];
  const listeners = new Set<(signal: Signal) => void>();
  const resizing = new Set<() => void>();
  world.resized?.(() => resizing.forEach((listener) => listener()));
  world.signals?.((signal) => listeners.forEach((listener) => listener(signal)));
  const io: CliIo = {
    stdout: {
      write: (text) => {
        out.stdout += text;
        world.watch?.(text);
      },
    },
    stderr: { write: (text) => void (out.stderr += text) },
    env: world.env ?? {},
    cwd: world.cwd ?? '/repo',
    isTTY: world.isTTY ?? false,
    isInteractive: world.isInteractive ?? false,
    columns: () => (typeof world.columns === 'function' ? world.columns() : (world.columns ?? 80)),
    rows: () => world.rows ?? 24,
    ask: (question) => {
      out.stdout += question;
      return Promise.resolve(typed.shift() ?? null);
    },
    readStdin: () => Promise.resolve(world.stdin ?? ''),
    onSignal: (listener) => {
      listeners.add(listener);
      return { dispose: () => void listeners.delete(listener) };
    },
    onResize: (listener) => {
      resizing.add(listener);
      return { dispose: () => void resizing.delete(listener) };
    },
  };
  const deps: CliDeps = {
    connect: (options) => {
      opened.push(options);
      return world.connect ? world.connect(options) : Promise.resolve(session);
    },
    clock: world.clock ?? new FakeClock(Date.parse(AT)),
    exec: (file, args, cwd) => Promise.resolve(world.exec?.(file, args, cwd) ?? NO_GIT),
    runOnTerminal: (file, args) => Promise.resolve(world.onTerminal?.(file, args) ?? null),
    modifiedAt: (file) => modifiedAt(file),
    findRepository: world.findRepository ?? ((folder) => Promise.resolve({ root: folder })),
    searchRuns: (batonDir, words, options) => searchRuns(world.batonDir ?? batonDir, words, options),
    readPlan: (_folder, file) => Promise.resolve({ file, steps: [] }),
    readTasks: (_folder, file) => {
      const found = world.files?.[file];
      return found ? Promise.resolve(found) : Promise.reject(new BatonError('not_found', `There is no file ${file}.`));
    },
    templates: (folder) => readTemplates(folder),
    init: initRepository,
    nodeVersion: world.nodeVersion ?? '24.1.0',
    batonVersion: '1.2.3',
    user: 'ada',
  };
  const code = await runCli(argv, io, deps);
  return { code, ...out, opened, closed: session.closed };
}
