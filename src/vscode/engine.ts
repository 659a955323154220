/** The engine's bundle, loaded when the first repository needs it: activation never pays for it. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Log } from '../engine/ports.ts';
import type { Session } from '../host/session.ts';

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
  initRepository(folder: string): Promise<{ readonly written: readonly string[] }>;
}

/** Loads dist/engine.js. `createRequire` and not `require`, so that the bundler leaves it a bundle of its own. */
export function loadEngine(distDir: string): EngineModule {
  return createRequire(join(distDir, 'extension.js'))('./engine.js') as EngineModule;
}
