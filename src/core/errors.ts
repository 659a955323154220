/** The one error class of Baton. `kind` is for programs, `message` for people: what happened, why, what to do. */

export const ERROR_KINDS = [
  'illegal_transition',
  'invalid_task',
  'invalid_config',
  'not_found',
  'conflict',
  'stale_version',
  'store',
  'git',
  'no_agent',
  'refused',
  'leader_busy',
  'leader_gone',
  'unsupported',
  'usage',
  'internal',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** A place in a user's file. `line` and `column` count from 1. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A finding in a user's file: shown as a VS Code diagnostic and by the CLI as file:line:column. */
export interface Problem extends Location {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly source: 'config' | 'task';
  /** The task concerned, where there is one. */
  readonly task_id?: string;
}

export interface BatonErrorOptions {
  readonly cause?: unknown;
  readonly location?: Location;
  /** What the user can do about it, as one sentence. */
  readonly hint?: string;
}

export class BatonError extends Error {
  readonly kind: ErrorKind;
  readonly location: Location | undefined;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, options: BatonErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BatonError';
    this.kind = kind;
    this.location = options.location;
    this.hint = options.hint;
  }
}

/** An error on its way between two processes of Baton that are of one version; what comes from elsewhere goes through shared/ipc.ts. */
export interface ErrorAsData {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint?: string;
}

export function errorToData(error: unknown): ErrorAsData {
  if (!(error instanceof BatonError)) return { kind: 'internal', message: messageOf(error) };
  return { kind: error.kind, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

export function errorFromData({ kind, message, hint }: ErrorAsData): BatonError {
  return new BatonError(kind, message, hint === undefined ? {} : { hint });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Names a case that the types say cannot happen. */
export function unreachable(value: never): never {
  throw new BatonError('internal', `Unexpected value: ${JSON.stringify(value)}`);
}
