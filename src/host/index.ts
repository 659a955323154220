/** The entry of dist/engine.js: what a host loads to get hold of a repository. */
import type { Clock, Log } from '../engine/ports.ts';
import { createClock } from '../adapters/system/clock.ts';
import { buildEngine } from './engine.ts';
import { openSession, type Session } from './session.ts';

export type { Session } from './session.ts';
export { initRepository } from './init.ts';

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
