/** What Baton knows of the coding CLIs before it has looked for them. */
import type { AgentConfig } from '../../core/config/schema.ts';
import { CLAUDE_INSTALL } from './claude/arguments.ts';
import { CODEX_INSTALL, CODEX_OLDEST } from './codex/arguments.ts';

export interface KnownCli {
  /** Name of the agent that is found by itself, and of its program. */
  readonly name: string;
  readonly driver: AgentConfig['driver'];
  readonly args: readonly string[];
  readonly install: string;
  /** Whose limits its account has, unless the configuration says otherwise. */
  readonly provider: string;
  /** The first version that Baton can drive. */
  readonly oldest?: string;
  /** Arguments that ask whether it is signed in (exit code 0), and the command that signs in. */
  readonly signIn?: { readonly check: readonly string[]; readonly command: string };
}

/** Kinds of agents that there is a driver for (drivers.ts), without the drivers themselves: those are the runner's. */
export const DRIVEN: readonly AgentConfig['driver'][] = ['claude', 'codex', 'acp', 'command'];

/** Best first: the order in which a role without a configured agent gets one. */
export const KNOWN_CLIS: readonly KnownCli[] = [
  { name: 'claude', driver: 'claude', args: [], install: CLAUDE_INSTALL, provider: 'anthropic' },
  { name: 'codex', driver: 'codex', args: [], install: CODEX_INSTALL, provider: 'openai', oldest: CODEX_OLDEST, signIn: { check: ['login', 'status'], command: 'codex login' } },
  { name: 'gemini', driver: 'acp', args: ['--acp'], install: 'npm install -g @google/gemini-cli', provider: 'google' },
  { name: 'opencode', driver: 'acp', args: ['acp'], install: 'npm install -g opencode-ai', provider: 'opencode' },
  { name: 'copilot', driver: 'acp', args: ['--acp'], install: 'npm install -g @github/copilot', provider: 'github' },
];
