/**
 * A process that waits to be told which program it becomes. To start a program, Node copies itself first (its page tables, not its memory), which
 * often takes longer than what the program does: so that is done while nobody waits.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { exists, isFolder } from '../system/files.ts';
import { shellAlters } from './environment.ts';
import { hold } from './hold.ts';
import { MARK } from './mark.ts';

/**
 * Becomes what its input says, a line each: folder, how many variables and how many words follow, variables (`NAME=value`), words. Shells read
 * byte by byte, so what comes after is the program's own input. Ends with its input.
 */
const BECOME = `
IFS= read -r baton_folder && IFS= read -r baton_variables && IFS= read -r baton_words || exit
while [ "$baton_variables" -gt 0 ]; do
  IFS= read -r baton_word && export "$baton_word" || exit
  baton_variables=$((baton_variables - 1))
done
set --
while [ "$baton_words" -gt 0 ]; do
  IFS= read -r baton_word || exit
  set -- "$@" "$baton_word"
  baton_words=$((baton_words - 1))
done
cd "$baton_folder" && unset OLDPWD && exec "$@"
`;

export interface Role {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

export class Standby {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #env: Readonly<Record<string, string>>;
  #over = false;

  private constructor(env: Readonly<Record<string, string>>, shell: string) {
    // Marked from the beginning: who looks for marks need not look again at what has lived for long without one.
    this.#env = { ...env, [MARK]: `standby:${randomUUID()}` };
    const child = spawn(shell, ['-c', BECOME], { cwd: '/', env: this.#env, detached: true, stdio: 'pipe' });
    this.#child = child;
    child.once('error', () => (this.#over = true));
    child.once('exit', () => (this.#over = true));
    // Out of processes or files: then there are no streams either.
    if (child.pid === undefined) throw new Error(`${shell} cannot be started`);
    child.stdin.on('error', () => undefined);
    hold(child, false);
  }

  /** Undefined where a shell would not hand the environment on as it is, where the platform has none, and where none can be started now. */
  static start(env: Readonly<Record<string, string>>, shell = '/bin/sh'): Standby | undefined {
    if (process.platform === 'win32' || shellAlters(env)) return undefined;
    try {
      return new Standby(env, shell);
    } catch {
      return undefined; // who starts the program without it says what is wrong
    }
  }

  get isReady(): boolean {
    return !this.#over && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * The process as that program, from now on the caller's. Undefined when it has gone, cannot be told, or the program cannot be started, which who
   * starts it anew is told as ever: then nothing was done.
   */
  become({ file, args, cwd, env }: Role): ChildProcessWithoutNullStreams | undefined {
    if (!this.isReady || !isFolder(cwd) || !isProgram(file)) return undefined;
    const words = [file, ...args];
    const variables = Object.entries(env).filter(([name, value]) => this.#env[name] !== value);
    const unwanted = Object.keys(this.#env).some((name) => !(name in env));
    if (unwanted || shellAlters(env) || [cwd, ...words, ...variables.flat()].some((text) => /[\n\0]/.test(text))) return undefined;
    this.#over = true;
    hold(this.#child, true);
    const lines = [cwd, variables.length, words.length, ...variables.map(([name, value]) => `${name}=${value}`), ...words];
    this.#child.stdin.write(lines.map((line) => `${line}\n`).join(''));
    return this.#child;
  }

  /** Not needed any more. What it has become is left alone. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#child.stdin.end();
  }
}

/** Bytes within which a script names its interpreter. */
const FIRST_LINE = 256;

/** Whether a shell can put this file in its place: a program, or a script whose interpreter is there. */
function isProgram(file: string): boolean {
  if (!path.isAbsolute(file)) return false;
  let descriptor: number | undefined;
  try {
    accessSync(file, constants.X_OK);
    descriptor = openSync(file, 'r');
    const head = Buffer.alloc(FIRST_LINE);
    const length = readSync(descriptor, head, 0, FIRST_LINE, 0);
    const interpreter = /^#!\s*(\S+)/.exec(head.toString('latin1', 0, length))?.[1];
    return interpreter === undefined || exists(interpreter);
  } catch {
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
