/** Starts git for all engines and workspaces of the tests in this process. */
import { GitStarter } from '../../src/adapters/git/starter.ts';

const silent = (): void => undefined;

export const gitStarter = new GitStarter({ log: { debug: silent, info: silent, warn: console.warn, error: console.error } });
