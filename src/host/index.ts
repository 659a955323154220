/** The entry of dist/engine.js: what a host loads to get hold of a repository. */
import type { Clock, Log, Ports } from '../engine/ports.ts';
import { createClock } from '../adapters/system/clock.ts';
import { buildEngine } from './engine.ts';
import { openSession, type Session } from './session.ts';

export type { Session } from './session.ts';
export { initRepository } from './init.ts';
export { newTaskFrom, readTemplates } from '../adapters/sources/templates.ts';

// The public surface of the engine, for hosts of others' making.
export { loadConfig } from '../core/config/load.ts';
export { configSchema } from '../core/config/schema.ts';
export { classifyError } from '../core/classify.ts';
export { approvalNeeded } from '../core/approval.ts';
export { evaluatePermission } from '../core/permissions.ts';
export { scorePriority } from '../core/priority.ts';
export { planQueue } from '../core/queue.ts';
export { executeWithRetry, retryOnFailure } from '../core/retry.ts';
export { runHeader, runLogEntry, runSummary } from '../core/runLog.ts';
export { STEP_STATES, TASK_STATES, isStepEdge, isTaskEdge } from '../core/states.ts';
export { taskDefinition } from '../core/task.ts';
export { Decisions } from '../engine/decisions.ts';
export { Lifecycle } from '../engine/lifecycle.ts';
export { Loop } from '../engine/loop.ts';
export { Orchestrator } from '../engine/orchestrator.ts';
export { keepRunLog } from '../engine/runLog.ts';

export interface OpenRepositoryOptions {
  /** Any folder of the repository, also a linked worktree. */
  readonly folder: string;
  readonly host: 'vscode' | 'cli';
  readonly log: Log;
  /** Folder of the bundles (store worker …). */
  readonly distDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** See SessionOptions; `lead` when absent. */
  readonly prefer?: 'lead' | 'client-or-lead' | 'client-only';
  /** Serve commands, start nothing: for a command that applies itself and lets go. */
  readonly passive?: boolean;
  /** While this process leads, it starts only these tasks. */
  readonly only?: readonly string[];
  /** Machine settings of the host. `agentPaths`: program by driver or agent name, which wins over what is found on PATH. */
  readonly settings?: { readonly agentPaths: Readonly<Record<string, string>> };
  readonly clock?: Clock;
  /** See EngineOptions. */
  readonly throughPorts?: (ports: Ports) => Ports;
}

/** Leads the repository's engine, or becomes a client of the process that does. */
export async function openRepository(options: OpenRepositoryOptions): Promise<Session> {
  const clock = options.clock ?? createClock();
  return openSession({
    root: options.folder,
    host: options.host,
    prefer: options.prefer ?? 'lead',
    log: options.log,
    clock,
    buildEngine: (repository) => buildEngine(repository, { ...options, clock }),
  });
}
