/** `loadLeader.ts FOLDER COUNT`: leads a repository until so many tasks have ended, then prints how long each took, as JSON. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { openRepository } from '../../src/host/index.ts';
import type { Snapshot } from '../../src/shared/api.ts';
import type { LoadFigures } from './load.ts';

const DIST = path.resolve('dist');
const LOG = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };

const [folder = '', count = '100'] = process.argv.slice(2);
const { openRepository: open } = createRequire(import.meta.url)(path.join(DIST, 'engine.js')) as { openRepository: typeof openRepository };
const session = await open({ folder, host: 'cli', log: LOG, distDir: DIST, env: process.env });
// Sockets and timers of the engine do not keep a process alive.
const alive = setInterval(() => undefined, 60_000);
let peak = 0;
const begun = performance.now();
const ended = new Promise<Snapshot>((resolve) => {
  session.api.onSnapshot((snapshot) => {
    peak = Math.max(peak, snapshot.loop.slots_used);
    if (snapshot.tasks.filter(({ state }) => state === 'done' || state === 'failed').length >= Number(count)) resolve(snapshot);
  });
});
await session.api.send({ type: 'start' });
const { tasks } = await ended;
const seconds = (performance.now() - begun) / 1000;
const done = tasks.flatMap(({ state, started_at: from, completed_at: to }) => (state === 'done' && from !== null && to !== null ? [{ to, took: Date.parse(to) - Date.parse(from) }] : []));
const figures: LoadFigures = { peak, seconds, durations: done.sort((a, b) => (a.to < b.to ? -1 : 1)).map(({ took }) => took) };
console.log(JSON.stringify(figures));
await session.close();
clearInterval(alive);
