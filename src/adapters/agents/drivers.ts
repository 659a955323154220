/** Every driver that Baton has, for the engine, which says what can be used, and for the runner, which uses it. */
import type { AgentDriver } from '../../engine/ports.ts';
import { createClaudeDriver } from './claude/driver.ts';
import { createCommandDriver } from './command.ts';

export function createDrivers(): AgentDriver[] {
  return [createClaudeDriver(), createCommandDriver()];
}
