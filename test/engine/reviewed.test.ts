import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TaskExecution } from '../../src/core/execution.ts';
import { isTaskEdge } from '../../src/core/states.ts';
import type { Command } from '../../src/shared/api.ts';
import { answer, byRole, makeEngine, type AgentScript, type EngineSetup, type TestEngine } from '../support/engine.ts';

const task = (more: Record<string, unknown> = {}) => ({ id: 'one', goal: 'Do one', risk: 'low', area: 'core', ...more }) as { id: string; goal: string };
const agents = {
  author: { driver: 'claude', model: 'author-1' },
  judge: { driver: 'claude', model: 'judge-1' },
};
const roles = { planner: 'author', plan_reviewer: 'judge', implementer: 'author', code_reviewer: 'judge' };
const twoSteps = { summary: 'Two steps', steps: [{ id: 'b', description: 'Second', dependencies: ['a'] }, { id: 'a', description: 'First' }] };

const make = (scripts: Parameters<typeof byRole>[0] = {}, { config = {}, ...setup }: EngineSetup = {}): Promise<TestEngine> =>
  makeEngine({ tasks: [task()], ...setup, config: { agents, roles, ...config }, agent: byRole(scripts) });
const started = async (...made: Parameters<typeof make>): Promise<TestEngine> => {
  const test = await make(...made);
  await test.engine.send({ type: 'start' });
  return test;
};
const states = (record: TaskExecution): string[] => record.history.map((entry) => entry.to);
const turns = (test: TestEngine): string[] => test.requests.map((one) => `${one.role}${one.step_id === null ? '' : ` ${one.step_id}`}`);
const decide = (verdict: 'approve' | 'reject' | 'request_changes', more: Partial<Extract<Command, { type: 'decide' }>> = {}): Command => ({ type: 'decide', task_id: 'one', verdict, by: 'me', via: 'cli', ...more });
/** Answers one after the other; the last one stands. */
const oneByOne = (...answers: unknown[]): AgentScript => {
  let next = 0;
  return () => {
    const now = answers[Math.min(next, answers.length - 1)];
    next += 1;
    return Promise.resolve(answer(now));
  };
};

describe('The reviewed workflow', function () {
  this.timeout(60_000);

  it('goes from the plan over its review, steps and their reviews and the gates to done (rows 170, 171, 173, 174, 175)', async () => {
    const test = await started({ planner: () => Promise.resolve(answer(twoSteps)) });
    const record = await test.untilState('one', 'done');
    assert.equal(record.workflow, 'reviewed');
    assert.match(record.workflow_reason, /states its risk \(low\) and its area \(core\)/);
    assert.deepEqual(states(record), ['new', 'planning', 'plan_review', 'plan_approved', 'implementing', 'code_review', 'implementing', 'code_review', 'quality_gate', 'done']);
    for (const { from, to } of record.history) assert.ok(from === null || isTaskEdge(from, to));
    assert.deepEqual(turns(test), ['planner', 'plan_reviewer', 'implementer a', 'code_reviewer a', 'implementer b', 'code_reviewer b']);
    assert.deepEqual(record.plan?.summary, 'Two steps');
    assert.deepEqual(record.steps.map(({ step_id, state, implementer_model, reviewer_model }) => [step_id, state, implementer_model, reviewer_model]), [
      ['a', 'completed', 'author-1', 'judge-1'],
      ['b', 'completed', 'author-1', 'judge-1'],
    ]);
    assert.equal(new Set(record.steps.map((step) => step.implementation?.commit)).size, 2);
    assert.equal(record.plan_review?.self_reviewed, false);
    assert.equal(readFileSync(path.join(test.repo.root, 'a-1.txt'), 'utf8'), 'one a3\n');
    // State files are written behind the commits, and all of them at the end.
    await test.close();
    const file = JSON.parse(readFileSync(path.join(test.batonDir, 'state', 'one.json'), 'utf8')) as TaskExecution;
    assert.equal(file.steps.length, 2);
  });

  it('gives each role its schema, and the reviewer the change and the step', async () => {
    const test = await started({ planner: () => Promise.resolve(answer(twoSteps)) });
    await test.untilState('one', 'done');
    const [planner, planReviewer, implementer, codeReviewer, , second] = test.requests;
    assert.deepEqual(planner?.output_schema?.['required'], ['steps'], 'planner');
    assert.deepEqual(planReviewer?.output_schema?.['required'], ['status']);
    assert.equal(implementer?.output_schema, undefined);
    assert.match(planReviewer.prompt, /"description": "Second"/);
    assert.match(codeReviewer?.prompt ?? '', /\+\+\+ b\/a-1\.txt/);
    assert.match(codeReviewer?.prompt ?? '', /This step \(a\)[\s\S]*First/);
    assert.doesNotMatch(second?.prompt ?? '', /a-1\.txt/);
    assert.equal(codeReviewer?.resume, null);
  });

  for (const status of ['rejected', 'needs_revision']) {
    it(`takes a plan that is ${status} back to the planner with the concerns, in its session (row 171)`, async () => {
      const test = await started({ plan_reviewer: oneByOne({ status, concerns: ['no tests'] }, { status: 'approved' }) });
      const record = await test.untilState('one', 'done');
      assert.deepEqual(turns(test).slice(0, 4), ['planner', 'plan_reviewer', 'planner', 'plan_reviewer']);
      assert.match(test.requests[2]?.prompt ?? '', /no tests/);
      assert.equal(test.requests[2]?.resume, 'session-one-planner-a1');
      assert.match(test.requests[3]?.prompt ?? '', /no tests/);
      assert.ok(states(record).includes('plan_rejected'));
    });
  }

  it('asks the human with the concerns after the third rejected plan; approving uses the plan (row 172)', async () => {
    const test = await started({ plan_reviewer: oneByOne({ status: 'rejected', concerns: ['it drops data'] }) });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(record.decisions[0]?.kind, 'plan');
    assert.match(record.decisions[0].question, /rejected 3 times[\s\S]*it drops data/);
    assert.equal(test.requests.filter((one) => one.role === 'planner').length, 3);
    await test.engine.send(decide('approve'));
    const done = await test.untilState('one', 'done');
    assert.deepEqual(done.steps.map((step) => step.step_id), ['only']);
  });

  it('counts anew after the human has asked for changes to a plan, which the next prompt has (row 223)', async () => {
    const test = await started({ plan_reviewer: oneByOne({ status: 'rejected', concerns: ['a'] }) });
    await test.untilState('one', 'awaiting_human_review');
    await test.engine.send(decide('request_changes', { text: 'Keep the old format' }));
    await test.until((snapshot) => snapshot.tasks[0]?.state === 'awaiting_human_review' && test.requests.length === 12);
    assert.match(test.requests[6]?.prompt ?? '', /Keep the old format/);
  });

  it('takes findings back to the implementer’s session with severity and place, and reviews again (row 174)', async () => {
    const finding = { severity: 'critical', file: 'only-1.txt', line: 1, description: 'wrong text' };
    const test = await started({ code_reviewer: oneByOne({ status: 'needs_changes', required_changes: [finding] }, { status: 'approved' }) });
    const record = await test.untilState('one', 'done');
    assert.deepEqual(turns(test).slice(2), ['implementer only', 'code_reviewer only', 'implementer only', 'code_reviewer only']);
    assert.match(test.requests[4]?.prompt ?? '', /\[critical\] only-1\.txt:1: wrong text/);
    assert.equal(test.requests[4]?.resume, 'session-one');
    assert.match(test.requests[5]?.prompt ?? '', /only-2\.txt[\s\S]*The last review[\s\S]*wrong text/);
    assert.equal(record.steps[0]?.attempt, 2);
    assert.equal(record.steps[0].code_review?.status, 'approved');
  });

  it('parks a high-risk core task whose code was rejected three times; the human approves the step (rows 174, 198)', async () => {
    const test = await started({ code_reviewer: oneByOne({ status: 'rejected', reasoning: 'unsafe' }) }, { tasks: [task({ risk: 'high' })], config: { approval: { plan: 'never' } } });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(record.decisions[0]?.kind, 'code_review');
    assert.match(record.decisions[0].question, /rejected 3 times[\s\S]*unsafe/);
    assert.equal(record.steps[0]?.state, 'rejected');
    assert.equal(test.requests.filter((one) => one.role === 'code_reviewer').length, 3);
    await test.engine.send(decide('approve'));
    const done = await test.untilState('one', 'done');
    assert.equal(done.steps[0]?.state, 'completed');
    assert.equal(test.requests.length, 8);
  });

  it('goes on with the human’s words and the findings when changes are requested, and counts anew', async () => {
    const test = await started({ code_reviewer: oneByOne({ status: 'rejected', reasoning: 'unsafe' }, { status: 'rejected' }, { status: 'rejected', reasoning: 'still unsafe' }, { status: 'approved' }) });
    await test.untilState('one', 'awaiting_human_review');
    await test.engine.send(decide('request_changes', { text: 'Lock the file' }));
    await test.untilState('one', 'done');
    assert.match(test.requests[8]?.prompt ?? '', /Lock the file[\s\S]*still unsafe/);
  });

  it('fails after three red gate rounds, with reviewed fix steps between (row 176)', async () => {
    const test = await started({}, { config: { gates: [{ name: 'no', run: 'test -z "$(ls | grep txt)"' }] } });
    const record = await test.untilState('one', 'failed');
    assert.equal(record.error?.kind, 'gates_failed');
    assert.deepEqual(record.steps.map((step) => step.step_id), ['only', 'fix-1', 'fix-2']);
    assert.deepEqual(turns(test).filter((turn) => turn.startsWith('code_reviewer')), ['code_reviewer only', 'code_reviewer fix-1', 'code_reviewer fix-2']);
  });

  it('does not take "done" without a change for done (row 233)', async () => {
    const test = await started({ implementer: () => Promise.resolve(undefined) });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(record.error?.kind, 'no_changes');
    assert.equal(test.requests.filter((one) => one.role === 'code_reviewer').length, 0);
  });

  it('sets aside what a planner or reviewer changed, so that nobody commits it', async () => {
    const test = await started({
      planner: async (agent) => {
        await agent.write({ 'stray.txt': 'x\n' });
        return answer({ steps: [{ id: 'only', description: 'Do it' }] });
      },
    });
    const record = await test.untilState('one', 'done');
    assert.equal(await test.repo.git('ls-tree', '--name-only', record.head_sha ?? '', 'stray.txt'), '');
  });
});

describe('The choice of the workflow', function () {
  this.timeout(60_000);
  for (const [what, definition, workflow] of [
    ['direct for a task that says neither risk nor area', { id: 'one', goal: 'Do one' }, 'direct'],
    ['reviewed for one that states its area', { id: 'one', goal: 'Do one', area: 'docs' }, 'reviewed'],
    ['direct where the task says so', task({ workflow: 'direct' }), 'direct'],
    ['reviewed where the task says so', { id: 'one', goal: 'Do one', workflow: 'reviewed' as const }, 'reviewed'],
  ] as const) {
    it(`is ${what}`, async () => {
      const test = await started({}, { tasks: [definition] });
      const record = await test.untilState('one', 'done');
      assert.equal(record.workflow, workflow);
      assert.notEqual(record.workflow_reason, '');
    });
  }

  it('is direct where nobody can plan: a program of the user does so only when it is named for it', async () => {
    const command = { agents: { tool: { driver: 'command', command: 'x' } }, roles: {} };
    const direct = await started({}, { config: command });
    const record = await direct.untilState('one', 'done');
    assert.equal(record.workflow, 'direct');
    assert.match(record.workflow_reason, /nobody can plan/);

    const reviewed = await started({}, { config: { ...command, roles: { planner: 'tool' } } });
    const planned = await reviewed.untilState('one', 'done');
    // Without reviewers the plan goes to work and its steps complete unreviewed.
    assert.deepEqual(states(planned), ['new', 'planning', 'plan_approved', 'implementing', 'quality_gate', 'done']);
  });

  it('holds a reviewed task that nobody can plan, and says what to do', async () => {
    const test = await started({}, { tasks: [task({ workflow: 'reviewed' })], config: { agents: { tool: { driver: 'command', command: 'x' } }, roles: {} } });
    const snapshot = await test.until((one) => one.tasks[0]?.group === 'held');
    assert.match(snapshot.tasks[0]?.why ?? '', /can be a planner; name one under roles/);
  });
});
