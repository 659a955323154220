/** One attempt of the real Claude after another against the scripted model. */
import { createClaudeDriver } from '../../../src/adapters/agents/claude/driver.ts';
import { claudeEnvironment, provisionClaude } from '../../support/agents.ts';
import type { ModelServer } from '../../support/modelServer/server.ts';
import type { Script } from '../../support/modelServer/scenario.ts';
import { withAgent, type Bench, type Cli } from './agentHarness.ts';

const CLAUDE: Cli = {
  driver: createClaudeDriver(),
  agent: async (home, baseUrl) => ({ driver: 'claude', command: await provisionClaude(), args: [], env: claudeEnvironment(home, baseUrl) }),
  model: 'claude-sonnet-4-6',
};

export function withClaude(server: ModelServer, script: Script, body: (bench: Bench) => Promise<void>): Promise<void> {
  return withAgent(CLAUDE, server, script, body);
}
