/** The way from a command to the engine of a repository: the only place where the command line meets the host. */
import type { Log } from '../engine/ports.ts';
import type { Session } from '../host/session.ts';
import type { Connect, ConnectOptions } from './io.ts';

/** What the host's `openRepository` takes from the command line. */
export interface OpenOptions extends ConnectOptions {
  readonly host: 'cli';
  readonly log: Log;
  /** Folder of the other bundles (store worker …). */
  readonly distDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type OpenRepository = (options: OpenOptions) => Promise<Session>;

/** `load` brings the host in only when a command needs it, so that the others start fast. */
export function createConnect(load: () => Promise<OpenRepository>, surroundings: Pick<OpenOptions, 'log' | 'distDir' | 'env'>): Connect {
  return async (options) => {
    const open = await load();
    return open({ ...options, host: 'cli', ...surroundings });
  };
}
