/** Every driver that Baton has. Only the runner needs them; the engine knows their kinds from the catalog. */
import type { AgentDriver } from '../../engine/ports.ts';
import { createAcpDriver } from './acp/driver.ts';
import { createClaudeDriver } from './claude/driver.ts';
import { createCodexDriver } from './codex/driver.ts';
import { createCommandDriver } from './command.ts';

export function createDrivers(): AgentDriver[] {
  return [createClaudeDriver(), createCodexDriver(), createAcpDriver(), createCommandDriver()];
}
