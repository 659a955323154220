import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { TaskExecution, Verdict } from '../../src/core/execution.ts';
import type { Ports } from '../../src/engine/ports.ts';
import { committingThrough } from '../support/committing.ts';
import { answer, byRole, failure, makeEngine, spoken, type AgentAtWork, type TestEngine } from '../support/engine.ts';

const logOf = (test: TestEngine): string => readFileSync(path.join(test.batonDir, 'ORCHESTRATOR_RUN_LOG.md'), 'utf8');
const ENTRY = /^- `\d\d:\d\d:\d\d` \S+ \*\*(task|routing|llm_call|quality_gate|retry|human_review)\*\*: \S/u;

function assertInOrder(log: string, words: readonly string[]): void {
  let from = 0;
  for (const word of words) {
    const found = log.indexOf(word, from);
    assert.ok(found >= from, `${word} after\n${log.slice(from)}`);
    from = found + word.length;
  }
}

/** The end of an engine is not noted, as when it is killed. */
const deadly = (ports: Ports): Ports =>
  committingThrough(ports, (commit, store) => (commit.meta && 'leader' in commit.meta && commit.meta['leader'] === undefined ? Promise.resolve(0) : store(commit)));

describe('The run log of a run', () => {
  it('has header, every change, call, gate and retry in order, and the summary at the stop (rows 145, 150, 151, 157, 203)', async () => {
    const test = await makeEngine({
      tasks: [{ id: 'one', goal: 'Do one' }],
      agent: async (agent) => {
        if (agent.request.number === 1) return failure('overloaded', 'Overloaded');
        await agent.write({ 'one.txt': 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    await test.engine.send({ type: 'stop', reason: 'enough for today' });
    await test.close();
    const log = logOf(test);

    assert.ok(log.startsWith('# Orchestrator Run Log\n'));
    assert.equal(log.split('# Orchestrator Run Log').length, 2);
    assert.match(log, /\n## Run: /);
    assert.match(log, /\*\*Started\*\*: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n/);
    assertInOrder(log, ['Task one started', 'Routing [implementer]', '❌ LLM call', 'Retry attempt 2/5', 'Routing [implementer]', '✅ LLM call', 'Quality Gate ✅ PASSED', 'Task completed: done', 'Stopped: enough for today', '### Run Summary', '**Tasks Completed**: 1', '**Tasks Failed**: 0']);
    for (const change of record.history.slice(1)) assert.ok(log.includes(change.to === 'done' ? 'Task completed: done' : `→ ${change.to}`), change.to);
    for (const line of log.split('\n').filter((one) => one.startsWith('- '))) assert.match(line, ENTRY);
  });

  it('ends with what the calls cost, which is what the tasks cost (rows 155, 204)', async () => {
    const test = await makeEngine({ driver: 'claude', tasks: ['one', 'two'].map((id) => ({ id, goal: `Do ${id}`, workflow: 'reviewed' as const })), agent: byRole({ implementer: (agent) => agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' }).then(() => undefined) }) });
    await test.engine.send({ type: 'start' });
    const { cost } = await test.until(({ tasks }) => tasks.every((one) => one.state === 'done'));
    const records = [await test.record('one'), await test.record('two')];
    await test.engine.send({ type: 'stop' });
    await test.close();
    const log = logOf(test);
    const calls = [...log.matchAll(/LLM call .*\(cost=\$([\d.]+)/g)].map((match) => Number(match[1]));
    assert.equal(calls.length, 8);
    const sum = calls.reduce((total, one) => total + one, 0);
    const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);
    near(records.reduce((total, one) => total + one.total_cost_usd, 0), sum);
    near(cost.total_usd, sum);
    near(Number(/\*\*Total Cost\*\*: \$([\d.]+)/.exec(log)?.[1]), sum);
  });

  it('is summarised at the next start where its leader died, and the next run begins', async () => {
    const test = await makeEngine({
      tasks: [{ id: 'one', goal: 'Do one' }],
      throughPorts: deadly,
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    const { run_id: first } = (await test.engine.snapshot()).loop;
    await test.restart();
    const { run_id: second, state } = (await test.engine.snapshot()).loop;
    assert.equal(state, 'running');
    assert.notEqual(second, first);
    await test.close();
    const log = logOf(test);
    assertInOrder(log, [`## Run: ${first ?? ''}`, 'Task completed: done', 'Stopped: Baton ended unexpectedly', '### Run Summary', '**Ended**: ', '**Tasks Completed**: 1', `## Run: ${second ?? ''}`, '### Execution Log']);
    const stops = (await readEvents(test)).filter((one) => one.type === 'orchestrator_stopped');
    assert.deepEqual(stops.map((one) => one.data['reason']), ['Baton ended unexpectedly']);
  });

  it('ends where its leader died, whatever the next one finds in the task files', async () => {
    const test = await makeEngine({ tasks: [{ id: 'one', goal: 'Say hello' }], throughPorts: deadly });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    await test.close();
    const died = new Date().toISOString();
    test.setTasks([{ id: 'one', goal: 'Say hello' }, { id: 'two', goal: 'Added while nobody was there' }]);
    await test.restart();
    const [stop] = (await readEvents(test)).filter((one) => one.type === 'orchestrator_stopped');
    assert.ok(String(stop?.data['ended_at']) <= died, `${String(stop?.data['ended_at'])} is after it died, ${died}`);
  });

  it('goes on as one run over an orderly restart', async () => {
    const test = await makeEngine({ tasks: [] });
    await test.engine.send({ type: 'start' });
    const { run_id: first } = (await test.engine.snapshot()).loop;
    await test.restart();
    assert.equal((await test.engine.snapshot()).loop.run_id, first);
    await test.close();
    assert.equal(logOf(test).split('## Run: ').length, 2);
  });

  it('that cannot be written stops nothing', async () => {
    const refuses = (): never => {
      throw new Error('no log today');
    };
    const { error } = console;
    console.error = () => undefined;
    try {
      const test = await makeEngine({ tasks: [{ id: 'one', goal: 'Do one' }], throughPorts: (ports) => ({ ...ports, runLog: { append: refuses, flush: () => Promise.resolve() } }) });
      await test.engine.send({ type: 'start' });
      await test.untilState('one', 'done');
    } finally {
      console.error = error;
    }
  });
});

async function readEvents(test: TestEngine): Promise<{ type: string; data: Readonly<Record<string, unknown>> }[]> {
  await test.restart({ passive: true });
  return test.ports.store.events(0).catch(() => []);
}

/** What an agent does at each of its turns, by chance. */
type Turn = 'good' | 'bad' | 'garbage' | 'overloaded' | 'odd';
const TURNS: readonly Turn[] = ['good', 'good', 'good', 'bad', 'garbage', 'overloaded', 'odd'];

function act(agent: AgentAtWork, turn: Turn) {
  const { role, step_id: step, attempt_id: attempt } = agent.request;
  if (turn === 'overloaded') return Promise.resolve(failure('overloaded', 'Overloaded\nTry later'));
  if (turn === 'odd') return Promise.resolve(failure('strange', 'Something odd'));
  if (role === 'implementer') {
    if (turn === 'garbage') return Promise.resolve(undefined);
    return agent.write({ [`${step ?? ''}-${attempt}.txt`]: 'x\n', ...(turn === 'bad' ? { broken: '1\n' } : {}) }).then(() => undefined);
  }
  if (turn === 'garbage') return Promise.resolve(spoken('no answer at all'));
  if (role === 'planner') return Promise.resolve(answer({ steps: [{ id: 's1', description: 'One' }, { id: 's2', description: 'Two', dependencies: ['s1'] }] }));
  return Promise.resolve(answer(turn === 'good' ? { status: 'approved' } : { status: 'rejected', concerns: ['not\nyet'], required_changes: role === 'code_reviewer' ? [{ severity: 'major', file: 'a', line: 1, description: 'x' }] : ['x'] }));
}

/** How often each thing happened to a task by its own record, and what of it the log must say. */
function expected(task: TaskExecution): Record<string, number> {
  const count: Record<string, number> = {};
  const add = (what: string): void => void (count[what] = (count[what] ?? 0) + 1);
  for (const change of task.history.slice(1)) add(change.to === 'done' || change.to === 'failed' ? `Task completed: ${change.to}` : `Task ${task.task_id}: ${change.from ?? ''} → ${change.to}`);
  for (const attempt of task.attempts) {
    add(`Routing [${attempt.role}]`);
    add(`LLM call [${attempt.role}]`);
  }
  for (const round of task.quality_gate_results) add(`Quality Gate ${round.passed ? '✅ PASSED' : '❌ FAILED'}`);
  for (const decision of task.decisions) {
    add(`Human review required for ${task.task_id}`);
    if (decision.answer) add(`${decision.kind} answered by`);
  }
  return count;
}

describe('Every change, call, decision, gate and retry (row 203)', function () {
  this.timeout(240_000);

  it('has its line, whatever agents and humans do (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...TURNS), { minLength: 30, maxLength: 30 }), fc.constantFrom('reviewed' as const, 'direct' as const), fc.array(fc.constantFrom<Verdict>('approve', 'request_changes', 'reject'), { minLength: 6, maxLength: 6 }), async (turns, workflow, verdicts) => {
        let turn = 0;
        const test = await makeEngine({
          driver: 'claude',
          tasks: [{ id: 'one', goal: 'Do\none', workflow }],
          config: { retry: { max_attempts: 3, initial_backoff: 0.01, max_backoff: 0.02 }, gates: [{ name: 'check', run: 'test ! -e broken || { rm broken; exit 1; }' }] },
          agent: (agent) => act(agent, turns[turn++] ?? 'good'),
        });
        await test.engine.send({ type: 'start' });
        for (const verdict of verdicts) {
          const record = await test.untilState('one', 'done', 'failed', 'awaiting_human_review');
          if (record.state !== 'awaiting_human_review') break;
          await test.engine.send({ type: 'decide', task_id: 'one', verdict, text: 'because\nI say so', by: 'ada', via: 'cli' });
          await test.until(({ tasks }) => tasks.some((one) => !one.decisions.some((open) => open.id === record.decisions.at(-1)?.id)));
        }
        const record = await test.untilState('one', 'done', 'failed', 'awaiting_human_review');
        const retries = (await test.ports.store.events(0)).filter((one) => one.type === 'retry' || one.type === 'answer_unreadable').length;
        await test.close();
        const log = logOf(test);
        const entries = log.split('\n').filter((one) => one.startsWith('- '));
        for (const line of entries) assert.match(line, ENTRY);
        for (const [words, times] of Object.entries(expected(record))) assert.equal(entries.filter((line) => line.includes(words)).length, times, `${words}\n${log}`);
        assert.equal(entries.filter((line) => /\*\*retry\*\*: ⚠️ (Retry attempt|Answer of)/.test(line)).length, retries, log);
      }),
      { numRuns: process.env['BATON_TEST_ALL'] === undefined ? 8 : 60, endOnFailure: true },
    );
  });
});
