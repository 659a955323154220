/** Engines that come and go around real runners (dist/runner.js), without an engine's other parts. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createRunners } from '../../../src/adapters/runner/runners.ts';
import { readTranscript, type StoredEntry } from '../../../src/adapters/runs/transcript.ts';
import { emptyUsage, type Attempt, type RunnerRecord } from '../../../src/core/execution.ts';
import { runnerMark } from '../../../src/engine/recovery.ts';
import type { AdoptedSession, AgentEnd, AgentMessage, AgentRequest, AttemptOrder, AttendedSession, Runners } from '../../../src/engine/ports.ts';
import { agentRequest } from '../../support/agents.ts';
import { killNow, newMark, survivors, until, withFolder } from '../../support/processes.ts';
import { quietLog } from '../../support/engine.ts';

export type OrderDraft = Partial<Omit<AttemptOrder, 'request'>> & { readonly request: Partial<AgentRequest> & Pick<AgentRequest, 'agent'> };

/** A session and what it has said so far. */
export class Listener {
  readonly session: AttendedSession;
  readonly said: AgentMessage[] = [];
  /** Undefined once the session was left. */
  readonly ended: Promise<AgentEnd | undefined>;

  constructor(session: AttendedSession) {
    this.session = session;
    this.ended = this.#listen();
  }

  texts(): string[] {
    return this.said.flatMap((one) => (one.type === 'text' ? [one.text] : []));
  }

  async hears(text: string): Promise<void> {
    await until(`the agent says ${text}`, () => this.texts().includes(text));
  }

  async asked(): Promise<AgentMessage & { type: 'permission' }> {
    const find = (): AgentMessage | undefined => this.said.find(({ type }) => type === 'permission');
    await until('the agent asks', () => find() !== undefined, 30_000);
    const found = find();
    assert.ok(found?.type === 'permission');
    return found;
  }

  async #listen(): Promise<AgentEnd | undefined> {
    for await (const message of this.session.messages) {
      this.said.push(message);
      if (message.type === 'end') return message.end;
    }
    return undefined;
  }
}

export class RunnerBench {
  readonly folder: string;
  readonly key = newMark();
  readonly mark = `${this.key}:T-1:a1`;
  readonly directory: string;
  record: RunnerRecord | undefined;
  readonly #engines: Runners[] = [];

  constructor(folder: string) {
    this.folder = folder;
    this.directory = path.join(folder, 'runs', 'T-1', 'a1');
  }

  /** The runners of another engine. */
  engine(): Runners {
    const runners = createRunners({ entry: path.resolve('dist/runner.js'), key: this.key, socketPath: (id) => path.join(this.folder, `r-${id}.sock`), log: quietLog() });
    this.#engines.push(runners);
    return runners;
  }

  /** An agent that a new engine starts. */
  async start({ request, ...more }: OrderDraft): Promise<Listener> {
    const runner = await this.engine().take();
    this.record = runner.record ?? assert.fail('the runner is a process');
    return new Listener(
      await runner.start({
        agent: 'worker',
        directory: this.directory,
        limits: { start: 60, silence: 60, total: 60 },
        permissions: [],
        granted: [],
        orphan_grace: 60,
        ...more,
        request: agentRequest(this.folder, { mark: this.mark, ...request }),
      }),
    );
  }

  /** A shell script as the agent. */
  script(text: string, more: Partial<Omit<AttemptOrder, 'request'>> = {}): Promise<Listener> {
    return this.start({ ...more, request: { agent: { driver: 'command', command: 'sh', args: ['-c', text], env: {} } } });
  }

  /** What a new engine finds of the attempt. */
  find(): Promise<AdoptedSession | undefined> {
    return this.engine().adopt(this.attempt(), this.directory);
  }

  /** As `find`, where there must be something. */
  async adopt(): Promise<Listener & { readonly pending: readonly string[]; readonly alive: boolean }> {
    const found = await this.find();
    assert.ok(found);
    return Object.assign(new Listener(found.session), { pending: found.pending, alive: found.alive });
  }

  transcript(): StoredEntry[] {
    return readTranscript(this.directory);
  }

  /** Waits until no process of the attempt is left, its runner and other runners included. */
  async gone(): Promise<void> {
    await until('nothing is left', async () => (await survivors(`${this.key}:`)).length === 0);
  }

  runnerIsAlive(): Promise<boolean> {
    return survivors(runnerMark(this.key, this.record?.id ?? '')).then(({ length }) => length > 0);
  }

  async close(): Promise<void> {
    for (const engine of this.#engines) engine.close();
    for (const pid of await survivors(`${this.key}:`)) killNow(pid);
    await rm(this.directory, { recursive: true, force: true });
  }

  attempt(): Attempt {
    return {
      attempt_id: 'a1',
      role: 'implementer',
      step_id: 'step-1',
      number: 1,
      agent: 'worker',
      driver: 'command',
      model: null,
      account: 'worker',
      mark: this.mark,
      session_id: null,
      process: null,
      runner: this.record ?? null,
      started_at: new Date(0).toISOString(),
      ended_at: null,
      outcome: 'running',
      error: null,
      exit_code: null,
      usage: emptyUsage(),
      cost_usd: null,
      turns: 0,
    };
  }
}

export function withRunners(body: (bench: RunnerBench) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const bench = new RunnerBench(folder);
    try {
      await body(bench);
    } finally {
      await bench.close();
    }
  });
}
