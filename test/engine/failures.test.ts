import assert from 'node:assert/strict';
import { byRole, failure, makeEngine } from '../support/engine.ts';
import { FakeClock, passing } from '../support/fakeClock.ts';
import { until } from '../support/processes.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });

describe('A failing attempt', () => {
  it('is tried five times by default when the failure passes by itself, then the task fails with the reason (rows 7, 8)', async () => {
    const test = await makeEngine({ tasks: [task('one')], agent: () => Promise.resolve(failure('overloaded', '529 Overloaded', { status: 529 })) });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'failed');
    assert.equal(test.requests.length, 5);
    assert.equal(record.retry_count, 4);
    assert.equal(record.error?.kind, 'overloaded');
    assert.match(record.history.at(-1)?.why ?? '', /529 Overloaded/);
    const retries = (await test.ports.store.events(0)).filter((event) => event.type === 'retry');
    assert.deepEqual(retries.map((event) => event.data['attempt']), [2, 3, 4, 5]);
  });

  it('waits 60, 120, 240, 480 seconds between them by default (rows 68, 85, 86, 191)', async () => {
    const waits: number[] = [];
    const test = await makeEngine({
      tasks: [task('one')],
      config: { retry: {} },
      agent: () => Promise.resolve(failure('server_error', 'boom', { status: 500 })),
    });
    await test.engine.send({ type: 'start' });
    for (let count = 1; count <= 4; count += 1) {
      const { tasks } = await test.until((snapshot) => snapshot.tasks[0]?.retry_count === count && snapshot.tasks[0].not_before !== null && snapshot.tasks[0].group !== 'running');
      const record = await test.record('one');
      waits.push(Math.round((Date.parse(record.not_before ?? '') - Date.parse(record.error?.at ?? '')) / 1000));
      assert.match(tasks[0]?.why ?? '', new RegExp(`retry ${count} of 4`));
      await test.engine.send({ type: 'retry', task_id: 'one' });
    }
    await test.untilState('one', 'failed');
    assert.deepEqual(waits, [60, 120, 240, 480]);
  });

  it('recovers when the next attempt succeeds', async () => {
    const test = await makeEngine({
      tasks: [task('one')],
      agent: async (agent) => {
        if (agent.request.number === 1) return failure('connection', 'reset');
        await agent.write({ 'one.txt': 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    assert.equal(test.requests.length, 2);
    assert.equal(record.steps[0]?.attempt, 2);
  });

  it('that broke off in the middle leaves nothing half-done to the next one without its session, and a snapshot of it', async () => {
    const prompts: string[] = [];
    const test = await makeEngine({
      tasks: [task('one')],
      agent: async (agent) => {
        prompts.push(agent.request.prompt);
        await agent.write({ [`attempt-${String(agent.request.number)}.txt`]: 'x\n' });
        return agent.request.number === 1 ? failure('crashed', 'ended by SIGKILL') : undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    assert.equal((await test.repo.git('ls-tree', '--name-only', 'main')).includes('attempt-1.txt'), false);
    assert.match(prompts[1] ?? '', /ended by SIGKILL\nIts unfinished changes were taken back/);
    assert.match(await test.repo.git('ls-tree', '-r', '--name-only', (await test.repo.git('for-each-ref', '--format=%(refname)', 'refs/baton/snapshots')).split('\n')[0] ?? ''), /attempt-1\.txt/);
  });

  for (const kind of ['bad_request', 'not_found', 'permission_denied', 'model_not_found']) {
    it(`is never retried after ${kind} (row 139)`, async () => {
      const test = await makeEngine({ tasks: [task('one')], agent: () => Promise.resolve(failure(kind)) });
      await test.engine.send({ type: 'start' });
      assert.equal((await test.untilState('one', 'failed')).error?.kind, kind);
      assert.equal(test.requests.length, 1);
    });
  }

  it('closes the account after an authentication error and holds its other tasks until the user starts again', async () => {
    let signedIn = false;
    const test = await makeEngine({
      tasks: [task('one', { priority: 'urgent' }), task('two')],
      config: { orchestrator: { max_concurrent_tasks: 1 } },
      agent: async (agent) => {
        if (!signedIn) return failure('authentication_failed', 'Invalid API key', { status: 401 });
        await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'failed');
    const { tasks } = await test.until((snapshot) => snapshot.tasks.find((one) => one.id === 'two')?.group === 'held');
    assert.match(tasks.find((one) => one.id === 'two')?.why ?? '', /sign-in/);
    assert.equal(test.requests.length, 1);
    signedIn = true;
    await test.engine.send({ type: 'start' });
    await test.untilState('two', 'done');
  });

  it('holds the account at a usage limit, lets other accounts go on, and resumes the same session by itself (row 229)', async () => {
    const clock = new FakeClock(Date.now());
    let limited = true;
    const test = await makeEngine({
      clock,
      config: { agents: { a: { driver: 'claude' }, b: { driver: 'claude' } } },
      tasks: [task('one', { agent: 'a' }), task('two', { agent: 'b' })],
      agent: async (agent) => {
        if (agent.request.task_id === 'one' && limited) {
          limited = false;
          return failure('rate_limit', 'Usage limit reached', { status: 429, resets_at: clock.now() + 3_600_000 });
        }
        await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    // Snapshots are sent by the clock, which stands still.
    const view = async (id: string) => (await test.engine.snapshot()).tasks.find((one) => one.id === id);
    await until('the other account has gone on', async () => (await view('two'))?.state === 'done' && (await view('one'))?.group === 'held');
    assert.match((await view('one'))?.why ?? '', /Account a opens in .*Usage limit reached/);
    assert.equal((await test.engine.snapshot()).accounts.find((one) => one.account === 'a')?.closed, true);
    await clock.advance(3_600_000);
    await until('the account is open again', () => passing(clock, async () => (await view('one'))?.state === 'done'));
    assert.equal((await test.record('one')).retry_count, 0);
    assert.equal(test.requests.at(-1)?.resume, 'session-one');
  });

  it('asks the human when an unknown error comes twice (SPEC §7)', async () => {
    const test = await makeEngine({ tasks: [task('one')], agent: () => Promise.resolve(failure('unknown', 'the moon is full')) });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(test.requests.length, 2);
    assert.match(record.decisions[0]?.question ?? '', /the moon is full/);
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'reject', text: 'not worth it', by: 'me', via: 'cli' });
    assert.equal((await test.record('one')).error?.message, 'not worth it');
  });

  it('goes to the human when the retries of a reviewed task are used up, who can have it tried again (row 144)', async () => {
    let broken = true;
    const test = await makeEngine({
      driver: 'claude',
      config: { retry: { max_attempts: 2, initial_backoff: 0.02 } },
      tasks: [{ id: 'one', goal: 'Do it', workflow: 'reviewed' }],
      agent: (agent) => (broken && agent.request.role === 'implementer' ? Promise.resolve(failure('overloaded', 'Overloaded')) : byRole({})(agent)),
    });
    await test.engine.send({ type: 'start' });
    const parked = await test.untilState('one', 'awaiting_human_review');
    assert.equal(parked.attempts.filter((one) => one.role === 'implementer').length, 2);
    assert.match(parked.decisions.at(-1)?.question ?? '', /^Overloaded \(overloaded after 2 of 2 attempts .*\) Try again\?$/);
    broken = false;
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'approve', by: 'ada', via: 'cli' });
    await test.untilState('one', 'done');
  });

  it('honours retry overrides by area and by error (row 57)', async () => {
    const test = await makeEngine({
      tasks: [task('one', { area: 'docs' }), task('two', { area: 'core' })],
      config: { retry: { initial_backoff: 0.01, by_area: { docs: { max_attempts: 2 } }, by_error: { silence: { max_attempts: 3 } } } },
      agent: (agent) => Promise.resolve(failure(agent.request.task_id === 'one' ? 'overloaded' : 'silence')),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'failed');
    await test.untilState('two', 'failed');
    assert.equal(test.requests.filter((one) => one.task_id === 'one').length, 2);
    assert.equal(test.requests.filter((one) => one.task_id === 'two').length, 3);
  });

  it('begins a new session when the old one is unknown to the agent', async () => {
    const test = await makeEngine({
      driver: 'claude',
      tasks: [task('one')],
      agent: async (agent) => {
        if (agent.request.resume !== null) return failure('session_not_found', 'No conversation found');
        if (test.requests.length === 1) return failure('overloaded');
        await agent.write({ 'one.txt': 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    assert.deepEqual(test.requests.map((one) => one.resume), [null, 'session-one', null]);
  });

  for (const [kind, config] of [
    ['silence', { silence_timeout: 0.2 }],
    ['time_limit', { claude_timeout: 0.3 }],
  ] as const) {
    it(`is ended by the watchdog and retried with the reason: ${kind} (rows 78, 232)`, async () => {
      const test = await makeEngine({
        tasks: [task('one')],
        config: { orchestrator: config },
        agent: async (agent) => {
          if (agent.request.number === 1) {
            // The next attempt has all the time that it needs.
            test.setConfig({});
            await agent.killed;
          }
          await agent.write({ 'one.txt': 'x\n' });
          return undefined;
        },
      });
      await test.engine.send({ type: 'start' });
      const record = await test.untilState('one', 'done');
      assert.equal(record.attempts[0]?.error?.kind, kind);
      assert.equal(test.requests.length, 2);
    });
  }
});

describe('The start watchdog', () => {
  it('ends a protocol agent that is spawned but never says a word, and leaves a silent command alone (row 232)', async () => {
    const hanging = await makeEngine({
      driver: 'claude',
      tasks: [task('one')],
      config: { orchestrator: { start_timeout: 0.2 }, retry: { max_attempts: 1 } },
      agent: async (agent) => {
        await agent.killed;
        return failure('interrupted');
      },
      mute: true,
    });
    await hanging.engine.send({ type: 'start' });
    assert.equal((await hanging.untilState('one', 'failed')).error?.kind, 'start_timeout');

    const silent = await makeEngine({
      tasks: [task('one')],
      config: { orchestrator: { start_timeout: 0.1 } },
      agent: async (agent) => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        await agent.write({ 'one.txt': 'x\n' });
        return undefined;
      },
      mute: true,
    });
    await silent.engine.send({ type: 'start' });
    await silent.untilState('one', 'done');
    assert.equal(silent.requests.length, 1);
  });
});
