import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createAgents } from '../../../src/adapters/agents/discovery.ts';
import { DRIVEN } from '../../../src/adapters/agents/catalog.ts';
import { createDrivers } from '../../../src/adapters/agents/drivers.ts';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { configSchema, type Config } from '../../../src/core/config/schema.ts';
import type { AgentInfo } from '../../../src/engine/ports.ts';
import { provisionClaude, provisionCodex } from '../../support/agents.ts';
import { withFolder } from '../../support/processes.ts';

const config = (more: unknown = {}): Config => configSchema.parse(more);
const named = (list: AgentInfo[], name: string): AgentInfo => list.find((one) => one.name === name) ?? assert.fail(`no ${name}`);

/** Runs the body with a PATH of one folder, in which programs can be put, and an empty home. */
async function withPath(body: (put: (name: string, script: string) => Promise<string>, root: string) => Promise<void>): Promise<void> {
  await withFolder(async (root) => {
    const bin = path.join(root, 'bin');
    await mkdir(bin);
    const before = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    Object.assign(process.env, { PATH: bin, HOME: root });
    try {
      await body(async (name, script) => {
        const file = path.join(bin, name);
        await writeFile(file, `#!/bin/sh\n${script}\n`);
        await chmod(file, 0o755);
        return file;
      }, root);
    } finally {
      Object.assign(process.env, before);
    }
  });
}

describe('finding agents', function () {
  this.timeout(60_000);

  it('takes the program that the machine’s settings name, unless the repository names another', () =>
    withPath(async (put, root) => {
      await put('claude', 'echo "1.0.0"');
      const mine = await put('my-claude', 'echo "2.0.0"');
      const agents = createAgents({ root, places: [], programs: { claude: mine } });
      const found = named(await agents.list(config()), 'claude');
      assert.deepEqual([found.path, found.config.command, found.version], [mine, mine, '2.0.0']);
      const other = await put('other-claude', 'echo "3.0.0"');
      const stated = await agents.list(config({ agents: { writer: { driver: 'claude' }, fixed: { driver: 'claude', command: other } } }));
      assert.equal(named(stated, 'writer').config.command, mine);
      assert.equal(named(stated, 'fixed').config.command, other);
    }));

  it('finds an installed CLI on PATH by itself, with its version', () =>
    withPath(async (put, root) => {
      const file = await put('claude', 'echo "2.1.328 (Claude Code)"');
      const list = await createAgents({ root, places: [] }).list(config());
      assert.deepEqual(list[0], {
        name: 'claude',
        config: { driver: 'claude', command: 'claude', args: [], env: {} },
        available: true,
        version: '2.1.328',
        path: file,
        install: null,
        account: 'anthropic',
        provider: 'anthropic',
      });
    }));

  it('finds it in the places where installers put it when PATH is short', () =>
    withPath(async (_put, root) => {
      await mkdir(path.join(root, '.local', 'bin'), { recursive: true });
      const file = path.join(root, '.local', 'bin', 'claude');
      await writeFile(file, '#!/bin/sh\necho 1.2.3\n', { mode: 0o755 });
      const claude = named(await createAgents({ root }).list(config()), 'claude');
      assert.deepEqual([claude.path, claude.version, claude.available], [file, '1.2.3', true]);
    }));

  it('names the command that installs what is missing', () =>
    withPath(async (_put, root) => {
      const list = await createAgents({ root, places: [] }).list(config());
      assert.deepEqual(
        list.map((one) => [one.name, one.available, one.install]),
        [
          ['claude', false, 'npm install -g @anthropic-ai/claude-code'],
          ['codex', false, 'npm install -g @openai/codex'],
          ['gemini', false, 'npm install -g @google/gemini-cli'],
          ['opencode', false, 'npm install -g opencode-ai'],
          ['copilot', false, 'npm install -g @github/copilot'],
        ],
      );
    }));

  it('can use whatever it finds: there is a driver for every kind of agent', () =>
    withPath(async (put, root) => {
      const file = await put('gemini', 'echo 0.61.0');
      const agents = createAgents({ root, places: [] });
      const gemini = named(await agents.list(config()), 'gemini');
      assert.deepEqual([gemini.available, gemini.path, gemini.version, gemini.install], [true, file, '0.61.0', null]);
      for (const { kind } of createDrivers()) assert.equal(agents.hasDriver(kind), true);
      assert.equal(createDrivers().length, DRIVEN.length);
    }));

  it('puts configured agents first, in their order, and the usable before the rest', () =>
    withPath(async (put, root) => {
      await put('claude', 'echo 2.0.0');
      await put('codemod', 'touch should-not-run');
      const list = await createAgents({ root, places: [] }).list(
        config({ agents: { gone: { driver: 'command', command: 'nowhere' }, codemod: { driver: 'command', command: 'codemod' }, strong: { driver: 'claude', model: 'm', account: 'work' } } }),
      );
      assert.deepEqual(
        list.slice(0, 3).map((one) => [one.name, one.available, one.version, one.account]),
        [
          ['codemod', true, null, 'codemod'],
          ['strong', true, '2.0.0', 'work'],
          ['gone', false, null, 'gone'],
        ],
        'a program that is configured under another name is not offered twice',
      );
    }));

  it('takes the provider from the model’s configuration', () =>
    withPath(async (put, root) => {
      await put('claude', 'echo 2.0.0');
      const list = await createAgents({ root, places: [] }).list(config({ agents: { claude: { driver: 'claude', model: 'm' } }, models: { m: { provider: 'bedrock' } } }));
      assert.deepEqual([named(list, 'claude').provider, named(list, 'claude').account], ['bedrock', 'bedrock']);
    }));

  it('does without the version of a program that does not tell it', () =>
    withPath(async (put, root) => {
      await put('claude', 'echo broken >&2; exit 3');
      const claude = named(await createAgents({ root, places: [] }).list(config()), 'claude');
      assert.deepEqual([claude.available, claude.version], [true, null]);
    }));

  it('looks once, and again when asked to or when the configuration changed', () =>
    withPath(async (put, root) => {
      const agents = createAgents({ root, places: [] });
      assert.equal(named(await agents.list(config()), 'claude').available, false);
      await put('claude', 'echo 2.0.0');
      assert.equal(named(await agents.list(config()), 'claude').available, false, 'cached');
      assert.equal(named(await agents.list(config(), true), 'claude').available, true);
      assert.equal((await agents.list(config({ agents: { mine: { driver: 'claude' } } })))[0]?.name, 'mine');
    }));

  it('teaches the redactor the secrets of an agent before it starts', () =>
    withPath(async (put, root) => {
      await put('agent', 'exit 0');
      const redactor = createRedactor({});
      await createAgents({ root, redactor }).list(config({ agents: { mine: { driver: 'command', command: 'agent', env: { GATEWAY_TOKEN: 'gateway-value' } } } }));
      assert.equal(redactor.redact('gateway-value'), '[redacted]');
    }));

  it('says of a CLI that is too old what is needed and how to get it, and uses it not', () =>
    withPath(async (put, root) => {
      await put('codex', 'echo "codex-cli 0.120.0"');
      const found = named(await createAgents({ root, places: [] }).list(config()), 'codex');
      assert.deepEqual([found.available, found.problem, found.install], [false, '0.120.0 is too old: 0.150.0 or newer is needed', 'npm install -g @openai/codex@latest']);
    }));

  it('knows the version of the real Codex CLI and how to sign in to it', async () => {
    const command = await provisionCodex();
    const found = named(await createAgents({ root: '/', places: [] }).list(config({ agents: { mine: { driver: 'codex', command } } })), 'mine');
    assert.match(found.version ?? '', /^\d+\.\d+\.\d+$/);
    assert.deepEqual([found.available, found.account, found.sign_in], [true, 'openai', { file: command, check: ['login', 'status'], command: 'codex login' }]);
  });

  it('knows the version of the real Claude CLI', async () => {
    const command = await provisionClaude();
    const list = await createAgents({ root: process.cwd() }).list(config({ agents: { claude: { driver: 'claude', command } } }));
    assert.match(named(list, 'claude').version ?? '', /^2\.\d+\.\d+$/);
  });
});
