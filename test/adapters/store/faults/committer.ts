/**
 * A process that commits until it is killed or the disk fails, and says on stdout what was confirmed. Each of its lanes commits a pair of
 * tasks, an event and a named value together; a lane's next commit starts when the one before is confirmed.
 * Usage: committer.mjs BATON_DIR ROUNDS (0 = until killed) [DATA_DIR], bundled beside storeWorker.mjs.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openStore } from '../../../../src/adapters/store/store.ts';
import { messageOf } from '../../../../src/core/errors.ts';
import { AT, taskRecord } from '../fixture.ts';

export const LANES = 4;

const [, self = '', batonDir = '', rounds = '0', dataDir] = process.argv;
/** Straight to the file descriptor: what is said is out before anything else happens. */
const say = (line: string): void => void fs.writeSync(1, `${line}\n`);
const log = { debug: () => undefined, info: (message: string) => say(`info ${message}`), warn: (message: string) => say(`warn ${message}`), error: (message: string) => say(`error ${message}`) };

const store = await openStore({ batonDir, workerPath: path.join(path.dirname(self), 'storeWorker.mjs'), log, onReadOnly: () => say('read-only'), ...(dataDir === undefined ? {} : { dataDir }) });
say('open');
say(`path ${store.path}`);

async function lane(number: number): Promise<void> {
  let rev = (await store.task(`left-${number}`))?.rev ?? 0;
  for (let round = 1; rounds === '0' || round <= Number(rounds); round++) {
    rev++;
    // From a few bytes to several pages, so that some commits span many writes.
    const feedback = `${rev} `.repeat((rev * 97) % 3000);
    await store.commit({
      tasks: [`left-${number}`, `right-${number}`].map((id) => taskRecord(id, { rev, feedback })),
      events: [{ at: AT, type: 'advanced', task_id: `left-${number}`, data: { rev } }],
      meta: { [`lane-${number}`]: rev },
    });
    say(`ack ${number} ${rev}`);
  }
}

const results = await Promise.allSettled(Array.from({ length: LANES }, (_, number) => lane(number)));
for (const result of results) if (result.status === 'rejected') say(`rejected ${messageOf(result.reason)}`);
if (results.some((result) => result.status === 'rejected')) {
  say('retrying');
  await store.commit({ meta: { late: true } }).then(() => say('ack late'), (error: unknown) => say(`rejected ${messageOf(error)}`));
  say(`read ${(await store.loadTasks()).length}`);
}
await store.close();
say('closed');
