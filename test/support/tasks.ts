/** Task records for tests: complete, with only what a test is about stated. */
import { emptyUsage, type Decision, type TaskExecution } from '../../src/core/execution.ts';
import type { TaskDefinition } from '../../src/core/task.ts';

export const T0 = Date.parse('2026-11-18T12:00:00.000Z');

export function task(id: string, over: Partial<Omit<TaskExecution, 'task_def'>> & { def?: Partial<TaskDefinition> } = {}): TaskExecution {
  const { def, ...rest } = over;
  return {
    task_id: id,
    rev: 1,
    state: 'new',
    task_def: { id, goal: `Goal of ${id}`, ...def },
    content_hash: `hash-${id}`,
    workflow: 'direct',
    workflow_reason: 'test',
    plan: null,
    plan_review: null,
    steps: [],
    attempts: [],
    quality_gate_results: [],
    decisions: [],
    history: [],
    error: null,
    created_at: new Date(T0).toISOString(),
    started_at: null,
    completed_at: null,
    retry_count: 0,
    max_retries: 4,
    models: {},
    usage: emptyUsage(),
    total_cost_usd: 0,
    unpriced: false,
    worktree: null,
    branch: null,
    target_branch: null,
    base_sha: null,
    head_sha: null,
    merge_sha: null,
    sessions: {},
    not_before: null,
    place: null,
    interruptions: 0,
    feedback: null,
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
