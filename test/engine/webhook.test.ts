import assert from 'node:assert/strict';
import type { NotificationEvent } from '../../src/core/notifications.ts';
import { BatonError } from '../../src/core/errors.ts';
import type { Ports } from '../../src/engine/ports.ts';
import { byRole, failure, makeEngine } from '../support/engine.ts';
import { makeReceiver, type Receiver } from '../support/receiver.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });
/** An agent that fails for good where the task's id says so. */
const script = (agent: { request: { task_id: string }; write: (files: Record<string, string>) => Promise<void> }) =>
  agent.request.task_id.startsWith('bad')
    ? Promise.resolve(failure('bad_request', 'the model does not exist'))
    : agent.write({ [`${agent.request.task_id}.txt`]: 'done\n' }).then(() => undefined);
const notifying = (receiver: Receiver, events: NotificationEvent[], more: Record<string, unknown> = {}) => ({ notifications: { webhook_url: receiver.url, events, ...more } });

describe('The engine’s webhook', () => {
  it('tells a failed task, and of the events only those that are listed (rows 65, 98, 101)', async () => {
    const receiver = await makeReceiver();
    const test = await makeEngine({ tasks: [task('good'), task('bad')], agent: script, config: notifying(receiver, ['task_failed']) });
    await test.engine.send({ type: 'start' });
    await test.untilState('good', 'done');
    await test.untilState('bad', 'failed');
    await test.close();
    assert.deepEqual(receiver.events(), ['task_failed']);
    const { json } = receiver.got[0] ?? assert.fail('nothing came');
    assert.equal(json['repository'], 'sample');
    assert.match(String(json['message']), /^Task bad \(Do bad\) failed: .*the model does not exist/);
    assert.partialDeepStrictEqual(json['task'], { id: 'bad', goal: 'Do bad', state: 'failed' });
  });

  it('tells what is listed in the order in which it happened', async () => {
    const receiver = await makeReceiver();
    const events: NotificationEvent[] = ['orchestrator_started', 'human_review', 'task_completed', 'orchestrator_stopped'];
    const test = await makeEngine({ tasks: [task('one', { requires_approval: true })], config: notifying(receiver, events) });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'approve', by: 'me', via: 'cli' });
    await test.untilState('one', 'done');
    await test.engine.send({ type: 'stop' });
    await receiver.until(4);
    assert.deepEqual(receiver.events(), ['orchestrator_started', 'human_review', 'task_completed', 'orchestrator_stopped']);
    assert.equal(new Set(receiver.got.map(({ headers }) => headers['x-baton-delivery'])).size, 4);
  });

  it('sends nothing when notifications are off (row 96)', async () => {
    const receiver = await makeReceiver();
    const test = await makeEngine({ tasks: [task('bad')], agent: script, config: notifying(receiver, ['task_failed', 'orchestrator_stopped'], { enabled: false }) });
    await test.engine.send({ type: 'start' });
    await test.untilState('bad', 'failed');
    await test.engine.send({ type: 'stop' });
    await test.close();
    assert.equal(receiver.got.length, 0);
  });

  it('tells every kind of stop with its reason (row 100)', async () => {
    const receiver = await makeReceiver();
    const test = await makeEngine({ config: notifying(receiver, ['orchestrator_stopped']) });
    const reason = (index: number): unknown => (receiver.got[index]?.json['data'] as { reason?: unknown }).reason;
    await test.engine.send({ type: 'start' });
    await test.engine.send({ type: 'stop' });
    await receiver.until(1);
    assert.equal(reason(0), 'stopped by the user');
    await test.engine.send({ type: 'start' });
    await test.engine.send({ type: 'stop_now' });
    await receiver.until(2);
    assert.equal(reason(1), 'stopped at once by the user');
    await test.engine.send({ type: 'start' });
    test.setStopHook(true);
    await receiver.until(3);
    assert.equal(reason(2), 'the stop-hook file .claude_stop is there');
    await test.engine.send({ type: 'stop' });
    await test.close();
    assert.equal(receiver.got.length, 3, 'what is stopped already does not stop again');
  });

  it('tells a stop that cannot be stored', async () => {
    const receiver = await makeReceiver();
    let full = false;
    const throughPorts = ({ store, ...ports }: Ports): Ports => ({
      ...ports,
      store: {
        commit: (commit) => (full ? Promise.reject(new BatonError('store', 'The disk is full.')) : store.commit(commit)),
        loadTasks: () => store.loadTasks(),
        task: (id) => store.task(id),
        events: (since, limit) => store.events(since, limit),
        meta: () => store.meta(),
        metrics: (since) => store.metrics(since),
        history: (query) => store.history(query),
        repairs: store.repairs,
        close: () => store.close(),
      },
    });
    const agent = () => {
      full = true;
      return Promise.resolve(undefined);
    };
    const test = await makeEngine({ tasks: [task('one')], agent, config: notifying(receiver, ['orchestrator_stopped']), throughPorts });
    const { error } = console;
    console.error = () => undefined;
    try {
      await test.engine.send({ type: 'start' });
      await receiver.until(1);
    } finally {
      full = false;
      console.error = error;
    }
    assert.match(String(receiver.got[0]?.json['message']), /Baton has stopped: nothing can be stored: The disk is full/);
  });

  it('never holds up the loop, however slow its receiver is', async () => {
    const receiver = await makeReceiver();
    let release: () => void = () => undefined;
    receiver.answer = (response) => {
      release = () => void response.writeHead(200).end();
    };
    const test = await makeEngine({ tasks: [task('one'), task('two'), task('three')], config: { ...notifying(receiver, ['task_completed']), orchestrator: { max_concurrent_tasks: 1 } } });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.loop.idle && snapshot.tasks.every((one) => one.state === 'done'));
    assert.equal(receiver.got.length, 1, 'the first message is still not answered');
    receiver.answer = (response) => void response.writeHead(200).end();
    release();
    await receiver.until(3);
  });

  it('gives a message up after three attempts with a problem that is shown until one is taken again', async () => {
    const receiver = await makeReceiver();
    receiver.answer = (response) => response.writeHead(503).end();
    const errors: string[] = [];
    const throughPorts = (ports: Ports): Ports => ({ ...ports, log: { ...ports.log, error: (message) => void errors.push(message) } });
    const test = await makeEngine({ config: notifying(receiver, ['orchestrator_stopped']), throughPorts });
    await test.engine.send({ type: 'start' });
    await test.engine.send({ type: 'stop' });
    const { problems } = await test.until((snapshot) => snapshot.problems.length > 0);
    assert.match(problems[0]?.message ?? '', /^The webhook for orchestrator_stopped was given up after 3 attempts: It answered with status 503/);
    assert.equal(errors.length, 1);
    assert.doesNotMatch(`${errors.join()} ${problems[0]?.message ?? ''}`, /s3cret-path/);
    assert.equal(new Set(receiver.got.map(({ headers }) => headers['x-baton-delivery'])).size, 1, 'a receiver can tell that it is the same message');
    receiver.answer = (response) => void response.writeHead(200).end();
    await test.engine.send({ type: 'start' });
    await test.engine.send({ type: 'stop' });
    await test.until((snapshot) => snapshot.problems.length === 0);
    assert.equal(receiver.got.length, 4);
  });

  it('goes on after a restart with what was not told before', async () => {
    const receiver = await makeReceiver();
    receiver.answer = () => undefined;
    const test = await makeEngine({ host: 'vscode', tasks: [task('bad1'), task('bad2')], agent: script, config: { ...notifying(receiver, ['task_failed']), orchestrator: { max_concurrent_tasks: 1 } } });
    await test.engine.send({ type: 'start' });
    await test.untilState('bad1', 'failed');
    await test.untilState('bad2', 'failed');
    await receiver.until(1);
    receiver.answer = (response) => void response.writeHead(200).end();
    await test.restart();
    await receiver.until(3);
    await test.close();
    const ids = receiver.got.map(({ headers }) => headers['x-baton-delivery']);
    assert.deepEqual(receiver.got.map(({ json }) => (json['task'] as { id: string }).id), ['bad1', 'bad1', 'bad2']);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[1], ids[2]);
  });

  it('tells nothing of the time before it was turned on', async () => {
    const receiver = await makeReceiver();
    const test = await makeEngine({ tasks: [task('bad1')], agent: script });
    await test.engine.send({ type: 'start' });
    await test.untilState('bad1', 'failed');
    test.setConfig(notifying(receiver, ['task_failed']));
    await test.engine.send({ type: 'refresh' });
    test.setTasks([task('bad1'), task('bad2')]);
    await test.untilState('bad2', 'failed');
    await receiver.until(1);
    await test.close();
    assert.deepEqual(receiver.got.map(({ json }) => (json['task'] as { id: string }).id), ['bad2']);
  });

  it('tells once that health has become worse, with what fails (row 99)', async () => {
    const receiver = await makeReceiver();
    const test = await makeEngine({ tasks: [task('bad1'), task('bad2'), task('bad3')], agent: script, config: notifying(receiver, ['health_degraded']) });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.loop.idle && snapshot.tasks.every((one) => one.state === 'failed'));
    await receiver.until(1);
    await test.close();
    assert.deepEqual(receiver.events(), ['health_degraded']);
    assert.match(String(receiver.got[0]?.json['message']), /^Baton is not healthy: .*failed/);
  });

  it('tells that a budget is used up, for which task and by how much', async () => {
    const receiver = await makeReceiver();
    const test = await makeEngine({
      tasks: [task('one', { workflow: 'reviewed', budget_usd: 1 })],
      driver: 'claude',
      agent: (agent) => {
        agent.say({ type: 'usage', usage: { input_tokens: 0, output_tokens: 9, cache_read_tokens: 0, cache_write_tokens: 0 }, cost_usd: 0.3, turns: 1 });
        return byRole({})(agent);
      },
      config: notifying(receiver, ['budget_exceeded']),
    });
    await test.engine.send({ type: 'start' });
    await receiver.until(1);
    assert.match(String(receiver.got[0]?.json['message']), /^A budget is used up: .*\$1\.00 is reached: \$0\.60 is spent$/);
    assert.partialDeepStrictEqual(receiver.got[0]?.json['task'], { id: 'one' });
  });
});
