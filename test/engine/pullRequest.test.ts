import assert from 'node:assert/strict';
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identify } from '../../src/adapters/process/table.ts';
import { makeEngine, type TestEngine } from '../support/engine.ts';
import { standInForge, type StandIn } from '../support/gh.ts';
import { until } from '../support/processes.ts';

const CONFIG = { merge: { policy: 'pr' }, orchestrator: { poll_interval: 1 } };
const decide = (test: TestEngine, verdict: 'approve' | 'reject' | 'request_changes', text?: string) =>
  test.engine.send({ type: 'decide', task_id: 'one', verdict, by: 'me', via: 'cli', ...(text === undefined ? {} : { text }) });

describe('Landing by pull request (row 226)', function () {
  let forge: StandIn | undefined;
  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  afterEach(() => {
    forge?.remove();
    forge = undefined;
  });

  async function waiting(): Promise<{ test: TestEngine; forge: StandIn }> {
    const test = await makeEngine({ config: CONFIG });
    forge = await standInForge(test.repo);
    test.setTasks([{ id: 'one', goal: 'Say hello', description: 'In one file.' }]);
    await test.engine.send({ type: 'start' });
    await test.until((now) => now.tasks[0]?.decisions[0]?.detail['reason'] === 'pull_request', 'a pull request');
    return { test, forge };
  }

  it('pushes the branch, opens a pull request with the evidence, and links it in the decision', async () => {
    const { test, forge } = await waiting();
    const record = await test.record('one');
    assert.equal(record.state, 'awaiting_human_review');
    const [opened] = forge.pullRequests();
    assert.equal(forge.git('rev-parse', 'refs/heads/baton/one'), record.head_sha);
    assert.equal(opened?.title, 'Say hello');
    assert.equal(opened.base, 'main');
    assert.match(opened.body, /In one file\.[^]*\| check \| passed \| `test ! -e broken` \|[^]*Baton-Task: one\nBaton-Hash: [0-9a-f]{64}/);
    assert.equal(record.decisions[0]?.kind, 'merge');
    assert.equal(record.decisions[0].detail['url'], opened.url);
    assert.match(record.decisions[0].question, /Merge pull request #1 "Say hello" into main: https:\/\/github\.example\//);
    assert.equal(await test.repo.git('rev-list', '--count', 'main'), '1');
  });

  it('is done when somebody merges it there, and the branch here follows', async () => {
    const { test, forge } = await waiting();
    forge.merge(1);
    const record = await test.untilState('one', 'done');
    assert.equal(record.merge_sha, forge.git('rev-parse', 'main'));
    assert.equal(await test.repo.git('rev-parse', 'main'), record.merge_sha);
    assert.equal(readFileSync(path.join(test.repo.root, 'one.txt'), 'utf8'), 'done\n');
    assert.deepEqual(record.history.slice(-3).map((entry) => entry.to), ['awaiting_human_review', 'quality_gate', 'done']);
    assert.equal(record.decisions[0]?.status, 'withdrawn');
  });

  it('is merged through gh when the human approves it here', async () => {
    const { test, forge } = await waiting();
    await decide(test, 'approve');
    await test.untilState('one', 'done');
    assert.equal(forge.pullRequests()[0]?.state, 'MERGED');
  });

  it('gets what a change request led to, in the same pull request', async () => {
    const { test, forge } = await waiting();
    const first = (await test.record('one')).head_sha;
    test.script = (agent) => agent.write({ 'one.txt': 'better\n' }).then(() => undefined);
    await decide(test, 'request_changes', 'Say it better');
    await test.until((now) => now.tasks[0]?.state === 'awaiting_human_review' && now.tasks[0].head_sha !== first, 'the new head');
    assert.equal(forge.pullRequests().length, 1);
    assert.equal(forge.git('rev-parse', 'refs/heads/baton/one'), (await test.record('one')).head_sha);
  });

  it('that was merged without the latest work does not finish the task: that work gets one of its own', async () => {
    const { test, forge } = await waiting();
    const first = (await test.record('one')).head_sha;
    test.script = async (agent) => {
      forge.merge(1);
      await agent.write({ 'one.txt': 'better\n' });
      return undefined;
    };
    await decide(test, 'request_changes', 'Say it better');
    await test.until((now) => now.tasks[0]?.decisions[0]?.detail['number'] === 2, 'another pull request');
    assert.notEqual((await test.record('one')).head_sha, first);
    assert.deepEqual(forge.pullRequests().map((one) => one.state), ['MERGED', 'OPEN']);
  });

  it('asks when it was closed without being merged, and opens another on approval', async () => {
    const { test, forge } = await waiting();
    forge.close(1);
    await test.until((now) => now.tasks[0]?.decisions[0]?.detail['reason'] === 'pull_request_closed', 'the question');
    await decide(test, 'approve');
    await test.until((now) => now.tasks[0]?.decisions[0]?.detail['number'] === 2, 'another pull request');
    assert.deepEqual(forge.pullRequests().map((one) => one.state), ['CLOSED', 'OPEN']);
  });

  it('leaves the user’s own work alone when it is in the way of following', async () => {
    const { test, forge } = await waiting();
    await test.repo.write({ 'one.txt': 'mine\n' });
    forge.merge(1);
    const record = await test.untilState('one', 'done');
    assert.equal(readFileSync(path.join(test.repo.root, 'one.txt'), 'utf8'), 'mine\n');
    assert.notEqual(await test.repo.git('rev-parse', 'main'), record.merge_sha);
  });

  it('says what to do when gh is not signed in', async () => {
    const test = await makeEngine({ config: CONFIG });
    forge = await standInForge(test.repo);
    forge.signOut();
    test.setTasks([{ id: 'one', goal: 'Say hello' }]);
    await test.engine.send({ type: 'start' });
    assert.match((await test.untilState('one', 'awaiting_human_review')).decisions[0]?.question ?? '', /gh is not signed in\. Run gh auth login/);
  });

  it('says what to do when there is no remote, and tries again on approval', async () => {
    const test = await makeEngine({ config: CONFIG });
    forge = await standInForge(test.repo);
    await test.repo.git('remote', 'remove', 'origin');
    test.setTasks([{ id: 'one', goal: 'Say hello' }]);
    await test.engine.send({ type: 'start' });
    assert.match((await test.untilState('one', 'awaiting_human_review')).decisions[0]?.question ?? '', /no remote to push to\. Add one: git remote add origin/);
    await test.repo.git('remote', 'add', 'origin', forge.bare);
    await decide(test, 'approve');
    await test.until((now) => now.tasks[0]?.decisions[0]?.detail['reason'] === 'pull_request', 'a pull request');
  });

  it('leaves a pull request of a fork alone whose branch has the same name', async () => {
    const test = await makeEngine({ config: CONFIG });
    forge = await standInForge(test.repo);
    forge.openFromFork('baton/one', 'f'.repeat(40));
    test.setTasks([{ id: 'one', goal: 'Say hello' }]);
    await test.engine.send({ type: 'start' });
    await test.until((now) => now.tasks[0]?.decisions[0]?.detail['reason'] === 'pull_request', 'a pull request');
    assert.equal((await test.record('one')).pull_request?.number, 2);
    await decide(test, 'approve');
    await test.untilState('one', 'done');
    assert.deepEqual(forge.pullRequests().map(({ state }) => state), ['OPEN', 'MERGED']);
  });

  it('is not held up by a hook that hangs: Stop Now ends it with what it has started', async () => {
    const test = await makeEngine({ config: CONFIG });
    forge = await standInForge(test.repo);
    const pidFile = path.join(test.repo.root, '.git', 'hook.pid');
    writeFileSync(path.join(test.repo.root, '.git', 'hooks', 'pre-push'), `#!/bin/sh\nsleep 600 &\necho $! > '${pidFile}'\nwait\n`, { mode: 0o755 });
    test.setTasks([{ id: 'one', goal: 'Say hello' }]);
    await test.engine.send({ type: 'start' });
    await until('the hook', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'));
    await test.engine.send({ type: 'stop_now' });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    assert.equal(await identify(pid), undefined);
    assert.equal((await test.record('one')).state, 'quality_gate');
    unlinkSync(path.join(test.repo.root, '.git', 'hooks', 'pre-push'));
    await test.engine.send({ type: 'start' });
    await test.until((now) => now.tasks[0]?.decisions[0]?.detail['reason'] === 'pull_request', 'a pull request');
  });
});
