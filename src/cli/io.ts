/** What the command line is given of the process it runs in, so that every command runs in a test as it does in a terminal. */
import type { SearchOptions, TranscriptHit } from '../adapters/runs/searchRuns.ts';
import type { Template } from '../adapters/sources/templates.ts';
import type { Clock, Disposable } from '../engine/ports.ts';
import type { Initialised } from '../host/init.ts';
import type { Session } from '../host/session.ts';
import type { TasksFile } from './tasksFile.ts';

/** `interrupt` = Ctrl-C; `terminate` = the system or a closed terminal asks the process to end. */
export type Signal = 'interrupt' | 'terminate';

export interface CliIo {
  readonly stdout: { write(text: string): void };
  readonly stderr: { write(text: string): void };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** stdout is a terminal: colours and redrawn lines are welcome. */
  readonly isTTY: boolean;
  /** Width of the terminal in cells, asked anew for every drawing since windows change. */
  readonly columns: () => number;
  /** Rows of the terminal. */
  readonly rows: () => number;
  /** Both ends are a terminal: somebody is there to be asked. */
  readonly isInteractive: boolean;
  /** Asks the user one line; null when there is nobody to ask or the input ended. */
  readonly ask: (question: string) => Promise<string | null>;
  /** Everything on standard input. */
  readonly readStdin: () => Promise<string>;
  /** While a listener is there, signals do not end the process by themselves. */
  readonly onSignal: (listener: (signal: Signal) => void) => Disposable;
  /** Calls back when the terminal has another size. */
  readonly onResize: (listener: () => void) => Disposable;
}

/** Who may lead: `lead` wants to, `client-or-lead` prefers the running leader, `client-only` never leads. */
export type Prefer = 'lead' | 'client-or-lead' | 'client-only';

export interface ConnectOptions {
  /** Any folder of the repository. */
  readonly folder: string;
  readonly prefer: Prefer;
  /** Work on the stored state without starting the loop: no agent is started. */
  readonly passive: boolean;
  /** While this session leads, it starts only these tasks. */
  readonly only?: readonly string[];
}

export type Connect = (options: ConnectOptions) => Promise<Session>;

export interface ExecResult {
  /** null when the program could not be started at all. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What commands need besides the terminal; handed in so that tests decide. */
export interface CliDeps {
  readonly connect: Connect;
  readonly clock: Clock;
  /** Runs a program without a shell and never rejects. */
  readonly exec: (file: string, args: readonly string[], cwd: string) => Promise<ExecResult>;
  /** Runs a program that has the terminal to itself, and gives its exit code; null when it could not be started. */
  readonly runOnTerminal: (file: string, args: readonly string[], cwd: string) => Promise<number | null>;
  /** When a file was changed last, as a text to compare; null where there is none. */
  readonly modifiedAt: (file: string) => Promise<string | null>;
  /** Reads a file of tasks; rejects with `not_found` when there is none. `file` is relative to `folder`. */
  readonly readTasks: (folder: string, file: string) => Promise<TasksFile>;
  /** Words in the transcripts under a `.baton` folder, newest first. */
  readonly searchRuns: (batonDir: string, words: string, options: SearchOptions) => Promise<readonly TranscriptHit[]>;
  /** The task templates of the repository that a folder belongs to. */
  readonly templates: (folder: string) => Promise<readonly Template[]>;
  /** Reads a plan, YAML or JSON; rejects with what is wrong. `file` is relative to `folder`. */
  readonly readPlan: (folder: string, file: string) => Promise<Record<string, unknown>>;
  /** Writes the first files of a repository, or says which it would write. */
  readonly init: (folder: string, options: { readonly dryRun: boolean }) => Promise<Initialised>;
  /** The repository that a folder belongs to; rejects with what is wrong where there is none. */
  readonly findRepository: (folder: string) => Promise<{ readonly root: string }>;
  /** Version of the Node that runs this, without the `v`. */
  readonly nodeVersion: string;
  readonly batonVersion: string;
  readonly user: string;
}
