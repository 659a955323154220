import assert from 'node:assert/strict';
import { canonicalKind, classifyError, closesAccount, evidenceOf, type ErrorEvidence } from '../../../src/core/classify.ts';
import { BatonError } from '../../../src/core/errors.ts';

const decision = (evidence: ErrorEvidence): string => {
  const { kind, decision: ruling } = classifyError(evidence);
  return `${ruling}: ${kind}`;
};

describe('The classification of errors (row 192)', () => {
  describe('by HTTP status', () => {
    const table: readonly (readonly [number, string])[] = [
      [400, 'never: bad_request'], [401, 'never: authentication'], [403, 'never: permission_denied'], [404, 'never: not_found'], [422, 'never: invalid_input'],
      [408, 'retry: timeout'], [425, 'retry: server_error'], [429, 'retry: rate_limit'], [500, 'retry: server_error'], [502, 'retry: server_error'],
      [503, 'retry: server_error'], [504, 'retry: timeout'], [529, 'retry: overloaded'], [599, 'retry: server_error'],
      [402, 'unknown: billing'], [418, 'unknown: unknown'], [200, 'unknown: unknown'],
    ];
    for (const [status, expected] of table) it(`${status} is ${expected}`, () => assert.equal(decision({ status }), expected));
  });

  describe('by the agents\' own kinds', () => {
    const table: readonly (readonly [string, string])[] = [
      ['authentication_failed', 'never: authentication'], ['authentication_error', 'never: authentication'], ['invalid_api_key', 'never: authentication'], ['unauthorized', 'never: authentication'],
      ['permission_error', 'never: permission_denied'], ['model_not_found', 'never: model_not_found'], ['modelNotFound', 'never: model_not_found'], ['not_found_error', 'never: not_found'],
      ['invalid_request_error', 'never: bad_request'], ['badRequest', 'never: bad_request'],
      ['rate_limit', 'retry: rate_limit'], ['rate_limit_error', 'retry: rate_limit'], ['usageLimitExceeded', 'retry: rate_limit'], ['usage_limit_reached', 'retry: rate_limit'],
      ['server_error', 'retry: server_error'], ['api_error', 'retry: server_error'], ['overloaded_error', 'retry: overloaded'], ['serverOverloaded', 'retry: overloaded'],
      ['responseStreamDisconnected', 'retry: connection'], ['httpConnectionFailed', 'retry: connection'], ['timeout', 'retry: timeout'],
      ['start_timeout', 'retry: start_timeout'], ['silence', 'retry: silence'], ['time_limit', 'retry: time_limit'], ['connection', 'retry: connection'],
      ['error_max_turns', 'unknown: max_turns'], ['cancelled', 'never: cancelled'], ['no_changes', 'unknown: no_changes'], ['something else', 'unknown: unknown'],
    ];
    for (const [kind, expected] of table) it(`${kind} is ${expected}`, () => assert.equal(decision({ kind }), expected));
  });

  describe('by codes, exit codes and signals', () => {
    const table: readonly (readonly [string, ErrorEvidence, string])[] = [
      ['ECONNRESET', { code: 'ECONNRESET' }, 'retry: connection'],
      ['ETIMEDOUT', { code: 'ETIMEDOUT' }, 'retry: timeout'],
      ['SQLITE_BUSY', { code: 'SQLITE_BUSY' }, 'retry: lock_contention'],
      ['EACCES', { code: 'EACCES' }, 'never: permission_denied'],
      ['ENOENT', { code: 'ENOENT' }, 'never: not_found'],
      ['exit code 124 (timeout)', { exit_code: 124 }, 'retry: timeout'],
      ['exit code 127 (no such command)', { exit_code: 127 }, 'never: not_found'],
      ['exit code 1', { exit_code: 1 }, 'unknown: unknown'],
      ['signal SIGSEGV', { signal: 'SIGSEGV' }, 'unknown: crashed'],
    ];
    for (const [name, evidence, expected] of table) it(`${name} is ${expected}`, () => assert.equal(decision(evidence), expected));
  });

  it('stronger evidence wins over weaker', () => {
    assert.equal(decision({ kind: 'rate_limit', status: 400, message: 'invalid api key' }), 'retry: rate_limit');
    assert.equal(decision({ kind: 'unknown', status: 401, message: 'connection reset' }), 'never: authentication');
    assert.equal(decision({ status: 503, code: 'EACCES' }), 'retry: server_error');
    assert.equal(decision({ code: 'ECONNRESET', exit_code: 127, message: 'permission denied' }), 'retry: connection');
    assert.equal(decision({ exit_code: 1, message: 'connection refused' }), 'retry: connection');
    assert.equal(decision({ signal: 'SIGKILL', message: 'request timed out' }), 'retry: timeout');
  });

  describe('by words, as a last resort', () => {
    const table: readonly (readonly [string, string])[] = [
      ['Authentication failed', 'never: authentication'], ['Invalid API key · please run /login', 'never: authentication'], ['Permission denied', 'never: permission_denied'],
      ['Resource not found', 'never: not_found'], ['Bad request', 'never: bad_request'], ['invalid input: x', 'never: invalid_input'],
      ['Request timed out', 'retry: timeout'], ['connection timeout', 'retry: timeout'], ['Connection error', 'retry: connection'], ['Rate limit exceeded', 'retry: rate_limit'], ['rate limit', 'retry: rate_limit'], ['RateLimitError: rate limit', 'retry: rate_limit'], ['You have hit your usage limit', 'retry: rate_limit'],
      ['Service Unavailable', 'retry: server_error'], ['Internal Server Error', 'retry: server_error'], ['database is locked', 'retry: lock_contention'],
      ["fatal: Unable to create '/r/.git/index.lock': File exists.", 'retry: lock_contention'],
      ['API Error: 529 overloaded', 'retry: overloaded'], ['Request rejected (429) · resets in 1h', 'retry: rate_limit'], ['HTTP 404', 'never: not_found'], ['status code: 503', 'retry: server_error'],
    ];
    for (const [message, expected] of table) it(`"${message}" is ${expected}`, () => assert.equal(decision({ message }), expected));
    for (const message of [
      'unauthenticatedness', 'the timeouts module broke', 'generate limits', 'notfound', 'reconnection errors', 'overloadedFunction(x)', 'line 429 of 503', 'error 500 lines long', 'took 4040 ms', 'subpermission denieds',
      'Implement authentication', 'a rate limiter test', 'the rate limit tests fail', 'docs for rate limits', 'the request_timeout_setting',
    ]) {
      it(`"${message}" has no such word`, () => assert.equal(decision({ message }), 'unknown: unknown'));
    }
    it('words that contradict each other decide nothing', () => {
      assert.equal(decision({ message: 'connection refused: permission denied' }), 'unknown: unknown');
    });
    it('reads only the beginning of a long message', () => {
      assert.equal(decision({ message: `${'x '.repeat(2000)}timed out` }), 'unknown: unknown');
    });
  });

  it('says what it rests on', () => {
    assert.deepEqual(classifyError({ status: 429 }), { kind: 'rate_limit', decision: 'retry', by: 'status', evidence: 'HTTP 429' });
    assert.equal(classifyError({ message: 'timed out' }).by, 'words');
    assert.equal(classifyError({ kind: 'overloaded_error' }).evidence, 'kind overloaded_error');
    assert.equal(classifyError({ message: 'It timed out.' }).evidence, 'the words "timed out"');
  });

  it('finds the evidence in thrown errors and their causes', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    assert.equal(classifyError(evidenceOf(new TypeError('fetch failed', { cause: refused }))).kind, 'connection');
    assert.equal(classifyError(evidenceOf(Object.assign(new Error('no'), { statusCode: 422 }))).kind, 'invalid_input');
    assert.equal(classifyError(evidenceOf(new BatonError('invalid_config', 'x'))).decision, 'never');
    assert.equal(classifyError(evidenceOf(new DOMException('x', 'TimeoutError'))).kind, 'timeout');
    assert.equal(classifyError(evidenceOf(new DOMException('x', 'AbortError'))).decision, 'never');
    assert.equal(classifyError(evidenceOf('database is locked')).kind, 'lock_contention');
    assert.equal(classifyError(evidenceOf(undefined)).kind, 'unknown');
  });

  it('names the errors that close an account', () => {
    assert.equal(closesAccount('authentication'), 'sign_in');
    assert.equal(closesAccount('rate_limit'), 'limit');
    assert.equal(closesAccount('overloaded'), undefined);
    assert.equal(canonicalKind('Rate Limit'), 'rate_limit');
  });
});
