/** Binds the commands to the real process: terminal, signals, programs, engine. */
import { realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { createClock } from '../adapters/system/clock.ts';
import type { Disposable, Log } from '../engine/ports.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { createConnect } from './connect.ts';
import type { CliDeps, CliIo, Signal } from './io.ts';
import { exec, modifiedAt, runOnTerminal } from './process.ts';
import { readPlan, readTasks } from './files.ts';
import { runCli } from './program.ts';

/** Runs the command line of this process and sets its exit code. */
export async function runInProcess(): Promise<void> {
  // Sockets and timers of the engine do not keep a process alive; a command that has not answered yet does.
  const alive = setInterval(() => undefined, 1 << 30);
  // `baton queue | head -1`: a reader that leaves early is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    process.exitCode = await runCli(process.argv.slice(2), processIo(), processDeps());
  } finally {
    clearInterval(alive);
  }
}

function processIo(): CliIo {
  const { stdout, stderr, stdin } = process;
  return {
    stdout,
    stderr,
    env: process.env,
    cwd: process.cwd(),
    isTTY: stdout.isTTY,
    isInteractive: stdout.isTTY && stdin.isTTY,
    columns: () => (stdout.isTTY ? stdout.columns : (Number(process.env['COLUMNS']) || 120)),
    rows: () => (stdout.isTTY ? stdout.rows : 24),
    ask: async (question) => {
      if (!stdin.isTTY && stdin.readableEnded) return null;
      const line = createInterface({ input: stdin, output: stdout });
      // Ctrl-D closes the input without an answer.
      const closed = new Promise<null>((resolve) => line.once('close', () => resolve(null)));
      try {
        return await Promise.race([line.question(question), closed]);
      } finally {
        line.close();
      }
    },
    readStdin: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
      return Buffer.concat(chunks).toString('utf8');
    },
    onSignal,
    onResize: (listener) => {
      stdout.on('resize', listener);
      return { dispose: () => void stdout.off('resize', listener) };
    },
  };
}

function onSignal(listener: (signal: Signal) => void): Disposable {
  const interrupt = () => listener('interrupt');
  const terminate = () => listener('terminate');
  process.on('SIGINT', interrupt).on('SIGTERM', terminate).on('SIGHUP', terminate);
  return {
    dispose: () => {
      process.off('SIGINT', interrupt).off('SIGTERM', terminate).off('SIGHUP', terminate);
    },
  };
}

function processDeps(): CliDeps {
  const host = () => import('../host/index.ts');
  return {
    connect: createConnect(async () => (await host()).openRepository, {
      log: quietLog(process.env),
      // npm's bin is a link to the file beside which the other bundles are.
      distDir: path.dirname(realpathSync(process.argv[1] ?? '.')),
      env: process.env,
    }),
    clock: createClock(),
    exec,
    runOnTerminal,
    modifiedAt,
    readTasks,
    templates: async (folder) => {
      const { root } = await (await import('../host/repositoryKey.ts')).findRepository(folder);
      return (await host()).readTemplates(root);
    },
    readPlan,
    searchRuns: async (...search) => (await import('../adapters/runs/searchRuns.ts')).searchRuns(...search),
    init: async (folder, options) => (await host()).initRepository(folder, options),
    findRepository: async (folder) => (await import('../host/repositoryKey.ts')).findRepository(folder),
    nodeVersion: process.versions.node,
    batonVersion: packageJson.version,
    user: userName(),
  };
}

/** The engine's own log is for BATON_DEBUG; commands say what matters themselves. */
function quietLog(env: NodeJS.ProcessEnv): Log {
  const debug = env['BATON_DEBUG'] !== undefined && env['BATON_DEBUG'] !== '';
  const write = (level: string, message: string) => {
    if (debug) process.stderr.write(`baton ${level}: ${message}\n`);
  };
  return {
    debug: (message) => write('debug', message),
    info: (message) => write('info', message),
    warn: (message) => write('warn', message),
    error: (message, cause) => write('error', cause instanceof Error ? `${message} ${cause.stack ?? cause.message}` : message),
  };
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    // A user without an entry in the system's table, as in some containers.
    return process.env['USER'] ?? 'unknown';
  }
}
