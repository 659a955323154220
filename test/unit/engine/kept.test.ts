import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configSchema } from '../../../src/core/config/schema.ts';
import { estimateTimes, type Estimate } from '../../../src/core/estimate.ts';
import type { Decision, TaskExecution } from '../../../src/core/execution.ts';
import { Planner, planQueue, type LoopState, type QueueFacts, type QueuePlan } from '../../../src/core/queue.ts';
import { TASK_STATES } from '../../../src/core/states.ts';
import { buildSnapshot, type KeptView, type SnapshotParts } from '../../../src/engine/snapshot.ts';
import type { SourcedTask } from '../../../src/engine/ports.ts';
import { healthyReport } from '../../support/reports.ts';
import { decision, task, T0 } from '../../support/tasks.ts';

const HOUR = 3_600_000;
const CONFIGS = [1, 3].map((slots) => configSchema.parse({ orchestrator: { max_concurrent_tasks: slots } }));
const IDS = Array.from({ length: 9 }, (_, index) => `t${index}`);
const SOURCES = [1, 2].map((line) => ({ file: 'tasks.yaml', line, definition: { id: 'x', goal: 'x' }, hash: '' }) as unknown as SourcedTask);
const AGENT = { available: true, enabled: true, install: null, account: 'anthropic', priced: true };

/** What a queue is made from; an edit changes it. */
interface World {
  now: number;
  config: number;
  loop: LoopState;
  cap: number | null;
  source: number;
  readonly running: Set<string>;
  readonly tasks: Map<string, TaskExecution>;
}

const arbitraryDefinition = fc.record({ goal: fc.constantFrom('no rush', 'x', 'ASAP', 'done by tomorrow'), depends_on: fc.subarray([...IDS.slice(0, 6), 'nobody'], { maxLength: 2 }) });
const arbitraryRecord = fc.record({
  state: fc.constantFrom('new' as const, 'new' as const, ...TASK_STATES),
  place: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 4 }),
  not_before: fc.option(fc.constant(new Date(T0 + 3 * HOUR).toISOString()), { freq: 4 }),
  started_at: fc.option(fc.constant(new Date(T0 - HOUR).toISOString())),
  completed_at: fc.option(fc.integer({ min: 0, max: 50 }).map((minutes) => new Date(T0 - minutes * 60_000).toISOString())),
  total_cost_usd: fc.integer({ min: 0, max: 3 }),
  decisions: fc.constantFrom<Decision[][]>([], [], [decision({ kind: 'merge', question: 'Merge?' })]),
});
const id = fc.constantFrom(...IDS);
type Edit = (world: World) => void;
const edit = <T>(weight: number, given: fc.Arbitrary<T>, apply: (world: World, value: T) => void): fc.WeightedArbitrary<Edit> => ({ weight, arbitrary: given.map((value) => (world: World) => apply(world, value)) });
const arbitraryEdit: fc.Arbitrary<Edit> = fc.oneof(
  edit(4, fc.tuple(id, arbitraryRecord), (world, [one, fields]) => put(world, one, (before) => ({ ...before, ...fields }))),
  // As the lifecycle does: a changed record is a copy throughout.
  edit(4, id, (world, one) => put(world, one, (before) => ({ ...structuredClone(before), rev: before.rev + 1 }))),
  edit(3, id, (world, one) => put(world, one, (before) => ({ ...before, state: 'done', started_at: before.started_at ?? new Date(T0).toISOString(), completed_at: new Date(world.now).toISOString() }))),
  edit(2, fc.tuple(id, arbitraryDefinition), (world, [one, definition]) => put(world, one, (before) => ({ ...before, task_def: { ...before.task_def, ...definition } }))),
  edit(2, id, ({ tasks }, one) => { tasks.delete(one); }),
  edit(2, fc.tuple(id, arbitraryDefinition), ({ tasks }, [one, def]) => { tasks.set(one, task(one, { def })); }),
  edit(3, id, ({ running }, one) => { if (!running.delete(one)) running.add(one); }),
  edit(3, fc.constantFrom(250, 60_000, 25 * HOUR, -HOUR), (world, ms) => { world.now += ms; }),
  edit(1, fc.nat({ max: CONFIGS.length - 1 }), (world, config) => { world.config = config; }),
  edit(1, fc.constantFrom<LoopState[]>('running', 'paused'), (world, loop) => { world.loop = loop; }),
  edit(1, fc.constantFrom(null, 1, 2), (world, cap) => { world.cap = cap; }),
  edit(1, fc.nat({ max: SOURCES.length - 1 }), (world, source) => { world.source = source; }),
);

function put(world: World, one: string, change: (before: TaskExecution) => TaskExecution): void {
  const before = world.tasks.get(one);
  if (before !== undefined) world.tasks.set(one, change(before));
}

function factsOf(world: World): QueueFacts {
  const atWork = [...world.running].filter((one) => !['done', 'failed', 'awaiting_human_review'].includes(world.tasks.get(one)?.state ?? 'done'));
  return {
    now: world.now,
    byId: world.tasks,
    config: CONFIGS[world.config] ?? configSchema.parse({}),
    loop: world.loop,
    running: new Map(atWork.map((one) => [one, { agent: 'claude', since: T0 - 60_000, activity: null, waits_for_human: false, uses_slot: true }])),
    agents: new Map([['claude', { ...AGENT, max_concurrent: world.cap }]]),
    agentOf: (one) => (one.state === 'quality_gate' ? null : 'claude'),
    accounts: new Map(),
  };
}

function partsOf(world: World, plan: QueuePlan, estimates: ReadonlyMap<string, Estimate>): SnapshotParts {
  const config = configSchema.parse({});
  return {
    seq: 1, at: '', repository: { root: '/', name: 'sample' }, tasks: [...world.tasks.values()], plan, estimates,
    loop: { desired: 'running', state: world.loop, since: '', reason: null, run_id: '', slots: 1, slots_used: 0, idle: false, leader: null },
    runs: new Map(), source: () => SOURCES[world.source], accounts: [], agents: [], schedules: [], problems: [], quietHours: null, config,
    day: { today_usd: 0, budget_usd: null, committed_usd: 0, shares: { agent: [], model: [], role: [], area: [], day: [] } },
    budgetOf: (one) => one.total_cost_usd,
    routingOf: (one) => ({ role: 'implementer', agent: 'claude', model: null, reason: `cost ${one.total_cost_usd}`, estimate: null, estimate_text: '', reserve_usd: 0 }),
    dashboard: config.dashboard, health: healthyReport(''),
  };
}

describe('What is kept of a long queue (property)', () => {
  it('says after any changes what a look from the beginning says', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(id, arbitraryDefinition), { maxLength: 9 }), fc.array(arbitraryEdit, { maxLength: 25 }), (begun, edits) => {
        const world: World = { now: T0, config: 0, loop: 'running', cap: null, source: 0, running: new Set(), tasks: new Map(begun.map(([one, def]) => [one, task(one, { def })])) };
        const planner = new Planner();
        const [estimates, kept] = [new Map<string, Estimate>(), new Map<string, KeptView>()];
        for (const edit of [() => undefined, ...edits]) {
          edit(world);
          const tasks = [...world.tasks.values()];
          const facts = factsOf(world);
          const plan = planner.plan(tasks, facts);
          const whole = planQueue(tasks, facts);
          assert.deepEqual(plan, whole);
          assert.deepEqual(estimateTimes(tasks, plan, facts, estimates), estimateTimes(tasks, whole, facts));
          assert.deepEqual(buildSnapshot({ ...partsOf(world, plan, estimates), kept }), buildSnapshot(partsOf(world, whole, estimates)));
          assert.ok(kept.size <= world.tasks.size);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('are the same entries and views of all tasks that a change does not concern', () => {
    const world: World = { now: T0, config: 0, loop: 'running', cap: null, source: 0, running: new Set(['t0']), tasks: new Map(IDS.map((one) => [one, task(one)])) };
    put(world, 't0', (before) => ({ ...before, state: 'implementing' }));
    const planner = new Planner();
    const [estimates, kept] = [new Map<string, Estimate>(), new Map<string, KeptView>()];
    const look = () => {
      const facts = factsOf(world);
      const plan = planner.plan([...world.tasks.values()], facts);
      estimateTimes([...world.tasks.values()], plan, facts, estimates);
      const snapshot = buildSnapshot({ ...partsOf(world, plan, estimates), kept });
      return { entries: new Map(plan.entries), views: new Map(snapshot.tasks.map((view) => [view.id, view])) };
    };
    const before = look();
    world.now += 250;
    put(world, 't0', (one) => ({ ...structuredClone(one), rev: one.rev + 1, total_cost_usd: 1 }));
    const after = look();
    for (const one of IDS.slice(1)) {
      assert.equal(after.entries.get(one), before.entries.get(one));
      assert.equal(after.views.get(one), before.views.get(one));
    }
    assert.equal(after.views.get('t0')?.cost_usd, 1);
  });
});
