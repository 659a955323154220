import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ModelServer } from '../../support/modelServer/server.ts';
import { provisionClaude } from '../../support/agents.ts';
import { until } from '../../support/processes.ts';
import { withClaude } from './claudeHarness.ts';

let server: ModelServer;
before(async function () {
  this.timeout(600_000);
  await provisionClaude();
  server = await ModelServer.start();
});
after(() => server.close());

describe('the claude driver with the real CLI', function () {
  this.timeout(60_000);

  it('does a job with edits and a shell command and reports it as text, tool calls, tokens and cost (row 229)', () =>
    withClaude(
      server,
      [
        { thinking: 'Look at it first.', text: 'Reading.', tools: [{ tool: 'read', path: 'calc.js' }], usage: { input: 1000, output: 40 } },
        { text: 'Fixing.', tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }], usage: { input: 1200, output: 60, cache_read: 500 } },
        { tools: [{ tool: 'shell', command: 'echo "$BATON_TASK_ID $BATON_ROLE"' }] },
        { text: 'Fixed add: it added wrongly.' },
      ],
      async ({ cwd, start }) => {
        const attempt = await start({ prompt: 'Fix add in calc.js' });
        await attempt.allow();
        const end = await attempt.ended;
        assert.deepEqual(end, { ok: true, result: 'Fixed add: it added wrongly.', exit_code: 0 });
        assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a + b;\n');
        const [first, init] = attempt.all('started');
        assert.ok(first?.process && first.process.pid > 0);
        assert.match(first.session_id ?? '', /^[0-9a-f-]{36}$/);
        assert.deepEqual(init, { ...first, model: 'claude-sonnet-4-6' });
        assert.deepEqual(attempt.all('thinking').map((one) => one.text), ['Look at it first.']);
        assert.deepEqual(attempt.all('text').map((one) => one.text), ['Reading.', 'Fixing.', 'Fixed add: it added wrongly.']);
        assert.deepEqual(attempt.all('tool_call').map((one) => one.title), ['Read: calc.js', 'Edit: calc.js', 'Bash: echo "$BATON_TASK_ID $BATON_ROLE"']);
        const results = attempt.all('tool_result');
        assert.ok(results.every((one) => one.ok));
        assert.deepEqual(results.map((one) => one.id), attempt.all('tool_call').map((one) => one.id));
        assert.equal(results[2]?.output, 'T-1 implementer');
        const usage = attempt.all('usage').at(-1);
        assert.deepEqual(usage?.usage, { input_tokens: 1000 + 1200 + 1000 + 1000, output_tokens: 40 + 60 + 50 + 50, cache_read_tokens: 500, cache_write_tokens: 0 });
        assert.equal(usage.turns, 4);
        assert.ok(usage.cost_usd !== null && usage.cost_usd > 0.01);
      },
    ));

  it('asks about every edit and about commands where rules hold something back (row 249)', () =>
    withClaude(
      server,
      [{ tools: [{ tool: 'read', path: 'calc.js' }] }, { tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }] }, { tools: [{ tool: 'shell', command: 'mkdir made' }] }, { text: 'Done.' }],
      async ({ cwd, start }) => {
        const attempt = await start({ ask_all: true });
        const edit = await attempt.first('permission');
        assert.equal(edit.tool, 'Edit');
        await attempt.session.answer(edit.request_id, { behavior: 'deny', message: 'calc.js is frozen' });
        const command = await attempt.first('permission', (one) => one.request_id !== edit.request_id);
        assert.deepEqual([command.tool, command.input['command']], ['Bash', 'mkdir made']);
        await attempt.session.answer(command.request_id, { behavior: 'deny', message: 'No new folders' });
        assert.equal((await attempt.ended).ok, true);
        assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a - b;\n');
        assert.equal(existsSync(path.join(cwd, 'made')), false);
      },
    ));

  it('gives the prompt by stdin and no secret by the command line (row 229)', () =>
    withClaude(server, [{ text: 'Hello', hold: new Promise((resolve) => setTimeout(resolve, 300)) }], async ({ start, requests }) => {
      const attempt = await start({ prompt: 'The secret plan' });
      const { process: identity } = await attempt.first('started');
      const argv = await readFile(`/proc/${identity?.pid ?? 0}/cmdline`, 'utf8');
      assert.ok(!argv.includes('secret plan') && !argv.includes('sk-ant'));
      await attempt.ended;
      const [asked] = requests();
      assert.equal(asked?.conversation?.prompt, 'The secret plan');
    }));

  it('holds a tool until the human allows it (row 249)', () =>
    withClaude(server, [{ tools: [{ tool: 'shell', command: 'node -e "require(\'fs\').writeFileSync(\'proof\', \'1\')"' }] }, { text: 'Done.' }], async ({ cwd, start }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      assert.equal(asked.tool, 'Bash');
      assert.match(asked.title, /^Bash: node -e/);
      assert.equal(existsSync(path.join(cwd, 'proof')), false);
      await attempt.session.answer(asked.request_id, { behavior: 'allow' });
      assert.equal((await attempt.ended).ok, true);
      assert.equal(existsSync(path.join(cwd, 'proof')), true);
      await assert.rejects(attempt.session.answer(asked.request_id, { behavior: 'allow' }), { kind: 'not_found' });
    }));

  it('lets the model go on with the human’s words when a tool is denied (row 249)', () =>
    withClaude(server, [{ tools: [{ tool: 'shell', command: 'node -e "process.exit(0)"' }] }, { text: 'I leave it.' }], async ({ start, requests }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      await attempt.session.answer(asked.request_id, { behavior: 'deny', message: 'Not on a Friday.' });
      const end = await attempt.ended;
      assert.equal(end.ok, true);
      assert.equal(end.result, 'I leave it.');
      assert.match(requests()[1]?.conversation?.results[0]?.output ?? '', /Not on a Friday\./);
      assert.equal(attempt.all('tool_result')[0]?.ok, false);
    }));

  it('runs the command as the human edited it (row 249)', () =>
    withClaude(server, [{ tools: [{ tool: 'shell', command: 'node -e "console.log(\'as asked\')"' }] }, { text: 'Done.' }], async ({ start }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      await attempt.session.answer(asked.request_id, { behavior: 'allow', input: { ...asked.input, command: 'node -e "console.log(\'as edited\')"' } });
      await attempt.ended;
      assert.equal(attempt.all('tool_result')[0]?.output, 'as edited');
    }));

  it('brings a question of the agent as a request, and the answer as edited input or as the words of a denial', () => {
    const questions = [{ question: 'Tabs or spaces?', header: 'Style', multiSelect: false, options: [{ label: 'Tabs', description: 'a' }, { label: 'Spaces', description: 'b' }] }];
    const ask = { tools: [{ tool: 'named' as const, name: 'AskUserQuestion', input: { questions } }] };
    return withClaude(server, [ask, ask, { text: 'Thanks.' }], async ({ start, requests }) => {
      const attempt = await start();
      const first = await attempt.first('permission');
      assert.equal(first.title, 'AskUserQuestion: Tabs or spaces?');
      await attempt.session.answer(first.request_id, { behavior: 'allow', input: { ...first.input, answers: { 'Tabs or spaces?': 'Tabs' } } });
      const second = await attempt.first('permission', (one) => one.request_id !== first.request_id);
      await attempt.session.answer(second.request_id, { behavior: 'deny', message: 'Neither: run the formatter.' });
      assert.equal((await attempt.ended).result, 'Thanks.');
      assert.match(requests()[1]?.conversation?.results[0]?.output ?? '', /Tabs/);
      assert.match(requests()[2]?.conversation?.results[0]?.output ?? '', /run the formatter/);
    });
  });

  it('denies the stash, which all worktrees share, without asking', () =>
    withClaude(server, [{ tools: [{ tool: 'shell', command: 'git stash' }] }, { text: 'Done.' }], async ({ start }) => {
      const attempt = await start();
      await attempt.ended;
      assert.equal(attempt.all('permission').length, 0);
      assert.equal(attempt.all('tool_result')[0]?.ok, false);
    }));

  it('gives planners and reviewers no tool that edits', () =>
    withClaude(server, [{ text: 'Reviewed.' }], async ({ start, requests }) => {
      await (await start({ role: 'code_reviewer' })).ended;
      const tools = requests()[0]?.conversation?.tools ?? [];
      assert.ok(tools.includes('Read') && tools.includes('Bash'));
      assert.ok(!tools.includes('Edit') && !tools.includes('Write'));
    }));

  it('brings a user’s message into the running turn', () =>
    withClaude(server, [{ text: 'Running.', tools: [{ tool: 'shell', command: 'sleep 3' }] }, { text: 'Tabs it is.' }], async ({ start, requests }) => {
      const attempt = await start();
      await attempt.first('tool_call');
      await attempt.session.send('Please use tabs');
      const end = await attempt.ended;
      assert.equal(end.result, 'Tabs it is.');
      assert.deepEqual(attempt.all('user').map((one) => one.text), ['Please use tabs']);
      assert.ok(JSON.stringify(requests()[1]?.body['messages']).includes('Please use tabs'));
      await assert.rejects(attempt.session.send('too late'), { kind: 'conflict' });
    }));

  it('lets a message that came during the last answer be answered too', async () => {
    let release = (): void => undefined;
    const hold = new Promise<void>((resolve) => (release = resolve));
    await withClaude(server, [{ text: 'First.', hold }, { text: 'Second, with tabs.' }], async ({ start, requests }) => {
      const attempt = await start();
      await until('the model was asked', () => requests().length === 1);
      await attempt.session.send('Please use tabs');
      release();
      const end = await attempt.ended;
      assert.equal(end.result, 'Second, with tabs.');
      assert.equal(attempt.all('usage').at(-1)?.turns, 2);
      assert.equal(attempt.all('usage').at(-1)?.usage.input_tokens, 2000);
    });
  });

  it('returns the answer in the shape of the schema, which the CLI enforces', () =>
    withClaude(server, [{ tools: [{ tool: 'answer', value: { verdict: 'fine' } }] }, { tools: [{ tool: 'answer', value: { status: 'approved' } }] }], async ({ start }) => {
      const output_schema = { type: 'object', properties: { status: { type: 'string' } }, required: ['status'], additionalProperties: false };
      const end = await (await start({ role: 'plan_reviewer', output_schema })).ended;
      assert.equal(end.ok, true);
      assert.deepEqual(end.structured, { status: 'approved' });
    }));

  it('reports a claim of success without any change as just that: the engine judges the tree', () =>
    withClaude(server, [{ text: 'All fixed and tested!' }], async ({ cwd, start }) => {
      const attempt = await start();
      assert.deepEqual(await attempt.ended, { ok: true, result: 'All fixed and tested!', exit_code: 0 });
      assert.equal(attempt.all('tool_call').length, 0);
      assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a - b;\n');
    }));

  it('ends at the limit of turns', () =>
    withClaude(server, () => ({ tools: [{ tool: 'shell', command: 'echo again' }] }), async ({ start }) => {
      const end = await (await start({ config: { max_turns: 2 } })).ended;
      assert.equal(end.ok, false);
      assert.equal(end.error?.kind, 'max_turns');
      assert.match(end.error.message, /maximum number of turns \(2\)/);
    }));

  it('ends at the budget', () =>
    withClaude(server, [{ tools: [{ tool: 'shell', command: 'echo dear' }], usage: { input: 900_000, output: 50_000 } }], async ({ start }) => {
      const attempt = await start({ max_budget_usd: 0.5 });
      assert.equal((await attempt.ended).error?.kind, 'budget');
      assert.ok((attempt.all('usage').at(-1)?.cost_usd ?? 0) > 3);
    }));

  it('names no price for a model that has none', () =>
    withClaude(server, [{ text: 'Done.' }], async ({ start }) => {
      const attempt = await start({ model: 'some-gateway-model' });
      assert.equal((await attempt.ended).ok, true);
      const usage = attempt.all('usage').at(-1);
      assert.equal(usage?.usage.input_tokens, 1000);
      assert.ok(attempt.all('usage').every((one) => one.cost_usd === null));
    }));

  it('gives a long answer paragraph by paragraph, and every word once', () => {
    const text = Array.from({ length: 12 }, (_, i) => `Paragraph ${i}. ${'Words and more words. '.repeat(12)}`.trim()).join('\n\n');
    return withClaude(server, [{ text, part_delay_ms: 5 }], async ({ start }) => {
      const attempt = await start();
      const end = await attempt.ended;
      const texts = attempt.all('text').map((one) => one.text);
      assert.ok(texts.length > 3);
      assert.equal(texts.join('\n\n'), text);
      assert.equal(end.result, text);
    });
  });

  it('resumes the exact session after the CLI was killed in the middle of a command (row 230)', () =>
    withClaude(server, [{ text: 'Working.', tools: [{ tool: 'shell', command: 'tail -f /dev/null' }] }, { text: 'Went on.' }], async ({ start, home, requests }) => {
      const first = await start({ prompt: 'The first prompt' });
      await first.allow();
      const { session_id: session, process: identity } = await first.first('started');
      await first.first('usage', (one) => one.cost_usd !== null);
      await until('the command runs', async () => (await first.survivors()).length >= 3);
      await until('the CLI has saved the session, which it does a moment late', () => saved(home, session ?? ''));
      process.kill(identity?.pid ?? 0, 'SIGKILL');
      const crashed = await first.ended;
      assert.equal(crashed.ok, false);
      assert.equal(crashed.error?.kind, 'crashed');
      assert.equal(first.all('usage').at(-1)?.usage.input_tokens, 1000, 'what the killed turn used still counts');
      assert.ok((first.all('usage').at(-1)?.cost_usd ?? 0) > 0);

      const second = await start({ prompt: 'Go on', resume: session });
      const end = await second.ended;
      assert.deepEqual(end, { ok: true, result: 'Went on.', exit_code: 0 });
      assert.ok(second.all('started').every((one) => one.session_id === session));
      assert.equal(second.all('usage').at(-1)?.usage.input_tokens, 1000, 'an attempt counts its own requests only');
      const resumed = requests()[1]?.conversation;
      assert.equal(resumed?.prompt, 'Go on');
      assert.ok(resumed.messages.some((one) => one.text.includes('The first prompt')), 'the history is there');
    }));

  it('says so when the session to resume is unknown', () =>
    withClaude(server, [], async ({ start }) => {
      const end = await (await start({ resume: '11111111-2222-4333-8444-555555555555' })).ended;
      assert.equal(end.error?.kind, 'session_not_found');
    }));
});

describe('ending the real CLI', function () {
  this.timeout(60_000);

  it('in the middle of a shell command leaves nothing of its tree (row 231)', () =>
    withClaude(server, [{ text: 'Working.', tools: [{ tool: 'shell', command: '(sleep 313 &); setsid tail -f /dev/null & tail -f /dev/null' }] }], async ({ start }) => {
      const attempt = await start();
      await attempt.allow();
      await until('its children run', async () => (await attempt.survivors()).length >= 5);
      await attempt.session.kill('stopped by the user');
      assert.deepEqual(await attempt.survivors(), []);
      const end = await attempt.ended;
      assert.equal(end.ok, false);
      assert.deepEqual(end.error, { kind: 'interrupted', message: 'stopped by the user' });
    }));

  it('works while a permission is pending, whose request is not withdrawn by that', () =>
    withClaude(server, [{ tools: [{ tool: 'shell', command: 'node -e "process.exit(0)"' }] }], async ({ start }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      await attempt.session.kill('the time is up');
      assert.equal((await attempt.ended).error?.kind, 'interrupted');
      assert.equal(attempt.all('permission_withdrawn').length, 0);
      assert.ok(asked);
    }));

  it('works while the provider never answers', () =>
    withClaude(server, [{ silent: true }], async ({ start, requests }) => {
      const attempt = await start();
      await until('the provider was asked', () => requests().length === 1);
      await attempt.session.kill('it was silent for too long');
      assert.deepEqual((await attempt.ended).error, { kind: 'interrupted', message: 'it was silent for too long' });
    }));

  it('works before its first word', () =>
    withClaude(server, [], async ({ start }) => {
      const attempt = await start();
      await attempt.session.kill('at once');
      assert.equal((await attempt.ended).error?.kind, 'interrupted');
    }));
});

/** Whether the session's file in the CLI's own folder holds the prompt. */
async function saved(home: string, session: string): Promise<boolean> {
  const projects = path.join(home, '.claude', 'projects');
  const folders = existsSync(projects) ? await readdir(projects) : [];
  const files = folders.map((folder) => path.join(projects, folder, `${session}.jsonl`)).filter((file) => existsSync(file));
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).some((text) => text.includes('The first prompt'));
}
