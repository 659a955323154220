/** One attempt of a real CLI after another against the scripted model. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentDriver, AgentEnd, AgentMessage, AgentRequest, AgentSession } from '../../../src/engine/ports.ts';
import { agentRequest } from '../../support/agents.ts';
import type { LoggedRequest, ModelServer } from '../../support/modelServer/server.ts';
import type { Script } from '../../support/modelServer/scenario.ts';
import { newMark, survivors, withFolder } from '../../support/processes.ts';

export type Of<Type extends AgentMessage['type']> = Extract<AgentMessage, { type: Type }>;

/** A running attempt and all it has said so far. */
export class Attempt {
  readonly said: AgentMessage[] = [];
  readonly session: AgentSession;
  readonly request: AgentRequest;
  readonly ended: Promise<AgentEnd>;
  private readonly listeners = new Set<() => void>();

  constructor(session: AgentSession, request: AgentRequest) {
    this.session = session;
    this.request = request;
    this.ended = this.follow();
  }

  all<Type extends AgentMessage['type']>(type: Type): Of<Type>[] {
    return this.said.filter((one): one is Of<Type> => one.type === type);
  }

  /** The first message of the type for which the condition holds, as soon as it is said. */
  async first<Type extends AgentMessage['type']>(type: Type, condition: (message: Of<Type>) => boolean = () => true): Promise<Of<Type>> {
    for (;;) {
      const found = this.all(type).find(condition);
      if (found) return found;
      const end = this.all('end')[0];
      if (end) assert.fail(`The attempt ended before "${type}" came: ${JSON.stringify(end)}`);
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.listeners.delete(listener);
          resolve();
        };
        this.listeners.add(listener);
      });
    }
  }

  /** Waits for the first permission request and allows it. */
  async allow(): Promise<void> {
    const { request_id: id } = await this.first('permission');
    await this.session.answer(id, { behavior: 'allow' });
  }

  survivors(): Promise<number[]> {
    return survivors(this.request.mark);
  }

  private async follow(): Promise<AgentEnd> {
    for await (const message of this.session.messages) {
      this.said.push(message);
      for (const listener of this.listeners) listener();
    }
    const ends = this.all('end');
    assert.equal(ends.length, 1, 'exactly one end');
    assert.equal(this.said.at(-1)?.type, 'end', 'and it is the last message');
    assert.deepEqual(await this.survivors(), [], 'nothing of the attempt is left');
    return ends[0]!.end;
  }
}

export interface Bench {
  readonly cwd: string;
  readonly home: string;
  /** The provider's address. */
  readonly baseUrl: string;
  readonly start: (more?: Partial<AgentRequest> & { config?: Partial<AgentRequest['agent']> }) => Promise<Attempt>;
  /** The requests for a turn that the model got so far. */
  readonly requests: () => LoggedRequest[];
}

/** A CLI under test. */
export interface Cli {
  readonly driver: AgentDriver;
  /** How the CLI is started in a scratch home so that it talks to the provider at this address. */
  readonly agent: (home: string, baseUrl: string) => Promise<AgentRequest['agent']>;
  readonly model: string;
  /** Milliseconds that a test may take; 55 s when absent. */
  readonly deadlineMs?: number;
}

let scenarios = 0;
const DEADLINE_MS = 55_000;

/** Gives the body a scratch worktree with `calc.js`, a scratch home, and attempts that talk to the script. */
export async function withAgent(cli: Cli, server: ModelServer, script: Script, body: (bench: Bench) => Promise<void>): Promise<void> {
  const name = `${cli.driver.kind}-${(scenarios += 1)}`;
  const baseUrl = server.scenario(name, script);
  await withFolder(async (folder) => {
    const cwd = path.join(folder, 'worktree');
    const home = path.join(folder, 'home');
    await mkdir(cwd);
    await mkdir(home);
    await writeFile(path.join(cwd, 'calc.js'), 'exports.add = (a, b) => a - b;\n');
    const usual = await cli.agent(home, baseUrl);
    const attempts: Attempt[] = [];
    try {
      await inTime(attempts, cli.deadlineMs ?? DEADLINE_MS, body({
        cwd,
        home,
        baseUrl,
        requests: () => server.turns(name),
        start: async ({ config, ...more } = {}) => {
          const request = agentRequest(cwd, { agent: { ...usual, ...config }, mark: newMark(), model: cli.model, ...more });
          const attempt = new Attempt(await cli.driver.start(request), request);
          attempts.push(attempt);
          return attempt;
        },
      }));
    } finally {
      await Promise.all(attempts.map((one) => one.session.kill('the test is over')));
    }
  });
}

/** Fails before mocha would, so that the processes are ended and what was said is seen. */
async function inTime(attempts: readonly Attempt[], deadlineMs: number, body: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Too slow. Said so far: ${JSON.stringify(attempts.map((one) => one.said), null, 1)}`)), deadlineMs);
  });
  try {
    await Promise.race([body, late]);
  } finally {
    clearTimeout(timer);
  }
}
