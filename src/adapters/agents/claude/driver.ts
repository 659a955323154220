/** The `claude` driver: Claude Code over its control protocol, one process an attempt. */
import { randomUUID } from 'node:crypto';
import { BatonError } from '../../../core/errors.ts';
import type { AgentDriver, AgentEnd, AgentRequest, AgentSession } from '../../../engine/ports.ts';
import { Channel } from '../channel.ts';
import { launch } from '../launch.ts';
import { CLAUDE_ENVIRONMENT, CLAUDE_INSTALL, claudeArguments } from './arguments.ts';
import { ClaudeSession } from './session.ts';

export function createClaudeDriver(): AgentDriver {
  return { kind: 'claude', start: startClaude };
}

async function startClaude(request: AgentRequest): Promise<AgentSession> {
  const channel = new Channel();
  // Chosen here, so that it is stored before the first word and an attempt killed at once can be resumed.
  const sessionId = request.resume ?? randomUUID();
  const launched = await launch(request, request.agent.command ?? 'claude', claudeArguments(request, sessionId), CLAUDE_ENVIRONMENT, CLAUDE_INSTALL);
  return 'failed' in launched ? stillborn(channel, launched.failed) : new ClaudeSession(request, launched.spawned, sessionId, channel);
}

function stillborn(channel: Channel, end: AgentEnd): AgentSession {
  const gone = (): Promise<never> => Promise.reject(new BatonError('conflict', 'The agent did not start.'));
  channel.end(end);
  return { messages: channel, answer: gone, send: gone, kill: () => Promise.resolve() };
}
