/** What both reviews share. */
import type { Attempt, TaskExecution } from '../../core/execution.ts';
import { isAuthor } from '../../core/routing.ts';
import type { PipelineContext } from './context.ts';

/** Rejections in all before a human decides, so two more tries. */
export const MAX_REJECTIONS = 3;

/** Whether a reviewer turned out to be its author's model, by what both agents reported of themselves. */
export function isSelfReview(context: PipelineContext, task: TaskExecution, attempt: Attempt): boolean {
  const { staffing } = context;
  const reviewer = { agent: attempt.agent, model: attempt.model, provider: staffing.providerOf(attempt.agent, attempt.model) };
  return staffing.authors(task, attempt.role).some((author) => isAuthor(reviewer, author));
}
