import assert from 'node:assert/strict';
import { TASK_STATES } from '../../../src/core/states.ts';
import { cli } from '../../support/cli.ts';
import { documentOf, summarySchema, tasksSchema } from '../../support/cliSchemas.ts';
import { AT, decision, MemoryEngine, taskView } from '../../support/memoryEngine.ts';

function phase2(): MemoryEngine {
  return new MemoryEngine([
    taskView('RAE-001', {
      goal: 'Implement search strategies',
      state: 'awaiting_human_review',
      error: 'Plan rejected by reviewer 3 times',
      decisions: [decision('d1', 'RAE-001', { kind: 'plan', question: 'Go on with the plan as it is?' })],
      cost_usd: 12,
    }),
    taskView('RAE-002', { goal: 'Add tests for vector store', state: 'implementing', cost_usd: 0.45 }),
    taskView('RAE-003', { goal: 'Update API documentation', state: 'code_review' }),
    taskView('RAE-004', { goal: 'Refactor context builder', state: 'quality_gate' }),
    taskView('RAE-005', { goal: 'Drop the shim', state: 'done' }),
    taskView('RAE-006', { goal: 'Speed up the index', state: 'failed', error: 'Gates failed 3 times' }),
  ]).record('RAE-001', {
    plan_review: { status: 'rejected', concerns: ['Missing error handling for edge cases', 'No rollback strategy defined'] },
  });
}

describe('baton summary', () => {
  it('prints the four figures as the requirements word them (row 158)', async () => {
    const { stdout } = await cli(phase2(), ['summary']);
    assert.equal(stdout, '📊 Orchestrator Summary\nTotal Tasks: 6\nActive Tasks: 3\nNeeds Human Review: 1\nTotal Cost: $12.45\n');
  });

  it('divides what was spent by agent, model, role, area and day with --cost, unpriced said (row 236)', async () => {
    const usage = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 };
    const share = (name: string, cost_usd: number, attempts = 1, unpriced = false) => ({ name, cost_usd, attempts, unpriced, usage });
    const shares = { agent: [share('claude', 1.2, 3), share('codemod', 0, 1, true)], model: [share('opus', 1.2, 3)], role: [share('implementer', 1.2, 4)], area: [share('core', 1.2, 4)], day: [share('2026-03-01', 0.5), share('2026-03-02', 1.2, 4)] };
    const engine = phase2();
    engine.update(() => ({ cost: { today_usd: 1.2, total_usd: 12.45, unpriced: true, budget_usd: 20, committed_usd: 1.7, shares } }));
    const { stdout } = await cli(engine, ['summary', '--cost']);
    assert.match(stdout, /\n\nToday: \$1\.20 \+ unpriced of \$20\.00, \$1\.70 with what is reserved\n\nToday by agent:\n {2}claude: \$1\.20 \(3 attempts\)\n {2}codemod: unpriced \(1 attempt\)\n/);
    assert.match(stdout, /By day \(UTC\):\n {2}2026-03-01: \$0\.50 \(1 attempt\)\n {2}2026-03-02: \$1\.20 \(4 attempts\)\n$/);
  });

  it('gives the documented JSON, with every state counted (row 74)', async () => {
    const summary = documentOf(summarySchema, (await cli(phase2(), ['summary', '--json'])).stdout);
    assert.deepEqual({ ...summary, by_state: undefined, cost: undefined }, { total_tasks: 6, active_tasks: 3, needs_human_review: 1, total_cost_usd: 12.45, unpriced: false, by_state: undefined, cost: undefined });
    assert.deepEqual(Object.keys(summary.by_state), [...TASK_STATES]);
    assert.equal(summary.by_state.done, 1);
  });

  it('never shows unpriced work as $0', async () => {
    const { stdout } = await cli(new MemoryEngine([taskView('a', { unpriced: true })]), ['summary']);
    assert.match(stdout, /Total Cost: unpriced\n/);
  });
});

describe('baton review', () => {
  it('prints id, goal, error, plan review status and concerns as the requirements word them (row 159)', async () => {
    const { stdout, code } = await cli(phase2(), ['review']);
    assert.equal(code, 0);
    assert.deepEqual(stdout.split('\n').slice(0, 9), [
      '🔍 1 task(s) need human review:',
      '',
      'Task ID: RAE-001',
      'Goal: Implement search strategies',
      'Error: Plan rejected by reviewer 3 times',
      'Plan Review Status: rejected',
      'Concerns:',
      '  - Missing error handling for edge cases',
      '  - No rollback strategy defined',
    ]);
    assert.match(stdout, /Decision: d1 \(plan, since 2026-03-02T10:00:00\.000Z\): Go on with the plan as it is\?/);
    assert.match(stdout, /Answer: baton task RAE-001 --approve \| --reject \| --request-changes TEXT/);
  });

  it('lists a task that asks for a permission while it keeps its state', async () => {
    const engine = new MemoryEngine([taskView('a', { state: 'implementing', decisions: [decision('d7', 'a', { kind: 'permission', question: 'Run rm -rf build?' })] })]);
    assert.match((await cli(engine, ['review'])).stdout, /Decision: d7 \(permission, .*Run rm -rf build\?/);
    const { tasks } = documentOf(tasksSchema, (await cli(engine, ['review', '--json'])).stdout);
    assert.deepEqual(tasks[0]?.decisions.map(({ id, kind }) => [id, kind]), [['d7', 'permission']]);
  });

  it('leaves out decisions that are settled', async () => {
    const engine = new MemoryEngine([taskView('a', { decisions: [decision('d1', 'a', { status: 'expired' })] })]);
    assert.equal((await cli(engine, ['review'])).stdout, '✅ No tasks need human review.\n');
    assert.deepEqual(documentOf(tasksSchema, (await cli(engine, ['review', '--json'])).stdout), { tasks: [] });
  });
});

describe('baton review with changes', () => {
  it('says what to look at first and why, in words and in the document (row 256)', async () => {
    const engine = new MemoryEngine([taskView('a', { state: 'awaiting_human_review', branch: 'baton/a', decisions: [decision('d1', 'a')] })]);
    engine.files = [
      { path: 'src/auth.ts', status: 'modified', added: 3, removed: 1, level: 'high', reason: 'csv-export changes it too' },
      { path: 'README.md', status: 'modified', added: 1, removed: 0, level: 'low', reason: 'documentation' },
    ];
    const { stdout } = await cli(engine, ['review']);
    assert.match(stdout, /Look first at:\n {2}- \[high\] src\/auth\.ts: csv-export changes it too\n {2}- \[low\] README\.md: documentation\n/);
    const { tasks } = documentOf(tasksSchema, (await cli(engine, ['review', '--json'])).stdout) as { tasks: { review_order?: unknown[] }[] };
    assert.deepEqual(tasks[0]?.review_order?.[0], { path: 'src/auth.ts', level: 'high', reason: 'csv-export changes it too', added: 3, removed: 1 });
    assert.match((await cli(engine, ['task', 'a'])).stdout, /Look first at:\n {2}\[high\] src\/auth\.ts: csv-export changes it too/);
  });
});

describe('baton review --interactive', () => {
  it('asks for each decision and sends what was typed (row 169)', async () => {
    const engine = new MemoryEngine([
      taskView('a', { state: 'awaiting_human_review', decisions: [decision('d1', 'a')] }),
      taskView('b', { state: 'awaiting_human_review', decisions: [decision('d2', 'b')] }),
      taskView('c', { state: 'awaiting_human_review', decisions: [decision('d3', 'c')] }),
      taskView('d', { state: 'awaiting_human_review', decisions: [decision('d4', 'd')] }),
    ]);
    const { stdout, code } = await cli(engine, ['review', '--interactive'], { typed: ['what', 'a', 'r', 'too risky', 'c', 'Add a test', ''] });
    assert.equal(code, 0);
    assert.deepEqual(
      engine.commands.map((command) => command.type === 'decide' && [command.decision_id, command.verdict, command.text, command.by, command.via]),
      [
        ['d1', 'approve', undefined, 'ada', 'cli'],
        ['d2', 'reject', 'too risky', 'ada', 'cli'],
        ['d3', 'request_changes', 'Add a test', 'ada', 'cli'],
      ],
    );
    assert.match(stdout, /Type a, r, c, s or q\./);
    assert.match(stdout, /✅ Task a approved - continuing implementation/);
    assert.match(stdout, /3 decisions answered\./);
  });

  it('answers nothing when Enter is pressed or the input ends', async () => {
    const engine = new MemoryEngine([taskView('a', { state: 'awaiting_human_review', decisions: [decision('d1', 'a'), decision('d2', 'a')] })]);
    const { stdout } = await cli(engine, ['review', '-i'], { typed: [''] });
    assert.deepEqual(engine.commands, []);
    assert.match(stdout, /0 decisions answered\./);
  });

  it('refuses --json, which could not ask', async () => {
    assert.equal((await cli(phase2(), ['review', '-i', '--json'])).code, 2);
  });

  it('allows always by the rule that it shows, and puts an agent’s own questions with their options', async () => {
    const questions = [{ question: 'Tabs or spaces?', options: [{ label: 'Tabs', description: 'one byte' }, { label: 'Spaces' }] }];
    const engine = new MemoryEngine([
      taskView('a', { state: 'implementing', decisions: [decision('d1', 'a', { kind: 'permission', detail: { rule: { tool: 'Bash', pattern: 'npm test', then: 'allow' } } })] }),
      taskView('b', { state: 'implementing', decisions: [decision('d2', 'b', { kind: 'permission', detail: { tool: 'AskUserQuestion', input: { questions } } })] }),
      taskView('c', { state: 'implementing', decisions: [decision('d3', 'c', { kind: 'permission', detail: {} })] }),
    ]);
    const { stdout } = await cli(engine, ['review', '-i'], { typed: ['c', 'p', '2', 't', 'r', 'not now'] });
    assert.match(stdout, /always in this re\[p\]ository \(\{tool: Bash, pattern: npm test, then: allow\}\)/);
    assert.match(stdout, /Tabs or spaces\?\n {2}1\. Tabs: one byte\n {2}2\. Spaces\n/);
    assert.deepEqual(
      engine.commands.map((command) => (command.type === 'decide' ? [command.verdict, command.always, command.input, command.text] : [])),
      [
        ['approve', 'repository', undefined, undefined],
        ['approve', undefined, { questions, answers: { 'Tabs or spaces?': 'Spaces' } }, undefined],
        ['reject', undefined, undefined, 'not now'],
      ],
    );
  });

  it('is the way in a terminal, unless only a list or a document is wanted (row 169)', async () => {
    const engine = () => new MemoryEngine([taskView('a', { state: 'awaiting_human_review', decisions: [decision('d1', 'a')] })]);
    const asked = engine();
    assert.match((await cli(asked, ['review'], { isInteractive: true, typed: ['a'] })).stdout, /1 decision answered/);
    assert.equal(asked.commands.length, 1);
    for (const argv of [['review', '--no-interactive'], ['review', '--json']]) {
      const listed = engine();
      await cli(listed, argv, { isInteractive: true, typed: ['a'] });
      assert.equal(listed.commands.length, 0, argv.join(' '));
    }
  });
});

describe('baton active', () => {
  it('says when a task will probably be done, where that is known (row 73)', async () => {
    const engine = new MemoryEngine([taskView('a', { state: 'implementing', eta_start: AT, eta_done: '2026-03-02T10:12:00.000Z' })]);
    assert.match((await cli(engine, ['active'])).stdout, /\[implementing\] a: Goal of a \(done in 12m\)\n/);
    const soon = new MemoryEngine([taskView('a', { state: 'implementing', eta_start: AT, eta_done: AT })]);
    assert.match((await cli(soon, ['active'])).stdout, /Goal of a \(done soon\)\n/);
    assert.match((await cli(engine, ['task', 'a'])).stdout, /\nEstimate: starts 2026-03-02T10:00:00\.000Z, done 2026-03-02T10:12:00\.000Z\n/);
  });

  it('prints [state] id: goal (row 163)', async () => {
    const { stdout } = await cli(phase2(), ['active']);
    assert.equal(
      stdout,
      '🔄 3 active task(s):\n  [implementing] RAE-002: Add tests for vector store\n  [code_review] RAE-003: Update API documentation\n  [quality_gate] RAE-004: Refactor context builder\n',
    );
  });

  it('paints running states green on a terminal (row 22)', async () => {
    assert.match((await cli(phase2(), ['active'], { isTTY: true })).stdout, /\x1b\[32m\[implementing\]\x1b\[39m RAE-002/);
  });

  it('says so when there is none, and gives the documented JSON', async () => {
    assert.equal((await cli(new MemoryEngine(), ['active'])).stdout, 'No active tasks.\n');
    const { tasks } = documentOf(tasksSchema, (await cli(phase2(), ['active', '--json'])).stdout);
    assert.deepEqual(tasks.map((task) => task.id), ['RAE-002', 'RAE-003', 'RAE-004']);
  });
});

describe('baton list-tasks', () => {
  it('prints all tasks with cost and error (row 164)', async () => {
    const { stdout } = await cli(phase2(), ['list-tasks']);
    assert.match(stdout, /^📋 6 task\(s\):\n {2}\[awaiting_human_review\] RAE-001: Implement search strategies \(\$12\.00\) - Plan rejected/);
    assert.equal(stdout.split('\n').length, 8);
  });

  for (const [asked, row, ids] of [
    ['done', 165, ['RAE-005']],
    ['failed', 166, ['RAE-006']],
    ['awaiting_human', 167, ['RAE-001']],
    ['awaiting_human_review', 167, ['RAE-001']],
    ['planning', 164, []],
  ] as const) {
    it(`filters by --state ${asked} (row ${row})`, async () => {
      const { tasks } = documentOf(tasksSchema, (await cli(phase2(), ['list-tasks', '--state', asked, '--json'])).stdout);
      assert.deepEqual(tasks.map((task) => task.id), [...ids]);
    });
  }

  for (const state of TASK_STATES) {
    it(`shows a task in ${state}`, async () => {
      const engine = new MemoryEngine([taskView('x', { state }), taskView('y', { state: state === 'new' ? 'done' : 'new' })]);
      const { stdout } = await cli(engine, ['list-tasks', '--state', state]);
      assert.equal(stdout, `📋 1 task(s) in ${state}:\n  [${state}] x: Goal of x\n`);
    });
  }

  it('refuses a state that does not exist and names those that do', async () => {
    const { code, stderr } = await cli(phase2(), ['list-tasks', '--state', 'sleeping']);
    assert.equal(code, 2);
    assert.match(stderr, /^baton: "sleeping" is no task state\. Use one of new, planning, .*\n$/);
  });

  it('cannot be made to print escape sequences by a task', async () => {
    const engine = new MemoryEngine([taskView('x', { goal: 'Fix\x1b[2J it\nnow', error: 'bad\x1b]0;title\x07' })]);
    assert.doesNotMatch((await cli(engine, ['list-tasks'])).stdout, /\x1b|\x07/);
  });
});
