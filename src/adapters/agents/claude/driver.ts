/** The `claude` driver: Claude Code over its control protocol, one process an attempt. */
import { randomUUID } from 'node:crypto';
import type { AgentDriver, AgentRequest, AgentSession } from '../../../engine/ports.ts';
import { Channel } from '../channel.ts';
import { launch } from '../launch.ts';
import { stillborn } from '../stillborn.ts';
import { CLAUDE_ENVIRONMENT, CLAUDE_INSTALL, claudeArguments } from './arguments.ts';
import { ClaudeSession } from './session.ts';

export function createClaudeDriver(): AgentDriver {
  return { kind: 'claude', start: startClaude };
}

async function startClaude(request: AgentRequest): Promise<AgentSession> {
  // Chosen here, so that it is stored before the first word and an attempt killed at once can be resumed.
  const sessionId = request.resume ?? randomUUID();
  const launched = await launch(request, request.agent.command ?? 'claude', claudeArguments(request, sessionId), CLAUDE_ENVIRONMENT, CLAUDE_INSTALL);
  return 'failed' in launched ? stillborn(launched.failed) : new ClaudeSession(request, launched.spawned, sessionId, new Channel());
}
