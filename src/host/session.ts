/**
 * A host's hold on one repository: it leads the engine itself or is a client of the process that does.
 * Hosts (VS Code, CLI) see only this and the EngineApi behind it.
 */
import type { EngineApi } from '../shared/api.ts';
import type { Clock, Disposable, Log } from '../engine/ports.ts';
import { originOfThisProcess, type Origin } from '../adapters/leader/consent.ts';
import { runtimeDirectory } from './directories.ts';
import { Election, type BuiltEngine } from './election.ts';
import { findRepository, type Repository } from './repositoryKey.ts';
import { StableSession } from './stableSession.ts';

export interface Session {
  /** Absolute path of the repository's main checkout. */
  readonly root: string;
  /** Stable through changes of leadership: calls go to the engine that leads at the time of the call. */
  readonly api: EngineApi;
  readonly role: 'leader' | 'client';
  onRoleChange(listener: (role: 'leader' | 'client') => void): Disposable;
  /** Leader: ends running agents' attempts as interrupted, closes store and lock. Client: lets go of the connection. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** A folder of the repository: its main checkout, a subfolder, or a linked worktree. */
  readonly root: string;
  readonly host: 'vscode' | 'cli';
  /**
   * `lead`: leads unless another does, and takes over when that one goes (windows, `baton run`). `client-or-lead`: the same for a command,
   * whose engine applies it and lets go. `client-only`: never leads.
   */
  readonly prefer: 'lead' | 'client-or-lead' | 'client-only';
  /** Builds the engine of the leader; called with the lock held, again after each lost and regained lead. */
  readonly buildEngine: (repository: Repository) => Promise<BuiltEngine>;
  readonly log: Log;
  readonly clock: Clock;
  /** The user's runtime directory unless a test says otherwise. */
  readonly runtimeDir?: string;
  /** Who this process is, unless a test says otherwise. */
  readonly origin?: Origin;
}

/**
 * Leads or finds the leader. Rejects with `git` (no repository), `leader_busy` (a leader that does not answer for 30 s), `leader_gone`
 * (client-only, and nobody leads), or what `buildEngine` throws. Keeps the process alive until it is closed.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const [repository, origin] = await Promise.all([findRepository(options.root), options.origin ?? originOfThisProcess()]);
  const election = new Election({ ...options, repository, origin, runtimeDir: options.runtimeDir ?? runtimeDirectory() });
  const session = new StableSession(repository.root, election, options.log);
  await session.opened;
  return session;
}
