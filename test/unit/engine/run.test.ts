import assert from 'node:assert/strict';
import { Run } from '../../../src/engine/pipeline/run.ts';

/** Runs that share so many slots, as in the loop. */
function runsOn(slots: number): { add: () => Run; told: () => number } {
  const runs: Run[] = [];
  let told = 0;
  return {
    told: () => told,
    add: () => {
      const run = new Run(`t${runs.length}`, { startedAt: 0, needsSlot: true, onSlots: () => (told += 1), slotsLeft: () => slots - runs.filter((one) => one.usesSlot).length });
      runs.push(run);
      return run;
    },
  };
}

describe('A run whose human has answered', () => {
  it('goes on at once where its slot is free, though it is the only one', async () => {
    const run = runsOn(1).add();
    run.suspend();
    await run.resume();
    assert.equal(run.usesSlot, true);
    assert.equal(run.wantsSlot, false);
  });

  it('waits where another has taken the slot, and says that it waits', async () => {
    const { add, told } = runsOn(1);
    const run = add();
    run.suspend();
    const other = add();
    const before = told();
    const resumed = run.resume();
    assert.equal(run.wantsSlot, true);
    assert.equal(told(), before + 1);
    other.suspend();
    assert.equal(run.takeSlot(), true);
    await resumed;
  });

  it('waits no longer when its agent has gone; the next agent needs a slot', async () => {
    const { add } = runsOn(1);
    const run = add();
    run.suspend();
    const other = add();
    const resumed = run.resume();
    run.stopWaiting();
    await resumed;
    assert.equal(run.suspended, false);
    assert.equal(run.mayStartAgent, false);
    other.suspend();
    assert.equal(run.mayStartAgent, true);
  });
});
