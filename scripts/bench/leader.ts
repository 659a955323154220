/** `leader.ts FOLDER SECONDS`: leads a repository until its queue is empty, then prints what idling costs, as JSON. */
import { createHook } from 'node:async_hooks';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { openRepository } from '../../src/host/index.ts';
import type { IdleFigures } from './idle.ts';

/** V8 collects garbage some seconds after the last work (its memory reducer): that is the work's cost, not idling's. */
const SETTLE_MS = 15_000;
const DIST = path.resolve('dist');
const LOG = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };

const [folder = '', seconds = '20'] = process.argv.slice(2);
const { openRepository: open } = createRequire(import.meta.url)(path.join(DIST, 'engine.js')) as { openRepository: typeof openRepository };
const session = await open({ folder, host: 'cli', log: LOG, distDir: DIST, env: process.env });
await session.api.send({ type: 'start' });
await new Promise<void>((resolve, reject) => {
  const subscription = session.api.onSnapshot(({ tasks }) => {
    const stuck = tasks.find((task) => task.state === 'failed' || task.state === 'awaiting_human_review');
    if (stuck !== undefined) reject(new Error(`${stuck.id} is ${stuck.state}, so this leader does not come to rest`));
    if (tasks.length === 0 || tasks.some((task) => task.state !== 'done' || task.worktree !== null)) return;
    subscription.dispose();
    resolve();
  });
});
await wait(SETTLE_MS);

let timers = 0;
const hook = createHook({ init: (_id, type) => (timers += type === 'Timeout' ? 1 : 0) });
const begun = { at: performance.now(), cpu: process.cpuUsage() };
const rest = wait(Number(seconds) * 1000);
hook.enable();
await rest;
hook.disable();
const used = process.cpuUsage(begun.cpu);
const elapsed = performance.now() - begun.at;
const resources = [...new Set(process.getActiveResourcesInfo())].sort();
const figures: IdleFigures = {
  cpu: ((used.user + used.system) / 1000 / elapsed) * 100,
  seconds: elapsed / 1000,
  timers,
  waiting: process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length,
  resources,
};
console.log(JSON.stringify(figures));
await session.close();
