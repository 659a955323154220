/**
 * Starts git commands from shells of their own. To start a program, Node copies itself first (its page tables, not its memory): an extension
 * host of some hundred megabytes stands still for that long, with every extension in it, some fifteen times a task.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { BatonError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../engine/ports.ts';
import { MARK, markedPids } from '../process/mark.ts';
import { runGit, shown, type GitCommand, type GitResult } from './command.ts';
import { GitShell, isOfLines } from './shell.ts';

export interface GitStarterOptions {
  readonly log: Log;
  /** Milliseconds without a command after which the shells end: an idle Baton holds nothing open. Default: 60 000. */
  readonly idle?: number;
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
  /** Whether this system has no shell, or the engine has closed: git is started by this process then. */
  #without = process.platform === 'win32';

  constructor(options: GitStarterOptions) {
    this.#options = options;
  }

  /**
   * Like `runGit`, which it falls back to where there is no shell. Rejects with BatonError `git` also when the shell ends before it has answered:
   * what git has done is not known then, but it is no longer at work.
   */
  async run(asked: GitCommand): Promise<GitResult> {
    const shell = isOfLines(asked) ? this.#shell(asked.env) : undefined;
    if (shell === undefined) return runGit(asked);
    clearTimeout(this.#idle);
    const outcome = await shell.run(asked);
    if (outcome.kind === 'lost') {
      await orphaned(asked.extra[MARK] ?? shell.mark);
      throw new BatonError('git', `The shell that starts git ended while git ${shown(asked.args)} was at work.`, { hint: 'Try again: Baton starts another one.' });
    }
    if (this.#shells.every((one) => one.isFree)) {
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#retire(), this.#options.idle ?? IDLE_MS).unref();
    }
    if (outcome.kind === 'done') return outcome.result;
    // Tried here it says why, unless it was the shell's own fault (its folder was tidied away), which then is not asked again.
    this.#shells = this.#shells.filter((one) => one !== shell);
    shell.retire();
    return runGit(asked);
  }

  /** The shells end when what they were asked is answered. What is asked later is done without them. */
  close(): void {
    this.#without = true;
    clearTimeout(this.#idle);
    this.#retire();
  }

  /** One that has nothing to do, or another. */
  #shell(env: Readonly<Record<string, string>>): GitShell | undefined {
    if (this.#without) return undefined;
    this.#shells = this.#shells.filter((one) => !one.isGone);
    const free = this.#shells.find((one) => one.isFreeFor(env));
    if (free !== undefined) return free;
    try {
      const shell = new GitShell(env);
      this.#shells.push(shell);
      return shell;
    } catch (error) {
      this.#without = true;
      this.#options.log.warn(`No shell could be started to start git: ${messageOf(error)} Git is started by the engine itself, which takes longer; reload the window, or start the command anew, to have it tried again.`);
      return undefined;
    }
  }

  #retire(): void {
    for (const shell of this.#shells.splice(0)) shell.retire();
  }
}

/** Whoever asked may try again or tidy up only when no git works there any more. Where the machine does not say who is there, nobody is waited for. */
async function orphaned(mark: string): Promise<void> {
  const deadline = performance.now() + ORPHAN_MS;
  const atWork = async (): Promise<boolean> => (await markedPids((one) => one === mark).catch(() => new Set())).size > 0;
  while (performance.now() < deadline && (await atWork())) await wait(LOOK_MS);
}
