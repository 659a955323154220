import assert from 'node:assert/strict';
import type { StepState } from '../../../src/core/states.ts';
import { isQueued, isRunning, actionsOf, decisionFor } from '../../../src/vscode/model/actions.ts';
import { age, codeBlock, cost, escapeMarkdown, inlineCode, oneLine, withoutIcon } from '../../../src/vscode/model/format.ts';
import { queueGroup, taskContext, taskDescription, taskIcon, taskStateWord, taskTooltip } from '../../../src/vscode/model/taskItem.ts';
import { awaitingMerge, awaitingPermission, decision, everyState, running, started, taskView } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');

describe('A task in the queue', () => {
  it('shows step, live time and cost while it runs', () => {
    const steps = ['completed', 'implementing', 'pending'].map((state, index) => ({ step_id: `s${index}`, state: state as StepState, description: 'Part', attempt: 1 }));
    assert.equal(taskDescription(running('a', NOW, { steps }), NOW), 'step 2/3 · 3m12s · $0.08');
    assert.equal(taskDescription(running('a', NOW, { steps }), NOW + 48_000), 'step 2/3 · 4m · $0.08');
  });

  it('leaves a single step uncounted, since the side bar is narrow', () => {
    assert.equal(taskDescription(running('a', NOW), NOW), '3m12s · $0.08');
  });

  it('says the phase where it is not plain implementing', () => {
    assert.equal(taskDescription(running('a', NOW, { state: 'quality_gate' }), NOW), 'gates · 3m12s · $0.08');
    assert.equal(taskDescription(running('a', NOW, { state: 'planning', steps: [] }), NOW), 'planning · 3m12s · $0.08');
  });

  it('shows score and waiting time while it waits, and that it was placed by hand', () => {
    assert.equal(taskDescription(taskView('a', NOW, { position: 1, score: 4.2 }), NOW), 'score 4.2 · 12m');
    assert.equal(taskDescription(taskView('a', NOW, { position: 1, placed: true }), NOW), 'placed by hand · score 2.1 · 12m');
  });

  it('counts down to its next attempt while it is held, and else says why', () => {
    const held = taskView('a', NOW, { group: 'held', not_before: new Date(NOW + 65_000).toISOString() });
    assert.equal(taskDescription(held, NOW), 'in 1m5s · score 2.1');
    assert.equal(taskDescription(held, NOW + 60_000), 'in 5s · score 2.1');
    assert.equal(taskDescription(taskView('a', NOW, { group: 'held', why: 'Waits for b.' }), NOW), 'Waits for b. · score 2.1');
  });

  it('says what it needs of the user, and stays in the group of its state', () => {
    const asking = awaitingPermission('a', NOW, 'rm -rf build');
    assert.equal(queueGroup(asking), 'running');
    assert.match(taskDescription(asking, NOW), /^allow command\? · 3m12s/);
    const parked = awaitingMerge('b', NOW);
    assert.equal(queueGroup(parked), 'held');
    assert.equal(taskDescription(parked, NOW), 'approve merge · 12m');
  });

  it('never tells a state by colour alone: each has an icon of its own and a word for screen readers', () => {
    const tasks = everyState(NOW);
    const byWord = new Map(tasks.map((task) => [taskStateWord(task), taskIcon(task)]));
    assert.deepEqual([...byWord.keys()].sort(), ['cancelled', 'done', 'failed', 'held', 'needs you', 'running', 'waiting']);
    assert.equal(new Set([...byWord.values()].map(({ id }) => id)).size, byWord.size);
    assert.deepEqual(byWord.get('running'), { id: 'loading~spin', color: 'charts.green' });
    assert.deepEqual(byWord.get('waiting'), { id: 'circle-outline', color: 'charts.yellow' });
    assert.deepEqual(byWord.get('failed'), { id: 'error', color: 'testing.iconFailed' });
    assert.deepEqual(byWord.get('done'), { id: 'pass', color: 'testing.iconPassed' });
    assert.deepEqual(byWord.get('needs you'), { id: 'bell-dot', color: 'charts.orange' });
  });

  it('tells in its tooltip when it will probably start and be done, and nothing where that is unknown (row 73)', () => {
    const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();
    const estimate = (task: Parameters<typeof taskTooltip>[0]) => /Estimate:\*\* (.*)/.exec(taskTooltip(task, NOW))?.[1];
    assert.match(estimate(taskView('a', NOW, { eta_start: at(10), eta_done: at(70) })) ?? '', /^starts in 10m \(\d\d:40\) · done in 1h10m \(\d\d:40\)$/);
    assert.equal(estimate(taskView('a', NOW, { eta_start: at(0) })), 'starts now');
    assert.match(estimate(running('a', NOW, { eta_start: at(-5), eta_done: at(5) })) ?? '', /^done in 5m/);
    assert.equal(estimate(taskView('a', NOW)), undefined);
  });

  it('tells in its tooltip who takes the next attempt, why, for how much, and the cost against the budget (rows 178, 237)', () => {
    const routing = { role: 'code_reviewer' as const, agent: 'codex', model: null, reason: 'another model than the author', estimate: null, estimate_text: 'about $0.12 and 1m30s (median of 8 like attempts)', reserve_usd: 0.5 };
    const text = taskTooltip(started('a', NOW, { cost_usd: 0.5, budget_usd: 2, routing }), NOW).replaceAll('\\', '');
    assert.match(text, /\*\*Routing:\*\* code reviewer → codex: another model than the author; about \$0\.12 and 1m30s \(median of 8 like attempts\)/);
    assert.match(text, /\*\*Cost:\*\* \$0\.50 of \$2\.00/);
  });

  it('tells in its tooltip the score with its make-up, why it waits, agent, cost and branch (row 247)', () => {
    const tip = taskTooltip(awaitingMerge('pricing-fix', NOW), NOW).replaceAll('\\', '');
    assert.match(tip, /Waits for you: merge decision since 4m/);
    assert.match(tip, /\*\*Score:\*\* 2\.1; urgency 3 × 0\.4 = 1\.2; deadline/);
    assert.match(tip, /claude, claude-sonnet-4-6/);
    assert.match(tip, /\$0\.31/);
    assert.match(tip, /`baton\/pricing-fix` → `main`/);
  });

  it('lets neither goal nor output of an agent become markup', () => {
    const tip = taskTooltip(running('a', NOW, { goal: '[x](command:evil) **b** $(bug) <img src=x>', last_line: 'tick ` tack' }), NOW);
    assert.ok(!tip.includes('](command:evil)'));
    assert.ok(!/(?<!\\)<img/.test(tip));
    assert.ok(!/(?<!\\)\$\(bug/.test(tip));
    assert.ok(tip.includes('`` tick ` tack ``') || tip.includes('``tick ` tack``'));
  });

  it('says unpriced instead of $0, and marks a lower bound', () => {
    assert.equal(cost(0, true), 'unpriced');
    assert.equal(cost(0.42, true), '≥ $0.42');
    assert.equal(cost(0, false), '$0.00');
  });

  it('shows ages in their largest unit', () => {
    assert.deepEqual([30_000, 12 * 60_000, 3 * 3_600_000, 50 * 3_600_000].map(age), ['<1m', '12m', '3h', '2d']);
  });

  it('escapes what could end code or start Markdown', () => {
    assert.equal(inlineCode('a ``` b'), '````a ``` b````');
    assert.equal(escapeMarkdown('# a_b|c'), '\\# a\\_b\\|c');
  });

  it('shows a command as it runs: nothing in it reorders what is read or moves the cursor', () => {
    const spoofed = 'rm -rf \u202e/ \u2066\u001b[2K# harmless';
    const seen = 'rm -rf / [2K# harmless';
    assert.deepEqual([oneLine(spoofed), inlineCode(spoofed)], [seen, `\`${seen}\``]);
    for (const text of [escapeMarkdown(spoofed), codeBlock(`a\n\tb ${spoofed}`)]) assert.doesNotMatch(text, /[\u202a-\u202e\u2066-\u2069\u001b]/u);
    assert.equal(codeBlock('a\n\tb'), '```\na\n\tb\n```');
  });

  it('is told of in the engine’s words without the icon that a terminal shows', () => {
    assert.equal(withoutIcon('✅ Permission for a granted'), 'Permission for a granted');
    assert.equal(withoutIcon('↩ Task a goes back'), 'Task a goes back');
    assert.equal(withoutIcon('Task 3 runs next.'), 'Task 3 runs next.');
  });
});

describe('What may be done with a task', () => {
  it('is ordering only while it has a place in the queue', () => {
    const waiting = taskView('a', NOW, { position: 2 });
    assert.equal(isQueued(waiting), true);
    assert.deepEqual(actionsOf(waiting), ['cancel', 'runNext', 'move', 'openFile', 'delete']);
    assert.equal(isQueued(running('a', NOW)), false);
  });

  it('is a message, a transcript and the worktree while its agent runs', () => {
    assert.equal(isRunning(running('a', NOW)), true);
    assert.deepEqual(actionsOf(running('a', NOW)), ['review', 'report', 'transcript', 'worktree', 'cancel', 'message', 'takeOver', 'openFile']);
  });

  it('is a retry when it has failed or waits for its next attempt, and from scratch only when it has failed', () => {
    const failed = started('a', NOW, { state: 'failed', group: 'failed' });
    assert.ok(actionsOf(failed).includes('retry') && actionsOf(failed).includes('retryFresh'));
    assert.ok(!actionsOf(failed).includes('cancel'));
    const held = started('a', NOW, { state: 'implementing', group: 'held', not_before: new Date(NOW + 1).toISOString() });
    assert.ok(actionsOf(held).includes('retry') && !actionsOf(held).includes('retryFresh'));
  });

  it('is an answer to its oldest open decision that takes the verdict', () => {
    const task = awaitingPermission('a', NOW, 'ls');
    assert.equal(decisionFor(task, 'approve')?.kind, 'permission');
    assert.equal(decisionFor(task, 'request_changes'), undefined);
    assert.equal(decisionFor(awaitingMerge('b', NOW), 'request_changes')?.kind, 'merge');
    const closed = awaitingMerge('c', NOW, { decisions: [decision('c', NOW, { status: 'answered' })] });
    assert.equal(decisionFor(closed, 'approve'), undefined);
  });

  it('is deletion before it has begun and after it has ended', () => {
    assert.ok(actionsOf(started('a', NOW, { state: 'failed', group: 'failed' })).includes('delete'));
    assert.ok(!actionsOf(started('a', NOW, { state: 'implementing', group: 'held' })).includes('delete'));
  });

  it('is written into the context value that menus test', () => {
    assert.equal(taskContext(taskView('a', NOW, { position: 1, placed: true })), 'task waiting can-cancel can-runNext can-move can-clearPlace can-openFile can-delete');
  });
});
