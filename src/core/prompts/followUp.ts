/** What Baton says to a planner or reviewer whose session knows its task already. */
import type { AnsweringRole } from '../answers.ts';

const WORK = { planner: 'plan', plan_reviewer: 'review of the plan', code_reviewer: 'review of the change' } as const;

/** Its answer could not be read; asked once. */
export function askAgainPrompt(role: AnsweringRole, fault: string): string {
  return `Your ${WORK[role]} could not be read: ${fault}.\n\nGive the whole answer again, as one JSON object in the form that was described, with nothing after it.\n`;
}

/** The same for an agent that does not remember: goes after the whole prompt. */
export function askAgainSection(fault: string): string {
  return `\n## Your last answer\n\nIt could not be read: ${fault}. Give it again, as one JSON object in the form described above, with nothing after it.\n`;
}

/** It was cut off in the middle. */
export function goOnPrompt(role: AnsweringRole): string {
  return `You were interrupted; nothing was wrong with what you did. Go on with your ${WORK[role]} and end with the JSON object that was described.\n`;
}
