/** The public JSON shapes as schemas. More keys may be there; the named ones must be, with these types. */
import * as z from 'zod';
import { DECISION_KINDS } from '../../src/core/execution.ts';
import { TASK_STATES } from '../../src/core/states.ts';

const state = z.enum(TASK_STATES);
const time = z.iso.datetime({ precision: 3 });

export const queueSchema = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      goal: z.string(),
      state,
      score: z.number(),
      base_score: z.number(),
      components: z.object({ urgency: z.number(), deadline: z.number(), sender: z.number(), age_boost: z.number(), vip_bonus: z.number() }),
      wait_seconds: z.int().min(0),
      position: z.int().positive().nullable(),
      eta_start: time.nullable(),
      eta_done: time.nullable(),
      why: z.string(),
    }),
  ),
});

export const summarySchema = z.object({
  total_tasks: z.int(),
  by_state: z.record(state, z.int()),
  active_tasks: z.int(),
  needs_human_review: z.int(),
  total_cost_usd: z.number(),
  unpriced: z.boolean(),
});

export const tasksSchema = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      goal: z.string(),
      state,
      risk: z.string(),
      area: z.string(),
      total_cost_usd: z.number(),
      unpriced: z.boolean(),
      error: z.string().nullable(),
      eta_start: time.nullable(),
      eta_done: time.nullable(),
      decisions: z.array(z.object({ id: z.string(), kind: z.enum(DECISION_KINDS), question: z.string(), since: time })),
      review_order: z.exactOptional(z.array(z.object({ path: z.string(), level: z.enum(['high', 'medium', 'low']), reason: z.string(), added: z.number().nullable(), removed: z.number().nullable() }))),
    }),
  ),
});

const check = z.object({ ok: z.boolean(), message: z.string().min(1) });
export const healthSchema = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy', 'unknown']),
  timestamp: time,
  checks: z.strictObject({ scheduler_alive: check, task_backlog: check, error_rate: check, last_completion: check }),
});

const rate = z.number().min(0).max(1);
export const metricsSchema = z.object({
  since: time,
  tasks_started: z.int(),
  tasks_completed: z.int(),
  tasks_failed: z.int(),
  throughput_per_hour: z.number(),
  avg_latency_seconds: z.number().nullable(),
  p50_latency_seconds: z.number().nullable(),
  p95_latency_seconds: z.number().nullable(),
  error_rate: rate,
  retry_success_rate: rate.nullable(),
  human_intervention_rate: rate.nullable(),
  total_cost_usd: z.number(),
  cpu_percent: z.number().nullable(),
  memory_mb: z.object({ avg: z.number(), peak: z.number() }).nullable(),
  series: z.array(z.object({ start: time, completed: z.int(), failed: z.int() })),
});

export const taskSchema = z.object({
  task_id: z.string(),
  state,
  task_def: z.looseObject({ id: z.string(), goal: z.string() }),
  workflow: z.enum(['direct', 'reviewed']),
  steps: z.array(z.unknown()),
  decisions: z.array(z.unknown()),
  history: z.array(z.unknown()),
  total_cost_usd: z.number(),
  unpriced: z.boolean(),
});

export const runSchema = z.object({
  run_id: z.string(),
  completed: z.int(),
  failed: z.int(),
  needs_review: z.int(),
  duration_seconds: z.number(),
  total_cost_usd: z.number(),
  unpriced: z.boolean(),
  tasks: z.array(z.object({ id: z.string(), state })),
});

export const doctorSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), level: z.enum(['fine', 'note', 'warning', 'error']), message: z.string(), fix: z.string().nullable() })),
});

export const changeSchema = z.object({ ok: z.literal(true), dry_run: z.boolean(), message: z.string(), task_id: z.string().optional() });

export const initSchema = z.object({ ok: z.literal(true), dry_run: z.boolean(), root: z.string(), created: z.array(z.string()), kept: z.array(z.string()) });

export const errorSchema = z.strictObject({
  error: z.strictObject({ kind: z.string(), message: z.string(), file: z.string().optional(), line: z.int().optional() }),
});

/** Parses a command's whole stdout as exactly one JSON document of the schema. */
export function documentOf<T extends z.ZodType>(schema: T, stdout: string): z.infer<T> {
  return schema.parse(JSON.parse(stdout));
}

const nullableNumber = z.number().nullable();

export const dashboardSchema = z.object({
  status: z.object({ state: z.enum(['running', 'stopped', 'error']), since: time.nullable(), message: z.string() }),
  queue: queueSchema.shape.tasks,
  active: z.array(z.object({ id: z.string(), goal: z.string(), state, attempts: z.int(), elapsed_seconds: z.int().min(0), eta_done: time.nullable() })),
  recent: z.array(z.object({ id: z.string(), goal: z.string(), state, completed_at: time.nullable(), duration_seconds: nullableNumber })),
  completion_rate: nullableNumber,
  metrics: metricsSchema.nullable(),
  health: healthSchema.nullable(),
});
