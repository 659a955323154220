/**
 * Starts git commands from shells of their own. To start a program, Node copies itself first (its page tables, not its memory): an extension
 * host of some hundred megabytes stands still for that long, with every extension in it, some fifteen times a task.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { BatonError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../engine/ports.ts';
import { shellAlters } from '../process/environment.ts';
import { MARK, markedPids } from '../process/mark.ts';
import { runGit, shown, type GitCommand, type GitResult } from './command.ts';
import { GitShell, isOfLines, type Outcome } from './shell.ts';

export interface GitStarterOptions {
  readonly log: Log;
  /** Milliseconds without a command after which the shells end: an idle Baton holds nothing open. Default: 60 000. */
  readonly idle?: number;
  /** Default: /bin/sh. */
  readonly shell?: string;
}

const IDLE_MS = 60_000;
/** How long a git that lost its shell may take to end (ms), and how often it is looked at. */
const ORPHAN_MS = 60_000;
const LOOK_MS = 100;

export class GitStarter {
  readonly #options: GitStarterOptions;
  /** As many as commands were at work at once. */
  #shells: GitShell[] = [];
  #idle: NodeJS.Timeout | undefined;
  /** Whether there is no shell to be had, or the engine has closed: git is started by this process then. */
  #without = process.platform === 'win32';

  constructor(options: GitStarterOptions) {
    this.#options = options;
  }

  /**
   * Like `runGit`, which it falls back to where there is no shell. Rejects with BatonError `git` also when it is not known what git has done; it is
   * no longer at work then.
   */
  async run(asked: GitCommand): Promise<GitResult> {
    const shell = isOfLines(asked) && !needsThisProcess(asked) ? this.#shell(asked.env) : undefined;
    if (shell === undefined) return runGit(asked);
    clearTimeout(this.#idle);
    let outcome: Outcome;
    try {
      outcome = await shell.run(asked);
    } finally {
      this.#rest();
    }
    if (outcome.kind === 'done') return outcome.result;
    this.#shells = this.#shells.filter((one) => one !== shell);
    shell.retire();
    // Tried here it says why, unless it was the shell's own fault (its folder was tidied away).
    if (outcome.kind === 'not_run') return runGit(asked);
    if (outcome.kind === 'full') {
      this.#without = true;
      throw new BatonError('git', `git ${shown(asked.args)} failed and could not say why: there is no room left in ${shell.directory}.`, { hint: 'Free some space there and try again.' });
    }
    await orphaned(asked.extra[MARK] ?? shell.mark);
    throw new BatonError('git', `What became of git ${shown(asked.args)} is not known: the shell that started it ended, or ${shell.directory} was removed.`, { hint: 'Try again: Baton starts another one.' });
  }

  /** The shells end when what they were asked is answered. What is asked later is done without them. */
  close(): void {
    this.#without = true;
    clearTimeout(this.#idle);
    this.#retire(() => true);
  }

  /** One that has nothing to do, or another. */
  #shell(env: Readonly<Record<string, string>>): GitShell | undefined {
    if (this.#without) return undefined;
    this.#retire((one) => one.isGone || (one.isFree && !one.isFor(env)));
    const free = this.#shells.find((one) => one.isFree);
    if (free !== undefined) return free;
    try {
      const shell = new GitShell(this.#options.shell ?? '/bin/sh', env);
      this.#shells.push(shell);
      return shell;
    } catch (error) {
      this.#without = true;
      this.#options.log.warn(`No shell could be started to start git: ${messageOf(error)} Git is started by the engine itself, which takes longer; reload the window, or start the command anew, to have it tried again.`);
      return undefined;
    }
  }

  #rest(): void {
    if (this.#without || this.#shells.some((one) => !one.isFree)) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#retire(() => true), this.#options.idle ?? IDLE_MS).unref();
  }

  #retire(which: (shell: GitShell) => boolean): void {
    for (const shell of this.#shells.filter(which)) shell.retire();
    this.#shells = this.#shells.filter((shell) => !which(shell));
  }
}

/** Hooks are the user's own programs, which may use what only this process has: a terminal, and variables that a shell would not hand on. */
function needsThisProcess({ hooks, env }: GitCommand): boolean {
  return hooks && (isatty(0) || isatty(1) || shellAlters(env));
}

/** Whoever asked may try again or tidy up only when no git works there any more. Where the machine does not say who is there, nobody is waited for. */
async function orphaned(mark: string): Promise<void> {
  const deadline = performance.now() + ORPHAN_MS;
  const atWork = async (): Promise<boolean> => (await markedPids((one) => one === mark).catch(() => new Set())).size > 0;
  while (performance.now() < deadline && (await atWork())) await wait(LOOK_MS);
}
