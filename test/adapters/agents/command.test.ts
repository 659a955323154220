import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createCommandDriver } from '../../../src/adapters/agents/command.ts';
import type { AgentEnd, AgentMessage, AgentRequest, AgentSession } from '../../../src/engine/ports.ts';
import { newMark, survivors, until, withFolder } from '../../support/processes.ts';

const driver = createCommandDriver();

function request(cwd: string, script: string, more: Partial<AgentRequest> = {}): AgentRequest {
  return {
    task_id: 'T-1',
    attempt_id: 'a1',
    number: 2,
    role: 'implementer',
    step_id: 'step-1',
    mark: newMark(),
    agent: { driver: 'command', command: process.execPath, args: ['-e', script], env: { FROM_CONFIG: 'yes' } },
    model: null,
    cwd,
    prompt: 'Fix the thing.\nIt is $HOME; `echo` "quoted".',
    resume: null,
    env: {},
    ...more,
  };
}

async function collect(session: AgentSession): Promise<{ messages: AgentMessage[]; end: AgentEnd }> {
  const messages: AgentMessage[] = [];
  for await (const message of session.messages) messages.push(message);
  const last = messages.at(-1);
  assert.ok(last?.type === 'end');
  assert.equal(messages.filter((one) => one.type === 'end').length, 1);
  return { messages, end: last.end };
}

const texts = (messages: AgentMessage[], type: 'text' | 'log') => messages.flatMap((one) => (one.type === type ? [one.text] : []));

describe('the command driver', function () {
  this.timeout(60_000);

  it('runs the program in the worktree with the prompt on stdin and the attempt in the environment (row 3)', () =>
    withFolder(async (cwd) => {
      const script = `
        const fs = require('fs');
        fs.writeFileSync('seen.json', JSON.stringify({ prompt: fs.readFileSync(0, 'utf8'), cwd: process.cwd(),
          env: Object.fromEntries(Object.entries(process.env).filter(([k]) => k.startsWith('BATON_') || k === 'FROM_CONFIG')) }));`;
      const wanted = request(cwd, script);
      const { end } = await collect(await driver.start(wanted));
      assert.equal(end.ok, true);
      assert.equal(end.exit_code, 0);
      const seen = JSON.parse(await readFile(path.join(cwd, 'seen.json'), 'utf8')) as unknown;
      assert.deepEqual(seen, {
        prompt: wanted.prompt,
        cwd,
        env: { BATON_TASK_ID: 'T-1', BATON_ROLE: 'implementer', BATON_STEP_ID: 'step-1', BATON_ATTEMPT: '2', BATON_WORKTREE: cwd, BATON_MARK: wanted.mark, FROM_CONFIG: 'yes' },
      });
    }));

  it('gives stdout as text and stderr as log, line by line, the unfinished last line too', () =>
    withFolder(async (cwd) => {
      const { messages, end } = await collect(await driver.start(request(cwd, `console.log('one'); console.error('warn'); process.stdout.write('tw\\u00f6')`)));
      assert.deepEqual(texts(messages, 'text'), ['one', 'twö']);
      assert.deepEqual(texts(messages, 'log'), ['warn']);
      assert.equal(end.result, 'one\ntwö');
      const started = messages[0];
      assert.ok(started?.type === 'started' && started.process && started.process.pid > 0 && started.process.started !== '');
    }));

  it('takes any other exit code for a failure and says what stderr said (row 3)', () =>
    withFolder(async (cwd) => {
      const { end } = await collect(await driver.start(request(cwd, `console.error('401 Unauthorized'); process.exit(7)`)));
      assert.equal(end.ok, false);
      assert.equal(end.exit_code, 7);
      assert.equal(end.error?.kind, 'unknown');
      assert.match(end.error.message, /exited with code 7:\n401 Unauthorized/);
    }));

  it('reads the JSON answer when the role asks for one', () =>
    withFolder(async (cwd) => {
      const script = `console.log('Here it is:\\n\`\`\`json\\n{"status": "approved"}\\n\`\`\`\\nDone {really}.')`;
      const { end } = await collect(await driver.start(request(cwd, script, { output_schema: { type: 'object' } })));
      assert.deepEqual(end.structured, { status: 'approved' });
    }));

  it('says what is missing when the program is not there', () =>
    withFolder(async (cwd) => {
      const wanted = request(cwd, '');
      const { end } = await collect(await driver.start({ ...wanted, agent: { ...wanted.agent, command: 'no-such-program-here' } }));
      assert.equal(end.error?.kind, 'not_found');
      assert.match(end.error.message, /no-such-program-here/);
    }));

  it('ends the whole tree on kill, and the attempt as interrupted (row 231)', () =>
    withFolder(async (cwd) => {
      const script = `
        const { spawn } = require('child_process');
        process.on('SIGTERM', () => {});
        spawn('sleep', ['313'], { detached: true, stdio: 'inherit' }).unref();
        spawn('sleep', ['314']);
        setInterval(() => {}, 1000); console.log('up');`;
      const wanted = request(cwd, script);
      const session = await driver.start(wanted);
      const all = collect(session);
      await until('it has its children', async () => (await survivors(wanted.mark)).length === 3);
      await session.kill('stopped by the user');
      assert.deepEqual(await survivors(wanted.mark), []);
      const { end } = await all;
      assert.deepEqual(end.error, { kind: 'interrupted', message: 'stopped by the user' });
    }));

  it('ends what the program left running, even if it holds the output open (row 231)', () =>
    withFolder(async (cwd) => {
      const script = `require('child_process').spawn('sleep', ['313'], { detached: true, stdio: 'inherit' }).unref(); console.log('done')`;
      const wanted = request(cwd, script);
      const { end } = await collect(await driver.start(wanted));
      assert.equal(end.ok, true);
      assert.deepEqual(await survivors(wanted.mark), []);
    }));

  it('survives a program that does not read its input', () =>
    withFolder(async (cwd) => {
      const { end } = await collect(await driver.start(request(cwd, 'process.exit(0)', { prompt: 'x'.repeat(4_000_000) })));
      assert.equal(end.ok, true);
    }));

  it('refuses messages and answers, which it cannot deliver', () =>
    withFolder(async (cwd) => {
      const session = await driver.start(request(cwd, ''));
      await assert.rejects(session.send('hello'), { kind: 'unsupported' });
      await assert.rejects(session.answer('1', { behavior: 'allow' }), { kind: 'unsupported' });
      await collect(session);
    }));
});
