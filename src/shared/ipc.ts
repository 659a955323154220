/**
 * What leader and clients say to each other over the local socket: one JSON document a line. A client begins with `hello`; nothing else is
 * read before its token was right. The schemas are what the leader believes of a client; a client believes the leader it has found
 * through a file that only its user can read.
 */
import * as z from 'zod';
import { ALWAYS, VERDICTS } from '../core/execution.ts';
import { BatonError, ERROR_KINDS, messageOf } from '../core/errors.ts';
import { newTask } from '../core/task.ts';
import type { Command, Snapshot } from './api.ts';
import type { MetricsQuery } from './metrics.ts';

/** Grows when an old client would misunderstand a new leader. */
export const IPC_VERSION = 1;

const id = z.string().min(1).max(200);
const reason = z.exactOptional(z.string().max(100_000));

const commentPlace = z.union([
  z.strictObject({ thread_id: id }),
  z.strictObject({ file: z.string().min(1).max(4096), line: z.number().int().positive(), head_sha: z.string().min(1).max(100), code: z.string().max(20_000) }),
  z.strictObject({ step_id: id }),
]);

/** Every command of the EngineApi. */
export const commandSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start') }),
  z.strictObject({ type: z.literal('pause') }),
  z.strictObject({ type: z.literal('stop'), reason }),
  z.strictObject({ type: z.literal('stop_now'), reason }),
  z.strictObject({ type: z.literal('add_task'), task: newTask, dry_run: z.exactOptional(z.boolean()) }),
  z.strictObject({ type: z.literal('cancel'), task_id: id, reason }),
  z.strictObject({ type: z.literal('retry'), task_id: id, fresh: z.exactOptional(z.boolean()) }),
  z.strictObject({ type: z.literal('run_next'), task_id: id }),
  z.strictObject({ type: z.literal('move'), task_id: id, direction: z.enum(['up', 'down']) }),
  z.strictObject({ type: z.literal('place'), task_id: id, before: id.nullable() }),
  z.strictObject({ type: z.literal('clear_place'), task_id: id }),
  z.strictObject({
    type: z.literal('decide'),
    task_id: id,
    decision_id: id.optional(),
    verdict: z.enum(VERDICTS),
    text: z.string().optional(),
    input: z.record(z.string(), z.unknown()).optional(),
    always: z.enum(ALWAYS).optional(),
    by: z.string(),
    via: z.enum(['vscode', 'cli']),
  }),
  z.strictObject({ type: z.literal('comment'), task_id: id, place: commentPlace, text: z.string().max(100_000), by: z.string() }),
  z.strictObject({ type: z.literal('edit_comment'), task_id: id, thread_id: id, comment_id: id, text: z.string().max(100_000).nullable(), by: z.string() }),
  z.strictObject({ type: z.literal('resolve_thread'), task_id: id, thread_id: id, resolved: z.boolean(), by: z.string() }),
  z.strictObject({ type: z.literal('take_over'), task_id: id, by: z.string() }),
  z.strictObject({ type: z.literal('hand_back'), task_id: id, text: z.string().max(100_000).optional(), by: z.string() }),
  z.strictObject({ type: z.literal('edit_plan'), task_id: id, plan: z.record(z.string(), z.unknown()), by: z.string() }),
  z.strictObject({ type: z.literal('message'), task_id: id, text: z.string() }),
  z.strictObject({ type: z.literal('refresh') }),
  z.strictObject({ type: z.literal('clean_state'), dry_run: z.exactOptional(z.boolean()) }),
  z.strictObject({ type: z.literal('delete_task'), task_id: id }),
]) satisfies z.ZodType<Command>;

export const helloSchema = z.object({
  type: z.literal('hello'),
  version: z.number().int(),
  token: z.string(),
  pid: z.number().int().positive(),
  host: z.enum(['vscode', 'cli']),
  /** BATON_MARK of the client or of one of its ancestors: it was started by an agent. */
  mark: z.string().nullable(),
  /** Pids from the client's parent upwards. */
  ancestors: z.array(z.number().int().nonnegative()).max(256),
});
export type Hello = z.infer<typeof helloSchema>;

const metricsQuery = z.object({
  since_seconds: z.number().positive(),
  max_buckets: z.exactOptional(z.number().int().positive()),
}) satisfies z.ZodType<MetricsQuery>;

export const requestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), id: z.number().int() }),
  z.object({ type: z.literal('send'), id: z.number().int(), command: commandSchema }),
  z.object({ type: z.literal('task'), id: z.number().int(), task_id: id }),
  z.object({ type: z.literal('changes'), id: z.number().int(), task_id: id }),
  z.object({ type: z.literal('metrics'), id: z.number().int(), query: metricsQuery }),
  z.object({ type: z.literal('health'), id: z.number().int() }),
  /** Whether snapshots are wanted. */
  z.object({ type: z.literal('subscribe'), on: z.boolean() }),
]);
export type ClientRequest = z.infer<typeof requestSchema>;

const wireError = z.object({
  kind: z.enum(ERROR_KINDS),
  message: z.string(),
  hint: z.string().optional(),
  location: z.object({ file: z.string(), line: z.number(), column: z.number() }).optional(),
});
export type WireError = z.infer<typeof wireError>;

export type LeaderMessage =
  | { readonly type: 'welcome'; readonly pid: number }
  /** The connection ends after it. */
  | { readonly type: 'refused'; readonly error: WireError }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'pushed'; readonly snapshot: Snapshot };

/** An error as data; what is no BatonError becomes `internal`. */
export function errorToWire(error: unknown): WireError {
  if (!(error instanceof BatonError)) return { kind: 'internal', message: messageOf(error) };
  return { kind: error.kind, message: error.message, hint: error.hint, location: error.location };
}

/** The error that the other side threw. A kind that this version does not know is `internal`. */
export function errorFromWire(wire: unknown): BatonError {
  const parsed = wireError.safeParse(wire);
  if (!parsed.success) return new BatonError('internal', typeof wire === 'object' && wire !== null && 'message' in wire ? String(wire.message) : 'The leader reported an error that this version does not understand.');
  const { kind, message, hint, location } = parsed.data;
  return new BatonError(kind, message, { ...(hint === undefined ? {} : { hint }), ...(location === undefined ? {} : { location }) });
}
