/** What every command shares: its options, its output and its way to the engine. */
import type { Command } from 'commander';
import { BatonError } from '../core/errors.ts';
import type { Session } from '../host/session.ts';
import type { Snapshot, TaskView } from '../shared/api.ts';
import type { CliDeps, CliIo, ConnectOptions } from './io.ts';
import type { ChangeDocument } from './json.ts';
import type { Style } from './style.ts';

/** What a command found or did: the document of `--json` and the lines for people. */
export interface Outcome {
  /** Undefined when the command has printed its documents itself. */
  readonly document: unknown;
  readonly lines: readonly string[];
  /** 0 when absent. */
  readonly code?: number;
}

export interface Context {
  readonly io: CliIo;
  readonly deps: CliDeps;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** Folder that `--cwd` names, absolute. */
  readonly folder: string;
  readonly style: Style;
  /** Opens the repository, hands the session over and lets go of it whatever happens. */
  use<T>(how: Omit<ConnectOptions, 'folder'>, body: (session: Session) => Promise<T>): Promise<T>;
}

export type Handler = (context: Context, words: readonly string[]) => Promise<Outcome>;

/** Gives a command its common options and its action. `changes`: it has `--dry-run`. `usageCode`: its exit code for wrong use. */
export type Bind = (command: Command, handler: Handler, traits?: { readonly changes?: boolean; readonly usageCode?: number }) => Command;

/** For commands that look: ask the leader, or read the stored state where none runs. */
export const LOOK = { prefer: 'client-or-lead', passive: true } as const;
/** For commands that change one thing: the leader does it, or the command itself before it lets go. */
export const CHANGE = LOOK;

/** The task of this id (case does not matter), or an error that says where to find the ids. */
export function findTask(snapshot: Snapshot, id: string): TaskView {
  const found =
    snapshot.tasks.find((task) => task.id === id) ?? snapshot.tasks.find((task) => task.id.toLowerCase() === id.toLowerCase());
  if (found) return found;
  throw new BatonError('not_found', `There is no task "${id}" in ${snapshot.repository.name}.`, {
    hint: 'Run "baton list-tasks" to see their ids.',
  });
}

/** The outcome of a command that changed something, or would have. */
export function change(message: string, options: { dryRun?: boolean; taskId?: string | undefined; more?: readonly string[] } = {}): Outcome {
  const dryRun = options.dryRun ?? false;
  const document: ChangeDocument = { ok: true, dry_run: dryRun, message, ...(options.taskId === undefined ? {} : { task_id: options.taskId }) };
  return { document, lines: [dryRun ? `Dry run: ${message}` : message, ...(options.more ?? [])] };
}

/** Said where the command applied itself and nobody is there to go on. */
export function nobodyRuns(session: Session): string[] {
  return session.role === 'leader' ? ['No Baton runs on this repository now; it goes on with "baton run" or in VS Code.'] : [];
}

/**
 * Asks before something is lost. Without somebody to ask, and with `--json`, nothing is done unless `--force` says so.
 * @param what goes on "without --force"
 */
export async function confirmed(context: Context, force: boolean, question: string, what: string): Promise<boolean> {
  if (force) return true;
  const answer = context.json ? null : await context.io.ask(`${question} [y/N] `);
  if (answer === null) throw usage(`${what} asks first, and there is nobody to ask.`, 'Give --force if you are sure.');
  return /^\s*y(es)?\s*$/i.test(answer);
}

/** The outcome of a question that was answered with no. */
export function left(): Outcome {
  return { document: { ok: true, dry_run: false, message: 'Nothing was changed.' } satisfies ChangeDocument, lines: ['Nothing was changed.'] };
}

export function usage(message: string, hint?: string): BatonError {
  return new BatonError('usage', message, hint === undefined ? {} : { hint });
}
