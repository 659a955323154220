/** Starting an agent's program: what all drivers have in common. */
import type { AgentEnd, AgentRequest } from '../../engine/ports.ts';
import { messageOf } from '../../core/errors.ts';
import { childEnvironment } from '../process/environment.ts';
import { findProgram, resolveProgram } from '../process/program.ts';
import { spawnProcess, type Spawned } from '../process/spawn.ts';
import { Standby } from '../process/standby.ts';

/** What the next agent's program will be. Not every process that knows agents starts one. */
let standby: Standby | undefined;

/** An agent will be started before long. */
export function prepareLaunch(): void {
  standby ??= Standby.start(childEnvironment());
}

export type Launched = { readonly spawned: Spawned } | { readonly failed: AgentEnd };

/** What every agent of an attempt can read of it in its environment. */
export function attemptEnvironment(request: AgentRequest): Record<string, string> {
  return {
    BATON_TASK_ID: request.task_id,
    BATON_ROLE: request.role,
    BATON_STEP_ID: request.step_id ?? '',
    BATON_ATTEMPT: String(request.number),
    BATON_WORKTREE: request.cwd,
  };
}

/**
 * Finds and starts the program in the worktree. `defaults` is environment that the user's own may override.
 * A program that cannot be started is an outcome of the attempt, not an exception.
 */
export async function launch(request: AgentRequest, command: string, args: readonly string[], defaults: Readonly<Record<string, string>> = {}, install?: string): Promise<Launched> {
  const inherited = Object.fromEntries(Object.entries(defaults).filter(([name]) => process.env[name] === undefined));
  const env = childEnvironment(inherited, request.agent.env, request.env, attemptEnvironment(request));
  const file = await findProgram(command, env, request.cwd);
  if (file === undefined) {
    const hint = install === undefined ? 'Install it, or name its file in the agent’s `command`.' : `Install it with: ${install}`;
    return { failed: failure('not_found', `The agent's program "${command}" was not found. ${hint}`) };
  }
  try {
    const program = await resolveProgram(file);
    return { spawned: await spawnProcess({ file: program.file, args: [...program.args, ...request.agent.args, ...args], cwd: request.cwd, env, mark: request.mark, standby }) };
  } catch (error) {
    return { failed: failure('not_found', `The agent's program "${file}" could not be started: ${messageOf(error)}`) };
  }
}

/** The end of an attempt that failed before or without an answer of the agent. */
export function failure(kind: string, message: string, exitCode: number | null = null): AgentEnd {
  return { ok: false, result: '', exit_code: exitCode, error: { kind, message } };
}
