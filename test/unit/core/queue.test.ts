import assert from 'node:assert/strict';
import fc from 'fast-check';
import { configSchema, type Config } from '../../../src/core/config/schema.ts';
import type { TaskExecution } from '../../../src/core/execution.ts';
import { placeBefore, planQueue, type AgentFact, type QueueFacts, type QueuePlan } from '../../../src/core/queue.ts';
import { TASK_STATES } from '../../../src/core/states.ts';
import { decision, task, T0 } from '../../support/tasks.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AGENT: AgentFact = { available: true, enabled: true, install: null, account: 'anthropic', max_concurrent: null, priced: true };

function facts(over: Partial<Omit<QueueFacts, 'config'>> & { config?: Record<string, unknown> } = {}): QueueFacts {
  const { config, ...rest } = over;
  return {
    now: T0,
    config: configSchema.parse(config ?? {}) satisfies Config,
    loop: 'running',
    running: new Map(),
    agents: new Map([['claude', AGENT]]),
    agentOf: () => 'claude',
    accounts: new Map(),
    ...rest,
  };
}
const at = (agent: string | null, over = {}) => ({ agent, since: T0 - 192_000, activity: null, waits_for_human: false, uses_slot: true, ...over });
const why = (plan: QueuePlan, id: string): string => plan.entries.get(id)?.reason.text ?? '';
const code = (plan: QueuePlan, id: string): string => plan.entries.get(id)?.reason.code ?? '';
const slots = (n: number) => ({ orchestrator: { max_concurrent_tasks: n } });

describe('The order of the queue', () => {
  it('is the score, highest first (row 2)', () => {
    const plan = planQueue([task('low', { def: { goal: 'no rush' } }), task('high', { def: { goal: 'URGENT' } }), task('mid')], facts());
    assert.deepEqual(plan.order, ['high', 'mid', 'low']);
    assert.deepEqual(plan.order.map((id) => plan.entries.get(id)?.position), [1, 2, 3]);
  });
  it('is the age among equal scores, then the id', () => {
    const plan = planQueue([task('b'), task('a'), task('older', { created_at: new Date(T0 - HOUR).toISOString() })], facts());
    assert.deepEqual(plan.order, ['older', 'a', 'b']);
  });
  it('puts manual places before every score (row 221)', () => {
    const plan = planQueue([task('vip', { def: { sender: 'ceo@x' } }), task('second', { place: 2 }), task('first', { place: -1.5, def: { goal: 'no rush' } })], facts({ config: { vip_senders: ['ceo@x'] } }));
    assert.deepEqual(plan.order, ['first', 'second', 'vip']);
  });
  it('leaves out what runs, what is parked and what is finished', () => {
    const tasks = TASK_STATES.map((state) => task(state, { state }));
    const plan = planQueue(tasks, facts({ running: new Map([['planning', at('claude')]]) }));
    assert.deepEqual([...plan.order].sort(), ['code_review', 'implementing', 'new', 'plan_approved', 'plan_rejected', 'plan_review', 'quality_gate']);
    for (const id of ['planning', 'awaiting_human_review', 'done', 'failed']) assert.equal(plan.entries.get(id)?.position, null);
  });
  it('lets a dependency inherit the urgency of what waits for it, through any number of tasks (row 220)', () => {
    const tasks = [
      task('base', { def: { goal: 'no rush' } }),
      task('middle', { def: { depends_on: ['base'] } }),
      task('top', { def: { goal: 'URGENT', depends_on: ['middle'] } }),
      task('other', { def: { goal: 'ASAP' } }),
    ];
    const plan = planQueue(tasks, facts());
    assert.deepEqual(plan.order, ['base', 'middle', 'top', 'other']);
    assert.equal(plan.entries.get('base')?.inherited_from, 'top');
    assert.equal(plan.entries.get('base')?.effective_score, plan.entries.get('top')?.score.score);
    assert.deepEqual(plan.start, ['base', 'other']);
  });
  it('lets a dependency inherit a manual place too', () => {
    const plan = planQueue([task('urgent', { def: { goal: 'URGENT' } }), task('base'), task('placed', { place: 0, def: { depends_on: ['base'] } })], facts());
    assert.deepEqual(plan.order, ['base', 'placed', 'urgent']);
  });
  it('lets no ordinary task wait for ever: the strongest newcomers yield to a no-rush task within 31 days (row 58)', () => {
    const patient = task('patient', { def: { goal: 'no rush' } });
    let ranOn = -1;
    for (let day = 0; day <= 31 && ranOn < 0; day += 1) {
      const now = T0 + day * DAY;
      const newcomer = task(`new-${day}`, { def: { goal: 'URGENT today', sender: 'a@client.example' }, created_at: new Date(now).toISOString() });
      const [first] = planQueue([patient, newcomer], facts({ now, config: slots(1) })).start;
      if (first === 'patient') ranOn = day;
    }
    assert.equal(ranOn, 30);
  });
});

describe('What may start', () => {
  it('is as many as there are free slots', () => {
    const tasks = ['a', 'b', 'c', 'd'].map((id) => task(id));
    const running = new Map([['x', at('claude')], ['y', at(null, { waits_for_human: true, uses_slot: false })]]);
    const plan = planQueue([...tasks, task('x', { state: 'implementing' }), task('y', { state: 'implementing' })], facts({ running, config: slots(3) }));
    assert.deepEqual(plan.start, ['a', 'b']);
    assert.deepEqual(plan.runnable, ['a', 'b', 'c', 'd']);
    assert.equal(why(plan, 'c'), '2 of 3 slots free and 2 tasks are ahead.');
    assert.equal(why(plan, 'a'), 'Starts now: 2 of 3 slots free.');
  });
  it('keeps to the cap of an agent and lets others pass', () => {
    const agents = new Map([['claude', { ...AGENT, max_concurrent: 1 }], ['codex', { ...AGENT, account: 'openai' }]]);
    const plan = planQueue([task('a'), task('b'), task('c', { def: { agent: 'codex' } })], facts({ agents, agentOf: (one) => one.task_def.agent ?? 'claude' }));
    assert.deepEqual(plan.start, ['a', 'c']);
    assert.equal(why(plan, 'b'), 'Agent claude runs 1 at once at most (max_concurrent) and 1 task is ahead.');
  });
  it('is nothing unless the loop runs', () => {
    for (const loop of ['never_started', 'paused', 'stopping', 'stopped'] as const) {
      const plan = planQueue([task('a')], facts({ loop }));
      assert.deepEqual([plan.start, plan.runnable, code(plan, 'a')], [[], [], 'loop']);
    }
  });
  it('reserves the budget as it goes, for the day and by area (row 237)', () => {
    const spend = { today_usd: 0.8, by_area: new Map([['docs', 0.3]]), day_ends: T0 + 12 * HOUR };
    const plan = planQueue(
      [task('a'), task('b'), task('d', { def: { area: 'docs' } })],
      facts({ spend, config: { budget: { per_day_usd: 1.5, by_area: { docs: 0.5 } } } }),
    );
    assert.deepEqual(plan.start, ['a']);
    assert.equal(why(plan, 'b'), 'Today’s budget of $1.50 has $0.20 left, and an attempt reserves $0.50.');
    assert.equal(plan.wake_at, T0 + 12 * HOUR);
    const docs = planQueue([task('d', { def: { area: 'docs' } })], facts({ spend, config: { budget: { by_area: { docs: 0.5 } } } }));
    assert.match(why(docs, 'd'), /budget for docs of \$0.50 has \$0.20 left/);
    const gates = planQueue([task('g', { state: 'quality_gate' })], facts({ spend: { ...spend, today_usd: 9 }, agentOf: () => null, config: { budget: { per_day_usd: 1 } } }));
    assert.deepEqual(gates.start, ['g'], 'gates cost nothing');
  });
});

describe('"Why isn\'t this running?" (row 247)', () => {
  const only = (one: TaskExecution, over: Parameters<typeof facts>[0] = {}, ...others: TaskExecution[]): string => {
    const plan = planQueue([one, ...others], facts(over));
    return `${code(plan, one.task_id)} | ${plan.entries.get(one.task_id)?.group ?? ''} | ${why(plan, one.task_id)}`;
  };
  const iso = (ms: number): string => new Date(T0 + ms).toISOString();

  it('a loop that does not run', () => {
    assert.equal(only(task('a'), { loop: 'never_started' }), 'loop | waiting | Baton was never started here: choose Start.');
    assert.equal(only(task('a'), { loop: 'paused' }), 'loop | waiting | Baton is paused: choose Start to go on.');
    assert.equal(only(task('a'), { loop: 'stopping' }), 'loop | waiting | Baton is stopping: running attempts finish, nothing new starts.');
    assert.equal(only(task('a'), { loop: 'stopped', loop_reason: '.claude_stop was found' }), 'loop | waiting | Baton is stopped (.claude_stop was found): choose Start.');
  });
  it('a decision', () => {
    const asked = [decision({ question: 'The text has "delete". May it start?' })];
    assert.equal(only(task('a', { state: 'awaiting_human_review', decisions: asked })), 'needs_decision | needs_you | Needs you: The text has "delete". May it start?');
    assert.equal(only(task('a', { state: 'implementing', decisions: asked })), 'needs_decision | needs_you | Needs you: The text has "delete". May it start?');
    const answered = [decision({ status: 'answered' })];
    assert.match(only(task('a', { state: 'awaiting_human_review', decisions: answered })), /Answered; it goes on/);
  });
  it('a dependency that is not done, failed or unknown (row 220)', () => {
    const b = task('b', { def: { depends_on: ['a'] } });
    assert.equal(only(b, {}, task('a', { state: 'implementing' })), 'dependency | waiting | Waits for a (implementing).');
    assert.equal(only(b, {}, task('a', { state: 'done' })), 'next | waiting | Starts now: 5 of 5 slots free.');
    assert.equal(only(b, {}, task('a', { state: 'failed' })), 'dependency_failed | held | Depends on a, which failed: retry a or remove the dependency.');
    assert.equal(only(b), 'dependency_unknown | held | Depends on "a", which is no task.');
    assert.equal(only(b, { merged: new Set(['a']) }), 'next | waiting | Starts now: 5 of 5 slots free.');
    const many = task('m', { def: { depends_on: ['a', 'c', 'd', 'e'] } });
    assert.equal(only(many, {}, ...['a', 'c', 'd', 'e'].map((id) => task(id))), 'dependency | waiting | Waits for 4 tasks: a (new), c (new), d (new) and 1 more.');
  });
  it('a circle of dependencies, while the rest still runs (row 220)', () => {
    const plan = planQueue([task('a', { def: { depends_on: ['b'] } }), task('b', { def: { depends_on: ['a'] } }), task('c'), task('d', { def: { depends_on: ['d'] } })], facts());
    assert.equal(why(plan, 'a'), 'Waits for itself: a → b → a.');
    assert.equal(why(plan, 'd'), 'Waits for itself: d → d.');
    assert.deepEqual(plan.start, ['c']);
  });
  it('a time that has not come', () => {
    const error = { kind: 'overloaded', message: 'API Error: 529', at: iso(0) };
    assert.equal(only(task('a', { not_before: iso(192_000), retry_count: 2, error })), 'not_before | held | Goes on in 3m12s (retry 2 of 4) after: API Error: 529');
    assert.match(only(task('a', { not_before: iso(-1) })), /^next/);
    assert.equal(planQueue([task('a', { not_before: iso(5000) }), task('b', { not_before: iso(3000) })], facts()).wake_at, T0 + 3000);
  });
  it('an account that is closed (row 229)', () => {
    const closed = (closed_until: number | null) => ({ accounts: new Map([['anthropic', { closed_until, reason: 'usage limit reached' }]]) });
    assert.equal(only(task('a'), closed(T0 + 4_200_000)), 'account_closed | held | Account anthropic opens in 1h10m (13:10 UTC): usage limit reached');
    assert.equal(only(task('a'), closed(null)), 'account_closed | held | Account anthropic is closed until sign-in works again: usage limit reached');
    assert.match(only(task('a'), closed(T0)), /^next/);
    const agents = new Map([['claude', AGENT], ['codex', { ...AGENT, account: 'openai' }]]);
    assert.match(only(task('a'), { ...closed(null), agents, agentOf: () => 'codex' }), /^next/);
  });
  it('all slots in use, with the number of tasks ahead', () => {
    const running = new Map([['x', at('claude')], ['y', at('claude')]]);
    const plan = planQueue([task('a'), task('b'), task('c')], facts({ running, config: slots(2) }));
    assert.deepEqual(['a', 'b', 'c'].map((id) => why(plan, id)), ['All 2 slots are in use.', 'All 2 slots are in use and 1 task is ahead.', 'All 2 slots are in use and 2 tasks are ahead.']);
  });
  it('an agent that is missing, turned off or unpriced', () => {
    const agents = (over: Partial<AgentFact>) => ({ agents: new Map([['claude', { ...AGENT, ...over }]]) });
    assert.equal(only(task('a'), agents({ available: false, install: 'npm install -g @anthropic-ai/claude-code' })), 'agent_missing | held | Its agent claude is not installed: npm install -g @anthropic-ai/claude-code.');
    assert.equal(only(task('a'), agents({ enabled: false })), 'agent_missing | held | Its agent claude is turned off by the configuration.');
    assert.equal(only(task('a'), { agentOf: () => 'clod' }), 'agent_missing | held | Its agent "clod" is neither configured nor installed.');
    assert.equal(only(task('a'), { agentOf: () => ({ missing: 'no coding agent is installed' }) }), 'agent_missing | held | No agent can run it: no coding agent is installed.');
    assert.match(only(task('a'), { ...agents({ priced: false }), config: { budget: { per_day_usd: 5 } } }), /^budget \| held \| Its agent claude has no price/);
    assert.match(only(task('a'), { ...agents({ priced: false }), config: { budget: { per_day_usd: 5, allow_unpriced: true } } }), /^next/);
  });
  it('too many tasks that wait for the human (row 246)', () => {
    const waiting = [1, 2].map((n) => task(`w${n}`, { state: 'awaiting_human_review' }));
    const config = { attention: { max_awaiting: 2 } };
    assert.equal(only(task('a'), { config }, ...waiting), 'attention | held | 2 tasks wait for you, and attention.max_awaiting is 2: nothing new starts.');
    assert.match(only(task('a', { state: 'implementing' }), { config }, ...waiting), /^next/);
  });
  it('an error in its definition, which matters only until it begins', () => {
    const problems = new Map([['a', [{ file: '.baton/tasks.yaml', line: 12, column: 3, severity: 'error' as const, source: 'task' as const, message: 'two tasks have this id' }]]]);
    assert.equal(only(task('a'), { problems }), 'definition | held | Its definition has an error at .baton/tasks.yaml:12:3: two tasks have this id');
    assert.match(only(task('a', { state: 'implementing' }), { problems }), /^next/);
  });
  it('what holds it besides', () => {
    assert.equal(only(task('a'), { holds: new Map([['a', 'Would touch the files of b.']]) }), 'hold | held | Would touch the files of b.');
  });
  it('or what it does now, or how it ended', () => {
    const steps = ['S1', 'S2'].map((id, i) => ({
      step_id: id, state: i === 0 ? ('completed' as const) : ('implementing' as const), attempt: 1, max_attempts: 3, definition: { id, description: id },
      implementation: null, code_review: null, error: null, started_at: null, completed_at: null, implementer_model: null, reviewer_model: null,
    }));
    const running = (over = {}) => ({ running: new Map([['a', at('claude', over)]]) });
    assert.equal(only(task('a', { state: 'implementing', steps }), running()), 'running | running | Running for 3m12s: implementing step 2 of 2 with claude.');
    assert.equal(only(task('a', { state: 'implementing' }), running({ activity: 'npm test' })), 'running | running | Running for 3m12s: npm test with claude.');
    const asked = [decision({ kind: 'permission', question: 'Allow rm -rf build?' })];
    assert.equal(only(task('a', { state: 'implementing', decisions: asked }), running({ waits_for_human: true, uses_slot: false })), 'needs_decision | needs_you | Needs you: Allow rm -rf build?');
    assert.equal(only(task('a', { state: 'done', completed_at: iso(-720_000) })), 'done | done | Done 12m ago.');
    assert.equal(only(task('a', { state: 'failed', error: { kind: 'gates_failed', message: 'test failed 3 times', at: iso(0) } })), 'failed | failed | Failed: test failed 3 times; Retry runs it again.');
    assert.equal(only(task('a', { state: 'failed', error: { kind: 'cancelled', message: 'x', at: iso(0) } })), 'failed | failed | Cancelled; Retry runs it again.');
  });
});

describe('Any queue (property)', () => {
  const ids = Array.from({ length: 8 }, (_, i) => `t${i}`);
  const arbitraryTask = (id: string) =>
    fc.record({
      state: fc.constantFrom(...TASK_STATES),
      place: fc.option(fc.integer({ min: 0, max: 3 })),
      not_before: fc.option(fc.integer({ min: -5, max: 5 }).map((s) => new Date(T0 + s * 1000).toISOString())),
      goal: fc.constantFrom('no rush', 'x', 'ASAP', 'URGENT'),
      depends_on: fc.subarray([...ids, 'nobody'], { maxLength: 3 }),
      age: fc.integer({ min: 0, max: 40 }),
    }).map(({ goal, depends_on, age, ...rest }) => task(id, { ...rest, def: { goal, depends_on }, created_at: new Date(T0 - age * DAY).toISOString() }));
  const arbitrary = fc.record({
    tasks: fc.tuple(...ids.map(arbitraryTask)),
    slots: fc.integer({ min: 1, max: 4 }),
    cap: fc.option(fc.integer({ min: 1, max: 2 })),
    running: fc.subarray(ids),
    loop: fc.constantFrom('running' as const, 'running' as const, 'paused' as const),
  });
  const build = (given: typeof arbitrary extends fc.Arbitrary<infer T> ? T : never) => {
    const running = new Map(given.tasks.filter((one) => given.running.includes(one.task_id) && !['done', 'failed', 'awaiting_human_review'].includes(one.state)).map((one) => [one.task_id, at('claude')]));
    const f = facts({ running, loop: given.loop, config: slots(given.slots), agents: new Map([['claude', { ...AGENT, max_concurrent: given.cap }]]) });
    return { f, plan: planQueue(given.tasks, f), byId: new Map(given.tasks.map((one) => [one.task_id, one])) };
  };

  it('has one sentence for every task, positions without gaps, and the same plan for the same facts in any order', () => {
    fc.assert(
      fc.property(arbitrary, fc.integer(), (given, seed) => {
        const { plan, f } = build(given);
        for (const id of ids) assert.match(why(plan, id), /^[A-Z0-9].*[.\w]$/);
        assert.deepEqual(plan.order.map((id) => plan.entries.get(id)?.position), plan.order.map((_, i) => i + 1));
        const shuffled = [...given.tasks].sort((a, b) => ((a.task_id.charCodeAt(1) * 31 + seed) % 7) - ((b.task_id.charCodeAt(1) * 31 + seed) % 7));
        assert.deepEqual(planQueue(shuffled, f).order, plan.order);
      }),
    );
  });
  it('starts only what may run, never above slots and caps, and leaves no slot idle', () => {
    fc.assert(
      fc.property(arbitrary, (given) => {
        const { plan, f, byId } = build(given);
        const free = Math.max(0, given.slots - f.running.size);
        const agentFree = given.cap === null ? Infinity : Math.max(0, given.cap - f.running.size);
        const expected = given.loop === 'running' ? Math.min(free, agentFree, plan.runnable.length) : 0;
        assert.equal(plan.start.length, expected);
        assert.deepEqual(plan.start, plan.runnable.slice(0, expected));
        for (const id of plan.runnable) {
          const one = byId.get(id);
          assert.ok(one && !f.running.has(id) && !['done', 'failed', 'awaiting_human_review'].includes(one.state));
          assert.ok(one.not_before === null || Date.parse(one.not_before) <= T0);
          if (one.state === 'new') for (const dep of one.task_def.depends_on ?? []) assert.equal(byId.get(dep)?.state, 'done');
        }
      }),
    );
  });
  it('claims nothing that is not so', () => {
    fc.assert(
      fc.property(arbitrary, (given) => {
        const { plan, byId, f } = build(given);
        for (const [id, entry] of plan.entries) {
          const one = byId.get(id);
          assert.ok(one);
          const deps = (one.task_def.depends_on ?? []).map((dep) => byId.get(dep)?.state ?? 'unknown');
          switch (entry.reason.code) {
            case 'dependency': assert.ok(deps.some((state) => state !== 'done')); break;
            case 'dependency_failed': assert.ok(deps.includes('failed')); break;
            case 'dependency_unknown': assert.ok(deps.includes('unknown')); break;
            case 'not_before': assert.ok(one.not_before !== null && Date.parse(one.not_before) > T0); break;
            case 'loop': assert.equal(f.loop, 'paused'); break;
            case 'running': assert.ok(f.running.has(id)); break;
            case 'slots': assert.ok(f.running.size + plan.start.length >= given.slots); break;
            case 'agent_busy': assert.ok(given.cap !== null && f.running.size + plan.start.length >= given.cap); break;
            case 'done': case 'failed': assert.equal(one.state, entry.reason.code); break;
            case 'needs_decision': assert.equal(one.state, 'awaiting_human_review'); break;
            case 'next': assert.ok(plan.start.includes(id)); break;
            case 'cycle': assert.ok(one.state === 'new' && deps.includes('new')); break;
            default: assert.fail(`unexpected reason ${entry.reason.code}`);
          }
        }
      }),
    );
  });
  it('an older task of equal standing is never behind a newer one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 50 }), fc.constantFrom('x', 'no rush', 'URGENT'), (age, more, goal) => {
        const newer = task('a-newer', { def: { goal }, created_at: new Date(T0 - age * DAY).toISOString() });
        const older = task('b-older', { def: { goal }, created_at: new Date(T0 - (age + more) * DAY).toISOString() });
        assert.deepEqual(planQueue([newer, older], facts()).order, ['b-older', 'a-newer']);
      }),
    );
  });
});

describe('Moving a task by hand (row 221)', () => {
  const places = ['a', 'b', 'c', 'd'].map((id) => ({ id, place: null as number | null }));
  const apply = (order: typeof places, changes: Map<string, number>) => {
    const tasks = order.map(({ id, place }, i) => task(id, { place: changes.get(id) ?? place, created_at: new Date(T0 + i).toISOString() }));
    return planQueue(tasks, facts()).order;
  };
  it('to the front changes that task alone', () => {
    const changes = placeBefore(places, 'c', 'a');
    assert.deepEqual([...changes.keys()], ['c']);
    assert.deepEqual(apply(places, changes), ['c', 'a', 'b', 'd']);
  });
  it('into the middle places what is ahead of it too', () => {
    assert.deepEqual(apply(places, placeBefore(places, 'd', 'c')), ['a', 'b', 'd', 'c']);
    assert.deepEqual(apply(places, placeBefore(places, 'a', null)), ['b', 'c', 'd', 'a']);
  });
  it('gives any order that a user makes, move by move (property)', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...ids), fc.option(fc.constantFrom(...ids))), { maxLength: 80 }), (moves) => {
        let order = ids.map((id) => ({ id, place: null as number | null }));
        for (const [id, before] of moves) {
          if (id === before) continue;
          const changes = placeBefore(order, id, before);
          const expected = order.map((one) => one.id).filter((one) => one !== id);
          expected.splice(before === null ? expected.length : expected.indexOf(before), 0, id);
          order = expected.map((one) => ({ id: one, place: changes.get(one) ?? order.find((old) => old.id === one)?.place ?? null }));
          const tasks = order.map((one, i) => task(one.id, { place: one.place, created_at: new Date(T0 + i).toISOString() }));
          assert.deepEqual(planQueue(tasks, facts()).order, expected);
        }
      }),
    );
  });
});

describe('A queue of 10 000 tasks', () => {
  it('is planned also as one chain', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => task(`t${i}`, { def: { goal: i % 3 === 0 ? 'URGENT fix by Friday' : 'hello world', ...(i > 0 ? { depends_on: [`t${i - 1}`] } : {}) } }));
    assert.deepEqual(planQueue(many, facts()).order, many.map((one) => one.task_id));
  });
});
