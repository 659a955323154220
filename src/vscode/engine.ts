/** The bundles beside extension.js, loaded when they are needed: activation never pays for them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Log } from '../engine/ports.ts';
import type { Session } from '../host/session.ts';
import type * as onDemand from './onDemand.ts';

export interface EngineOptions {
  /** Any folder of the repository. */
  readonly folder: string;
  readonly host: 'vscode';
  readonly log: Log;
  /** Where the other bundles (store worker, runner) are. */
  readonly distDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: { readonly agentPaths: Readonly<Record<string, string>> };
}

/** What dist/engine.js exports to this host. */
export interface EngineModule {
  openRepository(options: EngineOptions): Promise<Session>;
  /** Writes the configuration's first version and what belongs to it; returns the paths written, relative to the repository. */
  initRepository(folder: string): Promise<{ readonly created: readonly string[] }>;
}

export type OnDemand = typeof onDemand;

export function loadEngine(distDir: string): EngineModule {
  return load(distDir, './engine.js') as EngineModule;
}

/** The handlers of commands and the writers of pages. */
export function loadOnDemand(distDir: string): OnDemand {
  return load(distDir, './onDemand.js') as OnDemand;
}

/** `createRequire` and not `require`, so that the bundler leaves the file a bundle of its own. */
function load(distDir: string, file: string): unknown {
  return createRequire(join(distDir, 'extension.js'))(file);
}
