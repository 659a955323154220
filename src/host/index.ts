/** The entry of dist/engine.js: what a host loads to get hold of a repository. */
export type { Session } from './session.ts';
