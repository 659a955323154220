import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createCommandDriver } from '../../../src/adapters/agents/command.ts';
import { runCommand } from '../../../src/adapters/gates/command.ts';
import { childEnvironment } from '../../../src/adapters/process/environment.ts';
import { runProgram } from '../../../src/adapters/process/run.ts';
import { identify } from '../../../src/adapters/process/table.ts';
import type { AgentMessage } from '../../../src/engine/ports.ts';
import { newMark, withFolder } from '../../support/processes.ts';

/** A process that drops its mark, takes its own session and keeps the pipes: nothing of the tree, by all that can be seen. */
const ESCAPE = `setsid env -i /bin/sh -c 'echo $$ > pid; exec sleep 300' & until test -s pid; do sleep 0.05; done; echo fine`;

/** Does the work in a folder in which ESCAPE runs; what got away lives on, and is ended here. */
async function withEscape<T>(work: (cwd: string) => Promise<T>): Promise<T> {
  return withFolder(async (cwd) => {
    try {
      const result = await work(cwd);
      const pid = Number(await readFile(path.join(cwd, 'pid'), 'utf8'));
      assert.ok(await identify(pid), 'it was ended, so it shows nothing');
      return result;
    } finally {
      if (existsSync(path.join(cwd, 'pid'))) process.kill(Number(await readFile(path.join(cwd, 'pid'), 'utf8')), 'SIGKILL');
    }
  });
}

describe('A process that left its tree and holds the pipes open', function () {
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('keeps no gate from its end', () =>
    withEscape(async (cwd) => {
      const result = await runCommand({ run: ESCAPE, cwd, env: {}, mark: newMark(), timeout_seconds: 60, log: path.join(cwd, 'gate.log'), signal: new AbortController().signal });
      assert.deepEqual([result.exit_code, result.tail], [0, 'fine\n']);
    }));

  it('keeps no agent from its end', () =>
    withEscape(async (cwd) => {
      const session = await createCommandDriver().start({
        task_id: 'T-1',
        attempt_id: 'a1',
        number: 1,
        role: 'implementer',
        step_id: 'step-1',
        mark: newMark(),
        agent: { driver: 'command', command: '/bin/sh', args: ['-c', ESCAPE], env: {} },
        model: null,
        cwd,
        prompt: 'Go',
        resume: null,
        env: {},
      });
      const messages: AgentMessage[] = [];
      for await (const message of session.messages) messages.push(message);
      const last = messages.at(-1);
      assert.ok(last?.type === 'end' && last.end.ok, JSON.stringify(last));
      assert.deepEqual(messages.flatMap((one) => (one.type === 'text' ? [one.text] : [])), ['fine']);
    }));

  it('keeps no program from its end, even one that never stops talking', () =>
    withEscape(async (cwd) => {
      const talking = ESCAPE.replace('exec sleep 300', 'while :; do echo noise; /bin/sleep 0.2; done');
      const result = await runProgram({ file: '/bin/sh', args: ['-c', talking], cwd, env: childEnvironment(), mark: newMark(), timeoutMs: 60_000, signal: new AbortController().signal });
      assert.equal(result.code, 0);
      assert.match(result.stdout, /fine\n/);
    }));
});
