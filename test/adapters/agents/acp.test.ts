import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createAcpDriver } from '../../../src/adapters/agents/acp/driver.ts';
import { classifyError } from '../../../src/core/classify.ts';
import { copilotAgent, geminiAgent, opencodeAgent } from '../../support/agents.ts';
import type { Script } from '../../support/modelServer/scenario.ts';
import { ModelServer } from '../../support/modelServer/server.ts';
import { until } from '../../support/processes.ts';
import { provideCopilot, provideGemini, provideOpencode } from '../../support/vscode/provision.ts';
import { withAgent, type Bench, type Cli } from './agentHarness.ts';

const driver = createAcpDriver();
const GEMINI: Cli = { driver, agent: geminiAgent, model: 'gemini-2.5-pro', deadlineMs: 90_000 };
/** Its first start in a new home takes a busy machine long. */
const OPENCODE: Cli = { driver, agent: opencodeAgent, model: 'scripted/model', deadlineMs: 150_000 };
const COPILOT: Cli = { driver, agent: copilotAgent, model: 'scripted-model', deadlineMs: 90_000 };

let server: ModelServer;
before(async function () {
  this.timeout(600_000);
  await Promise.all([provideCopilot(), provideGemini(), provideOpencode()]);
  server = await ModelServer.start();
});
after(() => server.close());

/** It leaves by itself, or is ended when it takes too long to after its last word; never with an error. */
const LEFT: readonly unknown[] = [0, null];

const withGemini = (script: Script, body: (bench: Bench) => Promise<void>): Promise<void> => withAgent(GEMINI, server, script, body);
const withOpencode = (script: Script, body: (bench: Bench) => Promise<void>): Promise<void> => withAgent(OPENCODE, server, script, body);
const withCopilot = (script: Script, body: (bench: Bench) => Promise<void>): Promise<void> => withAgent(COPILOT, server, script, body);

describe('the acp driver with the real Gemini CLI', function () {
  this.timeout(120_000);

  it('does a job with edits and a command that it asks about, and reports it as text, tool calls and tokens (row 222)', () =>
    withGemini(
      [
        { thinking: 'Look at it first.', text: 'Reading.', tools: [{ tool: 'read', path: 'calc.js' }], usage: { input: 1000, output: 40 } },
        { text: 'Fixing.', tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }], usage: { input: 1200, output: 60 } },
        { tools: [{ tool: 'shell', command: 'node -p process.env.BATON_TASK_ID' }] },
        { text: 'Fixed add: it added wrongly.' },
      ],
      async ({ cwd, start }) => {
        const attempt = await start({ prompt: 'Fix add in calc.js' });
        const asked = await attempt.first('permission');
        assert.deepEqual([asked.tool, asked.input], ['execute', { command: 'node -p process.env.BATON_TASK_ID' }]);
        await assert.rejects(attempt.session.answer(asked.request_id, { behavior: 'allow', input: { command: 'ls' } }), { kind: 'unsupported', hint: /Deny it/ });
        await attempt.session.answer(asked.request_id, { behavior: 'allow' });
        const { exit_code, ...end } = await attempt.ended;
        assert.deepEqual(end, { ok: true, result: 'Fixed add: it added wrongly.' });
        assert.ok(LEFT.includes(exit_code), `exit code ${String(exit_code)}`);
        assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a + b;\n');
        assert.deepEqual(attempt.all('text').map((one) => one.text), ['Reading.', 'Fixing.', 'Fixed add: it added wrongly.']);
        assert.match(attempt.all('thinking')[0]?.text ?? '', /Look at it first\./);
        assert.deepEqual(attempt.all('tool_call').map((one) => one.title), ['read: calc.js', 'edit: calc.js', 'execute: node -p process.env.BATON_TASK_ID']);
        const results = attempt.all('tool_result');
        assert.ok(results.every((one) => one.ok));
        assert.match(results[1]?.output ?? '', /-exports\.add = \(a, b\) => a - b;\n\+exports\.add = \(a, b\) => a \+ b;/);
        assert.equal(results[2]?.output, 'T-1');
        const usage = attempt.all('usage').at(-1);
        assert.deepEqual([usage?.usage.input_tokens, usage?.usage.output_tokens, usage?.cost_usd], [4200, 200, null]);
      },
    ));

  it('goes on after a denial', () =>
    withGemini([{ tools: [{ tool: 'shell', command: 'node -e "require(\'fs\').writeFileSync(\'proof\', \'1\')"' }] }, { text: 'I leave it.' }], async ({ cwd, start }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      await attempt.session.answer(asked.request_id, { behavior: 'deny', message: 'Not on a Friday.' });
      assert.equal((await attempt.ended).result, 'I leave it.');
      assert.equal(existsSync(path.join(cwd, 'proof')), false);
    }));

  it('asks about edits too where rules hold something back, with the diff', () =>
    withGemini([{ tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }] }, { text: 'Done.' }], async ({ start }) => {
      const attempt = await start({ ask_all: true });
      const asked = await attempt.first('permission');
      assert.equal(asked.tool, 'edit');
      assert.deepEqual(asked.input['paths'], ['calc.js']);
      assert.match(String(asked.input['diff']), /-exports\.add = \(a, b\) => a - b;\n\+exports\.add = \(a, b\) => a \+ b;/);
      await attempt.session.answer(asked.request_id, { behavior: 'allow' });
      assert.equal((await attempt.ended).ok, true);
    }));

  it('finds the JSON of a role in its last words', () =>
    withGemini([{ text: 'I have looked.\n\n```json\n{"status": "approved"}\n```' }], async ({ start }) => {
      const end = await (await start({ role: 'plan_reviewer', output_schema: { type: 'object' } })).ended;
      assert.deepEqual(end.structured, { status: 'approved' });
    }));

  it('takes a message of the user as the next prompt', async () => {
    let release = (): void => undefined;
    const hold = new Promise<void>((resolve) => (release = resolve));
    await withGemini([{ text: 'First.', hold }, { text: 'Second, with tabs.' }], async ({ start, requests }) => {
      const attempt = await start();
      await until('the model was asked', () => requests().length === 1, 60_000);
      await attempt.session.send('Please use tabs');
      release();
      assert.equal((await attempt.ended).result, 'Second, with tabs.');
      assert.equal(requests()[1]?.conversation?.prompt, 'Please use tabs');
    });
  });

  it('reports what the provider refuses by its kind, and never as success', async () => {
    for (const [status, kind] of [[401, 'authentication'], [400, 'invalid_request']] as const) {
      await withGemini(() => ({ error: { status, message: 'refused' } }), async ({ start }) => {
        const end = await (await start()).ended;
        assert.equal(end.ok, false);
        assert.equal(end.error?.kind, kind, JSON.stringify(end));
      });
    }
  });

  it('takes a 429 with a long wait for a limit', () =>
    withGemini(() => ({ error: { status: 429, headers: { 'retry-after': '3600' }, body: { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Quota exceeded. Please retry in 3600s.' } } } }), async ({ start }) => {
      const attempt = await start();
      const end = await attempt.ended;
      assert.equal(end.ok, false);
      assert.equal(end.error?.kind, 'rate_limit');
      assert.equal(attempt.all('limit').length, 1);
    }));

  it('leaves nothing of its tree when it is ended in the middle of a command (row 231)', () =>
    withGemini([{ tools: [{ tool: 'shell', command: '(sleep 313 &); setsid tail -f /dev/null & tail -f /dev/null' }] }], async ({ start }) => {
      const attempt = await start();
      await attempt.allow();
      await until('its children run', async () => (await attempt.survivors()).length >= 4, 60_000);
      await attempt.session.kill('stopped by the user');
      assert.deepEqual((await attempt.ended).error, { kind: 'interrupted', message: 'stopped by the user' });
    }));

  it('says how to install it when it is missing', () =>
    withGemini([], async ({ start }) => {
      const end = await (await start({ config: { command: '/nowhere/gemini' } })).ended;
      assert.equal(end.error?.kind, 'not_found');
      assert.match(end.error.message, /npm install -g @google\/gemini-cli/);
    }));
});

describe('the acp driver with the real opencode', function () {
  this.timeout(200_000);

  it('asks before an edit, and goes on with the human’s words after a denial, which ends its turn (row 222)', () =>
    withOpencode(
      [{ text: 'Fixing.', tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }] }, { text: 'I leave it.' }],
      async ({ cwd, start, requests }) => {
        const attempt = await start({ prompt: 'Fix add in calc.js' });
        const asked = await attempt.first('permission');
        assert.deepEqual([asked.tool, asked.input['paths']], ['edit', ['calc.js']]);
        assert.match(String(asked.input['diff']), /\+exports\.add = \(a, b\) => a \+ b;/);
        await attempt.session.answer(asked.request_id, { behavior: 'deny', message: 'calc.js is frozen' });
        assert.equal((await attempt.ended).result, 'I leave it.');
        assert.match(requests().at(-1)?.conversation?.prompt ?? '', /edit: calc\.js was denied: calc\.js is frozen/);
        assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a - b;\n');
      },
    ));

  it('resumes the session after it was killed in the middle of a command, and tells the past not again (row 230)', () =>
    withOpencode([{ text: 'Working.', tools: [{ tool: 'shell', command: 'tail -f /dev/null' }] }, { text: 'Went on.' }], async ({ start, requests }) => {
      const first = await start({ prompt: 'The first prompt' });
      const { session_id: session, process: identity } = await first.first('started', (one) => one.session_id !== null);
      await first.allow();
      await until('the command runs', async () => (await first.survivors()).length >= 2, 60_000);
      process.kill(identity?.pid ?? 0, 'SIGKILL');
      assert.equal((await first.ended).error?.kind, 'crashed');
      const second = await start({ prompt: 'Go on', resume: session });
      assert.equal((await second.ended).result, 'Went on.');
      assert.deepEqual(second.all('text').map((one) => one.text), ['Went on.']);
      assert.ok(requests().at(-1)?.conversation?.messages.some((one) => one.text.includes('The first prompt')), 'the history is there');
    }));

  it('says so when the session to resume is unknown', () =>
    withOpencode([], async ({ start }) => {
      assert.equal((await (await start({ resume: 'ses_11111111ffeXEo8ELjzZmMm05' })).ended).error?.kind, 'session_not_found');
    }));
});

describe('the acp driver with the real Copilot CLI', function () {
  this.timeout(120_000);

  it('asks before it writes and runs, and tells tokens (row 222)', () =>
    withCopilot(
      [{ text: 'Writing.', tools: [{ tool: 'write', path: 'new.txt', content: 'one\n' }] }, { tools: [{ tool: 'shell', command: 'node -p 1+1' }] }, { text: 'Done.' }],
      async ({ cwd, start }) => {
        const attempt = await start();
        const write = await attempt.first('permission', (one) => one.tool === 'edit');
        assert.deepEqual(write.input['paths'], ['new.txt']);
        assert.match(String(write.input['diff']), /\+one/);
        await attempt.session.answer(write.request_id, { behavior: 'allow' });
        const run = await attempt.first('permission', (one) => one.tool === 'execute');
        assert.deepEqual(run.input, { command: 'node -p 1+1' });
        await attempt.session.answer(run.request_id, { behavior: 'allow' });
        const { exit_code, ...end } = await attempt.ended;
        assert.deepEqual(end, { ok: true, result: 'Done.' });
        assert.ok(LEFT.includes(exit_code), `exit code ${String(exit_code)}`);
        assert.equal(await readFile(path.join(cwd, 'new.txt'), 'utf8'), 'one\n');
        assert.deepEqual([attempt.all('usage').at(-1)?.usage.input_tokens, attempt.all('usage').at(-1)?.usage.output_tokens], [3000, 150]);
      },
    ));

  it('takes the errors that it tells as chat for the failures that they are', () =>
    withCopilot(() => ({ error: { status: 401, message: 'refused' } }), async ({ start }) => {
      const end = await (await start()).ended;
      assert.equal(end.ok, false);
      assert.equal(classifyError(end.error ?? {}).kind, 'authentication');
    }));
});
