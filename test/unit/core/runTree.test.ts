import assert from 'node:assert/strict';
import type { Attempt, Role, StepExecution } from '../../../src/core/execution.ts';
import { formatSpan } from '../../../src/core/format.ts';
import { runTree, runTreeLines } from '../../../src/core/runTree.ts';
import { attempt, decision, task, T0 } from '../../support/tasks.ts';

const END = T0 + 72 * 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const step = (id: string, more: Partial<StepExecution> = {}): StepExecution => ({
  step_id: id, state: 'completed', attempt: 1, max_attempts: 3, definition: { id, description: `Do ${id}` }, implementation: null, code_review: null, error: null, started_at: null, completed_at: null, implementer_model: null, reviewer_model: null,
  ...more,
});
const call = (role: Role, model: string, cost_usd: number | null, more: Partial<Attempt> = {}): Attempt => attempt({ role, model, cost_usd, ...more });
const gates = (failed: readonly string[] = []) => [
  {
    round: 1, subject: 'branch' as const, passed: failed.length === 0, can_merge: failed.length === 0, tree_sha: 't', base_sha: 'b', at: iso(END),
    checks: ['pytest', 'mypy', 'ruff'].map((name) => ({ name, status: failed.includes(name) ? ('failed' as const) : ('passed' as const), required: true, command: name, exit_code: 0, seconds: 1, message: '', details: '', log: null, tree_sha: 't' })),
  },
];

/** The typical run of the requirements: 10 steps, 8 done at once for $0.35, two tried again for $0.04, $0.422 in all. */
function typical(): ReturnType<typeof task> {
  const ids = Array.from({ length: 10 }, (_, index) => `S${index + 1}`);
  const sonnet = 'claude-sonnet-4-5';
  const gemini = 'gemini-2.0-pro';
  const attempts = [
    call('planner', sonnet, 0.01),
    call('plan_reviewer', gemini, 0.002),
    ...ids.slice(0, 8).map((id) => call('implementer', sonnet, 0.04375, { step_id: id })),
    ...ids.slice(8).flatMap((id) => [call('implementer', sonnet, 0.005, { step_id: id, outcome: 'failed' }), call('implementer', sonnet, 0.015, { step_id: id, number: 2 })]),
    ...ids.map((id) => call('code_reviewer', gemini, 0.002, { step_id: id })),
  ];
  return task('RAE-PHASE2-001', {
    def: { risk: 'high', area: 'core' },
    state: 'done',
    workflow: 'reviewed',
    started_at: iso(T0),
    completed_at: iso(END),
    steps: ids.map((id) => step(id)),
    attempts: attempts.map((one, index) => ({ ...one, attempt_id: `a${index + 1}` })),
    quality_gate_results: gates(),
  });
}

describe('The report of a run (row 205)', () => {
  it('is the tree of the requirements for their typical run: $0.422 in 1h 12min', () => {
    assert.equal(
      runTreeLines(runTree(typical(), END)).join('\n'),
      `Task: RAE-PHASE2-001 (high-risk core)
├─ Planning: claude-sonnet-4-5 ($0.01)
├─ Plan Review: gemini-2.0-pro ($0.002)
├─ Implementation: 10 steps
│   ├─ 8 steps: claude-sonnet-4-5 ($0.35)
│   ├─ 2 retries: ($0.04)
│   └─ Code Review: gemini-2.0-pro ($0.02)
├─ Quality Gate: pytest + mypy + ruff (passed)
└─ Total: $0.422 (1h 12min)

Saved to: .baton/state/RAE-PHASE2-001.json
Logged to: .baton/ORCHESTRATOR_RUN_LOG.md`,
    );
  });

  it('has the same figures as data, whose parts add up to the total', () => {
    const tree = runTree(typical(), END);
    const { planning, plan_review, implementation } = tree;
    const parts = [planning, plan_review, ...(implementation?.first_try ?? []), implementation?.retries, implementation?.code_review];
    assert.ok(Math.abs(parts.reduce((sum, one) => sum + (one?.cost_usd ?? 0), 0) - 0.422) < 1e-9);
    assert.equal(tree.duration_seconds, 4320);
    assert.deepEqual([implementation?.steps, implementation?.first_try[0]?.steps, implementation?.retries?.retries], [10, 8, 2]);
  });

  it('of a direct task has its one step and its agent where no model is known', () => {
    const record = task('one', { state: 'done', started_at: iso(T0), completed_at: iso(T0 + 45_000), steps: [step('implement')], attempts: [attempt({ step_id: 'implement', agent: 'codemod', cost_usd: null })], unpriced: true });
    assert.equal(runTreeLines(runTree(record, END)).slice(0, 4).join('\n'), 'Task: one (medium-risk)\n├─ Implementation: 1 step\n│   └─ 1 step: codemod (unpriced)\n└─ Total: unpriced (45s)');
  });

  it('of a task at work says how far it is, what failed and what it needs of a human', () => {
    const record = task('one', {
      state: 'awaiting_human_review',
      started_at: iso(T0),
      def: { risk: 'low', area: 'docs' },
      attempts: [call('planner', 'm', 0.01), call('planner', 'm', 0.01), call('plan_reviewer', 'm', 0.01)],
      plan_review: { status: 'approved', self_reviewed: true },
      quality_gate_results: gates(['mypy']),
      decisions: [decision({ question: 'Approve\nthe plan?' })],
    });
    assert.deepEqual(runTreeLines(runTree(record, T0 + 60_000)).slice(0, 6), [
      'Task: one (low-risk docs): awaiting human review',
      '├─ Planning: m, 2 attempts ($0.02)',
      '├─ Plan Review: m ($0.01) [self-reviewed]',
      '├─ Quality Gate: pytest + mypy + ruff (failed: mypy, round 1)',
      '├─ Needs you: Approve the plan?',
      '└─ Total: $0.03 (1min so far)',
    ]);
    assert.match(runTreeLines(runTree(task('new'), T0))[1] ?? '', /^└─ Total: \$0\.00 \(not started\)$/);
  });

  it('tells lengths of time for reading', () => assert.deepEqual([45, 720, 4320, 97_200, 192].map(formatSpan), ['45s', '12min', '1h 12min', '1d 3h', '3min 12s']));
});
