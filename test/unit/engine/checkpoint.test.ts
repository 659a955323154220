import assert from 'node:assert/strict';
import { newExecution, type TaskExecution } from '../../../src/core/execution.ts';
import { keepCheckpoint } from '../../../src/engine/checkpoint.ts';
import type { Lifecycle } from '../../../src/engine/lifecycle.ts';

const AT = '2030-05-17T12:00:00.000Z';
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('The checkpoint (row 12)', () => {
  it('of many tasks that are parked while one is being written is one more, with all of them', async () => {
    const tasks: TaskExecution[] = [];
    const lifecycle = { all: () => tasks, active: () => [], onCommitted: () => ({ dispose: () => undefined }) } as unknown as Lifecycle;
    const park = (id: string): void => {
      const task = newExecution({ id, goal: id }, 'hash', AT);
      tasks.push({ ...task, state: 'awaiting_human_review', history: [...task.history, { from: 'new', to: 'awaiting_human_review', at: AT, why: '' }] });
    };
    const written: unknown[] = [];
    let finish = (): void => undefined;
    const checkpoint = keepCheckpoint(lifecycle, (one) => new Promise((resolve) => {
      written.push(one['sequence']);
      finish = resolve;
    }), () => 'run', log);
    park('t0');
    checkpoint.refresh();
    await Promise.resolve().then(() => undefined);
    for (let index = 1; index <= 1000; index++) {
      park(`t${index}`);
      checkpoint.refresh();
    }
    finish();
    await new Promise((resolve) => setImmediate(resolve));
    finish();
    await checkpoint.settled();
    assert.deepEqual(written, [1, 1001]);
  });
});
