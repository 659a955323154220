/**
 * Starts git commands from a small process. To start a program, Unix copies the process that asks (its page tables, not its memory): an
 * extension host of some hundred megabytes stands still for that long, with every extension in it, some fifteen times a task.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { BatonError, errorFromData, type ErrorAsData, messageOf } from '../../core/errors.ts';
import type { Log } from '../../engine/ports.ts';
import { channelLink, type Link } from '../process/link.ts';
import { MARK, markedPids } from '../process/mark.ts';
import { nodeProgram } from '../process/node.ts';
import { runGit, shown, type GitCommand, type GitResult } from './command.ts';

/** Answered once, by the same id, in any order. */
export interface ToStarter {
  readonly id: number;
  readonly command: GitCommand;
}
export type FromStarter = { readonly ready: true } | { readonly id: number; readonly result: GitResult } | { readonly id: number; readonly error: ErrorAsData };

export interface GitStarterOptions {
  /** dist/git.js */
  readonly entry: string;
  readonly log: Log;
  /** Milliseconds without a command after which the process ends: an idle Baton holds nothing open. Default: 60 000. */
  readonly idle?: number;
  /** Milliseconds that the process may take until it listens. Default: 15 000. */
  readonly patience?: number;
}

const IDLE_MS = 60_000;
const PATIENCE_MS = 15_000;
/** How long a git that lost its starter may take to end (ms), and how often it is looked at. */
const ORPHAN_MS = 60_000;
const LOOK_MS = 100;

export class GitStarter {
  readonly #options: GitStarterOptions;
  /** Undefined in the end: the process could not be started, and is not tried again. */
  #starting: Promise<Helper | undefined> | undefined;
  /** The one that is asked now. */
  #helper: Helper | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: GitStarterOptions) {
    this.#options = options;
  }

  /**
   * Like `runGit`, which it falls back to where there is no process to ask. Rejects with BatonError `git` also when the process ends before it
   * has answered: what git has done is not known then, but it is no longer at work (on Windows that is not known either).
   */
  async run(command: GitCommand): Promise<GitResult> {
    clearTimeout(this.#idle);
    const helper = await (this.#closed ? undefined : (this.#starting ??= this.#start()));
    if (helper?.isAlive !== true) {
      // One that has died just as it came up is followed by another.
      if (helper !== undefined && this.#helper === helper) this.#helper = this.#starting = undefined;
      return runGit(command);
    }
    try {
      return await helper.ask(command);
    } finally {
      if (this.#helper === helper && !helper.isBusy) {
        clearTimeout(this.#idle);
        this.#idle = setTimeout(() => this.#retire(), this.#options.idle ?? IDLE_MS).unref();
      }
    }
  }

  /** The process ends when what it was asked is answered. What is asked later is done without it. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.#retire();
  }

  #start(): Promise<Helper | undefined> {
    const { log } = this.#options;
    const gone = (helper: Helper): void => {
      if (this.#helper === helper) this.#helper = this.#starting = undefined;
    };
    return startHelper(this.#options, gone).then(
      (helper) => (this.#helper = helper),
      (error: unknown) => {
        log.warn(`The process that starts git could not be started: ${messageOf(error)}. Git is started by the engine itself, which takes longer; reload the window, or start the command anew, to have it tried again.`);
        return undefined;
      },
    );
  }

  #retire(): void {
    void this.#starting?.then((helper) => helper?.retire());
    this.#helper = this.#starting = undefined;
  }
}

interface Question {
  readonly command: GitCommand;
  readonly resolve: (result: GitResult) => void;
  readonly reject: (error: Error) => void;
}

/** The process, and what it has not answered yet. */
class Helper {
  readonly #child: ChildProcess;
  readonly #link: Link<ToStarter>;
  /** Of each git that has none of its own. */
  readonly #mark = `git:${randomUUID()}`;
  readonly #waiting = new Map<number, Question>();
  #asked = 0;
  #retired = false;

  constructor(child: ChildProcess, link: Link<ToStarter>) {
    this.#child = child;
    this.#link = link;
    this.#hold(false);
  }

  get isAlive(): boolean {
    return this.#child.connected && !this.#retired;
  }

  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  ask(asked: GitCommand): Promise<GitResult> {
    const command = { ...asked, env: { [MARK]: this.#mark, ...asked.env } };
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      this.#link.send({ id, command });
      this.#waiting.set(id, { command, resolve, reject });
      this.#hold(true);
    });
  }

  take(message: Exclude<FromStarter, { ready: true }>): void {
    const question = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('result' in message) question?.resolve(message.result);
    else question?.reject(errorFromData(message.error));
    if (this.isBusy) return;
    this.#hold(false);
    if (this.#retired) this.retire();
  }

  /** Whoever asked may try again or tidy up only when no git works there any more. */
  async lost(): Promise<void> {
    const questions = [...this.#waiting.values()];
    this.#waiting.clear();
    const marks = new Set(questions.map(({ command }) => command.env[MARK]));
    const deadline = performance.now() + ORPHAN_MS;
    // Where the machine does not say who is there, nobody is waited for.
    const atWork = async (): Promise<boolean> => (await markedPids((mark) => marks.has(mark)).catch(() => new Set())).size > 0;
    while (questions.length > 0 && performance.now() < deadline && (await atWork())) await wait(LOOK_MS);
    for (const { command, reject } of questions) {
      reject(new BatonError('git', `The process that starts git ended while git ${shown(command.args)} was at work.`, { hint: 'Try again: Baton starts another one.' }));
    }
  }

  retire(): void {
    this.#retired = true;
    if (!this.isBusy) void this.#link.close();
  }

  /** Only while it is at work does it keep the engine's process alive. */
  #hold(wanted: boolean): void {
    for (const handle of [this.#child, this.#child.channel]) {
      if (wanted) handle?.ref();
      else handle?.unref();
    }
  }
}

/** Resolves when it listens; `gone` is called when it has ended after that. */
async function startHelper({ entry, patience }: GitStarterOptions, gone: (helper: Helper) => void): Promise<Helper> {
  const program = await nodeProgram();
  const child = spawn(program.file, [entry], {
    cwd: homedir(), // no folder that somebody may want to remove
    // The mark of an agent in whose terminal Baton was started is not this process's.
    env: { ...process.env, ...program.env, [MARK]: undefined },
    windowsHide: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let helper: Helper | undefined;
    const late = setTimeout(() => {
      reject(new Error(`${entry} did not answer in time`));
      child.kill('SIGKILL');
    }, patience ?? PATIENCE_MS);
    const failed = (error: Error): void => {
      clearTimeout(late);
      reject(error);
    };
    child.on('error', failed);
    child.once('exit', (code, signal) => failed(new Error(`${entry} ended with ${signal ?? `exit code ${String(code)}`}`)));
    const link = channelLink<ToStarter, FromStarter>(child, {
      message(message) {
        if (!('ready' in message)) return helper?.take(message);
        clearTimeout(late);
        resolve((helper = new Helper(child, link)));
      },
      closed() {
        if (helper === undefined) return;
        gone(helper);
        void helper.lost();
      },
    });
  });
}
