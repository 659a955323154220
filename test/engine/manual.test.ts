/** The manual tests of the requirements (part B, "Testing Phase 2"), done by the machine. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cli } from '../support/cli.ts';
import { answer, byRole, failure, makeEngine, type AgentScript, type TestEngine } from '../support/engine.ts';
import { buildEngineProcess, Sandbox } from '../support/kill/sandbox.ts';
import { keepTempDir } from '../support/tmp.ts';

const logIn = (batonDir: string): string => readFileSync(path.join(batonDir, 'ORCHESTRATOR_RUN_LOG.md'), 'utf8');
const linesOf = (log: string, category: string): string[] => log.split('\n').filter((line) => line.includes(`**${category}**`));

describe('Crash recovery test: TEST-001 (row 196)', function () {
  this.timeout(180_000);
  const kept = keepTempDir();

  before(async function () {
    if (process.platform !== 'linux') return void this.skip();
    await buildEngineProcess(path.join(kept.path, 'dist'));
  });
  after(() => kept.remove());

  it('resumes from its state after its process was killed in the middle, and its log closes the run that died', async () => {
    const sandbox = await Sandbox.create(path.join(kept.path, 'sandbox'), path.join(kept.path, 'dist'));
    sandbox.queue('TEST-001');
    await sandbox.killed({ hook: 'agent-edited' });
    assert.equal(sandbox.tasks()[0]?.state, 'implementing');
    // Everything exactly once, nothing left behind, the user's own files untouched.
    const [task] = await sandbox.finish();
    assert.equal(task?.state, 'done');
    const log = logIn(sandbox.batonDir);
    assert.match(log, /Stopped: Baton ended unexpectedly\n\n### Run Summary\n[\s\S]*\n## Run: [\s\S]*Task completed: done \(task=TEST-001/);
  });
});

describe('Retry test: RETRY-TEST-001 (row 197)', () => {
  it('is tried again with exponential backoff, and the log shows each wait', async () => {
    const work = byRole({});
    const unstable: AgentScript = (agent) =>
      agent.request.role === 'implementer' && agent.request.number <= 3 ? Promise.resolve(failure('unknown', 'The endpoint answered 503', { status: 503 })) : work(agent);
    const test = await makeEngine({
      driver: 'claude',
      config: { retry: { initial_backoff: 0.1, max_backoff: 60 } },
      tasks: [{ id: 'RETRY-TEST-001', goal: 'Call unstable API endpoint', risk: 'medium', area: 'api' }],
      agent: unstable,
    });
    await test.engine.send({ type: 'start' });
    const done = await test.untilState('RETRY-TEST-001', 'done');
    await test.close();
    assert.equal(done.workflow, 'reviewed');
    assert.deepEqual(
      linesOf(logIn(test.batonDir), 'retry').map((line) => line.replace(/^- `[\d:]+` /, '')),
      [2, 3, 4].map((attempt, index) => `⚠️ **retry**: ⚠️ Retry attempt ${attempt}/5 for step only: The endpoint answered 503 (task=RETRY-TEST-001, wait=${(0.1 * 2 ** index).toFixed(1)}s)`),
    );
    const tries = done.attempts.filter((one) => one.role === 'implementer');
    assert.deepEqual(tries.map((one) => one.outcome), ['failed', 'failed', 'failed', 'succeeded']);
    const waits = tries.slice(1).map((one, index) => Date.parse(one.started_at) - Date.parse(tries[index]?.ended_at ?? ''));
    for (const [index, wait] of waits.entries()) assert.ok(wait >= 100 * 2 ** index - 5, `wait ${index + 1} was ${wait} ms`);
  });
});

describe('Human review test: REVIEW-TEST-001 (row 198)', () => {
  it('is parked after three rejections, shows in the review, and goes on when it is approved', async () => {
    const test = await makeEngine({
      driver: 'claude',
      tasks: [{ id: 'REVIEW-TEST-001', goal: 'Modify critical core logic', risk: 'high', area: 'core' }],
      // Reviewed by another model than its author's: a self-review would go to the human at once.
      config: { agents: { author: { driver: 'claude', model: 'model-a' }, judge: { driver: 'codex', model: 'model-b' } }, roles: { planner: 'author', implementer: 'author', plan_reviewer: 'judge', code_reviewer: 'judge' } },
      agent: byRole({ code_reviewer: () => Promise.resolve(answer({ status: 'rejected', required_changes: [{ severity: 'critical', file: 'core.js', line: 7, description: 'No rollback' }] })) }),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('REVIEW-TEST-001', 'awaiting_human_review');
    // A high-risk plan is a human's to approve.
    assert.match((await cli(test.engine, ['task', 'REVIEW-TEST-001', '--approve'])).stdout, /^✅ Task REVIEW-TEST-001 approved - continuing implementation/);
    await test.until(({ tasks }) => tasks.some((one) => one.decisions.some((decision) => decision.kind === 'code_review' && decision.status === 'open')));
    const parked = await test.record('REVIEW-TEST-001');
    assert.equal(parked.attempts.filter((one) => one.role === 'code_reviewer').length, 3);

    const review = await cli(test.engine, ['review']);
    assert.match(review.stdout, /^🔍 1 task\(s\) need human review:\n\nTask ID: REVIEW-TEST-001\nGoal: Modify critical core logic\n/);
    assert.match(review.stdout, /rejected 3 times[\s\S]*No rollback/);
    const approved = await cli(test.engine, ['task', 'REVIEW-TEST-001', '--approve']);
    assert.equal(approved.code, 0);
    assert.match(approved.stdout, /^✅ Task REVIEW-TEST-001 approved - continuing implementation/);
    const done = await test.untilState('REVIEW-TEST-001', 'done');
    assert.deepEqual(done.steps.map((one) => one.state), ['completed']);
  });
});

describe('Run log test (rows 177, 193, 199)', () => {
  it('has all tasks, routing, calls with costs, gates, retries and the summary of a run', async () => {
    const test = await makeEngine({
      driver: 'claude',
      tasks: [
        { id: 'RAE-001', goal: 'Implement search strategies', risk: 'medium', area: 'core' },
        { id: 'RAE-002', goal: 'Document them', workflow: 'direct' },
      ],
      agent: async (agent) => {
        const { role, task_id: id, attempt_id: attempt } = agent.request;
        agent.say({ type: 'usage', usage: { input_tokens: 1000, output_tokens: 100, cache_read_tokens: 0, cache_write_tokens: 0 }, cost_usd: 0.0045, turns: 1 });
        if (role === 'planner') return answer({ steps: [{ id: 'S1', description: 'Search' }] });
        if (role !== 'implementer') return answer({ status: 'approved' });
        if (id === 'RAE-002' && attempt === 'a1') return failure('overloaded', 'Overloaded');
        // The first work of RAE-001 fails its gate, which its base passes.
        await agent.write({ [`${id}-${attempt}.txt`]: 'x\n' });
        return undefined;
      },
      config: { gates: [{ name: 'mypy', run: 'test "$(ls | grep -c RAE-001-)" -ne 1' }] },
    });
    await runToTheEnd(test);
    const log = logIn(test.batonDir);
    assert.match(log, /\*\*Tasks\*\*: RAE-001, RAE-002\n/);
    for (const id of ['RAE-001', 'RAE-002']) assert.match(log, new RegExp(`\\*\\*task\\*\\*: Task ${id} started: [\\s\\S]*✅ Task completed: done \\(task=${id}, duration=[\\d.]+s, cost=\\$[\\d.]+\\)`));
    assert.ok(linesOf(log, 'routing').some((line) => line.includes('Routing [planner] → agent: the first agent found (task=RAE-001)')), log);
    assert.ok(linesOf(log, 'llm_call').every((line) => /\(cost=\$0\.0045, [\d.]+s, 1000\+100 tokens\)/.test(line)), log);
    assert.match(log, /Quality Gate ❌ FAILED \(task=RAE-001, [\d.]+s\)\n {2}- ❌ mypy failed\n/);
    assert.match(log, /Quality Gate ✅ PASSED \(task=RAE-001/);
    assert.ok(linesOf(log, 'retry').length >= 2, log);
    const calls = linesOf(log, 'llm_call').length;
    assert.match(log, new RegExp(`### Run Summary\\n\\n\\*\\*Ended\\*\\*: [^\\n]+\\n\\n\\*\\*Total Duration\\*\\*: [\\d.]+s\\n\\*\\*Total Cost\\*\\*: \\$${String(calls * 0.0045)}\\n\\*\\*Tasks Completed\\*\\*: 2\\n\\*\\*Tasks Failed\\*\\*: 0\\n\\*\\*Tasks Needing Review\\*\\*: 0\\n`));
    assert.ok(existsSync(path.join(test.batonDir, 'state', 'RAE-001.json')));
  });
});

async function runToTheEnd(test: TestEngine): Promise<void> {
  await test.engine.send({ type: 'start' });
  await test.until(({ tasks }) => tasks.length === 2 && tasks.every((one) => one.state === 'done'));
  await test.engine.send({ type: 'stop' });
  await test.close();
}
