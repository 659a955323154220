/** Runs git: one process a call, in an environment of its own, with lock contention tried again. */
import { setTimeout as wait } from 'node:timers/promises';
import { BatonError } from '../../core/errors.ts';
import { MARK } from '../process/mark.ts';
import { asOptions, QUIET, runGit, shown, type GitCommand, type GitResult } from './command.ts';
import { Companion, type Take } from './companion.ts';
import { ObjectReader, type CommitFacts } from './objects.ts';

export interface GitRunOptions {
  readonly cwd: string;
  /** Added to the environment; `undefined` is no value. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Exit codes that are an answer, not a failure. Default: 0 only. */
  readonly codes?: readonly number[] | 'any';
  /** Whether the user's hooks may run. Default: no. */
  readonly hooks?: boolean;
  /** Settings for this call, `key=value`. */
  readonly config?: readonly string[];
}

export interface GitOptions {
  /** Main checkout of the repository whose refs and objects `resolve` and `updateRefs` are about; without it every question is a process. */
  readonly root?: string;
  /** git never looks for a repository in or above this folder (a worktree that lost its `.git` must not fall through to another repository). */
  readonly ceiling?: string;
  /** How long contention on a lock of git is waited for, in milliseconds. Default: 5000. */
  readonly patience?: number;
  /** Starts a command. Default: from this process. */
  readonly start?: (command: GitCommand) => Promise<GitResult>;
}

/**
 * What tells git which repository, index or pathspec rules to use, or when a commit was made. Inherited values (a window
 * started from a hook, a terminal in another repository) would send Baton's commands to the wrong place.
 * The first lines are `git rev-parse --local-env-vars`, less GIT_CONFIG_COUNT, by which containers and CI configure git.
 */
const FOREIGN = new Set([
  ...['GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_CONFIG', 'GIT_CONFIG_PARAMETERS', 'GIT_OBJECT_DIRECTORY', 'GIT_DIR', 'GIT_WORK_TREE'],
  ...['GIT_IMPLICIT_WORK_TREE', 'GIT_GRAFT_FILE', 'GIT_INDEX_FILE', 'GIT_NO_REPLACE_OBJECTS', 'GIT_REPLACE_REF_BASE', 'GIT_PREFIX'],
  ...['GIT_INTERNAL_SUPER_PREFIX', 'GIT_SHALLOW_FILE', 'GIT_COMMON_DIR', 'GIT_NAMESPACE', 'GIT_QUARANTINE_PATH', 'GIT_REFLOG_ACTION'],
  ...['GIT_LITERAL_PATHSPECS', 'GIT_GLOB_PATHSPECS', 'GIT_NOGLOB_PATHSPECS', 'GIT_ICASE_PATHSPECS', 'GIT_EXTERNAL_DIFF'],
  ...['GIT_AUTHOR_DATE', 'GIT_COMMITTER_DATE', 'GIT_DEFAULT_HASH', 'GIT_CEILING_DIRECTORIES'],
  // A Baton started in an agent's terminal inherits the agent's: a sweep after that agent would end Baton's git.
  MARK,
]);

/** What is the same in every worktree of a repository, and no abbreviation. */
const SHARED = /^(?:refs\/|worktrees\/|[0-9a-f]{40}(?:[0-9a-f]{24})?(?:\^|$))/;

const CONTENTION = /\.lock': File exists|could not lock config file|Unable to create '[^']*\.lock'|cannot lock ref/;
/** A compare-and-swap that lost is an answer, not contention. */
const SWAP_LOST = /but expected|reference already exists/;

export class Git {
  readonly #ceiling: string | undefined;
  readonly #objects: ObjectReader | undefined;
  readonly #refs: Companion | undefined;
  readonly #start: (command: GitCommand) => Promise<GitResult>;
  readonly patience: number;

  constructor(options: GitOptions = {}) {
    this.#ceiling = options.ceiling;
    this.patience = options.patience ?? 5000;
    this.#start = options.start ?? runGit;
    if (options.root !== undefined) {
      const environment = (): Record<string, string> => gitEnvironment(this.#confined());
      this.#objects = new ObjectReader(options.root, environment);
      this.#refs = new Companion([...asOptions(QUIET), 'update-ref', '--stdin'], options.root, environment);
    }
  }

  /** Runs `git <args>`; rejects with BatonError `git` on any exit code that is not expected. */
  async run(args: readonly string[], options: GitRunOptions): Promise<GitResult> {
    const deadline = Date.now() + this.patience;
    for (let pause = 25; ; pause = Math.min(pause * 2, 500)) {
      const result = await this.#once(args, options);
      const expected = options.codes ?? [0];
      const accepted = expected === 'any' || expected.includes(result.code);
      const contended = result.code !== 0 && CONTENTION.test(result.stderr) && !SWAP_LOST.test(result.stderr);
      if (contended && Date.now() + pause < deadline) {
        await wait(pause);
        continue;
      }
      if (accepted) return result;
      throw failure(args, result);
    }
  }

  /** Standard output without the line end. */
  async text(args: readonly string[], options: GitRunOptions): Promise<string> {
    return (await this.run(args, options)).stdout.replace(/\r?\n$/, '');
  }

  /** Standard output of a `-z` command as a list. */
  async list(args: readonly string[], options: GitRunOptions): Promise<string[]> {
    const { stdout } = await this.run(args, options);
    return stdout.split('\0').filter((item) => item !== '');
  }

  /** The object id of a revision, or undefined when there is none. */
  async resolve(revision: string, cwd: string): Promise<string | undefined> {
    // HEAD is another one in every worktree; the rest is the same everywhere.
    if (this.#objects && SHARED.test(revision)) {
      const known = await this.#objects.id(revision).then((id) => ({ id }), () => undefined);
      if (known) return known.id;
    }
    const result = await this.run(['rev-parse', '--verify', '--quiet', '--end-of-options', revision], { cwd, codes: 'any' });
    const id = result.stdout.trim();
    return result.code === 0 && id !== '' ? id : undefined;
  }

  /**
   * Refs that all worktrees share, set or deleted at once, whatever they were: `update <ref> <id>`, `delete <ref>`. Rejects with BatonError
   * `git` when none of it was done.
   */
  async updateRefs(commands: readonly string[], cwd: string): Promise<void> {
    const input = commands.map((command) => `${command}\n`).join('');
    // One that is refused (a lock) ends the process without a word; the second try waits for locks and tells why.
    const done = await this.#refs?.ask(`start\n${input}commit\n`, transaction).catch(() => undefined);
    if (done === undefined) await this.run(['update-ref', '--stdin'], { cwd, input });
  }

  /** A file of at most so many bytes by `<commit>:<path>`; undefined when there is none, it is larger or it cannot be read this way. */
  async file(revision: string, most: number): Promise<Buffer | undefined> {
    return this.#objects?.file(revision, most).catch(() => undefined);
  }

  /** A commit by its id; undefined when there is none or it cannot be read this way. */
  async commit(id: string): Promise<CommitFacts | undefined> {
    return this.#objects?.commit(id).catch(() => undefined);
  }

  async isAncestor(ancestor: string, descendant: string, cwd: string): Promise<boolean> {
    return (await this.run(['merge-base', '--is-ancestor', ancestor, descendant], { cwd, codes: [0, 1] })).code === 0;
  }

  #confined(): Record<string, string> {
    return this.#ceiling === undefined ? {} : { GIT_CEILING_DIRECTORIES: this.#ceiling };
  }

  #once(args: readonly string[], options: GitRunOptions): Promise<GitResult> {
    return this.#start({
      args,
      cwd: options.cwd,
      env: gitEnvironment(this.#confined()),
      extra: options.env ?? {},
      input: options.input ?? '',
      hooks: options.hooks === true,
      config: options.config ?? [],
    });
  }
}

/** What `update-ref --stdin` says of a transaction that went well. */
const transaction: Take<true> = (output) => {
  const end = output.indexOf('commit: ok\n');
  return end < 0 ? undefined : { answer: true, length: end + 'commit: ok\n'.length };
};

/** The environment of a git command: the user's own less what names another repository. */
export function gitEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [key, value] of Object.entries(process.env)) {
    if (value !== undefined && !FOREIGN.has(key.toUpperCase())) env[key] = value;
  }
  // Messages in English whatever the locale is, so that contention is recognised; LC_ALL stays for the user's hooks.
  return { ...env, LANGUAGE: 'en', ...extra };
}

function failure(args: readonly string[], result: GitResult): BatonError {
  const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(0, 12).join('\n');
  const hint = hintFor(said);
  return new BatonError('git', `git ${shown(args)} failed with exit code ${result.code}: ${said || 'it said nothing'}`, hint === undefined ? {} : { hint });
}

function hintFor(said: string): string | undefined {
  if (/not a git repository/i.test(said)) return 'Open a folder that is in a git repository, or run git init there.';
  if (/dubious ownership/i.test(said)) return 'The repository belongs to another user; run the git config command that git names, if you trust it.';
  if (CONTENTION.test(said)) return 'Another git process holds a lock; wait for it to end, or delete the lock file if none runs.';
  if (/No space left on device/i.test(said)) return 'Free some disk space and try again.';
  return undefined;
}
