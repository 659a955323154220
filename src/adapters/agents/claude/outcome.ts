/** What came of an attempt, by structured evidence only: the result event and the API errors before it. */
import type { AgentEnd } from '../../../engine/ports.ts';
import type { Exit } from '../../process/spawn.ts';
import { extractJson } from '../../../core/extractJson.ts';
import { kindOfStatus } from '../httpStatus.ts';
import { number, object, string, type Json } from '../json.ts';

export type AgentError = NonNullable<AgentEnd['error']>;

/** What was learnt on the way that the end depends on. */
export interface Evidence {
  /** The last `result` event. */
  result?: Json;
  /** An error that settled the attempt before its result. */
  fatal?: AgentError;
  /** Why the attempt was killed from outside. */
  killed?: string;
  /** The CLI's name of the last API error (`authentication_failed`, `billing_error` …). */
  apiError?: string;
  /** Epoch ms at which the limit that was hit ends. */
  resetsAt?: number;
  /** The session was set up, so a later exit is no wrong command line. */
  started?: boolean;
}

/** The end of an attempt whose process has ended. Success needs a result event that says so. */
export function endOf(evidence: Evidence, exit: Exit, stderr: string, wantsJson: boolean): AgentEnd {
  const { result } = evidence;
  const text = string(result?.['result']) ?? '';
  const structured = wantsJson && result ? (result['structured_output'] ?? extractJson(text)) : undefined;
  const base = { result: text, exit_code: exit.code, ...(structured === undefined ? {} : { structured }) };
  const interrupted = evidence.killed === undefined ? undefined : { kind: 'interrupted', message: evidence.killed };
  const error = evidence.fatal ?? interrupted ?? (result ? errorOf(result, evidence) : errorOfExit(evidence, exit, stderr));
  return error ? { ...base, ok: false, error } : { ...base, ok: true };
}

/** The error in a result event, or undefined when it reports success. */
export function errorOf(result: Json, evidence: Evidence): AgentError | undefined {
  const subtype = string(result['subtype']) ?? '';
  // API failures come as subtype "success" with is_error.
  if (subtype === 'success' && result['is_error'] === false) return undefined;
  const status = number(result['api_error_status']);
  const errors = Array.isArray(result['errors']) ? result['errors'].filter((one) => typeof one === 'string') : [];
  const said = [string(result['result']) ?? '', ...errors].filter((one) => one !== '').join('\n');
  const kind = kindOf(subtype, status, result, evidence, said);
  return {
    kind,
    message: said === '' ? `Claude ended with ${subtype}.` : said,
    ...(status === undefined ? {} : { status }),
    ...(kind === 'usage_limit' && evidence.resetsAt !== undefined ? { resets_at: evidence.resetsAt } : {}),
  };
}

const BY_SUBTYPE: Readonly<Record<string, string>> = {
  error_max_turns: 'max_turns',
  error_max_budget_usd: 'budget',
  error_max_structured_output_retries: 'invalid_answer',
};
/** Names that the CLI gives to API errors. */
const BY_NAME: Readonly<Record<string, string>> = {
  authentication_failed: 'authentication',
  billing_error: 'usage_limit',
  model_not_found: 'model_not_found',
  invalid_request: 'invalid_request',
};

function kindOf(subtype: string, status: number | undefined, result: Json, evidence: Evidence, said: string): string {
  const known = BY_SUBTYPE[subtype];
  if (known !== undefined) return known;
  if (result['api_error'] === 'usage_limit_reached' || (evidence.resetsAt !== undefined && status === 429)) return 'usage_limit';
  const named = BY_NAME[evidence.apiError ?? ''];
  if (named !== undefined) return named;
  if (status !== undefined) return kindOfStatus(status);
  const reason = string(result['terminal_reason']) ?? '';
  if (reason.startsWith('aborted')) return 'interrupted';
  if (reason === 'api_error') return 'connection';
  // The CLI has no code for it, so its words must do; a session that was set up cannot be missing.
  if (evidence.started !== true && /no conversation found/i.test(said)) return 'session_not_found';
  return 'unknown';
}

function errorOfExit({ started }: Evidence, exit: Exit, stderr: string): AgentError {
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `exited with code ${exit.code}`;
  const said = stderr === '' ? '.' : `:\n${stderr}`;
  // What ends by itself before its first word was started wrongly; trying again would not help, so it is no crash.
  const kind = exit.code !== null && started !== true ? 'unknown' : 'crashed';
  return { kind, message: `Claude ${how} without a result${said}` };
}

/** Reset time (epoch ms) in a `rate_limit_event`; null when unknown, undefined when the account is open. */
export function closedUntil(event: Json): number | null | undefined {
  const info = object(event['rate_limit_info']);
  if (info['status'] !== 'rejected' || info['isUsingOverage'] === true) return undefined;
  const seconds = number(info['resetsAt']);
  return seconds === undefined ? null : seconds * 1000;
}
