/** Which way a task goes (direct or reviewed), and whose turn it is on that way. */
import type { Role, TaskExecution } from './execution.ts';
import type { TaskDefinition } from './task.ts';

export interface WorkflowChoice {
  readonly workflow: TaskExecution['workflow'];
  /** For people, as words that go on "direct, since …". */
  readonly reason: string;
}

/**
 * As the task says; `auto` is `reviewed` when the task states a risk or an area and somebody can plan.
 * @param cannotPlan why nobody can plan; undefined when somebody can
 */
export function chooseWorkflow(task: TaskDefinition, cannotPlan: string | undefined): WorkflowChoice {
  if (task.workflow === 'direct' || task.workflow === 'reviewed') return { workflow: task.workflow, reason: 'the task asks for it' };
  const stated = [...(task.risk === undefined ? [] : [`its risk (${task.risk})`]), ...(task.area === undefined ? [] : [`its area (${task.area})`])];
  if (stated.length === 0) return { workflow: 'direct', reason: 'the task states neither risk nor area' };
  if (cannotPlan !== undefined) return { workflow: 'direct', reason: `nobody can plan: ${cannotPlan}` };
  return { workflow: 'reviewed', reason: `the task states ${stated.join(' and ')}` };
}

/** The role that the task's next attempt plays; null when what comes next needs no agent. `workflow` counts for a task that has not begun. */
export function nextRole(task: Pick<TaskExecution, 'state' | 'steps'>, workflow: TaskExecution['workflow']): Role | null {
  switch (task.state) {
    case 'new':
      return workflow === 'reviewed' && task.steps.length === 0 ? 'planner' : 'implementer';
    case 'planning':
    case 'plan_rejected':
      return 'planner';
    case 'plan_review':
      return 'plan_reviewer';
    case 'plan_approved':
    case 'implementing':
      return 'implementer';
    case 'code_review':
      return 'code_reviewer';
    case 'quality_gate':
    case 'awaiting_human_review':
    case 'done':
    case 'failed':
      return null;
  }
}
