/** Task records for tests: complete, with only what a test is about stated. */
import { newExecution, type Attempt, type Decision, type TaskExecution } from '../../src/core/execution.ts';
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

/** An attempt that succeeded in a minute. */
export function attempt(over: Partial<Attempt> = {}): Attempt {
  return {
    attempt_id: 'a1',
    role: 'implementer',
    step_id: null,
    number: 1,
    agent: 'claude',
    driver: 'claude',
    model: null,
    account: 'anthropic',
    mark: 'm',
    session_id: null,
    process: null,
    started_at: new Date(T0).toISOString(),
    ended_at: new Date(T0 + 60_000).toISOString(),
    outcome: 'succeeded',
    error: null,
    exit_code: 0,
    usage: { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 },
    cost_usd: 0,
    turns: 1,
    ...over,
  };
}
