import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Conversation, Turn } from '../../support/modelServer/scenario.ts';
import { ModelServer } from '../../support/modelServer/server.ts';
import { provisionCodex } from '../../support/agents.ts';
import { until } from '../../support/processes.ts';
import { withCodex } from './codexHarness.ts';

let server: ModelServer;
before(async function () {
  this.timeout(600_000);
  await provisionCodex();
  server = await ModelServer.start();
});
after(() => server.close());

describe('the codex driver with the real CLI', function () {
  this.timeout(60_000);

  it('does a job with edits and a shell command and reports it as text, tool calls and tokens (row 222)', () =>
    withCodex(
      server,
      [
        { thinking: 'Look at it first.', text: 'Reading.', tools: [{ tool: 'read', path: 'calc.js' }], usage: { input: 1000, output: 40 } },
        { text: 'Fixing.', tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }], usage: { input: 1200, output: 60, cache_read: 500 } },
        { tools: [{ tool: 'shell', command: 'echo "$BATON_TASK_ID $BATON_ROLE"' }] },
        { text: 'Fixed add: it added wrongly.' },
      ],
      async ({ cwd, start }) => {
        const attempt = await start({ prompt: 'Fix add in calc.js' });
        const end = await attempt.ended;
        assert.deepEqual(end, { ok: true, result: 'Fixed add: it added wrongly.', exit_code: 0 });
        assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a + b;\n');
        const [first, set] = attempt.all('started');
        assert.ok(first?.process && first.process.pid > 0);
        assert.match(set?.session_id ?? '', /^[0-9a-f-]{36}$/);
        assert.deepEqual(set, { ...first, session_id: set?.session_id, model: 'gpt-5.5' });
        assert.deepEqual(attempt.all('thinking').map((one) => one.text), ['Look at it first.']);
        assert.deepEqual(attempt.all('text').map((one) => one.text), ['Reading.', 'Fixing.', 'Fixed add: it added wrongly.']);
        assert.deepEqual(attempt.all('tool_call').map((one) => one.title), ["shell: cat 'calc.js'", 'apply_patch: calc.js', 'shell: echo "$BATON_TASK_ID $BATON_ROLE"']);
        const results = attempt.all('tool_result');
        assert.ok(results.every((one) => one.ok));
        assert.deepEqual(results.map((one) => one.id), attempt.all('tool_call').map((one) => one.id));
        assert.equal(results[2]?.output, 'T-1 implementer');
        const usage = attempt.all('usage').at(-1);
        assert.deepEqual(usage?.usage, { input_tokens: 1000 + 1200 + 1000 + 1000, output_tokens: 40 + 60 + 50 + 50, cache_read_tokens: 500, cache_write_tokens: 0 });
        assert.equal(usage.turns, 4);
        assert.equal(usage.cost_usd, null, 'Codex names no money');
        assert.equal(attempt.all('permission').length, 0, 'its sandbox keeps all of this in the worktree');
      },
    ));

  it('works with a model that has all its tools behind one that runs code', () =>
    withCodex(
      server,
      [{ tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }] }, { tools: [{ tool: 'shell', command: 'cat calc.js' }] }, { text: 'Fixed.' }],
      async ({ start }) => {
        const attempt = await start({ model: 'gpt-6.1-sol' });
        assert.equal((await attempt.ended).result, 'Fixed.');
        assert.deepEqual(attempt.all('tool_call').map((one) => one.title), ['apply_patch: calc.js', 'shell: cat calc.js']);
        assert.equal(attempt.all('tool_result')[1]?.output, 'exports.add = (a, b) => a + b;');
      },
    ));

  it('gives the prompt by stdin and no secret by the command line', () =>
    withCodex(server, [{ text: 'Hello', hold: new Promise((resolve) => setTimeout(resolve, 300)) }], async ({ start, requests }) => {
      const attempt = await start({ prompt: 'The secret plan' });
      const { process: identity } = await attempt.first('started');
      const argv = await readFile(`/proc/${identity?.pid ?? 0}/cmdline`, 'utf8');
      assert.ok(argv.includes('app-server') && !argv.includes('secret plan') && !argv.includes('sk-'));
      await attempt.ended;
      assert.equal(requests()[0]?.conversation?.prompt, 'The secret plan');
    }));

  it('leaves the repository’s own instructions to the CLI, which reads AGENTS.md', () =>
    withCodex(server, [{ text: 'Hello' }], async ({ cwd, start, requests }) => {
      await writeFile(path.join(cwd, 'AGENTS.md'), 'Indent by three spaces.\n');
      await (await start()).ended;
      assert.ok(JSON.stringify(requests()[0]?.body['input']).includes('Indent by three spaces.'));
    }));

  it('asks before it leaves its sandbox, and runs outside once the human allows it (row 249)', () =>
    withCodex(server, [{ tools: [{ tool: 'shell', command: 'echo proof > ../outside', escalated: 'May I write next door?' }] }, { text: 'Done.' }], async ({ cwd, start }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      assert.deepEqual(
        { tool: asked.tool, title: asked.title, input: asked.input, reason: asked.reason },
        { tool: 'shell', title: 'shell: echo proof > ../outside', input: { command: 'echo proof > ../outside' }, reason: 'May I write next door?' },
      );
      assert.equal(existsSync(path.join(cwd, '../outside')), false);
      await attempt.session.answer(asked.request_id, { behavior: 'allow' });
      assert.equal((await attempt.ended).ok, true);
      assert.equal(await readFile(path.join(cwd, '../outside'), 'utf8'), 'proof\n');
      assert.equal(attempt.all('permission_withdrawn').length, 0);
      await assert.rejects(attempt.session.answer(asked.request_id, { behavior: 'allow' }), { kind: 'not_found' });
    }));

  it('lets the model go on with the human’s words when a command is denied (row 249)', () =>
    withCodex(server, [{ tools: [{ tool: 'shell', command: 'echo proof > ../outside', escalated: 'May I?' }] }, { text: 'I leave it.' }], async ({ cwd, start, requests }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      await attempt.session.answer(asked.request_id, { behavior: 'deny', message: 'Not on a Friday.' });
      assert.deepEqual(await attempt.ended, { ok: true, result: 'I leave it.', exit_code: 0 });
      assert.equal(existsSync(path.join(cwd, '../outside')), false);
      assert.match(requests()[1]?.conversation?.last ?? '', /echo proof > \.\.\/outside was denied: Not on a Friday\./);
      assert.equal(attempt.all('tool_result')[0]?.ok, false);
    }));

  it('says that an edited command cannot be run and goes on waiting for an answer', () =>
    withCodex(server, [{ tools: [{ tool: 'shell', command: 'echo asked > ../outside', escalated: 'May I?' }] }, { text: 'Done.' }], async ({ cwd, start }) => {
      const attempt = await start();
      const asked = await attempt.first('permission');
      assert.equal(asked.editable, false);
      await assert.rejects(attempt.session.answer(asked.request_id, { behavior: 'allow', input: { ...asked.input, command: 'echo edited > ../outside' } }), { kind: 'unsupported', hint: /Deny it/ });
      await attempt.session.answer(asked.request_id, { behavior: 'allow', input: asked.input });
      await attempt.ended;
      assert.equal(await readFile(path.join(cwd, '../outside'), 'utf8'), 'asked\n');
    }));

  it('asks about every command and edit, with the diff, where rules hold something back', () =>
    withCodex(
      server,
      [{ tools: [{ tool: 'shell', command: 'ls' }] }, { tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }] }, { tools: [{ tool: 'write', path: 'new.txt', content: 'one\ntwo\n' }] }, { text: 'Done.' }],
      async ({ cwd, start }) => {
        const attempt = await start({ ask_all: true });
        const command = await attempt.first('permission', (one) => one.tool === 'shell');
        assert.deepEqual(command.input, { command: 'ls' });
        await attempt.session.answer(command.request_id, { behavior: 'allow' });
        const edit = await attempt.first('permission', (one) => one.title === 'apply_patch: calc.js');
        assert.deepEqual(edit.input, { paths: ['calc.js'], diff: '--- a/calc.js\n+++ b/calc.js\n@@ -1 +1 @@\n-exports.add = (a, b) => a - b;\n+exports.add = (a, b) => a + b;\n' });
        await attempt.session.answer(edit.request_id, { behavior: 'deny', message: 'calc.js is frozen' });
        const add = await attempt.first('permission', (one) => one.title === 'apply_patch: new.txt');
        assert.deepEqual(add.input, { paths: ['new.txt'], diff: '--- /dev/null\n+++ b/new.txt\n+one\n+two\n' });
        await attempt.session.answer(add.request_id, { behavior: 'allow' });
        assert.equal((await attempt.ended).ok, true);
        assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a - b;\n');
        assert.equal(await readFile(path.join(cwd, 'new.txt'), 'utf8'), 'one\ntwo\n');
      },
    ));

  it('brings a question of the agent as a request, and the answer back', () => {
    const questions = [{ id: 'style', header: 'Style', question: 'Tabs or spaces?', options: [{ label: 'Tabs', description: 'a' }, { label: 'Spaces', description: 'b' }] }];
    const ask = { tools: [{ tool: 'named' as const, name: 'request_user_input', input: { questions } }] };
    return withCodex(server, [ask, ask, { text: 'Thanks.' }], async ({ start, requests }) => {
      const attempt = await start({ config: { args: ['-c', 'features.default_mode_request_user_input=true'] } });
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

  it('lets planners and reviewers read and run, and change nothing', () =>
    withCodex(server, [{ tools: [{ tool: 'shell', command: 'cat calc.js' }] }, { tools: [{ tool: 'shell', command: 'echo x > calc.js' }] }, { text: 'Reviewed.' }], async ({ cwd, start, requests }) => {
      const attempt = await start({ role: 'code_reviewer' });
      assert.equal((await attempt.ended).result, 'Reviewed.');
      assert.equal(attempt.all('tool_result')[0]?.output, 'exports.add = (a, b) => a - b;');
      assert.match(requests()[2]?.conversation?.results[0]?.output ?? '', /Read-only file system/);
      assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a - b;\n');
    }));

  it('keeps an implementer’s commands in the worktree and off the network', async () => {
    // /tmp, in which the test's worktree lies and this checkout may, is open to it.
    const outside = `/var/tmp/baton-escaped-${process.pid}`;
    const command = `echo in > inside; echo out > '${outside}'; node -e "fetch('${server.url}').then(() => console.log('reached'), (error) => console.log(error.cause.code))"`;
    await withCodex(server, [{ tools: [{ tool: 'shell', command: `${command}; true` }] }, { text: 'Done.' }], async ({ cwd, start }) => {
      const attempt = await start();
      await attempt.ended;
      assert.equal(existsSync(path.join(cwd, 'inside')), true);
      assert.equal(existsSync(outside), false);
      assert.match(attempt.all('tool_result')[0]?.output ?? '', /Read-only file system\n(ENETUNREACH|ECONNREFUSED|EPERM|EACCES)/);
    });
  });

  it('brings a user’s message into the running turn', () =>
    withCodex(server, [{ text: 'Running.', tools: [{ tool: 'shell', command: 'sleep 3' }] }, { text: 'Tabs it is.' }], async ({ start, requests }) => {
      const attempt = await start();
      await attempt.first('tool_call');
      await attempt.session.send('Please use tabs');
      const end = await attempt.ended;
      assert.equal(end.result, 'Tabs it is.');
      assert.deepEqual(attempt.all('user').map((one) => one.text), ['Please use tabs']);
      assert.ok(JSON.stringify(requests()[1]?.body['input']).includes('Please use tabs'));
      await assert.rejects(attempt.session.send('too late'), { kind: 'conflict' });
    }));

  it('lets a message that came before the first turn or during the last answer be answered too', async () => {
    let release = (): void => undefined;
    const hold = new Promise<void>((resolve) => (release = resolve));
    const script = ({ messages }: Conversation): Turn => (messages.some((one) => one.text.includes('use tabs')) ? { text: 'With tabs.' } : { text: 'First.', hold });
    await withCodex(server, script, async ({ start, requests }) => {
      const attempt = await start();
      await attempt.session.send('At once');
      await until('the model was asked', () => requests().length > 0);
      await attempt.session.send('Please use tabs');
      release();
      assert.equal((await attempt.ended).result, 'With tabs.');
      assert.ok(JSON.stringify(requests().at(-1)?.body['input']).includes('At once'));
    });
  });

  it('gives the schema in the strict form of the provider and the answer in the form that was asked for', () =>
    withCodex(server, [{ tools: [{ tool: 'answer', value: { status: 'approved', note: null, scores: [{ key: 'risk', value: 2 }] } }] }], async ({ start, requests }) => {
      const output_schema = {
        type: 'object',
        properties: { status: { type: 'string', minLength: 1 }, note: { type: 'string' }, scores: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'number' } } },
        required: ['status'],
        additionalProperties: {},
      };
      const end = await (await start({ role: 'plan_reviewer', output_schema })).ended;
      assert.equal(end.ok, true);
      assert.deepEqual(end.structured, { status: 'approved', scores: { risk: 2 } });
      const format = (requests()[0]?.body['text'] as { format: { strict: boolean; schema: unknown } }).format;
      assert.equal(format.strict, true);
      const pair = { type: 'object', properties: { key: { type: 'string' }, value: { type: 'number' } }, required: ['key', 'value'], additionalProperties: false };
      assert.deepEqual(format.schema, {
        type: 'object',
        properties: { status: { type: 'string' }, note: { anyOf: [{ type: 'string' }, { type: 'null' }] }, scores: { anyOf: [{ type: 'array', items: pair }, { type: 'null' }] } },
        required: ['status', 'note', 'scores'],
        additionalProperties: false,
      });
    }));

  it('reports a claim of success without any change as just that: the engine judges the tree (row 233)', () =>
    withCodex(server, [{ text: 'All fixed and tested!' }], async ({ cwd, start }) => {
      const attempt = await start();
      assert.deepEqual(await attempt.ended, { ok: true, result: 'All fixed and tested!', exit_code: 0 });
      assert.equal(attempt.all('tool_call').length, 0);
      assert.equal(await readFile(path.join(cwd, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a - b;\n');
    }));

  it('ends at the limit of turns', () =>
    withCodex(server, () => ({ tools: [{ tool: 'shell', command: 'echo again' }] }), async ({ start }) => {
      const end = await (await start({ config: { max_turns: 2 } })).ended;
      assert.equal(end.ok, false);
      assert.deepEqual(end.error, { kind: 'max_turns', message: 'Reached the maximum number of turns (2).' });
    }));

  it('gives a long answer paragraph by paragraph, and every word once', () => {
    const text = Array.from({ length: 12 }, (_, i) => `Paragraph ${i}. ${'Words and more words. '.repeat(12)}`.trim()).join('\n\n');
    return withCodex(server, [{ text, part_delay_ms: 5 }], async ({ start }) => {
      const attempt = await start();
      const end = await attempt.ended;
      const texts = attempt.all('text').map((one) => one.text);
      assert.ok(texts.length > 3);
      assert.equal(texts.join('\n\n'), text);
      assert.equal(end.result, text);
    });
  });

  it('resumes the exact session after the CLI was killed in the middle of a command (row 230)', () =>
    withCodex(server, [{ text: 'Working.', tools: [{ tool: 'shell', command: 'tail -f /dev/null' }] }, { text: 'Went on.' }], async ({ start, home, requests }) => {
      const first = await start({ prompt: 'The first prompt' });
      const { session_id: session, process: identity } = await first.first('started', (one) => one.session_id !== null);
      await first.first('tool_call');
      await until('the CLI has saved the session', () => saved(home, session ?? ''));
      process.kill(identity?.pid ?? 0, 'SIGKILL');
      const crashed = await first.ended;
      assert.equal(crashed.ok, false);
      assert.equal(crashed.error?.kind, 'crashed');

      const second = await start({ prompt: 'Go on', resume: session });
      assert.deepEqual(await second.ended, { ok: true, result: 'Went on.', exit_code: 0 });
      assert.ok(second.all('started').every((one) => one.session_id === session));
      assert.equal(second.all('usage').at(-1)?.usage.input_tokens, 1000, 'an attempt counts its own requests only');
      assert.equal(second.all('usage').at(-1)?.turns, 1);
      const resumed = requests()[1]?.conversation;
      assert.equal(resumed?.prompt, 'Go on');
      assert.ok(resumed.messages.some((one) => one.text.includes('The first prompt')), 'the history is there');
    }));

  it('keeps the sandbox of the attempt that resumes', () =>
    withCodex(server, [{ text: 'One.' }, { tools: [{ tool: 'write', path: 'new.txt', content: 'x\n' }] }, { text: 'Two.' }], async ({ cwd, start }) => {
      const first = await start({ role: 'planner' });
      await first.ended;
      const session = first.all('started').at(-1)?.session_id ?? null;
      assert.equal((await (await start({ resume: session })).ended).result, 'Two.');
      assert.equal(existsSync(path.join(cwd, 'new.txt')), true);
    }));

  it('says so when the session to resume is unknown', () =>
    withCodex(server, [], async ({ start }) => {
      for (const resume of ['11111111-2222-4333-8444-555555555555', 'no id at all']) {
        assert.equal((await (await start({ resume })).ended).error?.kind, 'session_not_found');
      }
    }));
});

describe('ending the real Codex', function () {
  this.timeout(60_000);

  it('in the middle of a shell command leaves nothing of its tree, sandboxed or not (row 231)', async () => {
    for (const permission_mode of ['acceptEdits', 'bypassPermissions'] as const) {
      await withCodex(server, [{ text: 'Working.', tools: [{ tool: 'shell', command: '(sleep 313 &); setsid tail -f /dev/null & tail -f /dev/null' }] }], async ({ start }) => {
        const attempt = await start({ config: { permission_mode } });
        await attempt.first('tool_call');
        await until('its children run', async () => (await attempt.survivors()).length >= 5);
        await attempt.session.kill('stopped by the user');
        assert.deepEqual(await attempt.survivors(), []);
        const end = await attempt.ended;
        assert.equal(end.ok, false);
        assert.deepEqual(end.error, { kind: 'interrupted', message: 'stopped by the user' });
        assert.equal(attempt.all('tool_result').at(-1)?.ok, false, 'its call is closed');
      });
    }
  });

  it('after its last word leaves no command that it started in the background', () =>
    withCodex(server, [{ tools: [{ tool: 'shell', command: 'sleep 313', background: true }] }, { text: 'Done.' }], async ({ start }) => {
      assert.equal((await (await start()).ended).ok, true);
    }));

  it('works while a permission is pending, whose request is not withdrawn by that', () =>
    withCodex(server, [{ tools: [{ tool: 'shell', command: 'ls', escalated: 'May I?' }] }], async ({ start }) => {
      const attempt = await start();
      await attempt.first('permission');
      await attempt.session.kill('the time is up');
      assert.equal((await attempt.ended).error?.kind, 'interrupted');
      assert.equal(attempt.all('permission_withdrawn').length, 0);
    }));

  it('works while the provider never answers (row 232)', () =>
    withCodex(server, [{ silent: true }], async ({ start, requests }) => {
      const attempt = await start();
      await until('the provider was asked', () => requests().length === 1);
      await attempt.session.kill('it was silent for too long');
      assert.deepEqual((await attempt.ended).error, { kind: 'interrupted', message: 'it was silent for too long' });
    }));

  it('works before its first word', () =>
    withCodex(server, [], async ({ start }) => {
      const attempt = await start();
      await attempt.session.kill('at once');
      assert.equal((await attempt.ended).error?.kind, 'interrupted');
    }));
});

/** Whether the session's file in the CLI's own folder holds the prompt. */
async function saved(home: string, session: string): Promise<boolean> {
  const sessions = path.join(home, '.codex', 'sessions');
  const files = existsSync(sessions) ? (await readdir(sessions, { recursive: true })).filter((file) => file.includes(session) && file.endsWith('.jsonl')) : [];
  return (await Promise.all(files.map((file) => readFile(path.join(sessions, file), 'utf8')))).some((text) => text.includes('The first prompt'));
}
