import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { appeared, buildCli, cliRepo, said } from '../../support/cliProcess.ts';
import { changeSchema, doctorSchema, documentOf, errorSchema, queueSchema, runSchema, summarySchema, taskSchema, tasksSchema } from '../../support/cliSchemas.ts';

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('the baton command on a real repository', function () {
  this.timeout(60_000);
  before(buildCli);

  it('works a task to a merge that a human approves, and goes on after the answer (rows 158, 159, 161, 163–165, 194)', async () => {
    const repo = await cliRepo({ one: 'Write one' }, 'review');
    const first = documentOf(runSchema, repo.baton('run', '--once', '--json').stdout);
    assert.deepEqual([first.completed, first.failed, first.needs_review, first.tasks], [0, 0, 1, [{ id: 'one', state: 'awaiting_human_review' }]]);

    const review = documentOf(tasksSchema, repo.baton('review', '--json').stdout);
    assert.deepEqual(review.tasks.map((task) => [task.id, task.decisions.map((one) => one.kind)]), [['one', ['merge']]]);
    assert.match(repo.baton('review').stdout, /^🔍 1 task\(s\) need human review:\n\nTask ID: one\nGoal: Write one\n/);
    assert.deepEqual(documentOf(summarySchema, repo.baton('summary', '--json').stdout).needs_human_review, 1);

    const dry = repo.baton('task', 'one', '--approve', '--dry-run');
    assert.match(dry.stdout, /^Dry run: Would approve decision /);
    const approved = repo.baton('task', 'one', '--approve');
    assert.equal(approved.code, 0, approved.stderr);
    assert.match(approved.stdout, /^✅ Task one approved - /);
    assert.equal(existsSync(path.join(repo.root, 'one.txt')), false);

    const second = documentOf(runSchema, repo.baton('run', '--once', '--json').stdout);
    assert.deepEqual([second.completed, second.tasks], [1, [{ id: 'one', state: 'done' }]]);
    assert.ok(existsSync(path.join(repo.root, 'one.txt')));
    const done = documentOf(tasksSchema, repo.baton('list-tasks', '--state', 'done', '--json').stdout);
    assert.deepEqual(done.tasks.map((task) => task.id), ['one']);
    const record = documentOf(taskSchema, repo.baton('task', 'one', '--json').stdout);
    assert.equal(record.state, 'done');
    assert.deepEqual(record, taskSchema.parse(JSON.parse(readFileSync(path.join(repo.root, '.baton/state/one.json'), 'utf8'))));
  });

  it('refuses consent from inside an attempt (SPEC 20), and takes it from a human', async () => {
    const repo = await cliRepo({ one: 'Write one' }, 'review');
    repo.baton('run', '--once');
    for (const answer of [['--approve'], ['--reject'], ['--request-changes', 'x']]) {
      const { code, stdout } = repo.batonWith({ BATON_MARK: 'key/one/a1' }, 'task', 'one', ...answer, '--json');
      assert.equal(code, 1);
      assert.equal(documentOf(errorSchema, stdout).error.kind, 'refused');
    }
    const rejected = repo.baton('task', 'one', '--reject', '--reason', 'not needed');
    assert.equal(rejected.stdout.split('\n')[0], '❌ Task one rejected and marked as failed');
    assert.deepEqual(documentOf(tasksSchema, repo.baton('list-tasks', '--state', 'failed', '--json').stdout).tasks.map((task) => task.id), ['one']);
  });

  it('ends a run with 1 when a task failed, and can run it again', async () => {
    const repo = await cliRepo({ bad: 'Leave what the gate refuses', good: 'Write good' });
    const { code, stdout } = repo.baton('run', '--once', '--json');
    assert.equal(code, 1);
    const { completed, failed } = documentOf(runSchema, stdout);
    assert.deepEqual([completed, failed], [1, 1]);
    assert.match(repo.baton('task', 'bad').stdout, /\nState: failed\n[\s\S]*❌ ok: node gate\.mjs \(exit 1, /);
    assert.equal(documentOf(changeSchema, repo.baton('task', 'bad', '--retry', '--json').stdout).task_id, 'bad');
  });

  it('runs one task alone, or those of a file (row 185)', async () => {
    const repo = await cliRepo({ one: 'Write one', two: 'Write two' });
    assert.equal(repo.baton('run', '--task', 'two').code, 0);
    assert.deepEqual([existsSync(path.join(repo.root, 'one.txt')), existsSync(path.join(repo.root, 'two.txt'))], [false, true]);
    await repo.write({ 'more.yaml': '- {id: three, goal: Write three, workflow: direct}\n- {id: nameless}\n' });
    const { code, stderr } = repo.baton('run', '--once', '--tasks', 'more.yaml');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^baton: more\.yaml:2:\d+: /);
    assert.deepEqual([existsSync(path.join(repo.root, 'one.txt')), existsSync(path.join(repo.root, 'three.txt'))], [false, true]);
  });

  it('queues a task, explains the queue and finds nothing wrong (rows 56, 59, 74)', async () => {
    const repo = await cliRepo({});
    assert.equal(repo.baton('add', 'Fix the urgent thing', '--id', 'fix', '--priority', 'urgent', '--dry-run').code, 0);
    assert.equal(existsSync(path.join(repo.root, '.baton/tasks/fix.md')), false);
    assert.equal(documentOf(changeSchema, repo.baton('add', 'Fix the urgent thing', '--id', 'fix', '--priority', 'urgent', '--json').stdout).task_id, 'fix');
    assert.deepEqual(readdirSync(path.join(repo.root, '.baton/tasks')), ['fix.md']);
    const { tasks } = documentOf(queueSchema, repo.baton('queue', '--json').stdout);
    assert.deepEqual(tasks.map(({ id, position, components }) => [id, position, components.urgency]), [['fix', 1, 5]]);
    assert.match(repo.baton('run', '--dry-run').stdout, /Would start \d task/);
    const doctor = documentOf(doctorSchema, repo.baton('doctor', '--json').stdout);
    assert.deepEqual(doctor.checks.filter((check) => !check.ok), []);
  });

  it('talks to the leader that runs, and never starts a second one', async () => {
    const repo = await cliRepo({ slow: 'Take your time' });
    const leader = repo.start('run');
    const pid = Number(await appeared(repo.started));
    assert.deepEqual(documentOf(tasksSchema, repo.baton('active', '--json').stdout).tasks.map((task) => task.state), ['implementing']);
    const refused = repo.baton('message', 'slow', 'hurry');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^baton: .+\n$/);
    const follower = repo.start('run', '--once');
    await said(follower, 'following it');
    repo.release();
    const followed = await follower.ended;
    assert.equal(followed.code, 0, followed.stderr);
    assert.match(followed.stdout, /^Baton runs on this repository already, in "baton run" \(pid \d+\): following it\./);
    assert.match(followed.stdout, /Tasks Completed: 1[\s\S]*The loop goes on in "baton run" \(pid \d+\); "baton stop" ends it\.\n$/);
    assert.equal(alive(pid), false);
    assert.equal(repo.baton('pause').stdout, 'Paused: running attempts finish, nothing new starts.\n');
    assert.equal(repo.baton('resume').code, 0);
    assert.equal(repo.baton('stop').stdout, 'Baton is stopped.\n');
    const led = await leader.ended;
    assert.equal(led.code, 0, led.stderr);
  });

  it('stops a running leader at once, with its agents; the task keeps its state', async () => {
    const repo = await cliRepo({ slow: 'Take your time' });
    const leader = repo.start('run');
    const pid = Number(await appeared(repo.started));
    assert.match(repo.baton('stop', '--now').stdout, /^Stopped: 1 running task was interrupted/);
    assert.equal((await leader.ended).code, 0);
    assert.equal(alive(pid), false);
    assert.equal(documentOf(taskSchema, repo.baton('task', 'slow', '--json').stdout).state, 'implementing');
  });

  it('lets the running attempt finish after one Ctrl-C', async function () {
    if (process.platform === 'win32') return this.skip();
    const repo = await cliRepo({ slow: 'Take your time', later: 'Not any more' });
    await repo.write({ '.baton/tasks/later.md': '---\nworkflow: direct\ndepends_on: [slow]\n---\n# Not any more\n' });
    const run = repo.start('run');
    await appeared(repo.started);
    run.child.kill('SIGINT');
    await said(run, 'Ctrl-C again stops now');
    repo.release();
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Stopping: 1 running task finishes first\. Ctrl-C again stops now\./);
    assert.equal(documentOf(tasksSchema, repo.baton('list-tasks', '--json').stdout).tasks.find((task) => task.id === 'later')?.state, 'new');
  });

  it('ends the whole process tree after the second Ctrl-C; the task resumes later', async function () {
    if (process.platform === 'win32') return this.skip();
    const repo = await cliRepo({ slow: 'Take your time' });
    const run = repo.start('run');
    const pid = Number(await appeared(repo.started));
    run.child.kill('SIGINT');
    await said(run, 'Ctrl-C again stops now');
    run.child.kill('SIGINT');
    assert.equal((await run.ended).code, 0);
    assert.equal(alive(pid), false);
    repo.release();
    assert.equal(repo.baton('run', '--once').code, 0);
    assert.ok(existsSync(path.join(repo.root, 'slow.txt')));
  });

  it('says where it is wrong: no repository, an invalid configuration with file:line:column (row 184)', async () => {
    const repo = await cliRepo({});
    const outside = repo.baton('queue', '--cwd', path.dirname(repo.started));
    assert.equal(outside.code, 1);
    assert.match(outside.stderr, /^baton: .* is not in a git repository\. .+\n$/);
    await repo.write({ '.baton/orchestrator.yaml': 'orchestrator:\n  poll_interval: soon\n', '.baton/tasks.yaml': '- {id: a}\n' });
    const { code, stdout } = repo.baton('doctor');
    assert.equal(code, 1);
    assert.match(stdout, /❌ configuration: \.baton\/orchestrator\.yaml:2:\d+: /);
    assert.match(stdout, /❌ tasks: \.baton\/tasks\.yaml:1:\d+: /);
  });
});
