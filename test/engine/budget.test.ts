import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openStore } from '../../src/adapters/store/store.ts';
import { budgetDetail } from '../../src/core/budget.ts';
import type { Decision, Verdict } from '../../src/core/execution.ts';
import { answer, byRole, failure, makeEngine, quietLog, type AgentAtWork, type AgentScript, type EngineSetup, type TestEngine } from '../support/engine.ts';

const NONE = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 };
const spends = (agent: AgentAtWork, usd: number): void => agent.say({ type: 'usage', usage: { ...NONE, output_tokens: 100 }, cost_usd: usd, turns: 1 });

const writes: AgentScript = async (agent) => {
  await agent.write({ [`${agent.request.task_id}-${agent.request.attempt_id}.txt`]: 'x\n' });
  return undefined;
};

/** Every attempt costs what its role costs; the implementer writes a file. */
function costing(usd: number | Partial<Record<string, number>>, then: AgentScript = byRole({ implementer: writes })): AgentScript {
  return (agent) => {
    spends(agent, typeof usd === 'number' ? usd : (usd[agent.request.role] ?? 0));
    return then(agent);
  };
}
const planned = (...steps: string[]): AgentScript => byRole({ planner: () => Promise.resolve(answer({ steps: steps.map((id) => ({ id, description: `Do ${id}` })) })) });
const engine = (setup: EngineSetup): Promise<TestEngine> => makeEngine({ driver: 'claude', ...setup });
const reviewed = { id: 'one', goal: 'Do one', workflow: 'reviewed' as const };
const direct = (id: string) => ({ id, goal: `Do ${id}`, workflow: 'direct' as const });

async function asked(test: TestEngine): Promise<{ task: string; decision: Decision }[]> {
  const { tasks } = await test.engine.snapshot();
  return tasks.flatMap((task) => task.decisions.filter((one) => one.kind === 'budget').map((decision) => ({ task: task.id, decision })));
}
const decide = (test: TestEngine, task: string, verdict: Verdict, input?: Record<string, unknown>) => test.engine.send({ type: 'decide', task_id: task, verdict, by: 'ada', via: 'cli', input });

describe('A task’s budget (row 237)', () => {
  it('parks the task with one decision before an attempt that would pass it, and goes on when it is raised', async () => {
    const test = await engine({ tasks: [{ ...reviewed, budget_usd: 1 }], agent: costing(0.3) });
    await test.engine.send({ type: 'start' });
    const parked = await test.untilState('one', 'awaiting_human_review');
    assert.deepEqual(test.requests.map((one) => one.role), ['planner', 'plan_reviewer']);
    const open = parked.decisions.filter((one) => one.status === 'open');
    assert.deepEqual(open.map((one) => one.kind), ['budget']);
    const { scope, limit_usd, spent_usd, reserve_usd, suggested_usd } = budgetDetail(open[0] as Decision);
    assert.deepEqual({ scope, limit_usd, spent_usd, reserve_usd, suggested_usd }, { scope: 'task', limit_usd: 1, spent_usd: 0.6, reserve_usd: 0.5, suggested_usd: 1.5 });
    assert.match(open[0]?.question ?? '', /^The budget of "Do one" is \$1\.00: \$0\.60 is spent, and the next attempt reserves \$0\.50\. Raise it to \$1\.50 \(or another amount\), or stop the task\?$/);
    const events = await test.ports.store.events(0);
    assert.deepEqual(events.filter((one) => one.type === 'budget_exceeded').map((one) => [one.task_id, one.data['scope'], one.data['limit_usd']]), [['one', 'task', 1]]);

    await assert.rejects(decide(test, 'one', 'approve', { budget_usd: 0.9 }), /\$0\.90 is not enough.*at least \$1\.10/);
    await assert.rejects(test.engine.send({ type: 'decide', task_id: 'one', verdict: 'request_changes', text: 'less', by: 'ada', via: 'cli' }), /takes an amount/);
    const reply = await decide(test, 'one', 'approve', { budget_usd: 5 });
    assert.equal(reply.message, '✅ Budget raised to $5.00 - task one goes on');
    const done = await test.untilState('one', 'done');
    assert.equal(done.budget_usd, 5);
    assert.equal(done.total_cost_usd, 1.2);
  });

  it('lets the running step finish with its review', async () => {
    const test = await engine({ tasks: [{ ...reviewed, budget_usd: 2 }], config: { budget: { reserve_usd: 0.1 } }, agent: costing({ planner: 0.1, implementer: 1.9, code_reviewer: 0.05 }, planned('s1', 's2')) });
    await test.engine.send({ type: 'start' });
    const parked = await test.untilState('one', 'awaiting_human_review');
    assert.deepEqual(test.requests.map((one) => `${one.role} ${one.step_id ?? ''}`.trim()), ['planner', 'plan_reviewer', 'implementer s1', 'code_reviewer s1']);
    assert.deepEqual(parked.steps.map((one) => one.state), ['completed', 'pending']);
    await decide(test, 'one', 'approve');
    await test.untilState('one', 'awaiting_human_review', 'done');
    assert.equal(test.requests.at(-1)?.step_id, 's2');
  });

  it('is handed to the agent as what is left of it', async () => {
    const test = await engine({ tasks: [{ ...reviewed, budget_usd: 3 }], agent: costing(0.4) });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    assert.deepEqual(test.requests.map((one) => one.max_budget_usd), [3, 2.6, 2.2, 1.8]);
  });

  it('that an agent runs into is asked about, and the same session goes on afterwards', async () => {
    const test = await engine({
      tasks: [{ ...direct('one'), budget_usd: 1 }],
      agent: (agent) => {
        const first = agent.request.attempt_id === 'a1';
        spends(agent, first ? 0.8 : 0.1);
        return first ? Promise.resolve(failure('budget', 'Reached maximum budget ($1)')) : byRole({})(agent);
      },
    });
    await test.engine.send({ type: 'start' });
    const parked = await test.untilState('one', 'awaiting_human_review');
    assert.deepEqual(parked.decisions.map((one) => one.kind), ['budget']);
    assert.equal(parked.retry_count, 0);
    await decide(test, 'one', 'approve');
    await test.untilState('one', 'done');
    assert.deepEqual(test.requests.map((one) => one.resume), [null, 'session-one']);
  });

  it('can be kept by going on with a cheaper model', async () => {
    const test = await engine({
      config: {
        agents: { claude: { driver: 'claude', model: 'big' } },
        models: { big: { input_per_mtok: 15, output_per_mtok: 75, provider: 'p' }, small: { input_per_mtok: 1, output_per_mtok: 5, provider: 'p' } },
      },
      tasks: [{ ...reviewed, budget_usd: 1 }],
      agent: costing(0.3),
    });
    await test.engine.send({ type: 'start' });
    const parked = await test.untilState('one', 'awaiting_human_review');
    assert.equal(budgetDetail(parked.decisions[0] as Decision).cheaper, 'claude, small');
    await decide(test, 'one', 'approve', { cheaper: true });
    await test.untilState('one', 'done', 'awaiting_human_review');
    const [implementer] = test.requests.filter((one) => one.role === 'implementer');
    assert.equal(implementer?.model, 'small');
    const attempt = (await test.record('one')).attempts.find((one) => one.role === 'implementer');
    assert.equal(attempt?.reason, 'you asked to go on for less');
  });

  it('ends the task when the human stops it', async () => {
    const test = await engine({ tasks: [{ ...direct('one'), budget_usd: 0.2 }] });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    assert.equal(test.requests.length, 0);
    await decide(test, 'one', 'reject');
    const failed = await test.untilState('one', 'failed');
    assert.equal(failed.error?.message, 'Stopped over its budget of $0.20 by ada');
  });

  it('that is raised in the configuration needs no answer any more, also after a restart', async () => {
    const test = await engine({ config: { budget: { per_task_usd: 0.2 } }, tasks: [direct('one')] });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    await test.restart();
    assert.equal((await asked(test)).length, 1);
    test.setConfig({ budget: { per_task_usd: 2 } });
    const done = await test.untilState('one', 'done');
    assert.deepEqual(done.decisions.map((one) => one.status), ['withdrawn']);
  });
});

describe('A day’s budget (row 237)', () => {
  const five = ['a', 'b', 'c', 'd', 'e'].map(direct);

  it('is reserved before an attempt starts, so that parallel starts cannot pass it; a breach asks once for all', async () => {
    const test = await engine({ config: { budget: { per_day_usd: 1, reserve_usd: 0.4 } }, tasks: five, agent: costing(0.4) });
    await test.engine.send({ type: 'start' });
    const snapshot = await test.until(({ tasks }) => tasks.filter((one) => one.state === 'done').length === 2 && tasks.some((one) => one.state === 'awaiting_human_review'));
    assert.ok(test.peak() <= 2, `${test.peak()} at once`);
    assert.equal(test.requests.length, 2);
    const open = await asked(test);
    assert.equal(open.length, 1);
    assert.equal(open[0]?.decision.detail['scope'], 'day');
    const held = snapshot.tasks.filter((one) => one.group === 'held');
    assert.equal(held.length, 2);
    for (const one of held) assert.match(one.why, /^Today’s budget of \$1\.00 has \$0\.20 left, and an attempt reserves \$0\.40\.$/);

    await decide(test, open[0].task, 'approve', { budget_usd: 2 });
    const later = await test.until(({ tasks }) => tasks.every((one) => one.state === 'done'));
    assert.equal(later.cost.today_usd, 2);
  });

  it('that is left as it is holds everything until the day is over, without another question, also after a restart', async () => {
    const test = await engine({ config: { budget: { per_day_usd: 1, reserve_usd: 0.6 } }, tasks: five.slice(0, 3), agent: costing(0.6) });
    await test.engine.send({ type: 'start' });
    await test.until(({ tasks }) => tasks.some((one) => one.state === 'awaiting_human_review'));
    await test.untilState('a', 'done');
    const [open] = await asked(test);
    const reply = await decide(test, open?.task ?? '', 'reject');
    assert.match(reply.message, /waits until 00:00 UTC/);
    await test.restart();
    const snapshot = await test.until(({ tasks }) => tasks.filter((one) => one.group === 'held').length === 2);
    assert.equal(snapshot.tasks.filter((one) => one.state === 'awaiting_human_review').length, 0);
    assert.equal(test.requests.length, 1);
  });

  it('counts what deleted tasks have cost', async () => {
    const test = await engine({ config: { budget: { per_day_usd: 1, reserve_usd: 0.6 } }, tasks: [direct('a')], agent: costing(0.6) });
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    const { task_id, merge_sha } = await test.record('a');
    assert.notEqual(merge_sha, null);
    await test.close();
    test.setTasks([direct('b')]);
    const store = await openStore({ batonDir: test.batonDir, workerPath: path.resolve('src/adapters/store/worker.ts'), log: quietLog() });
    await store.commit({ remove: [task_id] });
    await store.close();
    await test.restart();
    assert.equal((await test.engine.snapshot()).tasks.some((one) => one.id === 'a'), false);
    await test.untilState('b', 'awaiting_human_review');
    assert.equal((await asked(test))[0]?.decision.detail['spent_usd'], 0.6);
  });

  it('holds only its own area', async () => {
    const test = await engine({
      config: { budget: { by_area: { docs: 0.5 }, reserve_usd: 0.4 } },
      tasks: [{ ...direct('docs-1'), area: 'docs' }, { ...direct('docs-2'), area: 'docs' }, { ...direct('docs-3'), area: 'docs' }, { ...direct('api-1'), area: 'api' }, { ...direct('api-2'), area: 'api' }],
      agent: costing(0.4),
    });
    await test.engine.send({ type: 'start' });
    await test.until(({ tasks }) => tasks.filter((one) => one.state === 'done').length === 3 && tasks.some((one) => one.state === 'awaiting_human_review'));
    const open = await asked(test);
    assert.deepEqual(open.map(({ decision }) => [decision.detail['scope'], decision.detail['area']]), [['area', 'docs']]);
  });
});

describe('A reservation', () => {
  it('is what nine of ten like attempts cost, once there are enough of them, also for another engine', async () => {
    const test = await engine({ config: { budget: { per_day_usd: 0.5, reserve_usd: 0.1 } }, tasks: ['a', 'b', 'c'].map(direct), agent: costing(0.02) });
    await test.engine.send({ type: 'start' });
    await test.until(({ tasks }) => tasks.every((one) => one.state === 'done'));
    await test.restart();
    test.setTasks([...['a', 'b', 'c', 'd'].map(direct)]);
    const done = await test.untilState('d', 'done');
    assert.equal(done.attempts[0]?.reserved_usd, 0.02);
    assert.equal((await test.record('a')).attempts[0]?.reserved_usd, 0.1);
  });
});

describe('An agent without a price (row 236)', () => {
  it('is not started under a budget unless that is allowed, and the reason is said', async () => {
    const test = await makeEngine({ driver: 'command', mute: true, config: { budget: { per_day_usd: 5 } }, tasks: [direct('one')] });
    await test.engine.send({ type: 'start' });
    const held = await test.until(({ tasks }) => tasks.some((one) => one.group === 'held'));
    assert.match(held.tasks[0]?.why ?? '', /^Its agent agent has no price, and under a budget only priced agents run \(budget\.allow_unpriced\)\.$/);
    assert.equal(test.requests.length, 0);
    test.setConfig({ budget: { per_day_usd: 5, allow_unpriced: true } });
    const done = await test.untilState('one', 'done');
    assert.equal(done.unpriced, true);
    assert.equal(done.attempts[0]?.cost_usd, null);
  });
});

describe('The history (rows 236, 253)', () => {
  it('keeps of every call and every merged task what it cost, its rounds and whether the gates passed at once', async () => {
    const test = await engine({
      tasks: [{ ...reviewed, area: 'core', risk: 'low' }],
      agent: costing(0.25, (agent) => (agent.request.role === 'implementer' && agent.request.step_id === 'only' ? agent.write({ broken: 'x', 'a.txt': 'x' }).then(() => undefined) : byRole({ implementer: fixes })(agent))),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    const [row] = await test.ports.store.history({ kind: 'task' });
    assert.ok(row?.kind === 'task');
    const { outcome, area, risk, first_pass, gate_rounds, plan_rounds, code_rounds, cost_usd, attempts, workflow } = row;
    assert.deepEqual({ outcome, area, risk, first_pass, gate_rounds, plan_rounds, code_rounds, cost_usd, attempts, workflow }, { outcome: 'merged', area: 'core', risk: 'low', first_pass: false, gate_rounds: 2, plan_rounds: 1, code_rounds: 2, cost_usd: 1.5, attempts: 6, workflow: 'reviewed' });
    const calls = await test.ports.store.history({ kind: 'attempt' });
    assert.deepEqual(calls.map((one) => one.cost_usd), Array.from({ length: 6 }, () => 0.25));
    const { cost } = await test.engine.snapshot();
    assert.deepEqual(cost.shares.role.map((one) => [one.name, one.cost_usd]), [['code_reviewer', 0.5], ['implementer', 0.5], ['plan_reviewer', 0.25], ['planner', 0.25]]);
    assert.deepEqual([cost.shares.agent[0]?.cost_usd, cost.shares.area[0]?.name, cost.shares.day.length, cost.today_usd], [1.5, 'core', 1, 1.5]);
  });

  it('is made from the records of an older Baton, once', async () => {
    const test = await engine({ tasks: [direct('one')], agent: costing(0.25) });
    await test.engine.send({ type: 'start' });
    const done = await test.untilState('one', 'done');
    await test.close();
    const db = new DatabaseSync(path.join(test.batonDir, 'baton.db'));
    db.exec('DELETE FROM history');
    db.close();
    await test.restart();
    await test.restart();
    const { cost } = await test.engine.snapshot();
    assert.equal(cost.shares.agent[0]?.attempts, done.attempts.length);
    assert.equal(cost.today_usd, 0.25);
  });
});

/** Takes away what broke the gate. */
const fixes: AgentScript = async (agent) => {
  await rm(path.join(agent.request.cwd, 'broken'));
  return writes(agent);
};
