/** Bundles that lie beside the host's own and are loaded when they are needed. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as monitoring from '../adapters/http/server.ts';
import type * as telemetry from '../adapters/telemetry/telemetry.ts';
import type * as cron from '../core/cron.ts';

interface Bundles {
  readonly cron: typeof cron;
  readonly monitoring: typeof monitoring;
  readonly telemetry: typeof telemetry;
}

/** `createRequire` and not `require`, so that the bundler leaves the file a bundle of its own. */
export async function loadBundle<Name extends keyof Bundles>(distDir: string, name: Name): Promise<Bundles[Name]> {
  const load = createRequire(join(distDir, 'engine.js'));
  return Promise.resolve(load(`./${name}.js`) as Bundles[Name]);
}
