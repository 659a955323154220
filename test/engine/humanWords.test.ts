import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { exactRule } from '../../src/core/permissionGrant.ts';
import type { ReviewThread } from '../../src/core/threads.ts';
import type { Command } from '../../src/shared/api.ts';
import { answer, byRole, makeEngine, type AgentScript, type TestEngine } from '../support/engine.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });
const decide = (taskId: string, verdict: 'approve' | 'reject' | 'request_changes', more: Partial<Extract<Command, { type: 'decide' }>> = {}): Command => ({
  type: 'decide',
  task_id: taskId,
  verdict,
  by: 'me',
  via: 'cli',
  ...more,
});
const waits = (test: TestEngine, taskId: string) => test.until((snapshot) => snapshot.tasks.some((one) => one.id === taskId && one.decisions.length === 1), `a decision of ${taskId}`);

describe('"Always" to a permission (row 249)', () => {
  const asksTwice = (heard: string[]): AgentScript => async (agent) => {
    for (const command of ['make all', 'make all', 'make all extra']) heard.push(`${agent.request.task_id} ${command}: ${(await agent.ask('Bash', { command })).behavior}`);
    await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
    return undefined;
  };

  it('for this task allows the same request again, no other one, and not in another task', async () => {
    const heard: string[] = [];
    const test = await makeEngine({ config: { permissions: [{ tool: '*', then: 'ask' }], orchestrator: { max_concurrent_tasks: 1 } }, tasks: [task('one', { priority: 'urgent' })], agent: asksTwice(heard) });
    await test.engine.send({ type: 'start' });
    const first = await waits(test, 'one');
    assert.deepEqual(first.tasks[0]?.decisions[0]?.detail['rule'], { tool: 'Bash', pattern: 'make all', then: 'allow' });
    const reply = await test.engine.send(decide('one', 'approve', { always: 'task' }));
    assert.equal(reply.message, '✅ Permission for one granted, and from now on in this task');
    const other = await test.until((snapshot) => snapshot.tasks[0]?.decisions[0]?.question.includes('extra') === true);
    assert.deepEqual(heard, ['one make all: allow', 'one make all: allow']);
    assert.equal(other.tasks[0]?.decisions.length, 1);
    await test.engine.send(decide('one', 'reject'));
    const record = await test.untilState('one', 'done');
    assert.equal(record.decisions[0]?.answer?.always, 'task');
    test.setTasks([task('one', { priority: 'urgent' }), task('two')]);
    await test.engine.send({ type: 'refresh' });
    assert.match((await waits(test, 'two')).tasks.find((one) => one.id === 'two')?.decisions[0]?.question ?? '', /make all/);
  });

  it('does not outweigh a rule that denies by now, and survives a restart', async () => {
    const heard: string[] = [];
    const test = await makeEngine({ driver: 'claude', tasks: [task('one')], agent: asksTwice(heard) });
    await test.engine.send({ type: 'start' });
    await waits(test, 'one');
    await test.engine.send(decide('one', 'approve', { always: 'task' }));
    await test.until((snapshot) => snapshot.tasks[0]?.decisions[0]?.question.includes('extra') === true);
    await test.restart({ passive: true });
    assert.deepEqual((await test.record('one')).permissions, [{ tool: 'Bash', pattern: 'make all', then: 'allow' }]);
    test.setConfig({ permissions: [{ tool: 'shell', pattern: 'make *', then: 'deny' }] });
    await test.engine.send(decide('one', 'reject'));
    heard.length = 0;
    await test.restart();
    await test.untilState('one', 'done');
    assert.deepEqual(heard, ['one make all: deny', 'one make all: deny', 'one make all extra: deny']);
  });

  it('for this repository writes the very rule that was shown, and holds for every task', async () => {
    const heard: string[] = [];
    const written: unknown[] = [];
    const test = await makeEngine({
      config: { orchestrator: { max_concurrent_tasks: 1 } },
      tasks: [task('one', { priority: 'urgent' }), task('two')],
      throughPorts: (ports) => ({ ...ports, sources: { ...ports.sources, addPermission: (rule) => (written.push(rule), ports.sources.addPermission(rule)) } }),
      agent: async (agent) => {
        heard.push(`${agent.request.task_id}: ${(await agent.ask('Bash', { command: 'make all' })).behavior}`);
        await agent.write({ [`${agent.request.task_id}.txt`]: 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    // Both ask: the slot of one that waits is free for the other.
    const asked = await test.until((snapshot) => snapshot.tasks.every((one) => one.decisions.length === 1));
    const reply = await test.engine.send(decide('one', 'approve', { always: 'repository' }));
    assert.equal(reply.message, '✅ Permission for one granted, and from now on in this repository (.baton/orchestrator.yaml)');
    assert.deepEqual(written, [asked.tasks.find((one) => one.id === 'one')?.decisions[0]?.detail['rule']]);
    await test.untilState('one', 'done');
    // The other one waited for the same: it is answered by the rule.
    await test.untilState('two', 'done');
    assert.equal(written.length, 1);
    test.setTasks([task('one'), task('two'), task('three')]);
    await test.engine.send({ type: 'refresh' });
    await test.untilState('three', 'done');
    assert.deepEqual(heard, ['one: allow', 'two: allow', 'three: allow']);
  });

  it('is refused where no rule is as narrow as the request, with an edited command, and to other decisions; the decision stays open', async () => {
    const test = await makeEngine({ config: { merge: { policy: 'review' } }, tasks: [task('one')], agent: async (agent) => {
      await agent.ask('Bash', { command: 'make all && rm -rf build' });
      await agent.write({ 'one.txt': 'x\n' });
      return undefined;
    } });
    assert.equal(exactRule({ tool: 'Bash', command: 'make all && rm -rf build' }), undefined);
    await test.engine.send({ type: 'start' });
    await waits(test, 'one');
    await assert.rejects(test.engine.send(decide('one', 'approve', { always: 'repository' })), /no rule is as narrow/);
    await assert.rejects(test.engine.send(decide('one', 'approve', { always: 'task', input: { command: 'rm x' } })), /plain approval only/);
    await assert.rejects(test.engine.send(decide('one', 'reject', { always: 'task' })), /plain approval only/);
    assert.equal((await test.record('one')).decisions[0]?.status, 'open');
    await test.engine.send(decide('one', 'approve'));
    await test.untilState('one', 'awaiting_human_review');
    await assert.rejects(test.engine.send(decide('one', 'approve', { always: 'task' })), /cannot be said to this merge/);
  });
});

describe('Consent', () => {
  it('that was answered once is not answered again (row 4)', async () => {
    const test = await makeEngine({ config: { merge: { policy: 'review' } }, tasks: [task('one')] });
    await test.engine.send({ type: 'start' });
    const { decisions } = await test.untilState('one', 'awaiting_human_review');
    const replay = decide('one', 'approve', { decision_id: decisions[0]?.id });
    await test.engine.send({ type: 'pause' });
    await test.engine.send(replay);
    await assert.rejects(test.engine.send(replay), /no open decision/);
  });

  it('that was asked for anew stays dead, even when the time it holds is made longer afterwards (row 4)', async () => {
    const test = await makeEngine({ tasks: [task('one', { requires_approval: true })], config: { approval: { expires: 0.001 } } });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    await test.engine.send({ type: 'pause' });
    await test.engine.send(decide('one', 'approve'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    assert.deepEqual((await test.record('one')).decisions.map((one) => one.status), ['expired', 'open']);
    test.setConfig({ approval: { expires: '24h' } });
    await test.restart();
    assert.equal((await test.record('one')).state, 'awaiting_human_review');
    assert.equal(test.requests.length, 0);
  });

  it('is a human’s even under auto where the work touches what Baton, agents or git run by', async () => {
    for (const file of ['.baton/orchestrator.yaml', '.claude/settings.json', '.husky/pre-commit', 'scripts/check.sh', 'AGENTS.md']) {
      const test = await makeEngine({
        files: { '.gitignore': '', 'scripts/check.sh': 'true\n' },
        config: { gates: [{ name: 'check', run: 'sh scripts/check.sh' }] },
        tasks: [task('one')],
        agent: async (agent) => {
          await agent.write({ [file]: 'true # mine\n', 'a.txt': 'x\n' });
          return undefined;
        },
      });
      await test.engine.send({ type: 'start' });
      const record = await test.untilState('one', 'awaiting_human_review', 'done');
      assert.equal(record.state, 'awaiting_human_review', file);
      assert.deepEqual(record.decisions[0]?.detail['protected'], [file]);
      await test.close();
    }
  });
});

describe('Comments on a change (row 225)', () => {
  const FILE = ['one', 'two', 'three', 'four', ''].join('\n');
  const review = { config: { merge: { policy: 'review' } } };
  const open = async (second: string): Promise<TestEngine> => {
    const test = await makeEngine({
      ...review,
      driver: 'claude',
      tasks: [task('one')],
      agent: async (agent) => {
        await agent.write({ 'a.txt': agent.request.step_id === 'implement' ? FILE : agent.request.step_id === 'fix-1' ? second : `${second}more\n` });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    return test;
  };
  const say = async (test: TestEngine, line: number, code: string, text: string): Promise<void> => {
    const { head_sha } = await test.record('one');
    await test.engine.send({ type: 'comment', task_id: 'one', place: { file: 'a.txt', line, code, head_sha: head_sha ?? '' }, text, by: 'me' });
  };
  const threads = async (test: TestEngine): Promise<ReviewThread[]> => (await test.record('one')).threads ?? [];

  it('go to the agent with file, line and code, and resolve where the next attempt changes the line; the others stay and move along', async () => {
    const test = await open(['zero', 'one', '2', 'three', 'four', ''].join('\n'));
    await say(test, 2, 'two', 'Write it as a number.');
    await say(test, 4, 'four', 'This too.');
    const [first] = await threads(test);
    await test.engine.send({ type: 'comment', task_id: 'one', place: { thread_id: first?.id ?? '' }, text: 'A digit will do.', by: 'me' });
    await test.restart({ passive: true });
    await test.restart();
    // The comments are words enough.
    await test.engine.send(decide('one', 'request_changes'));
    await test.until((snapshot) => snapshot.tasks[0]?.steps.length === 2 && snapshot.tasks[0].state === 'awaiting_human_review');
    const prompt = test.requests[1]?.prompt ?? '';
    assert.match(prompt, /### a\.txt:2\n\n~~~~\ntwo\n~~~~\n\nWrite it as a number\.\n\nA digit will do\.\n\n### a\.txt:4\n\n~~~~\nfour\n~~~~\n\nThis too\./);
    const { head_sha } = await test.record('one');
    assert.deepEqual(
      (await threads(test)).map(({ status, outdated, line, head_sha: at }) => ({ status, outdated, line, at })),
      [
        { status: 'resolved', outdated: false, line: 3, at: head_sha },
        { status: 'open', outdated: true, line: 5, at: head_sha },
      ],
    );
    await test.engine.send(decide('one', 'request_changes', { text: 'Please look again.' }));
    await test.until(() => test.requests.length === 3);
    assert.match(test.requests[2]?.prompt ?? '', /Please look again\.\n\nComments on lines[^]*### a\.txt:5 \(said before, and still as it was\)/);
    assert.doesNotMatch(test.requests[2]?.prompt ?? '', /A digit will do/);
    await test.untilState('one', 'awaiting_human_review');
  });

  it('can be edited, deleted and resolved by hand; what is resolved is not sent', async () => {
    const test = await open('x\n');
    await say(test, 1, 'one', 'First');
    await say(test, 2, 'two', 'Second');
    await say(test, 3, 'three', 'Third');
    await test.engine.send({ type: 'edit_comment', task_id: 'one', thread_id: 't1', comment_id: 'c1', text: 'First, said better', by: 'me' });
    await test.engine.send({ type: 'edit_comment', task_id: 'one', thread_id: 't2', comment_id: 'c1', text: null, by: 'me' });
    await test.engine.send({ type: 'resolve_thread', task_id: 'one', thread_id: 't3', resolved: true, by: 'me' });
    assert.deepEqual((await threads(test)).map(({ id, status }) => [id, status]), [['t1', 'open'], ['t3', 'resolved']]);
    await assert.rejects(test.engine.send({ type: 'comment', task_id: 'one', place: { thread_id: 't2' }, text: 'x', by: 'me' }), /no comment thread t2/);
    await test.engine.send(decide('one', 'request_changes'));
    await test.until(() => test.requests.length === 2);
    assert.match(test.requests[1]?.prompt ?? '', /First, said better/);
    assert.doesNotMatch(test.requests[1]?.prompt ?? '', /Second|Third/);
    await test.untilState('one', 'awaiting_human_review');
  });

  it('follow the file where the user’s own commit renames it', async () => {
    const test = await open('x\n');
    await say(test, 3, 'three', 'Why?');
    const { worktree } = await test.record('one');
    writeFileSync(path.join(worktree ?? '', 'b c.txt'), `zero\n${readFileSync(path.join(worktree ?? '', 'a.txt'), 'utf8')}`);
    writeFileSync(path.join(worktree ?? '', 'a.txt'), '');
    await import('node:fs/promises').then((fs) => fs.rm(path.join(worktree ?? '', 'a.txt')));
    await test.engine.send(decide('one', 'approve'));
    await test.until((snapshot) => snapshot.tasks[0]?.state === 'awaiting_human_review' && snapshot.tasks[0].decisions.length === 1);
    assert.deepEqual((await threads(test)).map(({ file, line, status }) => [file, line, status]), [['b c.txt', 4, 'open']]);
  });
});

describe('A plan that waits for its approval (row 223)', () => {
  const first = { steps: [{ id: 'a', description: 'Parse' }, { id: 'b', description: 'Print' }] };
  const second = { steps: [{ id: 'a', description: 'Parse, with tests' }, { id: 'b', description: 'Print' }] };
  const planned = async (): Promise<TestEngine> => {
    let plans = 0;
    const test = await makeEngine({
      driver: 'claude',
      tasks: [task('one', { risk: 'high', area: 'core' })],
      config: { roles: { planner: 'author', implementer: 'author' }, agents: { author: { driver: 'claude', model: 'm' } }, approval: { plan: 'always' } },
      agent: byRole({ planner: () => Promise.resolve(answer(plans++ === 0 ? first : second)) }),
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('one', 'awaiting_human_review');
    return test;
  };

  it('takes comments on its steps to the planner, and resolves those whose step is worded anew', async () => {
    const test = await planned();
    await test.engine.send({ type: 'comment', task_id: 'one', place: { step_id: 'a' }, text: 'Where are the tests?', by: 'me' });
    await test.engine.send({ type: 'comment', task_id: 'one', place: { step_id: 'b' }, text: 'To a file.', by: 'me' });
    await assert.rejects(test.engine.send({ type: 'comment', task_id: 'one', place: { step_id: 'z' }, text: 'x', by: 'me' }), /no step "z"/);
    await test.engine.send(decide('one', 'request_changes'));
    await test.until(() => test.requests.filter((one) => one.role === 'planner').length === 2);
    await test.untilState('one', 'awaiting_human_review');
    assert.match(test.requests.findLast((one) => one.role === 'planner')?.prompt ?? '', /### Step a\n\n~~~~\nParse\n~~~~\n\nWhere are the tests\?\n\n### Step b/);
    assert.deepEqual((await test.record('one')).threads?.map(({ status, outdated }) => [status, outdated]), [['resolved', false], ['open', true]]);
  });

  it('is edited while it waits, refuses what cannot be carried out, and is worked by once approved', async () => {
    const test = await planned();
    const edit = (plan: Record<string, unknown>) => test.engine.send({ type: 'edit_plan', task_id: 'one', plan, by: 'me' });
    await assert.rejects(edit({ steps: [] }), /cannot be used/);
    await assert.rejects(edit({ steps: [{ id: 'a', description: 'x', files: { modify: ['../../etc/passwd'] } }] }), /leads out of the working directory/);
    await edit({ steps: [{ id: 'only', description: 'Do all of it' }] });
    assert.deepEqual((await test.record('one')).plan?.steps.map((step) => step.id), ['only']);
    assert.equal((await test.record('one')).state, 'awaiting_human_review');
    await test.engine.send(decide('one', 'approve'));
    const done = await test.untilState('one', 'done', 'awaiting_human_review');
    assert.deepEqual(done.steps.map((step) => step.step_id), ['only']);
    await assert.rejects(edit(first), /does not wait for an approval/);
  });
});

describe('The changes of a task (row 256)', () => {
  it('come in the order to look at them, with reasons that know the other tasks and what reviewers found', async () => {
    const test = await makeEngine({
      files: { 'src/shared.ts': 'export {};\n' },
      config: { merge: { policy: 'review' }, gates: [{ name: 'types', run: "printf 'src/%s.ts(2,1): error TS1: bad\\n' a; exit 1", required: false }] },
      tasks: [task('one'), task('two')],
      agent: async (agent) => {
        await agent.write(agent.request.task_id === 'one' ? { 'src/a.ts': 'a\nb\n', 'src/shared.ts': 'one\n', 'README.md': '# New\n', 'src/plain.ts': 'x\n' } : { 'src/shared.ts': 'two\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.untilState('two', 'awaiting_human_review');
    await test.untilState('one', 'awaiting_human_review');
    const { files, notes, findings } = await test.engine.changes('one');
    assert.deepEqual(
      files.map(({ path: file, level, reason }) => `${level ?? ''} ${file}: ${reason ?? ''}`),
      [
        'high src/shared.ts: two changes it too; no test changed with it',
        'medium src/a.ts: no test changed with it; types found 1 problem here (minor)',
        'medium src/plain.ts: no test changed with it',
        'low README.md: documentation',
      ],
    );
    assert.equal(notes?.length, 1);
    assert.deepEqual(findings?.map(({ by, file, line, message }) => [by, file, line, message]), [['types', 'src/a.ts', 2, 'TS1: bad']]);
  });
});
