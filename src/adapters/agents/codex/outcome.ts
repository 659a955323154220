/** What came of an attempt, by structured evidence only: the last turn's end and the errors before it. */
import { extractJson } from '../../../core/extractJson.ts';
import type { AgentEnd } from '../../../engine/ports.ts';
import type { Exit } from '../../process/spawn.ts';
import { kindOfStatus } from '../httpStatus.ts';
import { number, object, string, type Json } from '../json.ts';
import { CODEX_INSTALL } from './arguments.ts';
import { fromStrict, type JsonSchema } from './schema.ts';

export type AgentError = NonNullable<AgentEnd['error']>;

/** What was learnt on the way that the end depends on. */
export interface Evidence {
  /** The last turn that ended. */
  turn?: Json;
  /** The last whole message of the main thread. */
  said: string;
  /** An error that settled the attempt before its turn ended. */
  fatal?: AgentError;
  /** Why the attempt was killed from outside. */
  killed?: string;
  /** The last error after which Codex tried again. */
  retried?: Json;
  /** Epoch ms at which the limit that was hit ends. */
  resetsAt?: number;
  /** The session was set up, so a later exit is no wrong command line. */
  started?: boolean;
}

/** The end of an attempt whose process has ended. Success needs a turn that is told to be complete. */
export function endOf(evidence: Evidence, exit: Exit, stderr: string, schema: JsonSchema | undefined): AgentEnd {
  const json = schema === undefined ? undefined : extractJson(evidence.said);
  const structured = schema === undefined || json === undefined ? undefined : fromStrict(json, schema);
  const base = { result: evidence.said, exit_code: exit.code, ...(structured === undefined ? {} : { structured }) };
  const interrupted = evidence.killed === undefined ? undefined : { kind: 'interrupted', message: evidence.killed };
  const error = evidence.fatal ?? interrupted ?? (evidence.turn ? errorOfTurn(evidence.turn, evidence) : errorOfExit(evidence, exit, stderr));
  return error ? { ...base, ok: false, error } : { ...base, ok: true };
}

/** The error in a turn's end, or undefined when it is complete. */
export function errorOfTurn(turn: Json, evidence: Evidence): AgentError | undefined {
  const status = string(turn['status']);
  if (status === 'completed') return undefined;
  if (status === 'interrupted') return { kind: 'interrupted', message: 'Codex broke off its turn.' };
  return errorOf(object(turn['error']), evidence);
}

/** A TurnError in Baton's words. */
export function errorOf(error: Json, evidence: Evidence): AgentError {
  const said = string(error['message']) ?? 'Codex failed without saying why.';
  const body = bodyOf(said);
  const message = string(body['message']) ?? said;
  // A connection that breaks for good is told as "other"; the tries before were told by their kind.
  const retried = infoOf(error).name === 'other' && evidence.retried !== undefined && string(evidence.retried['additionalDetails']) === said ? evidence.retried : undefined;
  const { name, status } = infoOf(retried ?? error);
  const kind = kindOf(name, status, body);
  return {
    kind,
    message: kind === 'authentication' ? `The provider refused the sign-in: ${message} ${SIGN_IN}` : message,
    ...(status === undefined ? {} : { status }),
    ...(kind === 'usage_limit' && evidence.resetsAt !== undefined ? { resets_at: evidence.resetsAt } : {}),
  };
}

export const SIGN_IN = 'Sign in with `codex login`, or give it an API key: `codex login --with-api-key`.';

/** The name and, where there is one, the HTTP status of a `codexErrorInfo`. */
export function infoOf(error: Json): { name: string; status: number | undefined } {
  const info = error['codexErrorInfo'];
  if (typeof info === 'string') return { name: info, status: undefined };
  const [name = 'other', detail] = Object.entries(object(info))[0] ?? [];
  return { name, status: number(object(detail)['httpStatusCode']) };
}

const BY_NAME: Readonly<Record<string, string>> = {
  usageLimitExceeded: 'usage_limit',
  rateLimitExceeded: 'rate_limit',
  serverOverloaded: 'overloaded',
  flexUnavailable: 'overloaded',
  policyCapacityUnavailable: 'overloaded',
  internalServerError: 'server_error',
  modelNotFound: 'model_not_found',
  unauthorized: 'authentication',
  badRequest: 'invalid_request',
  sessionBudgetExceeded: 'budget',
  contextWindowExceeded: 'context_window',
};
/** Errors of the way to the provider, whose HTTP status says more where there is one. */
const TRANSPORT: ReadonlySet<string> = new Set(['httpConnectionFailed', 'responseStreamConnectionFailed', 'responseStreamDisconnected', 'responseTooManyFailedAttempts']);

function kindOf(name: string, status: number | undefined, body: Json): string {
  if (status !== undefined) return kindOfStatus(status);
  if (TRANSPORT.has(name)) return 'connection';
  const known = BY_NAME[name];
  if (known !== undefined) return known;
  return body['type'] === 'invalid_request_error' ? 'invalid_request' : 'unknown';
}

/** The provider's error object, where the message is its whole body. */
function bodyOf(message: string): Json {
  return message.startsWith('{') ? object(extractJson(message)?.['error']) : {};
}

function errorOfExit({ started }: Evidence, exit: Exit, stderr: string): AgentError {
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `exited with code ${exit.code}`;
  const said = stderr === '' ? '.' : `:\n${stderr}`;
  if (exit.code === null || started === true) return { kind: 'crashed', message: `Codex ${how} before its turn was complete${said}` };
  // What ends by itself before its first word was started wrongly; trying again would not help, so it is no crash.
  return { kind: 'unknown', message: `Codex ${how} before it could be asked anything${said}\nIf it has no app-server yet, update it: ${CODEX_INSTALL}@latest` };
}

/** When the windows of a rate-limit snapshot that are used up end (epoch ms); undefined when none is, or no time is known. */
export function closedUntil(rateLimits: Json): number | undefined {
  const used = [object(rateLimits['primary']), object(rateLimits['secondary'])].filter((window) => (number(window['usedPercent']) ?? 0) >= 100);
  const ends = used.map((window) => number(window['resetsAt'])).filter((end) => end !== undefined);
  return ends.length === 0 ? undefined : Math.max(...ends) * 1000;
}
