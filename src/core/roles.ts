/** The JSON that roles exchange (plan, plan review, code review) and its schemas. */
import * as z from 'zod';
import { COMPLEXITIES, RISKS } from './task.ts';

const scores = z.record(z.string(), z.number()).optional();
const strings = z.array(z.string()).optional();

export const plan = z.looseObject({
  summary: z.string().optional(),
  steps: z
    .array(
      z.looseObject({
        id: z.string().min(1),
        description: z.string().min(1),
        type: z.string().optional(),
        risk: z.enum(RISKS).optional(),
        complexity: z.enum(COMPLEXITIES).optional(),
        files: z.object({ read: strings, create: strings, modify: strings }).partial().optional(),
        commands: strings,
        dependencies: strings,
      }),
    )
    .min(1),
  rollback: z.string().optional(),
  estimated_minutes: z.number().optional(),
});
export type Plan = z.infer<typeof plan>;

export const planReview = z.looseObject({
  status: z.enum(['approved', 'rejected', 'needs_revision']),
  scores,
  concerns: strings,
  missing_steps: strings,
  required_changes: strings,
  suggestions: strings,
});
export type PlanReview = z.infer<typeof planReview>;

export const codeReview = z.looseObject({
  status: z.enum(['approved', 'rejected', 'needs_changes']),
  scores,
  required_changes: z
    .array(
      z.looseObject({
        severity: z.enum(['critical', 'major', 'minor']),
        file: z.string().optional(),
        line: z.number().int().positive().optional(),
        description: z.string(),
      }),
    )
    .optional(),
  optional_improvements: strings,
  reasoning: z.string().optional(),
});
export type CodeReview = z.infer<typeof codeReview>;
