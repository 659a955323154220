/** The `acp` driver: any agent that speaks the Agent Client Protocol, one process an attempt. */
import path from 'node:path';
import type { AgentDriver, AgentRequest, AgentSession } from '../../../engine/ports.ts';
import { KNOWN_CLIS } from '../catalog.ts';
import { Channel } from '../channel.ts';
import { failure, launch } from '../launch.ts';
import { stillborn } from '../stillborn.ts';
import { AcpSession } from './session.ts';

/** Defaults that the user's own environment overrides: no updates under a running task, and no second process in between. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  GEMINI_CLI_NO_RELAUNCH: 'true',
  // Its question whether the folder is trusted would never be answered; the worktree is the repository's own.
  GEMINI_CLI_TRUST_WORKSPACE: 'true',
  OPENCODE_DISABLE_AUTOUPDATE: '1',
  COPILOT_AUTO_UPDATE: 'false',
};

export function createAcpDriver(): AgentDriver {
  return { kind: 'acp', start: startAcp };
}

async function startAcp(request: AgentRequest): Promise<AgentSession> {
  const { command } = request.agent;
  if (command === undefined) return stillborn(failure('not_found', 'The agent names no program. Give it a `command` that speaks the Agent Client Protocol, with its `args`.'));
  const install = KNOWN_CLIS.find((one) => one.driver === 'acp' && one.name === path.parse(command).name)?.install;
  const launched = await launch(request, command, [], ENVIRONMENT, install);
  return 'failed' in launched ? stillborn(launched.failed) : new AcpSession(request, launched.spawned, new Channel());
}
