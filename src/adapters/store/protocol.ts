/** What crosses between the store's owner and its worker. Records travel as JSON text: what is stored is what the caller held at the call. */
import { BatonError, messageOf, type ErrorKind } from '../../core/errors.ts';
import type { MetricsWrite } from '../../core/metrics/rollup.ts';

export interface EncodedTask {
  readonly id: string;
  readonly rev: number;
  readonly state: string;
  readonly json: string;
}
export interface EncodedEvent {
  readonly at: string;
  readonly type: string;
  readonly task_id: string | null;
  readonly json: string;
}
export interface EncodedHistory {
  readonly kind: string;
  readonly at: string;
  readonly task_id: string;
  readonly json: string;
}
export interface EncodedCommit {
  readonly tasks: readonly EncodedTask[];
  readonly remove: readonly string[];
  readonly events: readonly EncodedEvent[];
  readonly history: readonly EncodedHistory[];
  /** null deletes the key. */
  readonly meta: readonly (readonly [key: string, json: string | null])[];
  readonly metrics: MetricsWrite | null;
  readonly at: string;
}
export interface EventRow extends EncodedEvent {
  readonly seq: number;
}

export type Request = { readonly id: number } & (
  | { readonly type: 'commit'; readonly commit: EncodedCommit }
  | { readonly type: 'tasks' }
  | { readonly type: 'task'; readonly taskId: string }
  | { readonly type: 'events'; readonly since: number; readonly limit: number | null }
  | { readonly type: 'meta' }
  | { readonly type: 'metrics'; readonly since: number }
  | { readonly type: 'history'; readonly kind: string; readonly since: string; readonly limit: number | null }
  | { readonly type: 'close' }
);

export interface WireError {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string | undefined;
}
export type Outcome = { readonly id: number } & ({ readonly value: unknown } | { readonly error: WireError });

export type Reply =
  | { readonly type: 'ready'; readonly path: string; readonly repairs: readonly string[] }
  | { readonly type: 'not_opened'; readonly error: WireError }
  /** All commits of one transaction, or one read. */
  | { readonly type: 'outcomes'; readonly outcomes: readonly Outcome[] }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  /** A flush failed: nothing is written from now on. */
  | { readonly type: 'read_only'; readonly error: WireError };

export interface WorkerOptions {
  readonly batonDir: string;
  readonly dataDir: string | null;
}

export function toWire(error: unknown): WireError {
  if (error instanceof BatonError) return { kind: error.kind, message: error.message, hint: error.hint };
  return { kind: 'store', message: messageOf(error), hint: undefined };
}

export function fromWire(error: WireError): BatonError {
  return new BatonError(error.kind, error.message, error.hint === undefined ? {} : { hint: error.hint });
}
