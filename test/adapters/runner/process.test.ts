import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { Channel } from '../../../src/adapters/agents/channel.ts';
import { socketLink, type Link } from '../../../src/adapters/process/link.ts';
import { RunnerProcess } from '../../../src/adapters/runner/process.ts';
import { RUNNER_FILE, RUNNER_VERSION, type FromRunner, type RunnerInfo, type ToRunner } from '../../../src/adapters/runner/protocol.ts';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { TRANSCRIPT } from '../../../src/adapters/runs/transcript.ts';
import type { AgentDriver, AgentMessage, AttemptOrder, PermissionAnswer } from '../../../src/engine/ports.ts';
import { agentRequest } from '../../support/agents.ts';
import { FakeClock } from '../../support/fakeClock.ts';
import { until, withFolder } from '../../support/processes.ts';

const GRACE_S = 60;

/** A runner in this process, its agent a stand-in that says what it is told to, its clock moved by hand. */
class Scene {
  readonly clock = new FakeClock();
  readonly runner: RunnerProcess;
  readonly answers: [string, PermissionAnswer][] = [];
  killed: string | undefined;
  exited = false;
  /** What the engine that started it has heard. */
  readonly heard: FromRunner[] = [];
  readonly #directory: string;
  readonly #channel = new Channel();
  readonly #first: Link<FromRunner> = { send: (message) => void this.heard.push(message), close: () => Promise.resolve() };
  readonly #sockets: Socket[] = [];

  constructor(folder: string, more: Partial<AttemptOrder> = {}) {
    this.#directory = path.join(folder, 'runs', 'T-1', 'a1');
    const driver: AgentDriver = {
      kind: 'claude',
      start: () =>
        Promise.resolve({
          messages: this.#channel,
          answer: (id, answer) => Promise.resolve(void this.answers.push([id, answer])),
          send: () => Promise.resolve(),
          kill: (reason) => {
            this.killed ??= reason;
            this.#channel.end({ ok: false, result: '', exit_code: null });
            return Promise.resolve();
          },
        }),
    };
    const request = agentRequest(folder, { mark: 'test:T-1:a1', agent: { driver: 'claude', args: [], env: {} } });
    const order: AttemptOrder = { request, agent: 'worker', directory: this.#directory, limits: { start: 3_600, silence: 3_600, total: 3_600 }, permissions: [], granted: [], orphan_grace: GRACE_S, ...more };
    this.runner = new RunnerProcess({
      start: { type: 'start', order, id: 'one', socket: path.join(folder, 'r-one.sock') },
      engine: this.#first,
      drivers: [driver],
      redactor: createRedactor({}),
      clock: this.clock,
      exit: () => (this.exited = true),
    });
  }

  say(message: Exclude<AgentMessage, { type: 'end' }>): void {
    this.#channel.push(message);
  }

  /** The engine that started it says this. */
  tell(message: ToRunner): void {
    this.runner.take(message, this.#first);
  }

  leave(): void {
    this.runner.lost(this.#first);
  }

  /** A later engine, with what it hears. */
  async come(): Promise<{ readonly heard: AgentMessage[]; readonly warnings: string[]; leave(): void }> {
    const file = path.join(this.#directory, RUNNER_FILE);
    await until('it can be reached', () => {
      try {
        readFileSync(file);
        return true;
      } catch {
        return false;
      }
    });
    const { socket: address, token } = JSON.parse(readFileSync(file, 'utf8')) as RunnerInfo;
    const socket = connect(address);
    this.#sockets.push(socket);
    const heard: AgentMessage[] = [];
    const warnings: string[] = [];
    let welcome = false;
    const link = socketLink<ToRunner, FromRunner>(socket, {
      message: (message) => {
        if (message.type === 'welcome') welcome = true;
        else if (message.type === 'message') heard.push(message.message);
        else if (message.type === 'warning') warnings.push(message.text);
      },
      closed: () => undefined,
    });
    link.send({ type: 'hello', version: RUNNER_VERSION, token });
    await until('it greets', () => welcome);
    return { heard, warnings, leave: () => void socket.destroy() };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.runner.stop('The test is over.');
    await until('the runner has gone', () => this.exited);
  }
}

function withScene(body: (scene: Scene) => Promise<void>, more: Partial<AttemptOrder> = {}): Promise<void> {
  return withFolder(async (folder) => {
    const scene = new Scene(folder, more);
    try {
      await body(scene);
    } finally {
      await scene.close();
    }
  });
}

describe('A runner whose engine is away', () => {
  it('does not end its agent when an engine came back while the agent finished what it was at, and does when that one stays away, too (row 231)', () =>
    withScene(async (scene) => {
      scene.say({ type: 'tool_call', id: 't', name: 'Bash', title: 'npm test', input: {} });
      await until('it is heard', () => scene.heard.length > 0);
      scene.leave();
      await scene.clock.advance(GRACE_S * 1_000);
      const second = await scene.come();
      scene.say({ type: 'tool_result', id: 't', ok: true, output: '' });
      scene.say({ type: 'text', text: 'on it' });
      await until('it goes on', () => second.heard.some(({ type }) => type === 'text'));
      assert.equal(scene.killed, undefined);
      const timers = scene.clock.pending;
      second.leave();
      await until('it is missed', () => scene.clock.pending > timers);
      await scene.clock.advance(GRACE_S * 1_000);
      assert.match(String(scene.killed), /^No Baton came back/);
    }));

  it('judges by the rules that the engine told it last, not by those of its start, and by what was allowed for the task (row 249)', () =>
    withScene(
      async (scene) => {
        scene.tell({ type: 'rules', permissions: [{ tool: 'shell', pattern: 'git push*', then: 'deny' }], granted: [{ tool: 'shell', pattern: 'make', then: 'allow' }] });
        scene.leave();
        for (const command of ['git push', 'make', 'make install']) {
          scene.say({ type: 'permission', request_id: command, tool: 'Bash', title: command, input: { command }, reason: null });
        }
        await until('both are answered', () => scene.answers.length === 2);
        assert.deepEqual(scene.answers.map(([id, { behavior }]) => [id, behavior]), [['git push', 'deny'], ['make', 'allow']]);
      },
      { permissions: [{ tool: 'shell', pattern: 'git push*', then: 'allow' }] },
    ));
});

describe('A runner that cannot write the transcript', () => {
  it('says so to every engine, and what its agent waits for, too', () =>
    withFolder(async (folder) => {
      mkdirSync(path.join(folder, 'runs', 'T-1', 'a1', TRANSCRIPT), { recursive: true });
      const scene = new Scene(folder);
      try {
        const said = /transcript\.jsonl cannot be written: .*Make room on the disk/;
        assert.match(scene.heard.flatMap((one) => (one.type === 'warning' ? [one.text] : [])).join('\n'), said);
        scene.say({ type: 'permission', request_id: 'p', tool: 'Bash', title: 'make', input: { command: 'make' }, reason: null });
        await until('it is asked', () => scene.heard.some((one) => one.type === 'message'));
        scene.leave();
        const second = await scene.come();
        await until('it is asked again', () => second.heard.some(({ type }) => type === 'permission'));
        assert.match(second.warnings.join('\n'), said);
      } finally {
        await scene.close();
      }
    }));
});
