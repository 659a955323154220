/** The process that starts git for all engines and workspaces of the tests in this process. */
import { fileURLToPath } from 'node:url';
import { GitStarter } from '../../src/adapters/git/starter.ts';

const entry = fileURLToPath(new URL('../../src/adapters/git/starterMain.ts', import.meta.url));
const silent = (): void => undefined;

export const gitStarter = new GitStarter({ entry, log: { debug: silent, info: silent, warn: console.warn, error: console.error } });
