import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeEngine, type TestEngine } from '../support/engine.ts';

/** An agent that works until it is ended, and in its resumed session finishes. */
const started = async (driver: 'claude' | 'command' = 'claude'): Promise<TestEngine> => {
  const test = await makeEngine({
    driver,
    tasks: [{ id: 'one', goal: 'Do one' }],
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
    await test.until(() => test.requests.length === 1);
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

  it('can be cancelled without being handed back', async () => {
    const test = await started();
    await test.engine.send({ type: 'take_over', task_id: 'one', by: 'ann' });
    await test.engine.send({ type: 'cancel', task_id: 'one' });
    assert.equal((await test.record('one')).state, 'failed');
  });
});
