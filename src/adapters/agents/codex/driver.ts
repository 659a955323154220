/** The `codex` driver: Codex over its app-server, one process an attempt. */
import type { AgentDriver, AgentRequest, AgentSession } from '../../../engine/ports.ts';
import { Channel } from '../channel.ts';
import { launch } from '../launch.ts';
import { stillborn } from '../stillborn.ts';
import { CODEX_ENVIRONMENT, CODEX_INSTALL, codexArguments } from './arguments.ts';
import { CodexSession, type SessionOptions } from './session.ts';

/** Longer than any wait of a provider that only slows down, and no limit yet. */
const PATIENCE_MS = 90_000;

export function createCodexDriver(options: Partial<SessionOptions> = {}): AgentDriver {
  return { kind: 'codex', start: (request) => startCodex(request, { patienceMs: PATIENCE_MS, ...options }) };
}

async function startCodex(request: AgentRequest, options: SessionOptions): Promise<AgentSession> {
  const launched = await launch(request, request.agent.command ?? 'codex', codexArguments(), CODEX_ENVIRONMENT, CODEX_INSTALL);
  return 'failed' in launched ? stillborn(launched.failed) : new CodexSession(request, launched.spawned, new Channel(), options);
}
