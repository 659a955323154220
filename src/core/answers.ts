/** What planners and reviewers answer: the schema that they are given, and reading what they say by it. */
import * as z from 'zod';
import { messageOf } from './errors.ts';
import type { Role } from './execution.ts';
import { extractJson } from './extractJson.ts';
import { planFault } from './planSteps.ts';
import { codeReview, plan, planReview, type CodeReview, type Plan, type PlanReview } from './roles.ts';

/** The roles whose answer is JSON; an implementer's answer is its work. */
export type AnsweringRole = Exclude<Role, 'implementer'>;

export interface Answers {
  planner: Plan;
  plan_reviewer: PlanReview;
  code_reviewer: CodeReview;
}

const SCHEMAS = { planner: plan, plan_reviewer: planReview, code_reviewer: codeReview } as const;

/** The JSON Schema (draft 7) of a role's answer, for agents that are held to one. */
export function answerSchema(role: AnsweringRole): Record<string, unknown> {
  // Validators of draft 7 refuse a schema that names a later draft, so it names none.
  return Object.fromEntries(Object.entries(z.toJSONSchema(SCHEMAS[role], { target: 'draft-7', io: 'input' })).filter(([key]) => key !== '$schema'));
}

export type ReadAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string };

/** Reads a role's answer: what the agent gave as structured output, else the JSON in its text. `fault` tells the agent what to mend. */
export function readAnswer<R extends AnsweringRole>(role: R, answer: string): ReadAnswer<Answers[R]> {
  const json = extractJson(answer);
  if (json === undefined) return { ok: false, fault: answer.trim() === '' ? 'it was empty' : 'it holds no JSON object' };
  const parsed = SCHEMAS[role].safeParse(json);
  if (!parsed.success) return { ok: false, fault: faultOf(parsed.error) };
  const fault = role === 'planner' ? planFault(parsed.data as Plan) : undefined;
  return fault === undefined ? { ok: true, value: parsed.data as Answers[R] } : { ok: false, fault };
}

/** Reads a plan that a human edited; throws with what is wrong in it. */
export function readPlan(value: unknown): Plan {
  const parsed = plan.safeParse(value);
  if (!parsed.success) throw new Error(faultOf(parsed.error));
  const fault = planFault(parsed.data);
  if (fault !== undefined) throw new Error(fault);
  return parsed.data;
}

function faultOf(error: z.ZodError): string {
  const shown = error.issues.slice(0, 5).map((issue) => `${issue.path.length === 0 ? 'the answer' : issue.path.join('.')}: ${messageOf(issue)}`);
  const more = error.issues.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
