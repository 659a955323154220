/** The bundles beside extension.js, loaded when they are needed: activation never pays for them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as host from '../host/index.ts';
import type * as onDemand from './onDemand.ts';

/** What dist/engine.js exports to this host. */
export type EngineModule = Pick<typeof host, 'openRepository' | 'initRepository' | 'newTaskFrom' | 'readTemplates'>;
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
