/**
 * One shell that starts one git after the other. It is a process of a megabyte, which starts another three to ten times as fast as Node can,
 * and gets no code but the loop below: what is to run comes as data, a line for each word.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { BatonError } from '../../core/errors.ts';
import { MARK } from '../process/mark.ts';
import { asOptions, settingsOf, type GitCommand, type GitResult } from './command.ts';

/**
 * Reads a command and says with which code it ended, until its input ends: how many words, whether they follow the words that all commands
 * without hooks begin with, number, whether there is input, folder, the words. Byte by byte, as shells read: so what they begin with is not sent.
 * What comes to a whole group of processes (a service manager's TERM) does not end the loop but interrupts its waiting, which dash does not tell
 * from the end of the input; the traps are its own, what it starts has the signals' usual meaning. `command`, for bash takes functions from its
 * environment.
 */
const LOOP = `
set +e +u
trap 'baton_signal=1' INT HUP TERM
baton_directory=$1
baton_next() {
  while baton_signal=; do
    IFS= read -r baton_count && return 0
    [ "$baton_signal" ] || return 1
  done
}
while baton_next && IFS= read -r baton_usual && IFS= read -r baton_number && IFS= read -r baton_input && IFS= read -r baton_folder; do
  set --
  [ "$baton_usual" = 0 ] || set -- git ${asOptions(settingsOf(false)).join(' ')}
  while [ "$baton_count" -gt 0 ]; do
    IFS= read -r baton_word
    set -- "$@" "$baton_word"
    baton_count=$((baton_count - 1))
  done
  [ "$baton_input" = 0 ] && baton_input=/dev/null || baton_input=$baton_directory/$baton_number.in
  cd "$baton_folder" && command "$@" <"$baton_input" >"$baton_directory/$baton_number.out" 2>"$baton_directory/$baton_number.err"
  echo "$?"
  cd /
done
rm -rf "$baton_directory"
`;

/** Bytes of an output up to which it is read at once: to have it read beside takes longer. */
const SHORT = 256 * 1024;
/** What a shell says of a program that is not there. */
const NOT_FOUND = 127;

export type Outcome =
  | { readonly kind: 'done'; readonly result: GitResult }
  /** Nothing was done. */
  | { readonly kind: 'not_run' }
  /** The shell ended before git was known to have. */
  | { readonly kind: 'lost' };

export class GitShell {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  /** For the outputs, which come as files: they have an end also where a daemon of a hook goes on writing. */
  readonly #directory: string;
  readonly #environment: string;
  /** Of each git that has none of its own. */
  readonly mark = `git:${randomUUID()}`;
  #commands = 0;
  #told = '';
  #answered: ((code: number) => void) | undefined;
  #gone = false;
  #retired = false;
  /** Resolves when the shell has ended. */
  readonly #end: Promise<undefined>;

  /** Throws where it cannot be started. */
  constructor(env: Readonly<Record<string, string>>) {
    this.#environment = JSON.stringify(env);
    this.#directory = mkdtempSync(path.join(tmpdir(), 'baton-git-'));
    // In a session of its own: Ctrl-C is for the engine, which may need git to come to a good end.
    const child = spawn('/bin/sh', ['-c', LOOP, 'git', this.#directory], { cwd: '/', env: { ...env, [MARK]: this.mark }, detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child = child;
    this.#end = new Promise((resolve) => {
      const over = (): void => {
        this.#gone = true;
        rmSync(this.#directory, { recursive: true, force: true });
        resolve(undefined);
      };
      child.once('error', over);
      child.once('close', over);
    });
    // Out of processes or files: then there are no streams either.
    if (child.pid === undefined) throw new BatonError('git', 'The program /bin/sh cannot be started.');
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#hold(false);
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** Whether it can run a command in this environment now. */
  isFreeFor(env: Readonly<Record<string, string>>): boolean {
    return this.isFree && !this.#retired && !this.#gone && this.#environment === JSON.stringify(env);
  }

  get isFree(): boolean {
    return this.#answered === undefined;
  }

  /** Runs a command in the environment that the shell was started with. */
  async run(asked: GitCommand): Promise<Outcome> {
    const number = ++this.#commands;
    const output = path.join(this.#directory, String(number));
    const answer = new Promise<number>((resolve) => (this.#answered = resolve));
    this.#hold(true);
    try {
      const hasInput = asked.input !== '';
      if (hasInput) writeFileSync(`${output}.in`, asked.input);
      const { usual, words } = wordsOf(asked);
      this.#child.stdin.write([words.length, Number(usual), number, Number(hasInput), asked.cwd, ...words].map((line) => `${line}\n`).join(''));
      const code = await Promise.race([answer, this.#end]);
      if (code === undefined) return { kind: 'lost' };
      if (hasInput) rmSync(`${output}.in`, { force: true });
      return await outcomeOf(code, output);
    } finally {
      this.#answered = undefined;
      this.#hold(false);
      if (this.#retired) this.retire();
    }
  }

  /** Ends it when what it was asked is answered. */
  retire(): void {
    this.#retired = true;
    if (this.isFree) this.#child.stdin.end();
  }

  #hear(text: string): void {
    this.#told += text;
    if (!this.#told.endsWith('\n')) return;
    const code = Number(this.#told);
    this.#told = '';
    this.#answered?.(code);
  }

  /** Only while it is at work does it keep the engine's process alive. */
  #hold(wanted: boolean): void {
    const { stdin, stdout } = this.#child;
    for (const handle of [this.#child, stdin, stdout] as unknown as { ref?: () => void; unref?: () => void }[]) {
      if (wanted) handle.ref?.();
      else handle.unref?.();
    }
  }
}

/** The command line, without what the loop begins it with by itself. */
function wordsOf({ args, extra, hooks, config }: GitCommand): { readonly usual: boolean; readonly words: readonly string[] } {
  const added = Object.entries(extra).map(([name, value]) => `${name}=${value}`);
  const own = [...asOptions(config), ...args];
  if (added.length === 0 && !hooks) return { usual: true, words: own };
  return { usual: false, words: [...(added.length === 0 ? [] : ['env', ...added]), 'git', ...asOptions(settingsOf(hooks)), ...own] };
}

/** Where the folder or the program is not there, or no file for the outputs could be made, the shell has started nothing. */
async function outcomeOf(code: number, output: string): Promise<Outcome> {
  const [stdout, stderr] = await Promise.all([taken(`${output}.out`), taken(`${output}.err`)]);
  if (stdout === undefined || stderr === undefined) return { kind: 'not_run' };
  return code === NOT_FOUND && stdout === '' && stderr.includes('not found') ? { kind: 'not_run' } : { kind: 'done', result: { code, stdout, stderr } };
}

/** The text of a file, which is gone then; undefined when there is none. */
async function taken(file: string): Promise<string | undefined> {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0) return '';
    return size > SHORT ? await readFile(file, 'utf8') : readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
}

/** Whether a command can be told a line at a time. */
export function isOfLines({ args, cwd, extra, config }: GitCommand): boolean {
  return ![...args, cwd, ...config, ...Object.values(extra)].some((text) => /[\n\0]/.test(text));
}
