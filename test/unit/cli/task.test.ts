import assert from 'node:assert/strict';
import type { BudgetDetail } from '../../../src/core/budget.ts';
import { BatonError } from '../../../src/core/errors.ts';
import { STEP_STATES, TASK_STATES } from '../../../src/core/states.ts';
import type { Command } from '../../../src/shared/api.ts';
import { cli } from '../../support/cli.ts';
import { changeSchema, documentOf, errorSchema, taskSchema } from '../../support/cliSchemas.ts';
import { AT, decision, MemoryEngine, taskView } from '../../support/memoryEngine.ts';
import { attempt } from '../../support/tasks.ts';

function parked(kind: Parameters<typeof decision>[2] = {}): MemoryEngine {
  return new MemoryEngine([
    taskView('RAE-001', { state: 'awaiting_human_review', decisions: [decision('d1', 'RAE-001', { kind: 'plan', resume_state: 'implementing', ...kind })] }),
  ]);
}

const decisionOf = (command: Command | undefined) => (command?.type === 'decide' ? command : assert.fail('no decision was sent'));

describe('baton task ID', () => {
  it('prints the task, its steps, gates, decisions and history (row 160)', async () => {
    const view = taskView('RAE-001', {
      goal: 'Implement search',
      state: 'code_review',
      agent: 'claude',
      model: 'claude-sonnet',
      branch: 'baton/RAE-001',
      target_branch: 'main',
      cost_usd: 0.38,
      components: { urgency: 4, deadline: 1, sender: 5, age_boost: 0.25, vip_bonus: 10 },
      score: 13.65,
    });
    const step = { attempt: 2, max_attempts: 3, implementation: null, code_review: null, error: null, started_at: null, completed_at: null, implementer_model: null, reviewer_model: null };
    const engine = new MemoryEngine([view]).record('RAE-001', {
      plan: { steps: [{ id: 'S1', description: 'Parse the query' }] },
      steps: [{ step_id: 'S1', state: 'code_review', definition: { id: 'S1', description: 'Parse the query' }, ...step }],
      quality_gate_results: [
        {
          round: 1,
          subject: 'branch',
          checks: [{ name: 'test', status: 'failed', required: true, command: 'npm test', exit_code: 1, seconds: 3.21, message: '1 of 4 failed', details: '', log: null, tree_sha: 'f'.repeat(40) }],
          passed: false,
          can_merge: false,
          tree_sha: 'f'.repeat(40),
          base_sha: 'e'.repeat(40),
          at: AT,
        },
      ],
      history: [{ from: null, to: 'new', at: AT, why: 'queued' }, { from: 'new', to: 'implementing', at: AT, why: 'next in the queue' }],
    });
    const { stdout, code } = await cli(engine, ['task', 'RAE-001']);
    assert.equal(code, 0);
    assert.equal(
      stdout,
      [
        'Task ID: RAE-001',
        'Goal: Implement search',
        'State: code_review',
        'Why: Next to start.',
        'Score: 13.65 = urgency 4, deadline 1, sender 5, age +0.25, VIP +10',
        'Risk: medium',
        'Area: unknown',
        'Workflow: direct (the task states neither risk nor area)',
        'Source: .baton/tasks/RAE-001.md:1',
        'Agent: claude (claude-sonnet)',
        'Branch: baton/RAE-001 -> main',
        'Cost: $0.38',
        'Retries: 0 of 4',
        'Plan:',
        '  S1: Parse the query',
        'Steps:',
        '  [code_review] S1: Parse the query (attempt 2 of 3)',
        'Gates (round 1, branch, tree ffffffffff):',
        '  ❌ test: npm test (exit 1, 3.2s) 1 of 4 failed',
        'History:',
        '  2026-03-02T10:00:00.000Z new: queued',
        '  2026-03-02T10:00:00.000Z new -> implementing: next in the queue',
        '',
      ].join('\n'),
    );
  });

  for (const state of TASK_STATES) {
    it(`shows a task in ${state}`, async () => {
      const engine = new MemoryEngine([taskView('x', { state, error: state === 'failed' ? 'Gates failed 3 times' : null })]);
      const { stdout } = await cli(engine, ['task', 'x']);
      assert.match(stdout, new RegExp(`\\nState: ${state}\\n`));
      assert.equal(stdout.includes('Error: Gates failed 3 times'), state === 'failed');
      assert.equal(documentOf(taskSchema, (await cli(engine, ['task', 'x', '--json'])).stdout).state, state);
    });
  }

  for (const state of STEP_STATES) {
    it(`shows a step in ${state}`, async () => {
      const step = { step_id: 'S1', state, attempt: 1, max_attempts: 3, definition: { id: 'S1', description: 'Do it' }, implementation: null, code_review: null, error: null, started_at: null, completed_at: null, implementer_model: null, reviewer_model: null };
      const engine = new MemoryEngine([taskView('x')]).record('x', { steps: [step] });
      assert.match((await cli(engine, ['task', 'x'])).stdout, new RegExp(`\\[${state}\\] S1: Do it \\(attempt 1 of 3\\)`));
    });
  }

  it('finds a task without regard to case', async () => {
    assert.match((await cli(parked(), ['task', 'rae-001'])).stdout, /Task ID: RAE-001/);
  });

  it('says what to do about an unknown id', async () => {
    const { code, stderr, stdout } = await cli(parked(), ['task', 'RAE-9']);
    assert.deepEqual([code, stderr, stdout], [1, 'baton: There is no task "RAE-9" in repo. Run "baton list-tasks" to see their ids.\n', '']);
    assert.equal(documentOf(errorSchema, (await cli(parked(), ['task', 'RAE-9', '--json'])).stdout).error.kind, 'not_found');
  });
});

describe('baton task ID --approve', () => {
  it('answers the oldest open decision, with the exact message, and the task goes on (row 161)', async () => {
    const engine = parked();
    const { stdout, code } = await cli(engine, ['task', 'RAE-001', '--approve']);
    assert.equal(code, 0);
    assert.equal(stdout, '✅ Task RAE-001 approved - continuing implementation\n');
    assert.deepEqual({ ...decisionOf(engine.commands[0]), text: undefined }, { type: 'decide', task_id: 'RAE-001', decision_id: 'd1', verdict: 'approve', text: undefined, by: 'ada', via: 'cli' });
    assert.equal((await engine.snapshot()).tasks[0]?.state, 'implementing');
  });

  it('picks the oldest of several, whatever their order, and the named one with --decision', async () => {
    const two = () =>
      new MemoryEngine([
        taskView('a', { state: 'implementing', decisions: [decision('new', 'a', { kind: 'permission', since: '2026-03-02T12:00:00.000Z' }), decision('old', 'a', { kind: 'permission' })] }),
      ]);
    const oldest = two();
    await cli(oldest, ['task', 'a', '--approve']);
    assert.equal(decisionOf(oldest.commands[0]).decision_id, 'old');
    const named = two();
    await cli(named, ['task', 'a', '--approve', '--decision', 'new']);
    assert.equal(decisionOf(named.commands[0]).decision_id, 'new');
  });

  it('names the open decisions when the named one is none', async () => {
    const { code, stderr } = await cli(parked(), ['task', 'RAE-001', '--approve', '--decision', 'd9']);
    assert.deepEqual([code, stderr], [1, 'baton: Task RAE-001 has no open decision "d9". Open: d1.\n']);
  });

  it('fails when the task asks nothing', async () => {
    const { code, stderr } = await cli(new MemoryEngine([taskView('a', { state: 'implementing' })]), ['task', 'a', '--approve']);
    assert.deepEqual([code, stderr], [1, 'baton: Task a (implementing) asks nothing of you now. "baton review" lists the open decisions.\n']);
  });

  it('allows exactly that from now on with --always, and shows the rule; with --dry-run before anything is written (row 249)', async () => {
    const rule = { tool: 'Bash', pattern: 'npm test', then: 'allow' };
    const asking = () => new MemoryEngine([taskView('a', { state: 'implementing', decisions: [decision('d1', 'a', { kind: 'permission', question: 'Allow Bash: npm test?', detail: { rule } })] })]);
    const dry = await cli(asking(), ['task', 'a', '--approve', '--always', 'repository', '--dry-run']);
    assert.equal(dry.stdout, 'Dry run: Would approve decision d1 (permission) of task a: Allow Bash: npm test? From now on in this repository: {tool: Bash, pattern: npm test, then: allow}\n');
    const engine = asking();
    const { stdout } = await cli(engine, ['task', 'a', '--approve', '--always', 'repository']);
    assert.match(stdout, /Rule: \{tool: Bash, pattern: npm test, then: allow\}/);
    assert.equal(decisionOf(engine.commands[0]).always, 'repository');
    const none = await cli(parked(), ['task', 'RAE-001', '--approve', '--always', 'task']);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no rule is as narrow/);
    assert.equal((await cli(asking(), ['task', 'a', '--reject', '--always', 'task'])).code, 2);
    assert.equal((await cli(asking(), ['task', 'a', '--approve', '--always', 'ever'])).code, 2);
  });

  it('answers an agent’s question with --answer, by words or by number, and never by a bare yes', async () => {
    const questions = [{ question: 'Tabs or spaces?', options: [{ label: 'Tabs' }, { label: 'Spaces' }] }, { question: 'How many?', options: [] }];
    const asking = () => new MemoryEngine([taskView('a', { state: 'implementing', decisions: [decision('d1', 'a', { kind: 'permission', detail: { tool: 'AskUserQuestion', input: { questions } } })] })]);
    const engine = asking();
    assert.equal((await cli(engine, ['task', 'a', '--answer', '2', '--answer', 'four'])).code, 0);
    assert.deepEqual(decisionOf(engine.commands[0]).input, { questions, answers: { 'Tabs or spaces?': 'Spaces', 'How many?': 'four' } });
    const bare = await cli(asking(), ['task', 'a', '--approve']);
    assert.equal(bare.code, 2);
    assert.match(bare.stderr, /asks 2 questions, and each needs an answer.*Tabs or spaces\? How many\?/);
    assert.match((await cli(parked(), ['task', 'RAE-001', '--answer', 'x'])).stderr, /is no question of an agent/);
  });

  it('approves an edited plan with --plan FILE, and a plan only (row 223)', async () => {
    const engine = parked();
    await cli(engine, ['task', 'RAE-001', '--approve', '--plan', 'plan.yaml']);
    assert.deepEqual(decisionOf(engine.commands[0]).input, { file: 'plan.yaml', steps: [] });
    const merge = await cli(parked({ kind: 'merge' }), ['task', 'RAE-001', '--approve', '--plan', 'plan.yaml']);
    assert.equal(merge.code, 2);
    assert.match(merge.stderr, /is a merge/);
  });

  it('says that nobody runs when it applied the answer itself', async () => {
    const { stdout, closed } = await cli(parked(), ['task', 'RAE-001', '--approve'], { role: 'leader' });
    assert.match(stdout, /No Baton runs on this repository now; it goes on with "baton run" or in VS Code\.\n$/);
    assert.equal(closed, 1);
  });
});

describe('baton task ID --reject', () => {
  it('fails the task, with the exact message and the reason (row 162)', async () => {
    const engine = parked();
    const { stdout } = await cli(engine, ['task', 'RAE-001', '--reject', '--reason', 'wrong direction']);
    assert.equal(stdout.split('\n')[0], '❌ Task RAE-001 rejected and marked as failed');
    assert.equal(decisionOf(engine.commands[0]).text, 'wrong direction');
    assert.equal((await engine.snapshot()).tasks[0]?.state, 'failed');
  });

  it('denies only the call when the decision is a permission', async () => {
    const engine = new MemoryEngine([taskView('a', { state: 'implementing', decisions: [decision('d1', 'a', { kind: 'permission' })] })]);
    const { stdout } = await cli(engine, ['task', 'a', '--reject']);
    assert.equal(stdout.split('\n')[0], '❌ Permission for a denied');
    assert.equal((await engine.snapshot()).tasks[0]?.state, 'implementing');
  });
});

describe('baton task ID --request-changes', () => {
  it('sends the text back', async () => {
    const engine = parked();
    const { stdout } = await cli(engine, ['task', 'RAE-001', '--request-changes', 'Handle empty input']);
    assert.match(stdout, /^↩ Task RAE-001 goes back to work with your changes\n/);
    assert.deepEqual([decisionOf(engine.commands[0]).verdict, decisionOf(engine.commands[0]).text], ['request_changes', 'Handle empty input']);
  });

  it('reads a long text from standard input', async () => {
    const engine = parked();
    await cli(engine, ['task', 'RAE-001', '--request-changes', '-'], { stdin: 'First line\nsecond line\n' });
    assert.equal(decisionOf(engine.commands[0]).text, 'First line\nsecond line');
  });

  it('refuses an empty text', async () => {
    const engine = parked();
    assert.equal((await cli(engine, ['task', 'RAE-001', '--request-changes', ' '])).code, 2);
    assert.deepEqual(engine.commands, []);
  });
});

describe('baton task ID --retry and --cancel', () => {
  it('runs a failed task again, from the start with --fresh', async () => {
    const engine = new MemoryEngine([taskView('a', { state: 'failed', error: 'x' })]);
    assert.match((await cli(engine, ['task', 'a', '--retry', '--fresh'])).stdout, /^Task a is queued again\.\n/);
    assert.deepEqual(engine.commands, [{ type: 'retry', task_id: 'a', fresh: true }]);
  });

  it('refuses to retry a task that has not failed', async () => {
    const { code, stderr } = await cli(new MemoryEngine([taskView('a', { state: 'done' })]), ['task', 'a', '--retry']);
    assert.equal(code, 1);
    assert.match(stderr, /^baton: Task a is done, and only a failed task can be retried\./);
  });

  it('cancels with a reason', async () => {
    const engine = new MemoryEngine([taskView('a', { state: 'implementing' })]);
    assert.match((await cli(engine, ['task', 'a', '--cancel', '--reason', 'duplicate'])).stdout, /^Cancelled a\./);
    assert.deepEqual(engine.commands, [{ type: 'cancel', task_id: 'a', reason: 'duplicate' }]);
  });
});

describe('an answer that the engine refuses (SPEC 20)', () => {
  it('is an error that says what to do, in words and in JSON', async () => {
    const refusing = () => {
      const engine = parked();
      engine.onCommand = () => {
        throw new BatonError('refused', 'A decision on task RAE-001 was refused: it came from a process that an agent of Baton started.', { hint: 'Decide in VS Code, or run the baton command in a terminal of your own.' });
      };
      return engine;
    };
    const { code, stderr } = await cli(refusing(), ['task', 'RAE-001', '--approve']);
    assert.equal(code, 1);
    assert.equal(stderr, 'baton: A decision on task RAE-001 was refused: it came from a process that an agent of Baton started. Decide in VS Code, or run the baton command in a terminal of your own.\n');
    assert.equal(documentOf(errorSchema, (await cli(refusing(), ['task', 'RAE-001', '--reject', '--json'])).stdout).error.kind, 'refused');
  });
});

describe('baton task: wrong use and dry runs', () => {
  for (const argv of [
    ['--approve', '--reject'],
    ['--retry', '--cancel'],
    ['--fresh'],
    ['--decision', 'd1'],
    ['--retry', '--reason', 'x'],
    ['--budget', '5'],
    ['--reject', '--cheaper'],
    ['--approve', '--budget', '5'],
    ['--approve', '--budget', 'much'],
  ]) {
    it(`refuses ${argv.join(' ')}`, async () => {
      const engine = parked();
      const { code, stderr } = await cli(engine, ['task', 'RAE-001', ...argv]);
      assert.equal(code, 2);
      assert.match(stderr, /^baton: .+\n$/);
      assert.deepEqual(engine.commands, []);
    });
  }

  for (const [argv, said] of [
    [['--approve'], /^Dry run: Would approve decision d1 \(plan\) of task RAE-001: Merge 2 files into main\?\n$/],
    [['--reject'], /^Dry run: Would reject decision d1/],
    [['--cancel'], /^Dry run: Would cancel task RAE-001 \(awaiting_human_review\)\.\n$/],
  ] as const) {
    it(`changes nothing with ${argv.join(' ')} --dry-run (row 59)`, async () => {
      const engine = parked();
      const { stdout } = await cli(engine, ['task', 'RAE-001', ...argv, '--dry-run']);
      assert.match(stdout, said);
      assert.deepEqual(engine.commands, []);
      const { dry_run } = documentOf(changeSchema, (await cli(engine, ['task', 'RAE-001', ...argv, '--dry-run', '--json'])).stdout);
      assert.equal(dry_run, true);
    });
  }
});

describe('baton task ID, over its budget (row 237)', () => {
  const detail: BudgetDetail = { scope: 'task', area: null, day: null, limit_usd: 2, spent_usd: 1.9, reserve_usd: 0.5, suggested_usd: 3, cheaper: 'claude, small' };
  const over = (): MemoryEngine => parked({ kind: 'budget', detail });

  it('is raised to what the question says, to an amount, or goes on with a cheaper model', async () => {
    for (const [argv, input] of [
      [['--approve'], undefined],
      [['--approve', '--budget', '$5'], { budget_usd: 5 }],
      [['--approve', '--cheaper'], { cheaper: true }],
      [['--approve', '--budget', '4', '--cheaper'], { budget_usd: 4, cheaper: true }],
    ] as const) {
      const engine = over();
      assert.equal((await cli(engine, ['task', 'RAE-001', ...argv])).code, 0);
      assert.deepEqual(decisionOf(engine.commands[0]).input, input);
    }
  });

  it('takes an amount, a cheaper model or a refusal in the interactive review', async () => {
    for (const [typed, verdict, input] of [
      [['1', '5'], 'approve', { budget_usd: 5 }],
      [['c'], 'approve', { cheaper: true }],
      [['a'], 'approve', undefined],
      [['r', 'enough'], 'reject', undefined],
    ] as const) {
      const engine = over();
      const { stdout } = await cli(engine, ['review', '-i'], { typed });
      assert.match(stdout, /Answer: baton task RAE-001 --approve \[--budget USD \| --cheaper\] \| --reject/);
      const sent = decisionOf(engine.commands[0]);
      assert.deepEqual([sent.verdict, sent.input], [verdict, input]);
    }
  });

  it('shows the cost against its budget, by step, and who goes on and why (rows 178, 236)', async () => {
    const view = taskView('RAE-001', {
      cost_usd: 1.9,
      budget_usd: 2,
      steps: [{ step_id: 'S1', state: 'completed', description: 'Do it', attempt: 1, cost_usd: 0.4, unpriced: true }],
      routing: { role: 'implementer', agent: 'claude', model: 'opus', reason: 'High-risk core', estimate: null, estimate_text: 'about $0.20 and 3m (median of 4 like attempts)', reserve_usd: 0.5 },
    });
    const step = { step_id: 'S1', state: 'completed' as const, definition: { id: 'S1', description: 'Do it' }, attempt: 1, max_attempts: 3, implementation: null, code_review: null, error: null, started_at: null, completed_at: null, implementer_model: null, reviewer_model: null };
    const { stdout } = await cli(new MemoryEngine([view]).record('RAE-001', { steps: [step] }), ['task', 'RAE-001']);
    assert.match(stdout, /^Cost: \$1\.90 of \$2\.00$/m);
    assert.match(stdout, /^Routing: implementer → opus: High-risk core; about \$0\.20 and 3m \(median of 4 like attempts\)$/m);
    assert.match(stdout, /S1: Do it \(attempt 1 of 3, \$0\.40 \+ unpriced\)/);
  });
});

describe('baton report ID (row 205)', () => {
  it('prints the run as a tree, and as data with --json', async () => {
    const attempts = [attempt({ role: 'planner', model: 'sonnet', cost_usd: 0.01 }), attempt({ attempt_id: 'a2', step_id: 'S1', model: 'sonnet', cost_usd: 0.2 })];
    const engine = (): MemoryEngine => new MemoryEngine([taskView('RAE-001', { state: 'done', completed_at: AT })]).record('RAE-001', { attempts });
    const { stdout, code } = await cli(engine(), ['report', 'rae-001']);
    assert.equal(code, 0);
    assert.match(stdout, /^Task: RAE-001 \(medium-risk\)\n├─ Planning: sonnet \(\$0\.01\)\n├─ Implementation: 1 step\n│ {3}└─ 1 step: sonnet \(\$0\.20\)\n└─ Total: \$0\.21 \(not started\)\n\nSaved to: \.baton\/state\/RAE-001\.json\nLogged to: \.baton\/ORCHESTRATOR_RUN_LOG\.md\n$/);
    const document = JSON.parse((await cli(engine(), ['report', 'RAE-001', '--json'])).stdout) as Record<string, unknown>;
    assert.equal(document['total_cost_usd'], 0.21);
    assert.equal((await cli(engine(), ['report', 'none'])).code, 1);
    assert.equal((await cli(engine(), ['report', 'RAE-001', '--dry-run'])).code, 2);
  });
});
