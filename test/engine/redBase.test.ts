import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Ports } from '../../src/engine/ports.ts';
import { makeEngine, type TestEngine } from '../support/engine.ts';
import { latch } from '../support/latch.ts';

const GATE = { name: 'sound', run: 'echo looked >> "$LOOKS"; ! grep -q broken state.txt' };

/** Tasks on a base on which the gate `sound` fails; every run of a gate is counted in a file. */
async function onRedBase(ids: readonly string[], config: Record<string, unknown> = {}, throughPorts: (ports: Ports) => Ports = (ports) => ports): Promise<{ test: TestEngine; looks: () => number }> {
  const test = await makeEngine({
    files: { 'state.txt': 'broken\n', 'other.txt': 'fine\n' },
    tasks: ids.map((id) => ({ id, goal: `Do ${id}` })),
    config: { gates: [{ ...GATE, run: GATE.run.replace('"$LOOKS"', '"$(git rev-parse --git-common-dir)/looks"') }], ...config },
    throughPorts,
  });
  const looks = (): number => readFileSync(path.join(test.repo.root, '.git/looks'), 'utf8').split('\n').length - 1;
  return { test, looks };
}

const decide = (test: TestEngine, id: string, verdict: 'approve' | 'reject' | 'request_changes', text?: string) =>
  test.engine.send({ type: 'decide', task_id: id, verdict, by: 'me', via: 'cli', ...(text === undefined ? {} : { text }) });

describe('A base that is red without any work', () => {
  it('is one decision for all tasks on it, looked at once, and costs no round (row 248)', async () => {
    const { test, looks } = await onRedBase(['one', 'two', 'three']);
    await test.engine.send({ type: 'start' });
    const snapshot = await test.until((now) => {
      const states = now.tasks.map((one) => one.state).sort();
      const held = now.tasks.filter((one) => one.state === 'quality_gate' && /without its work too: the question is at/.test(one.why));
      return states[0] === 'awaiting_human_review' && held.length === 2;
    }, 'one question, two that wait');
    const asking = snapshot.tasks.find((one) => one.state === 'awaiting_human_review');
    assert.equal(snapshot.tasks.flatMap((one) => one.decisions).length, 1);
    assert.match(asking?.decisions[0]?.question ?? '', /sound fails on main \([0-9a-f]{8}\) without any task's work/);
    assert.deepEqual(asking?.decisions[0]?.detail['gates'], ['sound']);
    for (const id of ['one', 'two', 'three']) {
      const record = await test.record(id);
      assert.equal(record.gate_failures, 0);
      assert.equal(record.steps.length, 1);
    }
    // Once for each task, and once for the base.
    assert.equal(looks(), 4);
    assert.equal(test.requests.length, 3);
    await test.close();
    const log = readFileSync(path.join(test.batonDir, 'ORCHESTRATOR_RUN_LOG.md'), 'utf8');
    assert.equal(log.match(/Base [0-9a-f]{8} of main without the task: ❌ sound/g)?.length, 1);
  });

  it('lets every task go on to a merge decision when its failures are to be ignored', async () => {
    const { test } = await onRedBase(['one', 'two']);
    await test.engine.send({ type: 'start' });
    const asking = (await test.until((now) => now.tasks.some((one) => one.decisions[0]?.detail['reason'] === 'red_base'))).tasks.find((one) => one.decisions.length > 0);
    await decide(test, asking?.id ?? '', 'approve');
    await test.until((now) => now.tasks.every((one) => one.decisions[0]?.kind === 'merge'), 'two merge decisions');
    const record = await test.record('two');
    assert.equal(record.quality_gate_results.at(-1)?.checks[0]?.status, 'warning');
    assert.match(record.quality_gate_results.at(-1)?.checks[0]?.message ?? '', /fails on the base too and is ignored by decision/);
  });

  it('is repaired first by the task that asked, and the others go on when the repair has landed', async () => {
    const { test } = await onRedBase(['one', 'two']);
    await test.engine.send({ type: 'start' });
    const now = await test.until((one) => one.tasks.some((task) => task.decisions.length > 0) && one.tasks.some((task) => /the question is at/.test(task.why)));
    const asking = now.tasks.find((one) => one.decisions.length > 0)?.id ?? '';
    const other = asking === 'one' ? 'two' : 'one';
    let repair = (): void => undefined;
    const mayRepair = new Promise<void>((resolve) => (repair = resolve));
    let prompt = '';
    test.script = async (agent) => {
      prompt = agent.request.prompt;
      await mayRepair;
      await agent.write({ 'state.txt': 'sound\n' });
      return undefined;
    };
    await decide(test, asking, 'request_changes', 'Mend state.txt');
    await test.until((one) => one.tasks.some((task) => task.id === other && task.why.startsWith(`${asking} repairs sound first`)), 'the other waits for the repair');
    repair();
    await test.untilState(asking, 'done');
    const record = await test.untilState(other, 'done', 'awaiting_human_review');
    assert.match(prompt, /sound fail on main without your work too/);
    // Its own tree stands on the red base still; the merge result does not.
    assert.equal(record.quality_gate_results.at(-1)?.checks[0]?.status, record.quality_gate_results.at(-1)?.subject === 'merge' ? 'passed' : 'warning');
    assert.equal(record.gate_failures, 0);
  });

  it('stops every task on it when that is the answer', async () => {
    const { test } = await onRedBase(['one', 'two']);
    await test.engine.send({ type: 'start' });
    const now = await test.until((one) => one.tasks.some((task) => task.decisions.length > 0) && one.tasks.some((task) => /the question is at/.test(task.why)));
    await decide(test, now.tasks.find((one) => one.decisions.length > 0)?.id ?? '', 'reject', 'not today');
    await test.until((one) => one.tasks.every((task) => task.state === 'failed'), 'both stopped');
    assert.equal(test.requests.length, 2);
  });

  it('is asked about again, after another look, by a task that is run again after that answer', async () => {
    const { test, looks } = await onRedBase(['one']);
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    await decide(test, 'one', 'reject');
    await test.untilState('one', 'failed');
    const before = looks();
    await test.engine.send({ type: 'retry', task_id: 'one' });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.match(record.decisions.at(-1)?.question ?? '', /sound fails on main/);
    // Its own tree, and the base.
    assert.equal(looks(), before + 2);
  });

  it('lets a task be cancelled at once that waits for the look of another one', async () => {
    const looking = latch();
    const go = latch();
    const { test } = await onRedBase(['one', 'two'], {}, (ports) => ({
      ...ports,
      workspace: {
        ...ports.workspace,
        visit: async (...where) => {
          looking.release();
          await go.held;
          return ports.workspace.visit(...where);
        },
      },
    }));
    await test.engine.send({ type: 'start' });
    await looking.held;
    const { tasks } = await test.until((now) => now.tasks.every((one) => one.gates.some((check) => check.status === 'failed')), 'both are red');
    const waiting = tasks.find((one) => !/without its work/.test(one.activity ?? ''))?.id ?? '';
    await test.engine.send({ type: 'cancel', task_id: waiting });
    assert.equal((await test.record(waiting)).error?.kind, 'cancelled');
    go.release();
    await test.until((now) => now.tasks.some((one) => one.state === 'awaiting_human_review'), 'the other one asks');
  });

  it('does not hide what the work itself broke, and is not looked at while the gates are green', async () => {
    const { test, looks } = await onRedBase(['one'], { gates: [{ name: 'sound', run: 'echo looked >> "$(git rev-parse --git-common-dir)/looks"; ! grep -q broken state.txt' }, { name: 'own', run: 'test ! -e ugly.txt', parallel: false }] });
    test.script = async (agent) => {
      await agent.write(agent.request.step_id === 'implement' ? { 'ugly.txt': 'x\n', 'state.txt': 'broken\nstill\n' } : { 'state.txt': 'sound\n' });
      if (agent.request.step_id !== 'implement') await import('node:fs/promises').then(({ rm }) => rm(path.join(agent.request.cwd, 'ugly.txt')));
      return undefined;
    };
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    assert.match(test.requests[1]?.prompt ?? '', /### own[^]*without your work as well, so not yours to mend: sound/);
    assert.equal(record.gate_failures, 1);
    // Two rounds of its own, one look at the base.
    assert.equal(looks(), 3);
  });
});
