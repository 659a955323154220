/** The way from a command to the engine of a repository: the only place where the command line meets the host. */
import type { OpenRepositoryOptions } from '../host/index.ts';
import type { Session } from '../host/session.ts';
import type { Connect } from './io.ts';

export type OpenRepository = (options: OpenRepositoryOptions) => Promise<Session>;

/** `load` brings the host in only when a command needs it, so that the others start fast. */
export function createConnect(load: () => Promise<OpenRepository>, surroundings: Pick<OpenRepositoryOptions, 'log' | 'distDir' | 'env'>): Connect {
  return async (options) => {
    const open = await load();
    return open({ ...options, host: 'cli', ...surroundings });
  };
}
