/** What a user asks for: the task definition, its schema and the defaults that hold where it is silent. */
import * as z from 'zod';
import { COMPLEXITIES, KNOWN_AREAS, PRIORITIES, RISKS, WORKFLOWS } from './choices.ts';

export { COMPLEXITIES, KNOWN_AREAS, PRIORITIES, RISKS, WORKFLOWS };

export type Risk = (typeof RISKS)[number];
export type Complexity = (typeof COMPLEXITIES)[number];
export type Priority = (typeof PRIORITIES)[number];

const TASK_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const WINDOWS_RESERVED = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** Why a text is no task id, or undefined when it is one. An id is also a git ref component and a file name. */
export function taskIdFault(id: string): string | undefined {
  if (!TASK_ID.test(id)) return 'use 1 to 64 letters, digits, ".", "_" or "-", starting with a letter or digit';
  if (id.includes('..')) return 'it may not contain ".."';
  if (id.endsWith('.') || id.toLowerCase().endsWith('.lock')) return 'it may not end with "." or ".lock"';
  if (WINDOWS_RESERVED.test(id)) return 'it is a reserved file name on Windows';
  return undefined;
}

const text = z.string().trim().min(1);
const texts = z.union([z.array(text), text.transform((one) => [one])]);

/** The schema of a task as written by a user. Unknown keys are kept; the file's reader warns about them. */
export const taskDefinition = z.looseObject({
  id: z
    .string()
    .superRefine((id, context) => {
      const fault = taskIdFault(id);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: `"${id}" is not a valid task id: ${fault}` });
    })
    .describe('1 to 64 letters, digits, ".", "_" or "-"; the name of the file when absent.'),
  goal: text.describe('What is to be true in the end, in a sentence.'),
  description: z.string().optional().describe('Everything the agent should know.'),
  risk: z.enum(RISKS).optional().describe('How much can go wrong; stating one makes the workflow reviewed.'),
  area: text.optional().describe('Part of the code: core, math, api, services, docs, comments, tests or your own; stating one makes the workflow reviewed.'),
  complexity: z.enum(COMPLEXITIES).optional().describe('How much work it is.'),
  priority: z.enum(PRIORITIES).optional().describe('How urgent it is; outranks words such as ASAP in its text.'),
  deadline: text.optional().describe('ISO date or date-time, or words: today, by Friday, next week.'),
  sender: text.optional().describe('Who asks for it.'),
  labels: texts.optional().describe('Words of your own.'),
  depends_on: texts.optional().describe('Ids of tasks that must be done before.'),
  context_files: texts.optional().describe('Files to read first.'),
  constraints: texts.optional().describe('Rules to keep.'),
  agent: text.optional().describe('Name of a configured agent; overrides routing for the implementer.'),
  workflow: z.enum(WORKFLOWS).optional().describe('With plan and reviews, or straight to the work; auto goes by risk and area.'),
  gates: texts.optional().describe('Names of the configured gates that run for it; all that apply when absent.'),
  requires_approval: z.boolean().optional().describe('true: ask before it starts.'),
  budget_usd: z.number().positive().optional().describe('Most it may cost, in dollars.'),
  source: text.optional().describe('Where it came from: a file, cli, vscode, an issue’s address.'),
  created_at: text.optional().describe('When it was asked for; its age counts from then.'),
});
export type TaskDefinition = z.infer<typeof taskDefinition>;
/** A task as it is added: its id may still be open. (`Omit` would lose every named key of a type with an index signature.) */
export const newTask = taskDefinition.extend({ id: taskDefinition.shape.id.optional() });
export type NewTask = z.infer<typeof newTask>;

/** The keys that the schema names; every other key of a task earns a warning. */
export const TASK_KEYS: readonly string[] = [...Object.keys(taskDefinition.shape), 'from'];

export function riskOf(task: TaskDefinition): Risk {
  return task.risk ?? 'medium';
}

export function areaOf(task: TaskDefinition): string {
  return task.area ?? 'unknown';
}

/**
 * The text that a content hash and an approval are bound to: everything that changes what would be done.
 * Key order and unset keys do not matter.
 */
export function canonicalContent(task: TaskDefinition): string {
  const entries = Object.entries(task)
    .filter(([key, value]) => value !== undefined && key !== 'created_at' && key !== 'source')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}
