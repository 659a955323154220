import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { isTaskEdge } from '../../src/core/states.ts';
import { makeEngine } from '../support/engine.ts';
import { until } from '../support/processes.ts';
import { gitEnv } from '../support/repo.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });

describe('The direct workflow', () => {
  it('takes a task from the queue to a merge commit, and only through legal states (rows 62, 122)', async () => {
    const test = await makeEngine({ tasks: [task('one')] });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');

    assert.deepEqual(record.history.map((entry) => entry.to), ['new', 'implementing', 'quality_gate', 'done']);
    for (const { from, to } of record.history) assert.ok(from === null || isTaskEdge(from, to));
    assert.equal(readFileSync(path.join(test.repo.root, 'one.txt'), 'utf8'), 'done\n');
    const body = await test.repo.git('log', '-1', '--format=%B');
    assert.match(body, /^Do one\n/);
    assert.match(body, new RegExp(`Baton-Task: one\\nBaton-Hash: ${record.content_hash}`));
    assert.equal(await test.repo.git('status', '--porcelain'), '');
    await test.until((snapshot) => snapshot.tasks[0]?.worktree === null, 'the worktree to go');
    assert.equal(await test.repo.git('rev-parse', `refs/baton/tasks/one`), record.head_sha);
  });

  it('carries the evidence of what was checked (row 248)', async () => {
    const test = await makeEngine({ tasks: [task('one')] });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    const [round] = record.quality_gate_results;
    const [check] = round?.checks ?? [];
    assert.equal(round?.passed, true);
    assert.equal(round.base_sha, record.base_sha);
    assert.equal(check?.command, 'test ! -e broken');
    assert.equal(check.exit_code, 0);
    assert.equal(check.tree_sha, await test.repo.git('rev-parse', `${record.head_sha ?? ''}^{tree}`));
    assert.ok(check.log !== null && existsSync(check.log));
  });

  it('does not look again at what it has just committed, nor at what gates left where a commit of the tree they saw is all that is to be made', async () => {
    let looks = 0;
    const test = await makeEngine({
      tasks: [{ id: 'one', goal: 'Do it' }],
      throughPorts: (ports) => ({ ...ports, workspace: { ...ports.workspace, state: (worktree) => ((looks += 1), ports.workspace.state(worktree)) } }),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    assert.equal(looks, 0);
  });

  for (const hooks of [false, true]) {
    it(`lands nothing that gates leave in the worktree, and loses nothing of it (${hooks ? 'with' : 'without'} hooks)`, async () => {
      const test = await makeEngine({ tasks: [task('one')], config: { gates: [{ name: 'check', run: 'echo left > left.txt && echo left >> one.txt' }] } });
      if (hooks) writeFileSync(path.join(test.repo.root, '.git/hooks/pre-commit'), '#!/bin/sh\ntest ! -e left.txt\n', { mode: 0o755 });
      await test.engine.send({ type: 'start' });
      const { merge_sha } = await test.untilState('one', 'done');
      await test.until((snapshot) => snapshot.tasks.every(({ worktree }) => worktree === null));
      assert.equal(await test.repo.git('ls-tree', '--name-only', merge_sha ?? '', 'left.txt'), '');
      assert.equal(await test.repo.git('show', `${merge_sha ?? ''}:one.txt`), 'done');
      const [snapshot = ''] = (await test.repo.git('for-each-ref', '--format=%(refname)', 'refs/baton/snapshots/one')).split('\n');
      assert.equal(await test.repo.git('show', `${snapshot}:left.txt`), 'left');
    });
  }

  it('takes nothing that gates leave for a human’s work when the merge breaks before it has begun and is tried again', async () => {
    let broken = false;
    const test = await makeEngine({
      tasks: [task('one')],
      config: { gates: [{ name: 'check', run: 'echo left > left.txt' }] },
      throughPorts: (ports) => ({
        ...ports,
        workspace: {
          ...ports.workspace,
          merged: (target, since) => {
            if (broken || since === undefined) return ports.workspace.merged(target, since);
            broken = true;
            return Promise.reject(new Error('no more files can be opened'));
          },
        },
      }),
    });
    await test.engine.send({ type: 'start' });
    const { decisions, worktree } = await test.untilState('one', 'awaiting_human_review');
    assert.match(decisions[0]?.question ?? '', /no more files can be opened/);
    assert.ok(!existsSync(path.join(worktree ?? '', 'left.txt')));
    // What is done there from now on is the human's.
    writeFileSync(path.join(worktree ?? '', 'mine.txt'), 'mine\n');
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'approve', by: 'me', via: 'cli' });
    const done = await test.untilState('one', 'done');
    assert.equal(done.gated_at, null);
    assert.equal(await test.repo.git('ls-tree', '--name-only', done.merge_sha ?? '', 'left.txt', 'mine.txt'), 'mine.txt');
    assert.equal(done.quality_gate_results.length, 2);
  });

  it('puts back what gates left when it is stopped, and keeps what a human does after that', async () => {
    const gates = [{ name: 'check', run: 'echo left > left.txt; while ! test -e go; do sleep 0.05; done; rm go' }];
    const test = await makeEngine({ tasks: [task('one')], config: { gates } });
    await test.engine.send({ type: 'start' });
    const { worktree } = await test.untilState('one', 'quality_gate');
    const file = (name: string): string => path.join(worktree ?? '', name);
    await until('the gate is at work', () => existsSync(file('left.txt')));
    await test.engine.send({ type: 'stop_now' });
    assert.ok(!existsSync(file('left.txt')), 'it is still there');
    writeFileSync(file('mine.txt'), 'mine\n');
    await test.engine.send({ type: 'start' });
    await until('the gate is at work', () => existsSync(file('left.txt')));
    writeFileSync(file('go'), '');
    const done = await test.untilState('one', 'done');
    assert.equal(await test.repo.git('ls-tree', '--name-only', done.merge_sha ?? '', 'left.txt', 'mine.txt'), 'mine.txt');
  });

  it('keeps state file, checkpoint, costs and attempts of a finished task (rows 12, 69, 123, 124, 127, 128)', async () => {
    const test = await makeEngine({ tasks: [task('one'), task('two')] });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
    await test.untilState('two', 'done');
    const snapshot = await test.engine.snapshot();
    assert.equal(snapshot.cost.total_usd, 0.02);
    await test.close();
    const file = JSON.parse(readFileSync(path.join(test.batonDir, 'state', 'one.json'), 'utf8')) as Record<string, unknown>;
    for (const key of ['task_id', 'state', 'task_def', 'workflow', 'steps', 'quality_gate_results', 'decisions', 'history', 'started_at', 'completed_at', 'models', 'usage', 'sessions']) {
      assert.ok(key in file, key);
    }
    assert.equal(file['total_cost_usd'], 0.01);
    const checkpoint = JSON.parse(readFileSync(path.join(test.batonDir, 'checkpoint.json'), 'utf8')) as { sequence: number };
    assert.equal(checkpoint.sequence, 2);
  });

  it('feeds failing gates back to the same session and merges once they pass', async () => {
    const test = await makeEngine({
      driver: 'claude',
      tasks: [task('one')],
      config: { gates: [{ name: 'check', run: 'echo "still $(cat one.txt)"; ! grep -qs wrong one.txt' }] },
      agent: async (agent) => {
        await agent.write({ 'one.txt': agent.request.prompt.includes('still wrong') ? 'fixed\n' : 'wrong\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    assert.deepEqual(record.steps.map((step) => step.step_id), ['implement', 'fix-1']);
    assert.deepEqual(record.quality_gate_results.map((round) => round.passed), [false, true]);
    assert.equal(test.requests[1]?.resume, 'session-one');
  });

  it('fails a task whose gates fail three times (row 176)', async () => {
    let round = 0;
    const test = await makeEngine({
      tasks: [task('one')],
      config: { gates: [{ name: 'check', run: 'test ! -e one.txt' }] },
      agent: async (agent) => {
        round += 1;
        await agent.write({ 'one.txt': `${round}\n` });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'failed');
    assert.equal(record.error?.kind, 'gates_failed');
    assert.equal(test.requests.length, 3);
    assert.equal(record.quality_gate_results.length, 3);
  });

  it('runs setup commands and brings ignored files by rule before the agent starts (row 234)', async () => {
    const test = await makeEngine({
      files: { '.gitignore': '.baton/\n.env\nmade\n', 'package.json': '{}\n' },
      tasks: [task('one')],
      config: { worktree: { setup: ['cp .env made'], copy: ['.env*'] }, gates: [{ name: 'made', run: 'grep -q secret made' }] },
    });
    await test.repo.write({ '.env': 'secret\n' });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'done');
  });

  it('asks the human when a setup command fails twice', async () => {
    const test = await makeEngine({ tasks: [task('one')], config: { worktree: { setup: ['echo no such package; exit 9'] } } });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(test.requests.length, 0);
    assert.match(record.decisions[0]?.question ?? '', /setup command .* exited with 9: no such package/);
  });

  it('does not take "done" without a change for done: it asks again, then the human (row 233)', async () => {
    const test = await makeEngine({ tasks: [task('one')], agent: () => Promise.resolve(undefined) });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.equal(test.requests.length, 2);
    assert.match(test.requests[1]?.prompt ?? '', /changed no file/);
    assert.equal(record.error?.kind, 'no_changes');
  });

  it('keeps the user’s uncommitted work through a merge, and asks when it is in the way', async () => {
    const test = await makeEngine({
      files: { 'a.txt': 'a\n', 'b.txt': 'b\n' },
      tasks: [task('one')],
      agent: async (agent) => {
        await agent.write({ 'a.txt': 'agent\n' });
        return undefined;
      },
    });
    await test.repo.write({ 'a.txt': 'mine\n', 'b.txt': 'mine too\n', 'new.txt': 'untracked\n' });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.deepEqual(record.decisions[0]?.detail['files_in_the_way'], ['a.txt']);
    assert.equal(readFileSync(path.join(test.repo.root, 'a.txt'), 'utf8'), 'mine\n');

    await test.repo.git('checkout', '--', 'a.txt');
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'approve', by: 'me', via: 'cli' });
    await test.untilState('one', 'done');
    assert.equal(readFileSync(path.join(test.repo.root, 'a.txt'), 'utf8'), 'agent\n');
    assert.equal(readFileSync(path.join(test.repo.root, 'b.txt'), 'utf8'), 'mine too\n');
    assert.equal(readFileSync(path.join(test.repo.root, 'new.txt'), 'utf8'), 'untracked\n');
  });

  it('verifies the combination with a target that moved, and does not merge a red one (row 227)', async () => {
    const test = await makeEngine({
      files: { 'a.txt': '1\n', 'b.txt': '1\n' },
      tasks: [task('one')],
      config: { gates: [{ name: 'sum', run: 'test "$(cat a.txt)$(cat b.txt)" != 22' }] },
      agent: async (agent) => {
        await agent.write({ 'a.txt': '2\n' });
        if (agent.request.number === 1 && agent.request.step_id === 'implement') await test.repo.commit('Move the target', { 'b.txt': '2\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => (snapshot.tasks[0]?.steps.length ?? 0) > 1, 'a fix step');
    const record = await test.record('one');
    assert.deepEqual(record.quality_gate_results.map(({ subject, passed }) => [subject, passed]).slice(0, 2), [['branch', true], ['merge', false]]);
    assert.equal(readFileSync(path.join(test.repo.root, 'a.txt'), 'utf8'), '1\n');
  });

  it('gives a conflict to the agent with both sides, and merges what it made of them (row 228)', async () => {
    const test = await makeEngine({
      files: { 'a.txt': 'top\n1\nbottom\n' },
      tasks: [task('one')],
      agent: async (agent) => {
        if (agent.request.step_id === 'implement') {
          await agent.write({ 'a.txt': 'top\nagent\nbottom\n' });
          await test.repo.commit('Move the target', { 'a.txt': 'top\nhuman\nbottom\n' });
          return undefined;
        }
        // As its prompt tells it.
        await promisify(execFile)('git', ['merge', '--no-commit', 'main'], { cwd: agent.request.cwd, env: gitEnv() }).catch(() => undefined);
        await agent.write({ 'a.txt': 'top\nhuman and agent\nbottom\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    const prompt = test.requests[1]?.prompt ?? '';
    assert.match(prompt, /<{7} [^\n]*\nhuman\n={7}\nagent\n>{7} /);
    assert.match(prompt, /git merge --no-commit main/);
    assert.equal(readFileSync(path.join(test.repo.root, 'a.txt'), 'utf8'), 'top\nhuman and agent\nbottom\n');
    assert.equal(record.gate_failures, 0);
    assert.equal(record.decisions.length, 0);
  });

  it('shows the human the files of a conflict that the agent could not resolve twice, and takes a word of help (row 228)', async () => {
    const test = await makeEngine({
      files: { 'a.txt': '1\n' },
      tasks: [task('one')],
      agent: async (agent) => {
        if (agent.request.step_id === 'implement') await test.repo.commit('Move the target', { 'a.txt': 'human\n' });
        await agent.write({ 'a.txt': `agent at ${agent.request.step_id ?? ''}\n` });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'awaiting_human_review');
    assert.deepEqual(record.steps.map((step) => step.step_id), ['implement', 'fix-1', 'fix-2']);
    assert.equal(record.decisions[0]?.detail['reason'], 'conflict');
    assert.deepEqual(record.decisions[0].detail['files_in_the_way'], ['a.txt']);
    assert.match(record.decisions[0].question, /could not resolve it in 2 tries/);
    await test.engine.send({ type: 'decide', task_id: 'one', verdict: 'request_changes', text: 'Keep mine', by: 'me', via: 'cli' });
    await test.until(() => test.requests.length > 3, 'another attempt');
    assert.match(test.requests[3]?.prompt ?? '', /<{7} [^\n]*\nhuman\n={7}\nagent at fix-2\n>{7}[^]*Keep mine/);
  });

  it('catches two tasks that are green apart and red together, before the target has them both (row 227)', async () => {
    const test = await makeEngine({
      files: { 'a.txt': '1\n', 'b.txt': '1\n' },
      tasks: [task('one'), task('two')],
      config: { gates: [{ name: 'sum', run: 'test "$(cat a.txt)$(cat b.txt)" != 22' }] },
      agent: async (agent) => {
        const { task_id: id, step_id: step } = agent.request;
        await agent.write(step === 'implement' ? { [id === 'one' ? 'a.txt' : 'b.txt']: '2\n' } : { [id === 'one' ? 'a.txt' : 'b.txt']: '3\n' });
        // Both stand on the same base.
        await test.until(() => test.requests.length >= 2, 'both at work');
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const records = [await test.untilState('one', 'done'), await test.untilState('two', 'done')];
    const rounds = records.flatMap((record) => record.quality_gate_results.map(({ subject, passed }) => `${subject} ${String(passed)}`));
    assert.equal(rounds.filter((round) => round === 'merge false').length, 1, rounds.join(', '));
    const [a, b] = ['a.txt', 'b.txt'].map((name) => readFileSync(path.join(test.repo.root, name), 'utf8').trim());
    assert.ok(['23', '32'].includes(`${a ?? ''}${b ?? ''}`), `${a ?? ''}${b ?? ''}`);
    // No commit on the target was ever red.
    for (const sha of (await test.repo.git('log', '--format=%H', 'main')).split('\n')) {
      const state = `${await test.repo.git('show', `${sha}:a.txt`)}${await test.repo.git('show', `${sha}:b.txt`)}`;
      assert.notEqual(state, '22');
    }
  });

  it('asks for a merge decision under auto when no gate checked the work, or it touches what agents are steered by', async () => {
    const bare = await makeEngine({ tasks: [task('one')], config: { gates: [] } });
    await bare.engine.send({ type: 'start' });
    assert.equal((await bare.untilState('one', 'awaiting_human_review')).decisions[0]?.detail['reason'], 'no gate checked it');

    const steering = await makeEngine({
      tasks: [task('one')],
      agent: async (agent) => {
        await agent.write({ '.claude/settings.json': '{}\n' });
        return undefined;
      },
    });
    await steering.engine.send({ type: 'start' });
    assert.deepEqual((await steering.untilState('one', 'awaiting_human_review')).decisions[0]?.detail['protected'], ['.claude/settings.json']);
  });

  it('recognises a task without state that was merged before (trailers)', async () => {
    const first = await makeEngine({ tasks: [task('one')] });
    await first.engine.send({ type: 'start' });
    await first.untilState('one', 'done');
    await first.close();
    await first.ports.store.close();
    const { rm } = await import('node:fs/promises');
    await rm(first.batonDir, { recursive: true });
    await first.restart();
    const record = await first.untilState('one', 'done');
    assert.equal(first.requests.length, 1);
    assert.match(record.history.at(-1)?.why ?? '', /found merged/);
  });
});
