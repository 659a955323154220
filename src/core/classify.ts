/**
 * What an error is and whether trying again can help. Structured evidence decides (the agent's own kinds, HTTP status,
 * system codes, exit codes, signals); words of the message only where there is none, and never a part of a word.
 */
import { BatonError } from './errors.ts';

/**
 * `never`: trying again cannot help. `retry`: a passing condition. `unknown`: retried once, then a human decides.
 */
export type RetryDecision = 'never' | 'retry' | 'unknown';

/** The kinds that `classifyError` gives and that `retry.by_error` is keyed by, with what each means for a retry. */
export const ERROR_DECISIONS = {
  authentication: 'never',
  permission_denied: 'never',
  not_found: 'never',
  model_not_found: 'never',
  bad_request: 'never',
  invalid_input: 'never',
  cancelled: 'never',
  timeout: 'retry',
  /** No first word, silence, or too long in all: Baton's own watchdogs. */
  start_timeout: 'retry',
  silence: 'retry',
  time_limit: 'retry',
  connection: 'retry',
  rate_limit: 'retry',
  overloaded: 'retry',
  server_error: 'retry',
  lock_contention: 'retry',
  billing: 'unknown',
  max_turns: 'unknown',
  budget: 'unknown',
  no_changes: 'unknown',
  bad_output: 'unknown',
  /** Ended by a signal that Baton did not send. */
  crashed: 'unknown',
  unknown: 'unknown',
} as const satisfies Record<string, RetryDecision>;
export type RetryKind = keyof typeof ERROR_DECISIONS;

/** What is known of a failure; give what there is. */
export interface ErrorEvidence {
  /** The agent's own kind (`authentication_failed`, `rate_limit_error`, `usageLimitExceeded`, …) or one of Baton's. */
  readonly kind?: string | undefined;
  /** HTTP status. */
  readonly status?: number | null | undefined;
  /** System or library code: ECONNRESET, ETIMEDOUT, SQLITE_BUSY, … */
  readonly code?: string | undefined;
  readonly exit_code?: number | null | undefined;
  readonly signal?: string | null | undefined;
  /** The error's own message; never an agent's prose or a whole transcript. */
  readonly message?: string | undefined;
}

export interface ClassifiedError {
  readonly kind: RetryKind;
  readonly decision: RetryDecision;
  /** The kind of evidence that decided; a ruling by words is a guess. */
  readonly by: 'kind' | 'status' | 'code' | 'exit' | 'words' | 'signal' | 'nothing';
  /** What the ruling rests on, for the run log: `kind rate_limit`, `HTTP 429`, `code ECONNRESET`, `exit code 127`, `the words "timed out"`. */
  readonly evidence: string;
}

/** Classifies a failure by the strongest evidence there is: kind, status, code, signal or exit code, then words. */
export function classifyError(evidence: ErrorEvidence): ClassifiedError {
  const kind = evidence.kind === undefined ? undefined : canonicalKind(evidence.kind);
  if (kind !== undefined && kind !== 'unknown') return ruling(kind, 'kind', `kind ${evidence.kind ?? kind}`);
  const byStatus = typeof evidence.status === 'number' ? kindOfStatus(evidence.status) : undefined;
  if (byStatus !== undefined) return ruling(byStatus, 'status', `HTTP ${evidence.status ?? ''}`);
  const byCode = evidence.code === undefined ? undefined : kindOfCode(evidence.code);
  if (byCode !== undefined) return ruling(byCode, 'code', `code ${evidence.code ?? ''}`);
  const exit = typeof evidence.exit_code === 'number' ? KIND_OF_EXIT.get(evidence.exit_code) : undefined;
  if (exit !== undefined) return ruling(exit, 'exit', `exit code ${evidence.exit_code ?? ''}`);
  const words = evidence.message === undefined ? undefined : kindOfWords(evidence.message);
  if (words) return ruling(words.kind, 'words', `the words "${words.words}"`);
  // A signal says that the process ended, not why: the message may know better, so this comes last.
  if (typeof evidence.signal === 'string' && evidence.signal !== '') return ruling('crashed', 'signal', `signal ${evidence.signal}`);
  return ruling('unknown', 'nothing', 'nothing that is known');
}

/** The evidence in something that was thrown: its status, code and kind, or those of its causes. */
export function evidenceOf(error: unknown): ErrorEvidence {
  const found: { -readonly [K in keyof ErrorEvidence]: ErrorEvidence[K] } = {};
  let current: unknown = error;
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth += 1) {
    const one = current as Record<string, unknown>;
    const status = one['status'] ?? one['statusCode'];
    const { name, code, message, cause } = one;
    if (found.kind === undefined && current instanceof BatonError) found.kind = KIND_OF_BATON_ERROR.get(current.kind);
    if (found.kind === undefined && name === 'TimeoutError') found.kind = 'timeout';
    if (found.kind === undefined && name === 'AbortError') found.kind = 'cancelled';
    if (typeof status === 'number') found.status ??= status;
    if (typeof code === 'string') found.code ??= code;
    if (typeof message === 'string') found.message = found.message === undefined ? message : `${found.message}\n${message}`;
    current = cause;
  }
  if (typeof error === 'string') found.message = error;
  return found;
}

/** A kind as Baton names it, from any spelling that an agent or a user gives; undefined when it is none. */
export function canonicalKind(text: string): RetryKind | undefined {
  const name = text
    .trim()
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
    .replace(/^error_/, '');
  const bare = name.replace(/_(error|exceeded|reached)$/, '');
  return ownKind(name) ?? ALIASES.get(name) ?? ownKind(bare) ?? ALIASES.get(bare);
}

function ownKind(name: string): RetryKind | undefined {
  return Object.hasOwn(ERROR_DECISIONS, name) ? (name as RetryKind) : undefined;
}

/** Whether an error closes the agent's account: until sign-in works again, or until the limit resets. */
export function closesAccount(kind: string): 'sign_in' | 'limit' | undefined {
  if (kind === 'authentication') return 'sign_in';
  return kind === 'rate_limit' ? 'limit' : undefined;
}

function ruling(kind: RetryKind, by: ClassifiedError['by'], evidence: string): ClassifiedError {
  return { kind, decision: ERROR_DECISIONS[kind], by, evidence };
}

/** Other spellings, in snake case and without a final _error, _exceeded or _reached. */
const ALIASES: ReadonlyMap<string, RetryKind> = new Map([
  ['authentication_failed', 'authentication'],
  ['authentication_required', 'authentication'],
  ['auth', 'authentication'],
  ['auth_required', 'authentication'],
  ['unauthorized', 'authentication'],
  ['unauthenticated', 'authentication'],
  ['invalid_api_key', 'authentication'],
  ['permission', 'permission_denied'],
  ['forbidden', 'permission_denied'],
  ['invalid_request', 'bad_request'],
  ['validation', 'invalid_input'],
  ['invalid_argument', 'invalid_input'],
  ['unprocessable_entity', 'invalid_input'],
  ['model_unavailable', 'model_not_found'],
  ['request_timeout', 'timeout'],
  ['timed_out', 'timeout'],
  ['deadline', 'timeout'],
  ['gateway_timeout', 'timeout'],
  ['network', 'connection'],
  ['api_connection', 'connection'],
  ['connection_failed', 'connection'],
  ['http_connection_failed', 'connection'],
  ['response_stream_connection_failed', 'connection'],
  ['response_stream_disconnected', 'connection'],
  ['response_too_many_failed_attempts', 'connection'],
  ['rate_limited', 'rate_limit'],
  ['too_many_requests', 'rate_limit'],
  ['usage_limit', 'rate_limit'],
  ['quota', 'rate_limit'],
  ['resource_exhausted', 'rate_limit'],
  ['server_overloaded', 'overloaded'],
  ['internal_server', 'server_error'],
  ['internal', 'server_error'],
  ['api', 'server_error'],
  ['service_unavailable', 'server_error'],
  ['unavailable', 'server_error'],
  ['bad_gateway', 'server_error'],
  ['locked', 'lock_contention'],
  ['busy', 'lock_contention'],
  ['deadlock', 'lock_contention'],
  ['billing', 'billing'],
  ['insufficient_quota', 'billing'],
  ['max_budget_usd', 'budget'],
  ['budget_exhausted', 'budget'],
  ['aborted', 'cancelled'],
]);

const KIND_OF_BATON_ERROR: ReadonlyMap<string, RetryKind> = new Map([
  ['illegal_transition', 'bad_request'],
  ['invalid_task', 'invalid_input'],
  ['invalid_config', 'invalid_input'],
  ['not_found', 'not_found'],
  ['refused', 'permission_denied'],
  ['no_agent', 'not_found'],
  ['unsupported', 'bad_request'],
  ['usage', 'bad_request'],
]);

const KIND_OF_STATUS: ReadonlyMap<number, RetryKind> = new Map([
  [400, 'bad_request'],
  [401, 'authentication'],
  [402, 'billing'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [408, 'timeout'],
  [422, 'invalid_input'],
  [425, 'server_error'],
  [429, 'rate_limit'],
  [503, 'server_error'],
  [504, 'timeout'],
  [529, 'overloaded'],
]);

function kindOfStatus(status: number): RetryKind | undefined {
  return KIND_OF_STATUS.get(status) ?? (status >= 500 && status <= 599 ? 'server_error' : undefined);
}

const CODES: readonly (readonly [RetryKind, readonly string[]])[] = [
  ['timeout', ['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ABORT_TIMEOUT']],
  [
    'connection',
    ['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN', 'UND_ERR_SOCKET', 'ERR_STREAM_PREMATURE_CLOSE'],
  ],
  // 55P03, 40001 and 40P01 are PostgreSQL's lock_not_available, serialization_failure and deadlock_detected.
  ['lock_contention', ['EBUSY', 'ELOCKED', 'SQLITE_BUSY', 'SQLITE_LOCKED', 'ERR_SQLITE_BUSY', '55P03', '40001', '40P01']],
  ['permission_denied', ['EACCES', 'EPERM']],
  ['not_found', ['ENOENT']],
  ['invalid_input', ['EINVAL', 'ERR_INVALID_URL', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE']],
];
const KIND_OF_CODE: ReadonlyMap<string, RetryKind> = new Map(CODES.flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const)));

function kindOfCode(code: string): RetryKind | undefined {
  return KIND_OF_CODE.get(code.toUpperCase());
}

/** What shells and `timeout` say by convention; 75 is EX_TEMPFAIL of sysexits.h. */
const KIND_OF_EXIT: ReadonlyMap<number, RetryKind> = new Map([
  [75, 'server_error'],
  [124, 'timeout'],
  [126, 'permission_denied'],
  [127, 'not_found'],
]);

const WORDS: readonly (readonly [RetryKind, string])[] = [
  ['authentication', 'authentication (?:failed|failure|error|required)|not authenticated|unauthorized|invalid (?:x-)?api[ -]key|(?:incorrect|missing|expired) api key|please (?:log|sign) in'],
  ['permission_denied', 'permission denied|access denied|forbidden|operation not permitted'],
  ['model_not_found', 'model not found|unknown model|model [\\w.:"\'-]+ (?:does not exist|was not found)'],
  ['not_found', 'not found|no such file or directory'],
  ['bad_request', 'bad request|invalid request'],
  ['invalid_input', 'invalid input|invalid argument'],
  ['timeout', 'time[ -]?out|timed[ -]out|deadline exceeded'],
  ['connection', 'connection (?:refused|reset|closed|error|failed|lost|aborted|terminated)|network error|socket hang up|fetch failed|econn(?:reset|refused|aborted)|could not resolve host'],
  // "rate limit" alone may be what the code is about: it must be said to be hit, or be the whole message.
  [
    'rate_limit',
    'rate[ -]limit(?:ed| exceeded| reached| hit| error)|(?:hit|exceeded|reached) (?:your |the |its |a )?(?:rate|usage)[ -]limits?|too many requests|usage limit (?:reached|exceeded)|quota exceeded|^(?:\\w*error: ?)?rate[ -]limit$',
  ],
  ['overloaded', 'overloaded(?:_error)?'],
  ['server_error', 'service (?:temporarily )?unavailable|internal server error|bad gateway'],
  ['lock_contention', 'database is locked|index\\.lock[\'"]?: file exists|unable to create [\'"]?[^\'"\\n]*\\.lock|cannot lock ref|could not obtain lock|deadlock detected'],
];
const WORD_PATTERNS = WORDS.map(([kind, pattern]) => [kind, new RegExp(`(?<![\\w-])(?:${pattern})(?![\\w-])`, 'i')] as const);
/** "HTTP 429", "status code: 503", "API Error: 529", "rejected (429)": a number in prose is a status only where it is called one. */
const STATUS_IN_WORDS = /(?<!\w)(?:HTTP(?:\/\d(?:\.\d)?)?(?: status| error)?|status(?: code)?|API error|rejected)[ :=(]{1,3}([45]\d\d)(?!\w)/i;
/** An error's message states its cause early; what follows may be anything. */
const READ_AT_MOST = 2000;

/** What the words say, or undefined when they say nothing or contradict each other (one hint for a retry, one against). */
function kindOfWords(message: string): { kind: RetryKind; words: string } | undefined {
  const text = message.slice(0, READ_AT_MOST);
  const status = STATUS_IN_WORDS.exec(text);
  const byStatus = status ? kindOfStatus(Number(status[1])) : undefined;
  if (status && byStatus !== undefined) return { kind: byStatus, words: status[0] };
  const hits = WORD_PATTERNS.flatMap(([kind, pattern]) => {
    const match = pattern.exec(text);
    return match ? [{ kind, words: match[0] }] : [];
  });
  const [first] = hits;
  if (!first) return undefined;
  return hits.every((hit) => ERROR_DECISIONS[hit.kind] === ERROR_DECISIONS[first.kind]) ? first : undefined;
}
