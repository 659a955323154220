import assert from 'node:assert/strict';
import { runFigures, runHeader, runLogEntry, runSummary } from '../../../src/core/runLog.ts';
import { attempt, task } from '../../support/tasks.ts';

const at = '2025-12-10T10:30:01.123Z';
const entry = (type: string, data: Record<string, unknown>, record = task('RAE-001')): string | undefined => runLogEntry({ at, type, task_id: 'RAE-001', data }, record);

describe('The run log', () => {
  it('begins a run with id, start, tasks and the log’s title (row 156)', () => {
    assert.equal(
      runHeader('2025-12-10T10:30:00.000Z', '2025-12-10T10:30:00.123Z', ['RAE-001', 'RAE-002']),
      '\n## Run: 2025-12-10T10:30:00.000Z\n\n**Started**: 2025-12-10T10:30:00.123Z\n\n**Tasks**: RAE-001, RAE-002\n\n### Execution Log\n\n',
    );
  });

  // One golden line a category (row 146).
  const GOLDEN: readonly (readonly [string, string, Record<string, unknown>, string])[] = [
    ['task', 'task_started', { name: 'Implement search strategies' }, '- `10:30:01` ℹ️ **task**: Task RAE-001 started: Implement search strategies\n'],
    [
      'routing',
      'routing',
      { role: 'planner', agent: 'claude', model: 'claude-sonnet-4-5', reason: 'High-risk core' },
      '- `10:30:01` ℹ️ **routing**: Routing [planner] → claude-sonnet-4-5: High-risk core (task=RAE-001)\n',
    ],
    [
      'llm_call',
      'attempt_ended',
      { role: 'planner', agent: 'claude_api', model: 'claude-sonnet-4-5', outcome: 'succeeded', cost_usd: 0.0045, seconds: 12.3 },
      '- `10:30:01` ℹ️ **llm_call**: ✅ LLM call [planner] claude_api/claude-sonnet-4-5 (cost=$0.0045, 12.3s) (task=RAE-001)\n',
    ],
    [
      'quality_gate',
      'gate_round',
      { subject: 'branch', passed: false, checks: [{ name: 'mypy', status: 'failed', seconds: 45.2 }, { name: 'ruff', status: 'passed', seconds: 1 }] },
      '- `10:30:01` ❌ **quality_gate**: Quality Gate ❌ FAILED (task=RAE-001, 45.2s)\n  - ❌ mypy failed\n',
    ],
    [
      'retry',
      'retry',
      { step_id: 'S2', attempt: 2, max_attempts: 3, reason: 'Type checking failed' },
      '- `10:30:01` ⚠️ **retry**: ⚠️ Retry attempt 2/3 for step S2: Type checking failed (task=RAE-001)\n',
    ],
    [
      'human_review',
      'decision_opened',
      { kind: 'plan', question: 'Plan rejected by reviewer 3 times' },
      '- `10:30:01` 🔍 **human_review**: 🔍 Human review required for RAE-001: Plan rejected by reviewer 3 times\n',
    ],
  ];
  for (const [category, type, data, line] of GOLDEN) {
    it(`has this line for ${category} (rows 146–154)`, () => assert.equal(entry(type, data), line));
  }

  // What the requirements have no line for has one of its category.
  const MORE: readonly (readonly [string, string, Record<string, unknown>, string])[] = [
    ['a failed call', 'attempt_ended', { role: 'code_reviewer', agent: 'codex', model: 'gpt', outcome: 'failed', cost_usd: 0.02, seconds: 3, error: { message: 'HTTP 529' } }, '❌ **llm_call**: ❌ LLM call [code_reviewer] codex/gpt (cost=$0.02, 3.0s): HTTP 529 (task=RAE-001)'],
    ['a call that was cut off', 'attempt_ended', { role: 'planner', agent: 'codex', model: null, outcome: 'interrupted', cost_usd: null, seconds: 1, error: null }, '❌ **llm_call**: ❌ LLM call [planner] codex/default (cost=unpriced, 1.0s): interrupted (task=RAE-001)'],
    ['a gate that warns', 'gate_round', { subject: 'merge', passed: true, checks: [{ name: 'ruff', status: 'warning', seconds: 1.5 }] }, '✅ **quality_gate**: Quality Gate ✅ PASSED (task=RAE-001, 1.5s, on the merge result)\n  - ⚠️ ruff warned'],
    ['a plan that goes back', 'retry', { role: 'planner', step_id: null, attempt: 2, max_attempts: 3, message: 'No rollback' }, '⚠️ **retry**: ⚠️ Retry attempt 2/3 for the plan: No rollback (task=RAE-001)'],
    ['a retry that waits', 'retry', { role: 'implementer', step_id: 'S2', attempt: 3, max_attempts: 5, message: 'HTTP 503', delay_seconds: 120 }, '⚠️ **retry**: ⚠️ Retry attempt 3/5 for step S2: HTTP 503 (task=RAE-001, wait=120.0s)'],
    ['an answer that cannot be read', 'answer_unreadable', { role: 'planner', reason: 'it holds no JSON object' }, '⚠️ **retry**: ⚠️ Answer of [planner] cannot be read: it holds no JSON object (task=RAE-001)'],
    ['a session that is lost', 'session_lost', { role: 'implementer', agent: 'claude' }, '⚠️ **retry**: ⚠️ Session of [implementer] claude is lost: a new one begins (task=RAE-001)'],
    ['a closed account', 'held', { account: 'anthropic', until: '2025-12-10T11:00:00.000Z', reason: 'usage limit' }, '⚠️ **retry**: ⚠️ Account anthropic closed until 2025-12-10T11:00:00.000Z: usage limit (task=RAE-001)'],
    ['an account that opens', 'account_opened', { account: 'anthropic' }, 'ℹ️ **retry**: Account anthropic is open again'],
    ['a budget', 'budget_exceeded', { scope: 'task', reason: 'its budget of $2.00 is reached: $1.90 is spent', reserve_usd: 0.5 }, '🔍 **human_review**: 🔍 Budget exceeded: its budget of $2.00 is reached: $1.90 is spent, and the next attempt reserves $0.50 (task=RAE-001)'],
    ['an answer', 'decision_answered', { kind: 'plan', verdict: 'reject', by: 'ada', text: 'Too risky' }, '🔍 **human_review**: ❌ plan answered by ada: reject: Too risky (task=RAE-001)'],
    ['a stop', 'orchestrator_stopped', { reason: 'Baton ended unexpectedly' }, 'ℹ️ **task**: Stopped: Baton ended unexpectedly'],
  ];
  for (const [what, type, data, line] of MORE) {
    it(`has a line for ${what} (rows 146, 148, 151–154, 203)`, () => assert.equal(entry(type, data), `- \`10:30:01\` ${line}\n`));
  }

  it('tells the end of a run that died by when it died, and its cost by all its calls', () => {
    const calls = task('a', { attempts: [attempt({ cost_usd: 0.1, ended_at: '2025-12-10T10:40:00.000Z' }), attempt({ cost_usd: 0.2, ended_at: '2025-12-10T12:00:00.000Z', outcome: 'interrupted' })] });
    const figures = runFigures([calls], '2025-12-10T10:30:00.000Z', '2025-12-10T12:00:00.000Z', '2025-12-10T10:45:00.000Z');
    assert.deepEqual([figures.ended_at, figures.seconds, figures.cost_usd], ['2025-12-10T10:45:00.000Z', 900, 0.3]);
  });

  it('ends a task with duration and cost (row 149)', () => {
    const record = task('RAE-001', { started_at: '2025-12-10T10:30:00.000Z', completed_at: '2025-12-10T10:45:00.500Z', total_cost_usd: 0.38 });
    assert.equal(
      entry('task_state', { from: 'quality_gate', to: 'done', why: 'merged' }, record),
      '- `10:30:01` ✅ **task**: ✅ Task completed: done (task=RAE-001, duration=900.5s, cost=$0.38)\n',
    );
  });

  it('keeps an entry on one line and says what failed', () => {
    assert.equal(
      entry('attempt_ended', { role: 'implementer', agent: 'claude', model: null, outcome: 'failed', cost_usd: null, seconds: 1, error: { message: 'two\nlines' } }),
      '- `10:30:01` ❌ **llm_call**: ❌ LLM call [implementer] claude/default (cost=unpriced, 1.0s): two lines (task=RAE-001)\n',
    );
  });

  it('sums a run up from the records (rows 155, 183)', () => {
    const within = '2025-12-10T10:40:00.000Z';
    const history = (to: 'done' | 'failed') => [{ from: 'quality_gate' as const, to, at: within, why: '' }];
    const tasks = [
      task('a', { state: 'done', history: history('done') }),
      task('b', { state: 'failed', history: history('failed'), error: { kind: 'gates_failed', message: '', at: within } }),
      task('c', { state: 'failed', history: history('failed'), error: { kind: 'cancelled', message: '', at: within } }),
      task('d', { state: 'awaiting_human_review' }),
      task('e', { state: 'done', history: [{ from: 'quality_gate', to: 'done', at: '2025-12-09T10:40:00.000Z', why: '' }] }),
    ];
    const figures = { ...runFigures(tasks, '2025-12-10T10:30:00.000Z', '2025-12-10T10:55:00.000Z'), cost_usd: 0.85 };
    assert.equal(
      runSummary(figures),
      '\n### Run Summary\n\n**Ended**: 2025-12-10T10:55:00.000Z\n\n**Total Duration**: 1500.0s\n**Total Cost**: $0.85\n**Tasks Completed**: 1\n**Tasks Failed**: 1\n**Tasks Needing Review**: 1\n',
    );
  });
});
