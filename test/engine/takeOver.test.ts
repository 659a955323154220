import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { committingThrough } from '../support/committing.ts';
import { makeEngine, type TestEngine } from '../support/engine.ts';

/** An agent that works until it is ended, and in its resumed session finishes. `onSession`: while its first session is being stored. */
const started = async (driver: 'claude' | 'command' = 'claude', onSession?: (test: TestEngine) => Promise<void>): Promise<TestEngine> => {
  let told = onSession === undefined;
  const test: TestEngine = await makeEngine({
    driver,
    tasks: [{ id: 'one', goal: 'Do one' }],
    throughPorts: (ports) =>
      committingThrough(ports, async (commit, store) => {
        if (!told && commit.tasks?.some((one) => Object.keys(one.sessions).length > 0)) {
          told = true;
          await onSession?.(test);
        }
        return store(commit);
      }),
    agent: async (agent) => {
      await agent.write({ 'half.txt': 'half\n' });
      if (agent.request.resume === null) await agent.killed;
      await agent.write({ 'whole.txt': 'done\n' });
      return undefined;
    },
  });
  await test.engine.send({ type: 'start' });
  await test.until((snapshot) => snapshot.tasks[0]?.activity?.includes('at work') ?? false);
  return test;
};

describe('A session that is taken over (SPEC §8)', () => {
  it('ends the turn, holds the task with the reason, and tells what continues it; handed back it goes on in the same session and worktree', async () => {
    const test = await started();
    const { terminal, message } = await test.engine.send({ type: 'take_over', task_id: 'one', by: 'ann' });
    const { worktree } = await test.record('one');
    assert.match(message, /is yours/);
    assert.deepEqual([terminal?.program, terminal?.args, terminal?.cwd], ['agent', ['--resume', 'session-one'], worktree]);
    const held = await test.until((snapshot) => snapshot.tasks[0]?.group === 'held');
    assert.equal(held.tasks[0]?.why, 'ann has taken its session over: hand it back to go on.');
    assert.equal((await test.record('one')).interruptions, 0);
    await assert.rejects(test.engine.send({ type: 'take_over', task_id: 'one', by: 'bob' }), /ann has taken/);
    writeFileSync(path.join(worktree ?? '', 'mine.txt'), 'by hand\n');
    await test.restart();
    assert.equal((await test.engine.snapshot()).tasks[0]?.group, 'held');
    assert.equal(test.requests.length, 1);
    await test.engine.send({ type: 'hand_back', task_id: 'one', text: 'I have named the file.', by: 'ann' });
    await test.untilState('one', 'done');
    assert.equal(test.requests[1]?.resume, 'session-one');
    assert.match(test.requests[1].prompt, /Meanwhile I have worked in this session myself[^]*I have named the file\./);
    assert.equal(readFileSync(path.join(test.repo.root, 'mine.txt'), 'utf8'), 'by hand\n');
  });

  it('is refused where there is no session to continue, and handing back where none was taken', async () => {
    const test = await started('command');
    await assert.rejects(test.engine.send({ type: 'take_over', task_id: 'one', by: 'ann' }), /no session that a terminal could continue/);
    await assert.rejects(test.engine.send({ type: 'hand_back', task_id: 'one', by: 'ann' }), /was not taken over/);
    assert.equal(test.requests.length, 1, 'the agent works on');
  });

  it('is there to be taken as soon as its agent is shown at work', async () => {
    const shown: (string | null | undefined)[] = [];
    const test = await started('claude', async ({ engine }) => void shown.push((await engine.snapshot()).tasks[0]?.activity));
    assert.deepEqual(shown, ['agent is starting'], 'while its session is being stored');
    await test.engine.send({ type: 'take_over', task_id: 'one', by: 'ann' });
  });

  it('can be cancelled without being handed back', async () => {
    const test = await started();
    await test.engine.send({ type: 'take_over', task_id: 'one', by: 'ann' });
    await test.engine.send({ type: 'cancel', task_id: 'one' });
    assert.equal((await test.record('one')).state, 'failed');
  });
});
