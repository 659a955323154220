import assert from 'node:assert/strict';
import { BatonError } from '../../src/core/errors.ts';
import { addStep, Lifecycle, setStep } from '../../src/engine/lifecycle.ts';
import { AT, memoryLog, Sandbox } from '../adapters/store/fixture.ts';
import { FakeClock } from '../support/fakeClock.ts';

/** The lifecycle over the real store: what it says is what a restart finds. */
describe('The lifecycle of a task', () => {
  let sandbox: Sandbox;
  let lifecycle: Lifecycle;
  const clock = new FakeClock(Date.parse(AT));
  const definition = (id: string) => ({ id, goal: `Do ${id}` });

  beforeEach(async () => {
    sandbox = new Sandbox();
    lifecycle = new Lifecycle(await sandbox.open(), clock, memoryLog());
    await lifecycle.load();
  });
  afterEach(() => sandbox.dispose());

  /** What another process finds after this one. */
  async function reopened(): Promise<Lifecycle> {
    await sandbox.close();
    const next = new Lifecycle(await sandbox.open(), clock, memoryLog());
    await next.load();
    return next;
  }

  it('begins as new, and an id that has a record resumes it instead of overwriting it (row 129)', async () => {
    const created = await lifecycle.create(definition('a'), 'first');
    assert.equal(created.state, 'new');
    await lifecycle.transition('a', 'implementing', 'started');
    const again = await (await reopened()).create({ ...definition('a'), goal: 'Something else' }, 'second');
    assert.equal(again.state, 'implementing');
    assert.equal(again.task_def.goal, 'Do a');
    assert.equal(again.content_hash, 'first');
  });

  it('stores what comes with a new state: a plan, an error (row 130)', async () => {
    await lifecycle.create(definition('a'), 'hash');
    const plan = { summary: 'One step', steps: [{ id: 's1', description: 'Do it' }] };
    await lifecycle.transition('a', 'planning', 'started');
    await lifecycle.transition('a', 'plan_review', 'planned', (draft) => {
      draft.plan = plan;
      return undefined;
    });
    await lifecycle.transition('a', 'failed', 'gave up', (draft) => {
      draft.error = { kind: 'timeout', message: 'too slow', at: AT };
      return undefined;
    });
    const stored = (await reopened()).get('a');
    assert.deepEqual(stored.plan, plan);
    assert.equal(stored.error?.message, 'too slow');
    assert.equal(stored.completed_at, AT);
  });

  it('adds a step as pending, with three attempts, under an id of its own (row 131)', async () => {
    await lifecycle.create(definition('a'), 'hash');
    await lifecycle.change('a', (draft) => {
      addStep(draft, { id: 's1', description: 'First' });
      return undefined;
    });
    const [step] = (await reopened()).get('a').steps;
    assert.equal(step?.state, 'pending');
    assert.equal(step.max_attempts, 3);
    const copy = structuredClone(lifecycle.get('a'));
    assert.throws(() => addStep(copy, { id: 's1', description: 'Again' }), /already has a step s1/);
  });

  it('stores a step’s state with its fields, and refuses an edge that does not exist (row 132)', async () => {
    await lifecycle.create(definition('a'), 'hash');
    await lifecycle.change('a', (draft) => {
      addStep(draft, { id: 's1', description: 'First' });
      setStep(draft, 's1', 'implementing', AT);
      setStep(draft, 's1', 'retry', AT, { kind: 'timeout', message: 'too slow', at: AT });
      return undefined;
    });
    const store = await reopened();
    const [step] = store.get('a').steps;
    assert.equal(step?.state, 'retry');
    assert.equal(step.started_at, AT);
    assert.equal(step.error?.message, 'too slow');
    const illegal = store.change('a', (draft) => {
      setStep(draft, 's1', 'completed', AT);
      return undefined;
    });
    await assert.rejects(illegal, BatonError);
    assert.equal(store.get('a').steps[0]?.state, 'retry');
  });

  it('tells the tasks that wait for a human from the active ones (rows 133, 134)', async () => {
    for (const id of ['waits', 'works', 'queued', 'over']) await lifecycle.create(definition(id), 'hash');
    await lifecycle.transition('waits', 'awaiting_human_review', 'parked');
    await lifecycle.transition('works', 'implementing', 'started');
    await lifecycle.transition('over', 'failed', 'gave up');
    assert.deepEqual(lifecycle.needingHumanReview().map((task) => task.task_id), ['waits']);
    assert.deepEqual(lifecycle.active().map((task) => task.task_id).sort(), ['queued', 'works']);
  });
});
