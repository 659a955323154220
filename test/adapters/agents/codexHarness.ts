/** One attempt of the real Codex after another against the scripted model. */
import { createCodexDriver } from '../../../src/adapters/agents/codex/driver.ts';
import { codexEnvironment, provisionCodex } from '../../support/agents.ts';
import type { ModelServer } from '../../support/modelServer/server.ts';
import type { Script } from '../../support/modelServer/scenario.ts';
import { withAgent, type Bench, type Cli } from './agentHarness.ts';

/** A 429 after which nothing comes for this long is a limit; short, so that a test need not wait. */
const PATIENCE_MS = 3_000;

const CODEX: Cli = {
  driver: createCodexDriver({ patienceMs: PATIENCE_MS }),
  agent: async (home, baseUrl) => ({ driver: 'codex', command: await provisionCodex(), args: [], env: await codexEnvironment(home, baseUrl) }),
  model: 'gpt-5.5',
};

export function withCodex(server: ModelServer, script: Script, body: (bench: Bench) => Promise<void>): Promise<void> {
  return withAgent(CODEX, server, script, body);
}
