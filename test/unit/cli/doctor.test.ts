import assert from 'node:assert/strict';
import type { ExecResult } from '../../../src/cli/io.ts';
import type { AgentView } from '../../../src/shared/api.ts';
import { BatonError } from '../../../src/core/errors.ts';
import { cli, NO_GIT, type CliWorld } from '../../support/cli.ts';
import { doctorSchema, documentOf } from '../../support/cliSchemas.ts';
import { MemoryEngine } from '../../support/memoryEngine.ts';
import { tempDir } from '../../support/tmp.ts';

const agent = (given: Partial<AgentView> = {}): AgentView => ({ name: 'claude', driver: 'claude', available: true, version: '2.1.0', install: null, account: 'anthropic', ...given });
const missing = agent({ name: 'codex', driver: 'codex', available: false, version: null, install: 'npm install -g @openai/codex', account: 'openai' });
const printed = (stdout: string): ExecResult => ({ code: 0, stdout, stderr: '' });

/** A machine with this git, in a repository whose folder is there. */
function machine(git = '2.43.0', root = tempDir()): CliWorld {
  return {
    cwd: root,
    env: { XDG_DATA_HOME: root, XDG_RUNTIME_DIR: root, LOCALAPPDATA: root },
    exec: () => printed(`git version ${git}\n`),
  };
}

const nowhere = () => Promise.reject(new BatonError('git', '/tmp is not in a git repository.', { hint: 'Run "git init" there.' }));

async function checked(engine: MemoryEngine, world: CliWorld): Promise<{ code: number; ok: boolean; by: Record<string, { ok: boolean; level: string; message: string; fix: string | null }> }> {
  const { code, stdout } = await cli(engine, ['doctor', '--json'], world);
  const { ok, checks } = documentOf(doctorSchema, stdout);
  return { code, ok, by: Object.fromEntries(checks.map((check) => [check.name, check])) };
}

describe('baton doctor', () => {
  it('finds nothing to fix where everything is there, and names versions', async () => {
    const { code, ok, by } = await checked(new MemoryEngine([], { agents: [agent(), missing] }), machine());
    assert.deepEqual([code, ok], [0, true]);
    assert.deepEqual(
      Object.entries(by).map(([name, check]) => [name, check.level]),
      [
        ['git', 'fine'],
        ['node', 'fine'],
        ['repository', 'fine'],
        ['writable .baton', 'fine'],
        ['writable user data', 'fine'],
        ['writable runtime', 'fine'],
        ['agent claude', 'fine'],
        ['agent codex', 'note'],
        ['configuration', 'fine'],
        ['tasks', 'fine'],
      ],
    );
    assert.match(by['agent claude']?.message ?? '', /2\.1\.0/);
    assert.deepEqual([by['agent codex']?.message, by['agent codex']?.fix], ['not installed (optional)', 'npm install -g @openai/codex']);
  });

  it('says how to sign in to an agent that is not, and how to update one that is too old', async () => {
    const sign_in = { file: '/bin/codex', check: ['login', 'status'], command: 'codex login' };
    const agents = [agent({ name: 'codex', driver: 'codex', version: '0.169.0', sign_in }), agent({ name: 'other', available: false, problem: '0.1.0 is too old', install: 'update it' })];
    const world = { ...machine(), exec: (file: string) => (file === '/bin/codex' ? { code: 1, stdout: '', stderr: 'Not logged in' } : printed('git version 2.43.0\n')) };
    const { ok, by } = await checked(new MemoryEngine([], { agents }), world);
    assert.equal(ok, true);
    assert.deepEqual([by['agent codex']?.message, by['agent codex']?.fix], ['codex 0.169.0, not signed in', 'codex login']);
    assert.deepEqual([by['agent other']?.message, by['agent other']?.fix], ['0.1.0 is too old', 'update it']);
  });

  for (const [version, ok] of [
    ['2.37.9', false],
    ['2.38.0', true],
    ['2.39.5 (Apple Git-154)', true],
    ['3.0', true],
    ['2.50.1.windows.1', true],
  ] as const) {
    it(`${ok ? 'accepts' : 'refuses'} git ${version}`, async () => {
      const { by, code } = await checked(new MemoryEngine([], { agents: [agent()] }), machine(version));
      assert.deepEqual([by['git']?.ok, code], [ok, ok ? 0 : 1]);
      if (!ok) assert.match(by['git']?.fix ?? '', /Install git 2\.38 or newer/);
    });
  }

  for (const [version, ok] of [
    ['20.20.2', false],
    ['22.12.0', false],
    ['22.13.0', true],
    ['24.1.0', true],
  ] as const) {
    it(`${ok ? 'accepts' : 'refuses'} Node ${version}`, async () => {
      const { by } = await checked(new MemoryEngine([], { agents: [agent()] }), { ...machine(), nodeVersion: version });
      assert.equal(by['node']?.ok, ok);
    });
  }

  it('says how to get git where there is none', async () => {
    const { by, code } = await checked(new MemoryEngine(), { exec: () => NO_GIT, findRepository: nowhere });
    assert.equal(code, 1);
    assert.deepEqual([by['git']?.ok, by['git']?.message], [false, 'git was not found']);
    assert.equal(by['repository']?.ok, false);
  });

  it('says what to do outside a repository', async () => {
    const { by } = await checked(new MemoryEngine(), { ...machine(), findRepository: nowhere });
    assert.equal(by['git']?.ok, true);
    assert.match(by['repository']?.message ?? '', /is not in a git repository/);
    assert.match(by['repository']?.fix ?? '', /git init/);
  });

  it('fails when no coding agent is there, with the command that installs one', async () => {
    const { by, code } = await checked(new MemoryEngine([], { agents: [missing] }), machine());
    assert.equal(code, 1);
    assert.deepEqual([by['agents']?.ok, by['agents']?.fix], [false, 'For example: npm install -g @openai/codex']);
  });

  it('names accounts that are closed', async () => {
    const engine = new MemoryEngine([], { agents: [agent()], accounts: [{ account: 'anthropic', closed: true, closed_until: 'unknown', reason: '401: invalid API key' }] });
    const { by } = await checked(engine, machine());
    assert.match(by['agent claude']?.message ?? '', /account anthropic is closed until its sign-in works again: 401: invalid API key/);
    assert.match(by['agent claude']?.fix ?? '', /Sign in again/);
  });

  it('shows configuration problems with file:line:column; warnings do not fail', async () => {
    const problem = { file: '.baton/orchestrator.yaml', line: 4, column: 3, source: 'config' } as const;
    const engine = new MemoryEngine([], {
      agents: [agent()],
      problems: [
        { ...problem, severity: 'error', message: 'poll_interval must be a number' },
        { ...problem, line: 9, severity: 'warning', message: 'unknown key "colour"' },
      ],
    });
    const { code, stdout } = await cli(engine, ['doctor'], machine());
    assert.equal(code, 1);
    assert.match(stdout, /❌ configuration: \.baton\/orchestrator\.yaml:4:3: poll_interval must be a number\n {3}Fix: Edit \.baton\/orchestrator\.yaml at line 4\.\n/);
    assert.match(stdout, /⚠️ configuration: \.baton\/orchestrator\.yaml:9:3: unknown key "colour"\n/);
    assert.match(stdout, /\n1 thing to fix\.\n$/);
  });

  it('says so when the engine cannot be opened, and still reports the rest', async () => {
    const { by, code } = await checked(new MemoryEngine(), { ...machine(), connect: () => Promise.reject(new BatonError('store', 'The database is on a full disk.')) });
    assert.equal(code, 1);
    assert.deepEqual([by['git']?.ok, by['engine']?.message], [true, 'The database is on a full disk.']);
  });

  it('starts no agent', async () => {
    const { opened } = await cli(new MemoryEngine(), ['doctor'], machine());
    assert.deepEqual(opened.map((options) => options.passive), [true]);
  });
});
