/**
 * Starts git commands from a small process. To start a program, Unix copies the process that asks (its page tables, not its memory): an
 * extension host of some hundred megabytes stands still for that long, with every extension in it, some fifteen times a task.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { homedir } from 'node:os';
import { BatonError, errorFromData, type ErrorAsData, messageOf } from '../../core/errors.ts';
import type { Log } from '../../engine/ports.ts';
import { channelLink, type Link } from '../process/link.ts';
import { nodeProgram } from '../process/node.ts';
import { runCommand, shown, type GitCommand, type GitResult } from './command.ts';

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
}

const IDLE_MS = 60_000;

export class GitStarter {
  readonly #options: GitStarterOptions;
  /** Undefined in the end: the process could not be started, and is not tried again. */
  #helper: Promise<Helper | undefined> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: GitStarterOptions) {
    this.#options = options;
  }

  /**
   * Like `runCommand`, which it falls back to where there is no process to ask. Rejects with BatonError `git` also when the process ends
   * before it has answered: what git has done by then is not known.
   */
  async run(command: GitCommand): Promise<GitResult> {
    clearTimeout(this.#idle);
    const helper = await (this.#closed ? undefined : (this.#helper ??= this.#start()));
    if (helper?.isAlive !== true) return runCommand(command);
    try {
      return await helper.ask(command);
    } finally {
      if (!helper.isBusy && !this.#closed) {
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
    const { entry, log } = this.#options;
    const gone = (): void => {
      if (this.#helper === started) this.#helper = undefined;
    };
    const started = startHelper(entry, gone).catch((error: unknown) => {
      log.warn(`The process that starts git could not be started, so git is started by the engine itself: ${messageOf(error)}`);
      return undefined;
    });
    return started;
  }

  #retire(): void {
    void this.#helper?.then((helper) => helper?.retire());
    this.#helper = undefined;
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

  ask(command: GitCommand): Promise<GitResult> {
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      this.#waiting.set(id, { command, resolve, reject });
      this.#hold(true);
      this.#link.send({ id, command });
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

  lost(): void {
    for (const { command, reject } of this.#waiting.values()) {
      reject(new BatonError('git', `The process that starts git ended while git ${shown(command.args)} was at work.`, { hint: 'Try again: Baton starts another one.' }));
    }
    this.#waiting.clear();
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
async function startHelper(entry: string, gone: () => void): Promise<Helper> {
  const program = await nodeProgram();
  const child = spawn(program.file, [entry], {
    cwd: homedir(), // no folder that somebody may want to remove
    env: { ...process.env, ...program.env },
    windowsHide: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let helper: Helper | undefined;
    child.on('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${entry} ended with ${signal ?? `exit code ${String(code)}`}`)));
    const link = channelLink<ToStarter, FromStarter>(child, {
      message(message) {
        if ('ready' in message) resolve((helper = new Helper(child, link)));
        else helper?.take(message);
      },
      closed() {
        if (helper === undefined) return;
        gone();
        helper.lost();
      },
    });
  });
}
