import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { appeared, buildCli, cliRepo, said, type CliRepo } from '../../support/cliProcess.ts';
import { makeReceiver, type Receiver } from '../../support/receiver.ts';

/** A repository whose webhook comes from the environment, as a secret does. */
async function notifying(tasks: Record<string, string>, receiver: Receiver, events: string): Promise<CliRepo> {
  const repo = await cliRepo(tasks);
  appendFileSync(path.join(repo.root, '.baton/orchestrator.yaml'), `notifications: {webhook_url: "\${HOOK}", secret: "\${HOOK_SECRET}", events: [${events}]}\n`);
  Object.assign(repo.env, { HOOK: receiver.url, HOOK_SECRET: 'shared-secret-value' });
  return repo;
}
const reasons = (receiver: Receiver): unknown[] => receiver.got.map(({ json }) => (json['data'] as { reason?: unknown }).reason);

describe('the webhook of a baton process', function () {
  this.timeout(60_000);
  before(buildCli);

  it('has its address and secret from the environment, and shows neither (row 97)', async () => {
    const receiver = await makeReceiver();
    const repo = await notifying({ 'bad-one': 'Break it' }, receiver, 'task_failed, orchestrator_stopped');
    const { code, stdout, stderr } = await repo.start('run', '--once').ended;
    assert.equal(code, 1, stderr);
    assert.deepEqual(receiver.events(), ['task_failed', 'orchestrator_stopped']);
    assert.match(receiver.got[0]?.headers['x-baton-signature']?.toString() ?? '', /^v1=[0-9a-f]{64}$/);
    assert.doesNotMatch(stdout + stderr + receiver.got.map(({ body }) => body).join(), /s3cret-path|shared-secret-value/);
  });

  it('tells the end of a run by signal, by Ctrl-C and by the end of the work (row 100)', async () => {
    const receiver = await makeReceiver();
    const repo = await notifying({ 'slow-one': 'Take your time' }, receiver, 'orchestrator_stopped');
    const first = repo.start('run');
    await appeared(repo.started);
    first.child.kill('SIGTERM');
    await first.ended;
    assert.deepEqual(reasons(receiver), ['the process was asked to end']);

    const second = repo.start('run');
    await said(second, 'slow-one');
    second.child.kill('SIGINT');
    await said(second, 'Ctrl-C again');
    second.child.kill('SIGINT');
    await second.ended;
    // Stopping had begun with the first Ctrl-C; the second makes it a stop at once.
    assert.equal(reasons(receiver)[1], 'Ctrl-C');

    repo.release();
    await repo.start('run', '--once').ended;
    assert.equal(reasons(receiver).at(-1), 'run --once is through');
  });

  it('is not waited for to the last try when nobody answers', async () => {
    const receiver = await makeReceiver();
    await receiver.close();
    const repo = await notifying({}, receiver, 'orchestrator_stopped');
    const { code } = await repo.start('run', '--once').ended;
    assert.equal(code, 0);
  });
});
