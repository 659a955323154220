import assert from 'node:assert/strict';
import { readFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { codexEnvironment, provisionCodex } from '../../support/agents.ts';
import { ModelServer } from '../../support/modelServer/server.ts';
import { withRunners } from './harness.ts';

describe('The real Codex under a runner', function () {
  this.timeout(120_000);
  let server: ModelServer;
  let command: string;

  before(async function () {
    this.timeout(600_000);
    command = await provisionCodex();
    server = await ModelServer.start();
  });
  after(() => server.close());

  it('goes on without an engine, keeps its request open, and runs it once the next engine’s human allows it (row 230)', () =>
    withRunners(async (bench) => {
      const home = path.join(bench.folder, 'home');
      await mkdir(home, { recursive: true });
      const url = server.scenario('runner-codex', [{ text: 'Asking.', tools: [{ tool: 'shell', command: 'echo allowed > ../outside.txt', escalated: 'May I?' }] }, { text: 'Finished.' }]);
      const agent = { driver: 'codex' as const, command, args: [], env: await codexEnvironment(home, url) };
      const cwd = path.join(bench.folder, 'worktree');
      await mkdir(cwd);
      const first = await bench.start({ request: { agent, model: 'gpt-5.5', cwd } });
      const asked = await first.asked();
      assert.equal(asked.editable, false);
      await first.session.detach?.();

      const second = await bench.adopt();
      assert.deepEqual(second.pending, [asked.request_id]);
      await assert.rejects(second.session.answer(asked.request_id, { behavior: 'allow', input: { command: 'ls' } }, 'me'), { kind: 'unsupported' });
      await second.session.answer(asked.request_id, { behavior: 'allow' }, 'me');
      assert.equal((await second.ended)?.result, 'Finished.');
      assert.equal(await readFile(path.join(bench.folder, 'outside.txt'), 'utf8'), 'allowed\n');
    }));
});
