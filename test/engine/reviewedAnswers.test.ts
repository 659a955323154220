import assert from 'node:assert/strict';
import path from 'node:path';
import { openStore } from '../../src/adapters/store/store.ts';
import type { Role } from '../../src/core/execution.ts';
import type { Command } from '../../src/shared/api.ts';
import { answer, byRole, failure, makeEngine, quietLog, spoken, type AgentScript, type EngineSetup, type TestEngine } from '../support/engine.ts';

const task = (more: Record<string, unknown> = {}) => ({ id: 'one', goal: 'Do one', risk: 'low', area: 'core', ...more }) as { id: string; goal: string };
const agents = { author: { driver: 'claude', model: 'author-1' }, judge: { driver: 'claude', model: 'judge-1' } };
const roles = { planner: 'author', plan_reviewer: 'judge', implementer: 'author', code_reviewer: 'judge' };
const plan = { steps: [{ id: 'only', description: 'Do it all' }] };
const started = async (scripts: Parameters<typeof byRole>[0] = {}, { config = {}, ...setup }: EngineSetup = {}): Promise<TestEngine> => {
  const test = await makeEngine({ tasks: [task()], ...setup, config: { agents, roles, ...config }, agent: byRole(scripts) });
  await test.engine.send({ type: 'start' });
  return test;
};
const turns = (test: TestEngine): string[] => test.requests.map((one) => one.role);
const decide = (verdict: 'approve' | 'reject' | 'request_changes', more: Partial<Extract<Command, { type: 'decide' }>> = {}): Command => ({ type: 'decide', task_id: 'one', verdict, by: 'me', via: 'cli', ...more });
/** The first time one thing, then another. */
const firstThen = (first: AgentScript, then: AgentScript): AgentScript => {
  let asked = false;
  return (agent) => {
    const script = asked ? then : first;
    asked = true;
    return script(agent);
  };
};
const hang: AgentScript = async (agent) => {
  await agent.killed;
  return failure('interrupted');
};
const says = (value: unknown): AgentScript => () => Promise.resolve(answer(value));

describe('An answer of a planner or reviewer', function () {
  this.timeout(60_000);

  it('is found in the text of an agent that is held to no schema', async () => {
    const test = await started({
      planner: () => Promise.resolve(spoken(`Here is my plan:\n\`\`\`json\n${JSON.stringify(plan)}\n\`\`\`\nGood luck!`)),
      code_reviewer: () => Promise.resolve(spoken('Fine. {"status": "approved"}')),
    });
    await test.untilState('one', 'done');
    assert.equal(test.requests.length, 4);
  });

  for (const [what, bad, fault] of [
    ['holds no JSON', spoken('I would just do it.'), /holds no JSON object/],
    ['does not fit the schema', answer({ steps: [{ id: 'only' }] }), /steps\.0\.description/],
    ['names a step that is none', answer({ steps: [{ id: 'a', description: 'x', dependencies: ['z'] }] }), /"a" depends on "z", which is no step/],
    ['has steps that wait for each other', answer({ steps: [{ id: 'a', description: 'x', dependencies: ['b'] }, { id: 'b', description: 'x', dependencies: ['a'] }] }), /wait for each other: a, b/],
    ['names a file outside', answer({ steps: [{ id: 'a', description: 'x', files: { modify: ['../../etc/passwd'] } }] }), /leads out of the working directory/],
  ] as const) {
    it(`is asked for once more in the same session when it ${what}`, async () => {
      const test = await started({ planner: firstThen(() => Promise.resolve(bad), says(plan)) });
      const record = await test.untilState('one', 'done');
      assert.deepEqual(turns(test).slice(0, 3), ['planner', 'planner', 'plan_reviewer']);
      assert.equal(test.requests[1]?.resume, 'session-one-planner-a1');
      assert.match(test.requests[1].prompt, fault);
      assert.equal(record.attempts[0]?.error?.kind, 'bad_output');
    });
  }

  it('that cannot be read twice is an error that goes to the human, who can have it tried again', async () => {
    const test = await started({ code_reviewer: says({ status: 'looks good' }) });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(record.error?.kind, 'bad_output');
    assert.match(record.decisions[0]?.question ?? '', /code reviewer \(judge\) gave no answer that can be read, twice: status/);
    assert.equal(record.steps[0]?.state, 'code_review');
    test.script = byRole({});
    await test.engine.send(decide('approve'));
    await test.untilState('one', 'done');
    assert.deepEqual(turns(test), ['planner', 'plan_reviewer', 'implementer', 'code_reviewer', 'code_reviewer', 'code_reviewer']);
  });

  it('approves only by the word itself: success without a verdict does not', async () => {
    const test = await started({ plan_reviewer: () => Promise.resolve(spoken('approved')) });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(record.error?.kind, 'bad_output');
    assert.equal(turns(test).includes('implementer'), false);
  });

  it('that never comes because planning fails goes to the human with the error and a log entry (row 182)', async () => {
    const test = await started({ planner: () => Promise.resolve(failure('overloaded', '529 Overloaded', { status: 529 })) }, { config: { retry: { max_attempts: 3, initial_backoff: 0.02 } } });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(test.requests.length, 3);
    assert.equal(record.error?.kind, 'overloaded');
    assert.match(record.decisions[0]?.question ?? '', /529 Overloaded/);
    const events = await test.ports.store.events(0);
    assert.equal(events.filter((event) => event.type === 'retry').length, 2);
    assert.ok(events.some((event) => event.type === 'decision_opened'));
    test.script = byRole({});
    await test.engine.send(decide('approve'));
    await test.untilState('one', 'done');
  });
});

describe('A restart', function () {
  this.timeout(60_000);
  for (const role of ['planner', 'plan_reviewer', 'implementer', 'code_reviewer'] as const satisfies Role[]) {
    it(`while the ${role} is at work goes on there, in its session, and repeats nothing (row 126)`, async () => {
      const rest: Record<Role, AgentScript> = { planner: says(plan), plan_reviewer: says({ status: 'approved' }), code_reviewer: says({ status: 'approved' }), implementer: byRole({}) };
      const test = await started({ [role]: firstThen(hang, rest[role]) });
      await test.until((snapshot) => test.requests.at(-1)?.role === role && (snapshot.tasks[0]?.activity?.includes('at work') ?? false));
      const before = turns(test);
      await test.restart();
      await test.untilState('one', 'done');
      assert.deepEqual(turns(test), [...before, role, ...['planner', 'plan_reviewer', 'implementer', 'code_reviewer'].slice(before.length)]);
      assert.notEqual(test.requests[before.length]?.resume, null);
      assert.match(test.requests[before.length]?.prompt ?? '', /interrupted/);
    });
  }

  it('acts on an answer that was given before it, instead of asking again (row 126)', async () => {
    const test = await started({ plan_reviewer: hang });
    await test.until((snapshot) => snapshot.tasks[0]?.activity?.includes('at work') === true && snapshot.tasks[0].state === 'plan_review');
    const record = await test.record('one');
    await test.engine.close();
    // As if the machine had died between the end of the planner and what follows from it.
    const store = await openStore({ batonDir: test.batonDir, workerPath: path.resolve('src/adapters/store/worker.ts'), log: quietLog() });
    const stored = await store.task('one');
    const [planner] = record.attempts;
    assert.ok(stored && planner);
    await store.commit({ tasks: [{ ...stored, rev: stored.rev + 1, state: 'planning', plan: null, interruptions: 0, attempts: [{ ...planner, answer: JSON.stringify(plan) }] }] });
    await store.close();
    test.script = byRole({});
    await test.restart();
    await test.untilState('one', 'done');
    assert.deepEqual(turns(test), ['planner', 'plan_reviewer', 'plan_reviewer', 'implementer', 'code_reviewer']);
  });

  it('keeps a decision about a plan, and its answer given while nothing ran (row 126)', async () => {
    const test = await started({}, { tasks: [task({ risk: 'high' })] });
    await test.untilState('one', 'awaiting_human_review');
    await test.restart({ passive: true });
    await test.engine.send(decide('approve'));
    assert.equal((await test.record('one')).state, 'plan_approved');
    await test.restart();
    await test.untilState('one', 'done');
    assert.equal(test.requests.length, 4);
  });
});

describe('The approval of a plan by a human', function () {
  this.timeout(60_000);

  it('is asked for by policy: always, for high risk (the default), never (row 223)', async () => {
    for (const [policy, risk, asks] of [['always', 'low', true], ['high', 'high', true], ['high', 'medium', false], ['never', 'high', false]] as const) {
      const test = await started({}, { tasks: [task({ risk })], config: { approval: { plan: policy } } });
      const record = await test.untilState('one', asks ? 'awaiting_human_review' : 'done');
      assert.equal(record.decisions[0]?.kind, asks ? 'plan' : undefined, `${policy} ${risk}`);
      await test.close();
    }
  });

  it('takes an edited plan, refuses one that cannot be carried out, and fails the task when rejected (row 223)', async () => {
    const test = await started({}, { config: { approval: { plan: 'always' } } });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.deepEqual(record.decisions[0]?.detail['plan'], plan);
    await assert.rejects(test.engine.send(decide('approve', { input: { steps: [] } })), /edited plan cannot be used: steps/);
    await test.engine.send(decide('approve', { input: { steps: [{ id: 'mine', description: 'Do it my way' }] } }));
    const done = await test.untilState('one', 'done');
    assert.deepEqual(done.steps.map((step) => step.step_id), ['mine']);

    const other = await started({}, { config: { approval: { plan: 'always' } } });
    await other.untilState('one', 'awaiting_human_review');
    await other.engine.send(decide('reject', { text: 'wrong way' }));
    assert.equal((await other.record('one')).error?.message, 'wrong way');
  });

  it('sends the plan back with the human’s words (row 223)', async () => {
    const test = await started({}, { config: { approval: { plan: 'always' } } });
    await test.untilState('one', 'awaiting_human_review');
    await test.engine.send(decide('request_changes', { text: 'Smaller steps' }));
    await test.until((snapshot) => snapshot.tasks[0]?.state === 'awaiting_human_review' && test.requests.length === 4);
    assert.match(test.requests[2]?.prompt ?? '', /Smaller steps/);
  });
});

describe('The independence of a reviewer', function () {
  this.timeout(60_000);
  const alone = { agents: { author: agents.author }, roles: {} };

  it('is kept against the configuration when another model is there (rows 179, 238)', async () => {
    const test = await started({}, { config: { roles: { planner: 'author', plan_reviewer: 'author', implementer: 'author', code_reviewer: 'author' } } });
    const record = await test.untilState('one', 'done');
    assert.deepEqual(record.attempts.map(({ role, agent }) => [role, agent]), [['planner', 'author'], ['plan_reviewer', 'judge'], ['implementer', 'author'], ['code_reviewer', 'judge']]);
    assert.equal(record.steps[0]?.code_review?.self_reviewed, false);
  });

  it('is marked as lacking with a single model, and the review has a session of its own (rows 179, 238)', async () => {
    const test = await started({}, { config: alone });
    const record = await test.untilState('one', 'done');
    assert.equal(record.plan_review?.self_reviewed, true);
    assert.equal(record.steps[0]?.code_review?.self_reviewed, true);
    assert.deepEqual(test.requests.map((one) => one.resume), [null, null, null, null]);
  });

  it('is judged by what the agents report, not by what they were asked for', async () => {
    const test = await started({
      code_reviewer: (agent) => {
        agent.say({ type: 'started', session_id: 'x', model: 'author-1', process: null });
        return Promise.resolve(answer({ status: 'approved' }));
      },
    });
    assert.equal((await test.untilState('one', 'done')).steps[0]?.code_review?.self_reviewed, true);
  });

  it('sends the plan and the code of a high-risk task to the human where it lacks (row 238)', async () => {
    const test = await started({}, { tasks: [task({ risk: 'high' })], config: { ...alone, approval: { plan: 'never' } } });
    const parked = await test.untilState('one', 'awaiting_human_review');
    assert.equal(parked.decisions[0]?.kind, 'plan');
    await test.engine.send(decide('approve'));
    await test.until((snapshot) => snapshot.tasks[0]?.decisions[0]?.kind === 'code_review');
    await test.engine.send(decide('request_changes', { text: 'Rename it' }));
    await test.until((snapshot) => snapshot.tasks[0]?.decisions[0]?.kind === 'code_review' && test.requests.length === 6);
    assert.match(test.requests[4]?.prompt ?? '', /Rename it/);
    await test.engine.send(decide('approve'));
    await test.untilState('one', 'done');
  });
});

describe('The staff of a task', function () {
  this.timeout(60_000);

  it('waits for a closed account while the work lies in its session, and leaves it to another agent otherwise', async () => {
    const test = await makeEngine({
      config: { agents: { ...agents, third: { driver: 'claude', model: 'third-1' } }, roles, orchestrator: { max_concurrent_tasks: 1 } },
      tasks: [task({ priority: 'urgent' }), { ...task(), id: 'two' }],
      agent: byRole({
        plan_reviewer: ({ request }) => Promise.resolve(request.task_id === 'one' ? failure('rate_limit', 'Limit', { status: 429, resets_at: Date.now() + 600_000 }) : answer({ status: 'approved' })),
      }),
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('two', 'done');
    assert.deepEqual(record.attempts.map((one) => one.agent), ['author', 'third', 'author', 'third']);
    const held = (await test.engine.snapshot()).tasks.find((one) => one.id === 'one');
    assert.match(held?.why ?? '', /Account judge opens in/);
    const reasons = (await test.ports.store.events(0)).filter((event) => event.type === 'routing' && event.task_id === 'two').map((event) => event.data['reason']);
    assert.equal(reasons[1], 'it stands in: the account of judge is closed');
  });

  it('counts max_concurrent for reviewers too', async () => {
    let atOnce = 0;
    let most = 0;
    const review: AgentScript = async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, 50));
      atOnce -= 1;
      return answer({ status: 'approved' });
    };
    const test = await makeEngine({
      config: { agents: { ...agents, judge: { ...agents.judge, max_concurrent: 1 } }, roles },
      tasks: ['one', 'two', 'three'].map((id) => ({ ...task(), id })),
      agent: byRole({
        plan_reviewer: review,
        code_reviewer: review,
        implementer: async (agent) => {
          await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
          return undefined;
        },
      }),
    });
    await test.engine.send({ type: 'start' });
    for (const id of ['one', 'two', 'three']) await test.untilState(id, 'done');
    assert.equal(most, 1);
  });

  it('works by the user’s own prompt where there is one, whose version the attempt keeps', async () => {
    const test = await makeEngine({ tasks: [task()], config: { agents, roles }, agent: byRole({}) });
    test.setPrompt('planner', 'Plan "{{goal}}" ({{risk}}) as a haiku.');
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    assert.match(test.requests[0]?.prompt ?? '', /^Plan "Do one" \(low\) as a haiku\.\n\n## Your answer/);
    assert.equal(record.attempts[0]?.prompt_version, test.ports.crypto.hash('Plan "{{goal}}" ({{risk}}) as a haiku.').slice(0, 12));
    assert.equal(new Set(record.attempts.map((one) => one.prompt_version)).size, 4);
  });
});

describe('A permission that a planner or reviewer asked for', () => {
  const command = { command: 'make all' };
  /** Asks in one attempt. */
  const implementer = (heard: string[], attemptId: string): AgentScript => async (agent) => {
    if (agent.request.attempt_id === attemptId) heard.push((await agent.ask('Bash', command)).behavior);
    await agent.write({ [`${agent.request.attempt_id}.txt`]: 'x\n' });
    return undefined;
  };

  it('and was answered after its end serves no later step: its role has finished without', async () => {
    const heard: string[] = [];
    const test = await started({ planner: firstThen((agent) => Promise.race([agent.ask('Bash', command), agent.killed]).then(() => failure('interrupted')), says(plan)), implementer: implementer(heard, 'a4') });
    await test.until((snapshot) => snapshot.tasks[0]?.decisions.length === 1, 'the planner to ask');
    await test.restart({ passive: true });
    await test.engine.send(decide('approve'));
    await test.restart();
    await test.until((snapshot) => snapshot.tasks[0]?.state === 'implementing' && snapshot.tasks[0].decisions.length === 1, 'the implementer to ask');
    await test.engine.send(decide('reject'));
    const record = await test.untilState('one', 'done');
    assert.deepEqual(heard, ['deny']);
    assert.deepEqual(record.decisions.map(({ status }) => status), ['expired', 'answered']);
  });

  it('does not serve another role that asks the same, where the human sent the work back instead', async () => {
    const heard: string[] = [];
    const ends: AgentScript = () => Promise.resolve(failure('interrupted'));
    const asks: AgentScript = async (agent) => {
      void agent.ask('Bash', command);
      await test.until((snapshot) => snapshot.tasks[0]?.decisions.length === 1, 'the reviewer to ask');
      return failure('interrupted');
    };
    let reviewer = firstThen(asks, ends);
    const test = await makeEngine({ tasks: [task()], config: { agents, roles }, agent: byRole({ implementer: implementer(heard, 'a7'), code_reviewer: (agent) => reviewer(agent) }) });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.activity === null && snapshot.tasks[0].decisions.length === 1, 'the reviewer to be gone');
    await test.engine.send(decide('approve'));
    await test.untilState('one', 'awaiting_human_review');
    reviewer = says({ status: 'approved' });
    await test.engine.send(decide('request_changes', { text: 'Do it another way' }));
    await test.until((snapshot) => snapshot.tasks[0]?.state === 'implementing' && snapshot.tasks[0].decisions.length === 1, 'the implementer to ask');
    await test.engine.send(decide('reject'));
    await test.untilState('one', 'done');
    assert.deepEqual(heard, ['deny']);
  });
});
