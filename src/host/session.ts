/**
 * A host's hold on one repository: it leads the engine itself or is a client of the process that does.
 * Hosts (VS Code, CLI) see only this and the EngineApi behind it.
 */
import type { EngineApi } from '../shared/api.ts';
import type { Disposable } from '../engine/ports.ts';

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
