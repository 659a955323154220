/** Task records for tests: complete, with only what a test is about stated. */
import { newExecution, type Decision, type TaskExecution } from '../../src/core/execution.ts';
import type { TaskDefinition } from '../../src/core/task.ts';

export const T0 = Date.parse('2026-11-18T12:00:00.000Z');

export function task(id: string, over: Partial<Omit<TaskExecution, 'task_def'>> & { def?: Partial<TaskDefinition> } = {}): TaskExecution {
  const { def, ...rest } = over;
  return {
    ...newExecution({ id, goal: `Goal of ${id}`, ...def }, `hash-${id}`, new Date(T0).toISOString()),
    workflow_reason: 'test',
    history: [],
    max_retries: 4,
    ...rest,
  };
}

export function decision(over: Partial<Decision> = {}): Decision {
  return {
    id: 'd1',
    task_id: 't',
    kind: 'start',
    question: 'May this task start?',
    detail: {},
    since: new Date(T0).toISOString(),
    expires_at: null,
    status: 'open',
    resume_state: 'new',
    content_hash: 'hash-t',
    head_sha: null,
    attempt_id: null,
    answer: null,
    applied_at: null,
    ...over,
  };
}
