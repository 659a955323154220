/**
 * One shell that starts one git after the other. It is a process of a megabyte, which starts another three to ten times as fast as Node can,
 * and gets no code but the loop below: what is to run comes as data, a line for each word.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { BatonError } from '../../core/errors.ts';
import { hold } from '../process/hold.ts';
import { MARK } from '../process/mark.ts';
import { asOptions, settingsOf, type GitCommand, type GitResult } from './command.ts';

/**
 * Reads a command and answers with its number and the code that it ended with, until its input ends: how many words, whether they follow the words
 * that all commands without hooks begin with, number, files, whether there is input, folder, the words. Byte by byte, as shells read: so what they
 * begin with is not sent. `not_run`: nothing was started, the folder is not there or no file for what git says could be made.
 *
 * What comes to a whole group of processes (a service manager's TERM) does not end the loop but interrupts its waiting, which dash does not tell
 * from the end of the input; nor does an answer that nobody reads any more, so that it tidies up. The traps are its own: what it starts has the
 * signals' usual meaning. `command`, for bash takes functions from its environment.
 */
const LOOP = `
set +e +u
trap 'baton_signal=1' INT HUP TERM PIPE
baton_directory=$1
baton_next() {
  while baton_signal=; do
    IFS= command read -r baton_count && return 0
    command [ "$baton_signal" ] || return 1
  done
}
while baton_next && IFS= command read -r baton_usual && IFS= command read -r baton_number && IFS= command read -r baton_files && IFS= command read -r baton_input && IFS= command read -r baton_folder; do
  set --
  command [ "$baton_usual" = 0 ] || set -- git ${asOptions(settingsOf(false)).join(' ')}
  while command [ "$baton_count" -gt 0 ]; do
    IFS= command read -r baton_word
    set -- "$@" "$baton_word"
    baton_count=$((baton_count - 1))
  done
  baton_output=$baton_directory/$baton_files
  command [ "$baton_input" = 0 ] && baton_input=/dev/null || baton_input=$baton_output.in
  if command cd "$baton_folder" && command true >"$baton_output.out" && command true >"$baton_output.err"; then
    command "$@" <"$baton_input" >"$baton_output.out" 2>"$baton_output.err"
    command echo "$baton_number $?"
  else
    command echo "$baton_number not_run"
  fi
  command cd /
done
command rm -rf "$baton_directory"
`;

/** Bytes of an output up to which it is read at once: to have it read beside takes longer. */
const SHORT = 256 * 1024;
/** Of all that have none of their own; the next begins them anew. */
const USUAL = 'usual';
/** As much as any message of git. */
const PROBE = Buffer.alloc(4096);
/** What a shell, and `env`, say of a program that is not there. */
const NOT_FOUND = 127;
const MISSING = /not found|No such file/;
/** git's own code for a failure that it tells of. */
const FATAL = 128;
/** More come with few commands only, and the loop takes longer over each than over the one before. */
const MOST_WORDS = 100;

export type Outcome =
  | { readonly kind: 'done'; readonly result: GitResult }
  /** Nothing was done. */
  | { readonly kind: 'not_run' }
  /** The shell ended, or what git said was removed, before it was known what git has done. */
  | { readonly kind: 'lost' }
  /** There is no room for what git says. */
  | { readonly kind: 'full' };

export class GitShell {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  /** For inputs and outputs, which are files: an output has an end also where a daemon goes on writing. */
  readonly #directory: string;
  readonly #environment: string;
  /** Of each git that has none of its own. */
  readonly mark = `git:${randomUUID()}`;
  #commands = 0;
  #told = '';
  #answered: ((code: number | 'not_run') => void) | undefined;
  #gone = false;
  #retired = false;
  /** Resolves when the shell has ended. */
  readonly #end: Promise<undefined>;

  /** Throws where it cannot be started. */
  constructor(program: string, env: Readonly<Record<string, string>>) {
    this.#environment = JSON.stringify(env);
    this.#directory = mkdtempSync(path.join(path.resolve(tmpdir()), 'baton-git-'));
    // In a session of its own: Ctrl-C is for the engine, which may need git to come to a good end.
    const child = spawn(program, ['-c', LOOP, 'git', this.#directory], { cwd: '/', env: { ...env, [MARK]: this.mark }, detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
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
    if (child.pid === undefined) throw new BatonError('git', `The program ${program} cannot be started.`);
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    hold(child, false);
  }

  get directory(): string {
    return this.#directory;
  }

  get isGone(): boolean {
    return this.#gone;
  }

  get isFree(): boolean {
    return this.#answered === undefined;
  }

  /** Whether this is the environment that it was started with. */
  isFor(env: Readonly<Record<string, string>>): boolean {
    return this.#environment === JSON.stringify(env);
  }

  /** Runs a command in the environment that the shell was started with. */
  async run(asked: GitCommand): Promise<Outcome> {
    const number = ++this.#commands;
    const { usual, words } = wordsOf(asked);
    // Files of their own for what may leave a daemon behind, as the user's hooks may; to make and remove some for each git takes as long as a small git.
    const files = usual ? USUAL : String(number);
    const output = path.join(this.#directory, files);
    const hasInput = asked.input !== '';
    try {
      if (hasInput) writeFileSync(`${output}.in`, asked.input);
    } catch {
      return { kind: 'not_run' };
    }
    const answer = new Promise<number | 'not_run'>((resolve) => (this.#answered = resolve));
    hold(this.#child, true);
    try {
      this.#child.stdin.write([words.length, Number(usual), number, files, Number(hasInput), asked.cwd, ...words].map((line) => `${line}\n`).join(''));
      const code = await Promise.race([answer, this.#end]);
      if (code === undefined) return { kind: 'lost' };
      return code === 'not_run' ? { kind: 'not_run' } : await this.#outcome(code, output);
    } finally {
      if (!usual) for (const end of ['in', 'out', 'err']) remove(`${output}.${end}`);
      else if (asked.input.length > SHORT) remove(`${output}.in`);
      this.#answered = undefined;
      hold(this.#child, false);
      if (this.#retired) this.retire();
    }
  }

  /** Ends it when what it was asked is answered. */
  retire(): void {
    this.#retired = true;
    if (this.isFree) this.#child.stdin.end();
  }

  /** Whatever is no answer to what was asked last is somebody else's. */
  #hear(text: string): void {
    const lines = (this.#told + text).split('\n');
    this.#told = lines.pop() ?? '';
    for (const line of lines) {
      const [, number, code] = /^(\d+) (\d+|not_run)$/.exec(line) ?? [];
      if (Number(number) === this.#commands) this.#answered?.(code === 'not_run' ? code : Number(code));
    }
  }

  async #outcome(code: number, output: string): Promise<Outcome> {
    const [stdout, stderr] = await Promise.all([taken(`${output}.out`), taken(`${output}.err`)]);
    if (stdout === undefined || stderr === undefined) return { kind: 'lost' };
    if (code === NOT_FOUND && stdout === '' && MISSING.test(stderr)) return { kind: 'not_run' };
    // A git that fails says why, unless it cannot.
    if (code >= FATAL && !this.#hasRoom()) return { kind: 'full' };
    return { kind: 'done', result: { code, stdout, stderr } };
  }

  #hasRoom(): boolean {
    const probe = path.join(this.#directory, 'probe');
    try {
      writeFileSync(probe, PROBE);
      return true;
    } catch {
      return false;
    } finally {
      remove(probe);
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

/** The text of a file; undefined when there is none. One that takes room is emptied. */
async function taken(file: string): Promise<string | undefined> {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r+');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0) return '';
    if (size <= SHORT) return readFileSync(descriptor, 'utf8');
    const text = await readFile(file, 'utf8');
    ftruncateSync(descriptor);
    return text;
  } finally {
    closeSync(descriptor);
  }
}

/** Takes half as long as `rmSync`, which looks first. */
function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Gone.
  }
}

/** Whether a command can be told a line at a time. */
export function isOfLines({ args, cwd, extra, config }: GitCommand): boolean {
  return args.length <= MOST_WORDS && ![...args, cwd, ...config, ...Object.values(extra)].some((text) => /[\n\0]/.test(text));
}
