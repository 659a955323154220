import assert from 'node:assert/strict';
import { failure, makeEngine, type AgentScript } from '../support/engine.ts';
import type { Snapshot } from '../../src/shared/api.ts';
import { FakeClock } from '../support/fakeClock.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });
const ids = (requests: readonly { task_id: string }[]): string[] => requests.map((one) => one.task_id);

/** An agent that works until it is let go. */
function gated(): { script: AgentScript; release: (count?: number) => void } {
  const waiting: (() => void)[] = [];
  let free = 0;
  return {
    script: async (agent) => {
      if (free > 0) {
        free -= 1;
      } else {
        let go: () => void = () => undefined;
        const released = new Promise<'go'>((resolve) => {
          go = () => resolve('go');
        });
        waiting.push(go);
        if ((await Promise.race([released, agent.killed])) !== 'go') {
          if (waiting.includes(go)) waiting.splice(waiting.indexOf(go), 1);
          return failure('interrupted');
        }
      }
      await agent.write({ [`${agent.request.task_id}.txt`]: 'done\n' });
      return undefined;
    },
    release: (count = 1) => {
      for (let index = 0; index < count; index += 1) {
        const next = waiting.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}

describe('The loop', () => {
  it('runs nothing before the first Start, and says so', async () => {
    const test = await makeEngine({ tasks: [task('one')] });
    const snapshot = await test.engine.snapshot();
    assert.equal(snapshot.loop.state, 'never_started');
    assert.match(snapshot.tasks[0]?.why ?? '', /never started/);
    assert.equal(test.requests.length, 0);
  });

  it('starts tasks by score, highest first (rows 2, 17)', async () => {
    const test = await makeEngine({
      config: { orchestrator: { max_concurrent_tasks: 1 } },
      tasks: [task('low', { priority: 'low' }), task('urgent', { priority: 'urgent' }), task('medium', { priority: 'medium' })],
    });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.loop.idle && snapshot.tasks.every((one) => one.state === 'done'));
    assert.deepEqual(ids(test.requests), ['urgent', 'medium', 'low']);
  });

  it('estimates when tasks start and end once one is done, and not before (row 73)', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a'), task('b'), task('c')], config: { orchestrator: { max_concurrent_tasks: 1 } }, agent: script });
    await test.engine.send({ type: 'start' });
    const first = await test.until((snapshot) => snapshot.loop.slots_used === 1 && test.requests.length === 1);
    assert.deepEqual(first.tasks.map(({ eta_done }) => eta_done), [null, null, null]);
    release();
    const of = (snapshot: Snapshot, group: string) => snapshot.tasks.find((one) => one.group === group);
    const known = await test.until((snapshot) => typeof of(snapshot, 'running')?.eta_done === 'string' && of(snapshot, 'running')?.started_at !== null && of(snapshot, 'waiting')?.eta_done !== null);
    const [atWork, next] = [of(known, 'running'), of(known, 'waiting')];
    assert.equal(atWork?.eta_start, atWork?.started_at);
    assert.equal(next?.eta_start, atWork?.eta_done);
    release(2);
  });

  it('keeps to max_concurrent_tasks and runs no task twice (rows 66, 77, 219)', async () => {
    const tasks = Array.from({ length: 6 }, (_, index) => task(`t${index}`));
    const { script, release } = gated();
    const test = await makeEngine({ tasks, config: { orchestrator: { max_concurrent_tasks: 3 } }, agent: script });
    await test.engine.send({ type: 'start' });
    const full = await test.until((snapshot) => snapshot.loop.slots_used === 3 && test.requests.length === 3);
    assert.match(full.tasks.find((one) => one.group === 'waiting')?.why ?? '', /All 3 slots are in use/);
    release(6);
    await test.until((snapshot) => snapshot.tasks.every((one) => one.state === 'done'));
    assert.equal(test.peak(), 3);
    assert.equal(new Set(ids(test.requests)).size, 6);
    assert.equal(test.requests.length, 6);
  });

  it('reports dependencies that cannot come true where they stand, and runs the rest (row 220)', async () => {
    const test = await makeEngine({ tasks: [task('a', { depends_on: ['b'] }), task('b', { depends_on: ['a'] }), task('c', { depends_on: ['nobody'] }), task('d')] });
    await test.engine.send({ type: 'start' });
    await test.untilState('d', 'done');
    const snapshot = await test.engine.snapshot();
    assert.deepEqual(snapshot.problems.map((one) => [one.task_id, one.severity, one.message.replace(/\. Remove.*/, '')]).sort(), [
      ['a', 'error', 'Task a waits for itself: a → b → a'],
      ['b', 'error', 'Task b waits for itself: b → a → b'],
      ['c', 'error', 'Task c depends on "nobody", which is no task'],
    ]);
    assert.deepEqual(ids(test.requests), ['d']);
  });

  it('takes a dependency as done that the target holds, though nothing else is known of it', async () => {
    const test = await makeEngine();
    await test.repo.commit('Elsewhere\n\nBaton-Task: elsewhere\nBaton-Hash: 0123');
    test.setTasks([task('after', { depends_on: ['elsewhere'] })]);
    await test.engine.send({ type: 'start' });
    await test.untilState('after', 'done');
    assert.deepEqual((await test.engine.snapshot()).problems, []);
  });

  it('never uses an agent that is turned off, and says so', async () => {
    const test = await makeEngine({ tasks: [task('one')], config: { agents: { paid: { driver: 'command', command: 'x', enabled: false } } } });
    await test.engine.send({ type: 'start' });
    const snapshot = await test.until((one) => one.tasks[0]?.group === 'held');
    assert.equal(snapshot.tasks[0]?.why, 'No agent can run it: agent paid is turned off by the configuration.');
    assert.equal(test.requests.length, 0);
  });

  it('picks up a task that is added while it runs (row 14)', async () => {
    const test = await makeEngine();
    await test.engine.send({ type: 'start' });
    const reply = await test.engine.send({ type: 'add_task', task: { goal: 'Say hello to the world' } });
    assert.equal(reply.task_id, 'say-hello-to-the-world');
    await test.untilState('say-hello-to-the-world', 'done');
  });

  it('starts a task when what it depends on is done, and holds it when that failed (row 220)', async () => {
    const test = await makeEngine({
      tasks: [task('b', { depends_on: ['a'], priority: 'urgent' }), task('a'), task('d', { depends_on: ['c'] }), task('c')],
      agent: async (agent) => {
        if (agent.request.task_id === 'c') return { ok: false, result: '', exit_code: 1, error: { kind: 'bad_request', message: 'no' } };
        await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('b', 'done');
    const { tasks } = await test.until((snapshot) => snapshot.loop.idle);
    assert.ok(ids(test.requests).indexOf('a') < ids(test.requests).indexOf('b'));
    const held = tasks.find((one) => one.id === 'd');
    assert.equal(held?.group, 'held');
    assert.match(held.why, /Depends on c, which failed/);
  });

  it('keeps a manual order through a restart (row 221)', async () => {
    const test = await makeEngine({
      config: { orchestrator: { max_concurrent_tasks: 1 } },
      tasks: [task('a', { priority: 'urgent' }), task('b', { priority: 'high' }), task('c'), task('d', { priority: 'low' })],
    });
    await test.engine.send({ type: 'run_next', task_id: 'd' });
    await test.engine.send({ type: 'move', task_id: 'c', direction: 'up' });
    await test.engine.send({ type: 'place', task_id: 'a', before: null });
    await test.restart();
    const { tasks } = await test.engine.snapshot();
    assert.deepEqual(tasks.map((one) => one.id), ['d', 'c', 'b', 'a']);
    await test.engine.send({ type: 'clear_place', task_id: 'd' });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks.every((one) => one.state === 'done'));
    assert.deepEqual(ids(test.requests), ['c', 'b', 'a', 'd']);
  });

  it('pauses: what runs finishes, nothing new starts, Start goes on', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a', { priority: 'urgent' }), task('b')], config: { orchestrator: { max_concurrent_tasks: 1 } }, agent: script });
    await test.engine.send({ type: 'start' });
    await test.until(() => test.requests.length === 1);
    await test.engine.send({ type: 'pause' });
    release();
    await test.untilState('a', 'done');
    const paused = await test.until((snapshot) => snapshot.loop.slots_used === 0);
    assert.equal(paused.loop.state, 'paused');
    assert.match(paused.tasks.find((one) => one.id === 'b')?.why ?? '', /paused/);
    assert.equal(test.requests.length, 1);
    release();
    await test.engine.send({ type: 'start' });
    await test.untilState('b', 'done');
  });

  it('stops by the stop-hook file: the current task finishes, no other starts, and Start is refused while it is there (rows 6, 67, 79)', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a', { priority: 'urgent' }), task('b')], config: { orchestrator: { max_concurrent_tasks: 1, stop_hook_file: 'HALT' } }, agent: script });
    await test.engine.send({ type: 'start' });
    await test.until(() => test.requests.length === 1);
    test.setStopHook(true);
    await test.until((snapshot) => snapshot.loop.state === 'stopping');
    release(2);
    await test.untilState('a', 'done');
    const stopped = await test.until((snapshot) => snapshot.loop.state === 'stopped');
    assert.match(stopped.loop.reason ?? '', /HALT/);
    await assert.rejects(test.engine.send({ type: 'start' }), /HALT/);
    test.setStopHook(false);
    assert.equal((await test.engine.snapshot()).loop.state, 'stopped');
    assert.equal(test.requests.length, 1);
    const events = await test.ports.store.events(0);
    assert.ok(events.some((event) => event.type === 'orchestrator_stopped' && String(event.data['reason']).includes('HALT')));
  });

  it('stops at once without failing a healthy task, which goes on in the same session', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a')], driver: 'claude', agent: script });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.activity?.includes('at work') ?? false);
    await test.engine.send({ type: 'stop_now' });
    const record = await test.record('a');
    assert.equal(record.state, 'implementing');
    assert.equal(record.attempts[0]?.outcome, 'interrupted');
    assert.equal(record.retry_count, 0);
    release();
    await test.engine.send({ type: 'start' });
    const done = await test.untilState('a', 'done');
    assert.equal(test.requests[1]?.resume, 'session-a');
    assert.match(test.requests[1].prompt, /interrupted/);
    assert.equal(done.steps[0]?.attempt, 1);
  });

  it('goes on by itself after a restart while it was running, and not when it was stopped', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a'), task('b')], config: { orchestrator: { max_concurrent_tasks: 1 } }, agent: script });
    await test.engine.send({ type: 'start' });
    await test.until(() => test.requests.length === 1);
    await test.restart();
    release(2);
    await test.until((snapshot) => snapshot.tasks.every((one) => one.state === 'done'));
    await test.engine.send({ type: 'stop' });
    await test.restart();
    assert.equal((await test.engine.snapshot()).loop.state, 'stopped');
  });

  it('asks the human after three interruptions in a row', async () => {
    const { script } = gated();
    const test = await makeEngine({ tasks: [task('a')], agent: script });
    await test.engine.send({ type: 'start' });
    for (let count = 1; count <= 3; count += 1) {
      await test.until((snapshot) => test.requests.length === count && snapshot.tasks[0]?.group === 'running');
      await test.restart();
    }
    const record = await test.untilState('a', 'awaiting_human_review');
    assert.match(record.decisions[0]?.question ?? '', /interrupted 3 times/);
  });

  it('cancels a running task and keeps its work; a retry goes on, a fresh one starts over', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a')], agent: script });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.activity?.includes('at work') ?? false);
    await test.engine.send({ type: 'cancel', task_id: 'a' });
    const record = await test.record('a');
    assert.equal(record.state, 'failed');
    assert.equal(record.error?.kind, 'cancelled');
    assert.notEqual(record.worktree, null);
    await test.engine.send({ type: 'retry', task_id: 'a', fresh: true });
    release();
    await test.untilState('a', 'done');
  });

  it('takes edits of a task only before it has started', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a')], agent: script });
    test.setTasks([task('a', { description: 'with more words' })]);
    await test.until(() => true);
    await test.engine.send({ type: 'refresh' });
    assert.equal((await test.record('a')).task_def.description, 'with more words');
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.state === 'implementing');
    test.setTasks([task('a', { description: 'too late' })]);
    await test.engine.send({ type: 'refresh' });
    const { problems } = await test.engine.snapshot();
    assert.match(problems[0]?.message ?? '', /this edit does not reach it/);
    release();
    await test.untilState('a', 'done');
    assert.equal((await test.record('a')).task_def.description, 'with more words');
  });
});

describe('The safety net', () => {
  it('keeps sweeping with no input until the stop, and shows that the loop lives (row 1, rows 67, 76)', async () => {
    const clock = new FakeClock(Date.parse('2026-11-20T12:00:00.000Z'));
    const test = await makeEngine({ clock, config: { orchestrator: { poll_interval: 10 } } });
    const beats: unknown[] = [];
    const beat = async (): Promise<void> => {
      await clock.advance(10_000);
      for (let tries = 0; tries < 200 && (await test.ports.store.meta())['heartbeat'] === beats.at(-1); tries += 1) await new Promise((resolve) => setImmediate(resolve));
      beats.push((await test.ports.store.meta())['heartbeat']);
    };
    await test.engine.send({ type: 'start' });
    for (let sweep = 0; sweep < 4; sweep += 1) await beat();
    assert.equal(new Set(beats).size, 4);
    assert.equal((await test.engine.snapshot()).loop.state, 'running');

    await test.engine.send({ type: 'stop' });
    await clock.advance(60_000);
    assert.equal((await test.ports.store.meta())['heartbeat'], beats.at(-1));
    assert.equal(clock.pending, 0);
  });
});

describe('The configuration', () => {
  it('changes a running loop without a restart', async () => {
    const { script, release } = gated();
    const test = await makeEngine({ tasks: [task('a'), task('b'), task('c')], config: { orchestrator: { max_concurrent_tasks: 1 } }, agent: script });
    await test.engine.send({ type: 'start' });
    await test.until(() => test.requests.length === 1);
    test.setConfig({ orchestrator: { max_concurrent_tasks: 3 } });
    await test.until(() => test.requests.length === 3);
    release(3);
    await test.until((snapshot) => snapshot.tasks.every((one) => one.state === 'done'));
  });
});
