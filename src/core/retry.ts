/**
 * Trying again. Calls (webhook, store, HTTP, git locks) are retried on the spot by `executeWithRetry`; tasks follow the
 * `retry:` policy of the configuration, which only says when and whether: the loop does the waiting.
 */
import { canonicalKind, classifyError, evidenceOf, type ClassifiedError } from './classify.ts';
import type { Config } from './config/schema.ts';
import { messageOf } from './errors.ts';
import type { Role } from './execution.ts';
import { formatDuration } from './format.ts';

export { classifyError, type ClassifiedError, type ErrorEvidence } from './classify.ts';

// ---------------------------------------------------------------- calls

export type RetryStrategy = 'immediate' | 'fixed_delay' | 'exponential_backoff';

/** Time as executeWithRetry needs it; the engine's Clock port is one. */
export interface RetryClock {
  now(): number;
  after(ms: number, callback: () => void): { dispose(): void };
}

/** One record an attempt, with what is needed to find it again. */
export interface RetryRecord {
  readonly operation: string;
  readonly task_id: string | null;
  readonly step_id: string | null;
  /** From 1. */
  readonly attempt: number;
  readonly max_attempts: number;
  readonly outcome: 'succeeded' | 'failed';
  readonly duration_ms: number;
  /** Wait before the next attempt; null when there is none. */
  readonly delay_ms: number | null;
  readonly error: (ClassifiedError & { readonly message: string }) | null;
}

export interface RetryContext {
  readonly operation?: string;
  readonly task_id?: string;
  readonly step_id?: string;
}

export interface RetryOptions {
  readonly clock: RetryClock;
  /** Default exponential_backoff. */
  readonly strategy?: RetryStrategy;
  /** Attempts in all; default 3. */
  readonly maxAttempts?: number;
  /** fixed_delay: every wait; exponential_backoff: the first one. Default 1000. */
  readonly delayMs?: number;
  /** Default 2. */
  readonly multiplier?: number;
  /** No wait is longer; default 60 000. */
  readonly maxDelayMs?: number;
  /** Each attempt's limit; its signal is aborted and it counts as a timeout. No limit by default. */
  readonly timeoutMs?: number;
  /** Share of a wait, 0 to 1, that is left to chance (0.2: 80 … 100 % of it), so that many callers do not meet again. */
  readonly jitter?: number;
  /** A number from 0 up to 1; needed for jitter. */
  readonly random?: () => number;
  /** How often an unknown error is retried; default 1. */
  readonly unknownRetries?: number;
  readonly log?: (record: RetryRecord) => void;
  /** Ends the waiting and the running attempt; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface RetryAttempt {
  /** From 1. */
  readonly number: number;
  /** Aborted when this attempt's time is over or the whole call is given up. */
  readonly signal: AbortSignal;
}

/**
 * Runs `fn` until it succeeds, an error forbids a retry, or the attempts are used up; then rejects with the last error
 * itself. A log that throws changes nothing.
 */
export async function executeWithRetry<T>(fn: (attempt: RetryAttempt) => Promise<T> | T, options: RetryOptions, context: RetryContext = {}): Promise<T> {
  const maxAttempts = options.maxAttempts ?? 3;
  let unknownLeft = options.unknownRetries ?? 1;
  for (let attempt = 1; ; attempt += 1) {
    options.signal?.throwIfAborted();
    const startedAt = options.clock.now();
    const record = (outcome: RetryRecord['outcome'], error: RetryRecord['error'], delay_ms: number | null): void => {
      const { operation = 'call', task_id = null, step_id = null } = context;
      try {
        options.log?.({ operation, task_id, step_id, attempt, max_attempts: maxAttempts, outcome, duration_ms: options.clock.now() - startedAt, delay_ms, error });
      } catch {
        // The record of a call must not decide about the call.
      }
    };
    try {
      const result = await runAttempt(fn, attempt, options);
      record('succeeded', null, null);
      return result;
    } catch (error) {
      const classified = classifyError(evidenceOf(error));
      const given = options.signal?.aborted === true;
      const may = classified.decision === 'retry' || (classified.decision === 'unknown' && unknownLeft > 0);
      const delay = given || !may || attempt >= maxAttempts ? null : callDelay(attempt, options);
      record('failed', { ...classified, message: messageOf(error) }, delay);
      if (delay === null) throw error;
      if (classified.decision === 'unknown') unknownLeft -= 1;
      await wait(delay, options);
    }
  }
}

/** Makes a function that retries itself: `const post = retryOnFailure(send, { clock, maxAttempts: 3 })`. */
export function retryOnFailure<A extends unknown[], T>(
  fn: (...args: A) => Promise<T> | T,
  options: RetryOptions,
  context: RetryContext = {},
): (...args: A) => Promise<T> {
  return (...args) => executeWithRetry(() => fn(...args), options, context);
}

/** Milliseconds to wait after the given failed attempt (from 1): immediate 0, fixed d, exponential d·m^(n-1), capped; then jitter. */
export function callDelay(attempt: number, options: Omit<RetryOptions, 'clock'>): number {
  const { strategy = 'exponential_backoff', delayMs = 1000, multiplier = 2, maxDelayMs = 60_000, jitter = 0, random } = options;
  if (strategy === 'immediate') return 0;
  const wanted = strategy === 'fixed_delay' ? delayMs : delayMs * multiplier ** (attempt - 1);
  const capped = Math.min(maxDelayMs, wanted);
  return jitter > 0 && random ? Math.round(capped * (1 - jitter * random())) : capped;
}

async function runAttempt<T>(fn: (attempt: RetryAttempt) => Promise<T> | T, number: number, options: RetryOptions): Promise<T> {
  const controller = new AbortController();
  const cleanUp: (() => void)[] = [];
  // The attempt may ignore its signal; the caller must not wait for it.
  const interrupted = new Promise<never>((_, reject) => {
    const stop = (reason: unknown): void => {
      controller.abort(reason);
      reject(asError(reason));
    };
    const onAbort = (): void => stop(options.signal?.reason);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    cleanUp.push(() => options.signal?.removeEventListener('abort', onAbort));
    const { timeoutMs } = options;
    if (timeoutMs === undefined) return;
    const timer = options.clock.after(timeoutMs, () => stop(new AttemptTimeout(timeoutMs)));
    cleanUp.push(() => timer.dispose());
  });
  try {
    return await Promise.race([Promise.resolve(fn({ number, signal: controller.signal })), interrupted]);
  } finally {
    for (const undo of cleanUp) undo();
  }
}

/** An attempt that took longer than its limit; classified as `timeout`. */
class AttemptTimeout extends Error {
  constructor(ms: number) {
    super(`No answer within ${formatDuration(ms / 1000)}.`);
    this.name = 'TimeoutError';
  }
}

function wait(ms: number, options: RetryOptions): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      timer.dispose();
      reject(asError(options.signal?.reason));
    };
    const timer = options.clock.after(ms, () => {
      options.signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    options.signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(messageOf(reason));
}

// ---------------------------------------------------------------- tasks

export interface RetryPolicy {
  readonly max_attempts: number;
  readonly initial_backoff: number;
  readonly backoff_multiplier: number;
  readonly max_backoff: number;
}

export interface RetrySubject {
  /** The task's area. */
  readonly area: string;
  /** The kind of the last error, in any spelling. */
  readonly errorKind: string;
}

/** The policy for a failure: `retry:`, overridden by `by_area`, overridden by `by_error` (it knows most of what happened). */
export function retryPolicy(config: Pick<Config, 'retry'>, subject: RetrySubject): RetryPolicy {
  const { by_area, by_error, ...base } = config.retry;
  const kind = canonicalKind(subject.errorKind) ?? subject.errorKind;
  const area = Object.entries(by_area).find(([name]) => name.toLowerCase() === subject.area.toLowerCase())?.[1];
  const error = Object.entries(by_error).find(([name]) => name === subject.errorKind || (canonicalKind(name) ?? name) === kind)?.[1];
  return { ...base, ...defined(area ?? {}), ...defined(error ?? {}) };
}

/**
 * Seconds until the next attempt after `attempt` failed ones (the first counts): 60, 120, 240, 480 … up to `max_backoff`
 * by default; undefined when the attempts are used up.
 */
export function retryDelay(config: Pick<Config, 'retry'>, subject: RetrySubject, attempt: number): number | undefined {
  const policy = retryPolicy(config, subject);
  if (attempt >= policy.max_attempts) return undefined;
  return Math.min(policy.max_backoff, policy.initial_backoff * policy.backoff_multiplier ** (attempt - 1));
}

export interface FailedAttempt {
  readonly area: string;
  readonly workflow: 'direct' | 'reviewed';
  readonly role: Role;
  readonly error: ClassifiedError;
  /** Failed attempts so far by transient or unknown errors, this one included. */
  readonly attempt: number;
  /** How many of them were of an unknown kind, this one included. */
  readonly unknown: number;
}

export type AfterFailure =
  | { readonly then: 'retry'; readonly delay_seconds: number; readonly max_attempts: number; readonly reason: string }
  | { readonly then: 'fail' | 'human'; readonly max_attempts: number; readonly reason: string };

/**
 * What follows a failed attempt: an error that is never retried fails the task at once; an unknown one is retried once
 * and then goes to a human; retries used up fail a direct task and go to a human for a reviewed one (and for planning).
 */
export function afterFailure(config: Pick<Config, 'retry'>, failed: FailedAttempt): AfterFailure {
  const subject = { area: failed.area, errorKind: failed.error.kind };
  const { max_attempts } = retryPolicy(config, subject);
  const { kind, decision, evidence } = failed.error;
  if (decision === 'never') return { then: 'fail', max_attempts, reason: `${kind} is never retried (${evidence})` };
  if (decision === 'unknown' && failed.unknown > 1) {
    return { then: 'human', max_attempts, reason: `an error of an unknown kind came again after one retry (${evidence})` };
  }
  const delay = retryDelay(config, subject, failed.attempt);
  if (delay !== undefined) {
    return { then: 'retry', delay_seconds: delay, max_attempts, reason: `${kind} (${evidence}), next attempt in ${formatDuration(delay)}` };
  }
  const human = decision === 'unknown' || failed.workflow === 'reviewed' || failed.role === 'planner' || failed.role === 'plan_reviewer';
  return { then: human ? 'human' : 'fail', max_attempts, reason: `${kind} after ${failed.attempt} of ${max_attempts} attempts (${evidence})` };
}

/** An override may hold explicit undefined values, which must not erase the base. */
function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> };
}
