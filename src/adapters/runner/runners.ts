/** The Runners port: processes that agents run under, started ahead of need, and found again by a later engine. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Attempt, RunnerRecord } from '../../core/execution.ts';
import { runnerMark } from '../../engine/recovery.ts';
import type { AdoptedSession, AttemptOrder, AttendedSession, Log, Runner, Runners } from '../../engine/ports.ts';
import { Channel } from '../agents/channel.ts';
import { MARK } from '../process/mark.ts';
import { nodeProgram } from '../process/node.ts';
import { identify, identifyNow, isAlive, type ProcessIdentity } from '../process/table.ts';
import { messageIn, readTranscript } from '../runs/transcript.ts';
import { channelLink, socketLink, type Link } from '../process/link.ts';
import { RUNNER_FILE, RUNNER_VERSION, type FromRunner, type RunnerInfo, type ToRunner } from './protocol.ts';
import { RemoteSession, removeFiles } from './remoteSession.ts';

export interface RunnersOptions {
  /** dist/runner.js */
  readonly entry: string;
  /** First part of every mark. */
  readonly key: string;
  /** Where the runner with this id listens: a path short enough for a socket, or the name of a pipe. */
  readonly socketPath: (id: string) => string;
  readonly log: Log;
}

/** How long a living runner may take to be reachable, and to greet, in ms. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 20;
/** A task that starts needs a runner within this time (ms), or it has come to something else first. */
const SPARE_MS = 60_000;
const MOST_SPARES = 5;
/** What a task leaves to be tidied comes before another's runner (ms). */
const TIDYING_MS = 60;

export function createRunners(options: RunnersOptions): Runners {
  /** Those that wait for an attempt, oldest first. */
  let spares: Spare[] = [];
  /** Attempts that were announced and have not begun. */
  let announced = 0;
  let closed = false;
  const start = (): Promise<StartedRunner> => {
    const runner = startRunner(options);
    // Whoever takes it hears of a failure.
    runner.catch(() => undefined);
    return runner;
  };
  const release = (spare: Spare): void => {
    clearTimeout(spare.timer);
    spares = spares.filter((one) => one !== spare);
    // A task that was announced for so long has come to something else.
    announced = Math.min(announced, spares.length);
    spare.runner.then((runner) => runner.release()).catch(() => undefined);
  };
  const wait = (spare: Spare): void => {
    clearTimeout(spare.timer);
    spare.timer = setTimeout(() => release(spare), SPARE_MS).unref();
  };
  /** From now on so many wait, each for its full time. */
  const ready = (count: number): void => {
    while (spares.length < Math.min(count, MOST_SPARES)) spares.push({ runner: start(), timer: undefined });
    for (const spare of spares.slice(0, count)) wait(spare);
  };
  return {
    warm() {
      announced += 1;
      ready(announced);
    },
    keep() {
      setTimeout(() => {
        if (!closed) ready(Math.max(1, announced));
      }, TIDYING_MS).unref();
    },
    async take() {
      announced = Math.max(0, announced - 1);
      const spare = spares.shift();
      clearTimeout(spare?.timer);
      // One that could not be started says nothing about the next.
      const runner = await spare?.runner.catch(() => undefined);
      return runner?.isAlive === true ? runner : start();
    },
    adopt: (attempt, directory) => adopt(options, attempt, directory),
    close() {
      closed = true;
      for (const spare of spares) release(spare);
    },
  };
}

interface Spare {
  readonly runner: Promise<StartedRunner>;
  timer: NodeJS.Timeout | undefined;
}

interface StartedRunner extends Runner {
  readonly isAlive: boolean;
}

async function startRunner({ entry, key, socketPath, log }: RunnersOptions): Promise<StartedRunner> {
  const program = await nodeProgram();
  const id = randomBytes(6).toString('hex');
  const child = spawn(program.file, [entry], {
    cwd: homedir(), // no folder that somebody may want to remove
    env: { ...process.env, ...program.env, [MARK]: runnerMark(key, id) },
    detached: true, // a session of its own, which the end of the terminal or of the window does not reach
    windowsHide: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const early = child.pid === undefined ? undefined : identifyNow(child.pid);
  let session: RemoteSession | undefined;
  const link = channelLink<ToRunner, FromRunner>(child, {
    message: (message) => (message.type === 'warning' ? log.warn(message.text) : session?.take(message)),
    closed: () => session?.lost(),
  });
  await once(child, 'spawn');
  // What cannot be sent to it is told by the end of the line.
  child.on('error', () => undefined);
  // Nothing of it keeps the host alive.
  child.unref();
  child.channel?.unref();
  const identity = early ?? (child.pid === undefined ? undefined : await identify(child.pid)) ?? { pid: child.pid ?? 0, started: '' };
  const record = { id, pid: identity.pid, started: identity.started };
  return {
    record,
    get isAlive() {
      return child.connected;
    },
    start(order: AttemptOrder): Promise<AttendedSession> {
      const socket = socketPath(id);
      session = new RemoteSession(link, { runner: record, mark: order.request.mark, files: filesOf(socket, order.directory) });
      link.send({ type: 'start', order, id, socket });
      if (!child.connected) session.lost();
      return Promise.resolve(session);
    },
    release: () => void link.close(),
  };
}

/** What is found of the attempt; a runner that cannot be gone on with is dead, or about to be ended. */
async function adopt({ socketPath, log }: RunnersOptions, attempt: Attempt, directory: string): Promise<AdoptedSession | undefined> {
  const { runner } = attempt;
  if (!runner) return undefined;
  const files = filesOf(socketPath(runner.id), directory);
  const found = await find(attempt, runner, directory, { files, log });
  if (found?.alive !== true) removeFiles(files);
  return found;
}

/** A runner's socket, and the file that tells of it. */
function filesOf(socket: string, directory: string): string[] {
  return [...(process.platform === 'win32' ? [] : [socket]), path.join(directory, RUNNER_FILE)];
}

interface Finding {
  readonly files: readonly string[];
  readonly log: Log;
}

async function find({ mark }: Attempt, runner: RunnerRecord, directory: string, finding: Finding): Promise<AdoptedSession | undefined> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; ) {
    if (!(await isAlive(runner))) return ended(directory, runner.id);
    // It is there as soon as the runner listens, and gone when its agent has ended.
    const info = readInfo(directory);
    if (info?.id === runner.id) {
      if (info.version !== RUNNER_VERSION) return undefined;
      const session = await attach(info, runner, mark, finding);
      if (session !== undefined) return session;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return undefined;
}

/** Resolves when the runner has greeted; undefined when it cannot be reached, as it may just be ending. */
function attach(info: RunnerInfo, runner: ProcessIdentity, mark: string, { files, log }: Finding): Promise<AdoptedSession | undefined> {
  return new Promise((resolve) => {
    const socket = connect(info.socket);
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    let welcome = false;
    const link: Link<ToRunner> = socketLink<ToRunner, FromRunner>(socket, {
      message(message) {
        if (message.type === 'warning') log.warn(message.text);
        else if (message.type !== 'welcome') session.take(message);
        if (message.type !== 'welcome') return;
        clearTimeout(timer);
        welcome = true;
        socket.unref();
        resolve({ session, pending: message.pending, alive: true });
      },
      closed() {
        clearTimeout(timer);
        if (welcome) session.lost();
        else resolve(undefined);
      },
    });
    const session = new RemoteSession(link, { runner, mark, files });
    link.send({ type: 'hello', version: RUNNER_VERSION, token: info.token });
  });
}

/** What a runner that has gone has left, where its agent had come to an end. */
function ended(directory: string, runnerId: string): AdoptedSession | undefined {
  const entries = readTranscript(directory, runnerId);
  if (entries.at(-1)?.type !== 'end') return undefined;
  const messages = new Channel();
  const asked = new Set<string>();
  for (const entry of entries) {
    if (entry.type === 'permission') asked.add(String(entry['request_id']));
    else if (entry.type === 'permission_answer' || entry.type === 'permission_withdrawn') asked.delete(String(entry['request_id']));
    const message = messageIn(entry);
    if (message?.type === 'end') messages.end(message.end);
    else if (message !== undefined) messages.push(message);
  }
  const nobody = (): Promise<never> => Promise.reject(new Error('The agent has ended.'));
  return { session: { messages, answer: nobody, send: nobody, kill: () => Promise.resolve() }, pending: [...asked], alive: false };
}

function readInfo(directory: string): RunnerInfo | undefined {
  try {
    return JSON.parse(readFileSync(path.join(directory, RUNNER_FILE), 'utf8')) as RunnerInfo;
  } catch {
    return undefined;
  }
}
