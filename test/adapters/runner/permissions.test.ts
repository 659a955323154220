import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { PermissionRule } from '../../../src/core/config/schema.ts';
import { claudeEnvironment, provisionClaude } from '../../support/agents.ts';
import type { Script } from '../../support/modelServer/scenario.ts';
import { ModelServer } from '../../support/modelServer/server.ts';
import { until } from '../../support/processes.ts';
import { withRunners, type Listener, type RunnerBench } from './harness.ts';

const SECRET = 'sk-ant-scripted-key-for-tests';
const writes = (file: string): string => `node -e "require('fs').writeFileSync('${file}', '${SECRET}')"`;
const asks: Script = [{ tools: [{ tool: 'shell', command: writes('allowed.txt') }] }, { text: 'Finished.' }];
const waitsFirst: Script = [{ tools: [{ tool: 'shell', command: 'while [ ! -e go ]; do sleep 0.1; done' }] }, { tools: [{ tool: 'shell', command: writes('policy.txt') }] }, { text: 'Finished.' }];

/** The real Claude CLI, whose model is scripted. */
describe('A permission that an agent under a runner asks for', function () {
  this.timeout(120_000);
  let server: ModelServer;
  let command: string;
  let scenarios = 0;

  before(async function () {
    this.timeout(600_000);
    command = await provisionClaude();
    server = await ModelServer.start();
  });
  after(() => server.close());

  async function claude(bench: RunnerBench, script: Script, permissions: PermissionRule[] = []): Promise<Listener> {
    const home = path.join(bench.folder, 'home');
    await mkdir(home, { recursive: true });
    const url = server.scenario(`runner-${(scenarios += 1)}`, script);
    return bench.start({ permissions, request: { agent: { driver: 'claude', command, args: [], env: claudeEnvironment(home, url) }, model: 'claude-sonnet-4-6' } });
  }

  it('waits while no engine is there, and the next one can answer it as it was asked (row 249)', () =>
    withRunners(async (bench) => {
      const first = await claude(bench, asks);
      const { request_id: id } = await first.asked();
      await first.session.detach?.();
      const second = await bench.adopt();
      assert.deepEqual(second.pending, [id]);
      // The transcript knows no secrets; what is asked does, or the answer could not match.
      assert.equal((await second.asked()).input['command'], writes('allowed.txt'));
      assert.doesNotMatch(JSON.stringify(bench.transcript()), new RegExp(SECRET));
      await second.session.answer(id, { behavior: 'allow' }, 'me');
      assert.equal((await second.ended)?.ok, true);
      assert.ok(existsSync(path.join(bench.folder, 'allowed.txt')));
      await assert.rejects(second.session.answer(id, { behavior: 'allow' }, 'me'));
      assert.deepEqual(bench.transcript().flatMap(({ type, by }) => (type === 'permission_answer' ? [by] : [])), ['me']);
    }));

  it('is answered by policy while no engine is there, and by nobody else (row 249)', () =>
    withRunners(async (bench) => {
      const first = await claude(bench, waitsFirst, [{ tool: 'shell', pattern: 'node *', then: 'allow' }]);
      await until('the agent is at work', () => first.said.some(({ type }) => type === 'tool_call'), 30_000);
      await first.session.detach?.();
      writeFileSync(path.join(bench.folder, 'go'), '');
      await bench.gone();
      const second = await bench.adopt();
      assert.equal((await second.ended)?.ok, true);
      assert.ok(existsSync(path.join(bench.folder, 'policy.txt')));
      assert.deepEqual(second.pending, []);
      assert.match(String(bench.transcript().findLast(({ type }) => type === 'permission_answer')?.['by']), /^policy: Permission rule 1 allows/);
    }));
});
