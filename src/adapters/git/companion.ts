/**
 * A git process that stays for a while and answers one question after the other (`cat-file --batch-command`, `update-ref --stdin`):
 * a process for each question takes thirty times as long as the answer.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { BatonError } from '../../core/errors.ts';
import { hold } from '../process/hold.ts';

/** Milliseconds without a question after which the process ends: an idle Baton holds nothing open. */
const IDLE_MS = 5_000;

/** Takes an answer from the beginning of what has come; undefined while it is not complete. */
export type Take<T> = (output: Buffer) => { readonly answer: T; readonly length: number } | undefined;

interface Question {
  /** Hands the answer on and says how long it was. */
  readonly settle: (output: Buffer) => number | undefined;
  readonly reject: (error: Error) => void;
}

export class Companion {
  readonly #args: readonly string[];
  readonly #root: string;
  readonly #environment: () => Record<string, string>;
  #child: ChildProcessWithoutNullStreams | undefined;
  readonly #waiting: Question[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  #idle: NodeJS.Timeout | undefined;

  constructor(args: readonly string[], root: string, environment: () => Record<string, string>) {
    this.#args = args;
    this.#root = root;
    this.#environment = environment;
  }

  /** Writes a question and resolves with its answer; rejects with BatonError `git` when the process ends before that. */
  ask<T>(text: string, take: Take<T>): Promise<T> {
    clearTimeout(this.#idle);
    const child = this.#running();
    return new Promise<T>((resolve, reject) => {
      const settle = (output: Buffer): number | undefined => {
        const taken = take(output);
        if (taken !== undefined) resolve(taken.answer);
        return taken?.length;
      };
      this.#waiting.push({ settle, reject });
      hold(child, true);
      child.stdin.write(text);
    });
  }

  #running(): ChildProcessWithoutNullStreams {
    if (this.#child) return this.#child;
    const child = spawn('git', this.#args, { cwd: this.#root, env: this.#environment(), windowsHide: true, stdio: 'pipe' });
    this.#child = child;
    this.#buffer = Buffer.alloc(0);
    const gone = (why: string): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      clearTimeout(this.#idle);
      for (const { reject } of this.#waiting.splice(0)) reject(new BatonError('git', `git ${this.#args.join(' ')} ended: ${why}`));
    };
    child.once('error', (error) => gone(error.message));
    child.once('close', (code) => gone(`exit code ${String(code)}`));
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
    child.stdout.on('data', (chunk: Buffer) => {
      if (this.#child !== child) return;
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      this.#answer();
      if (this.#waiting.length === 0) this.#rest(child);
    });
    return child;
  }

  /** Hands out every answer that is complete. */
  #answer(): void {
    for (let question = this.#waiting[0]; question; question = this.#waiting[0]) {
      const length = question.settle(this.#buffer);
      if (length === undefined) return;
      this.#buffer = this.#buffer.subarray(length);
      this.#waiting.shift();
    }
  }

  /** Nothing is asked: the process neither keeps the host alive nor stays for long. */
  #rest(child: ChildProcessWithoutNullStreams): void {
    hold(child, false);
    this.#idle = setTimeout(() => {
      if (this.#child === child) this.#child = undefined;
      child.stdin.end();
    }, IDLE_MS);
    this.#idle.unref();
  }
}
