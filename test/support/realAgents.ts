/** An engine whose agents are the real Claude and the real Codex, both talking to the scripted model. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createAgents } from '../../src/adapters/agents/discovery.ts';
import { createDrivers } from '../../src/adapters/agents/drivers.ts';
import type { Role } from '../../src/core/execution.ts';
import { claudeEnvironment, codexEnvironment, provisionClaude, provisionCodex } from './agents.ts';
import { createLocalRunners } from './localRunners.ts';
import { makeEngine, type EngineSetup, type TestEngine } from './engine.ts';
import type { Conversation, Script } from './modelServer/scenario.ts';
import type { ModelServer } from './modelServer/server.ts';
import { tempDir } from './tmp.ts';

let scenarios = 0;

/** Claude plans and implements, Codex reviews, unless `config` says otherwise. `codexSettings` is TOML. */
export async function withRealAgents(
  server: ModelServer,
  scripts: { readonly claude?: Script; readonly codex?: Script },
  setup: EngineSetup & { readonly codexSettings?: string } = {},
): Promise<TestEngine & { readonly scenario: { readonly claude: string; readonly codex: string } }> {
  const { codexSettings = '', config = {}, ...rest } = setup;
  const home = tempDir();
  const number = (scenarios += 1);
  const scenario = { claude: `engine-claude-${number}`, codex: `engine-codex-${number}` };
  await mkdir(path.join(home, '.claude'), { recursive: true });
  const agents = {
    claude: { driver: 'claude', command: await provisionClaude(), model: 'claude-sonnet-4-6', env: claudeEnvironment(home, server.scenario(scenario.claude, scripts.claude ?? [])) },
    codex: { driver: 'codex', command: await provisionCodex(), model: 'gpt-5.5', env: await codexEnvironment(home, server.scenario(scenario.codex, scripts.codex ?? []), codexSettings) },
  };
  const drivers = createDrivers();
  const test = await makeEngine({
    patience: 100_000,
    ...rest,
    config: { agents, roles: { planner: 'claude', plan_reviewer: 'codex', implementer: 'claude', code_reviewer: 'codex' }, ...config },
    throughPorts: (ports) => ({ ...ports, agents: createAgents({ root: ports.repository.root, places: [] }), runners: createLocalRunners((kind) => drivers.find((one) => one.kind === kind), ports.clock) }),
  });
  return Object.assign(test, { scenario });
}

const OPENINGS: readonly (readonly [Role, RegExp])[] = [
  ['planner', /^You are the planner of one task/m],
  ['plan_reviewer', /^You are the reviewer of a plan/m],
  ['implementer', /^You are the implementer of one task/m],
  ['code_reviewer', /^You are the reviewer of a change/m],
];

/** The role that a session plays, by its first prompt. */
export function roleOf({ messages }: Conversation): Role {
  const found = OPENINGS.find(([, opening]) => messages.some((one) => one.role === 'user' && opening.test(one.text)));
  if (!found) throw new Error(`No role speaks like this: ${messages[0]?.text.slice(0, 200) ?? ''}`);
  return found[0];
}
