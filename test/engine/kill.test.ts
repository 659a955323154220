import assert from 'node:assert/strict';
import path from 'node:path';
import { buildEngineProcess, Sandbox, type RunOptions } from '../support/kill/sandbox.ts';
import { keepTempDir } from '../support/tmp.ts';

const at = (when: 'before' | 'after', call: string, nth?: number): RunOptions => ({ point: { when, call, ...(nth === undefined ? {} : { nth }) } });
const justBefore = (call: string, nth?: number): RunOptions => at('before', call, nth);
const rightAfter = (call: string, nth?: number): RunOptions => at('after', call, nth);

/** Each is one repository in which engine after engine is killed, and the last one finishes. */
const CHAINS: Readonly<Record<string, { tasks: readonly string[]; kills: readonly RunOptions[] }>> = {
  'before anything is queued or started': {
    tasks: ['one'],
    kills: [justBefore('processes.sweep'), justBefore('commit task_added'), rightAfter('commit task_added'), justBefore('commit orchestrator_started'), rightAfter('commit orchestrator_started')],
  },
  'while the workspace is made': {
    tasks: ['one'],
    kills: [justBefore('workspace.create'), rightAfter('workspace.create'), rightAfter('workspace.populate'), { hook: 'setup' }, justBefore('commit task_started'), rightAfter('commit task_started')],
  },
  'while an agent starts and works, with the agent, its runner or both': {
    tasks: ['one'],
    kills: [
      rightAfter('runners.take'),
      justBefore('commit attempt_started'),
      rightAfter('commit attempt_started'),
      { ...rightAfter('agents.start'), runnersToo: true },
      { ...rightAfter('commit attempt'), agentsToo: true, runnersToo: true },
      { hook: 'agent-start', agentsToo: true },
      { hook: 'agent-edited', agentsToo: true },
      { hook: 'agent-edited', runnersToo: true },
    ],
  },
  'between the end of an agent and the commit of its work': {
    tasks: ['one'],
    kills: [{ hook: 'agent-end' }, justBefore('commit attempt_ended'), rightAfter('commit attempt_ended'), justBefore('workspace.checkpoint'), rightAfter('workspace.checkpoint'), justBefore('commit step_completed'), rightAfter('commit step_completed')],
  },
  'while gates run and their failure goes back to the agent': {
    tasks: ['fix-one'],
    kills: [{ hook: 'gate' }, justBefore('commit gate_round'), rightAfter('commit gate_round'), justBefore('workspace.visit'), rightAfter('workspace.visit'), rightAfter('commit base_checked'), justBefore('commit retry'), rightAfter('commit retry'), rightAfter('commit step_completed')],
  },
  'while a human is asked and answers': {
    tasks: ['ask-one'],
    kills: [justBefore('commit decision_opened'), rightAfter('commit decision_opened'), justBefore('commit decision_answered'), rightAfter('commit decision_answered')],
  },
  'while a merge is built, lands and is recorded': {
    tasks: ['one', 'two'],
    kills: [
      rightAfter('commit merge_started'),
      justBefore('workspace.buildMerge'),
      { hook: 'pre-commit' },
      rightAfter('workspace.buildMerge'),
      rightAfter('commit merge_sha'),
      justBefore('workspace.advance'),
      { hook: 'post-merge' },
      rightAfter('workspace.advance'),
      justBefore('commit task_completed'),
    ],
  },
  'while a finished task is tidied up': {
    tasks: ['one'],
    kills: [rightAfter('commit task_completed'), justBefore('workspace.remove'), rightAfter('workspace.remove'), justBefore('commit tidied')],
  },
};

describe('An engine that is killed', function () {
  this.timeout(180_000);
  const kept = keepTempDir();
  const dist = path.join(kept.path, 'dist');

  before(async function () {
    if (process.platform !== 'linux') return void this.skip();
    await buildEngineProcess(dist);
  });
  after(() => kept.remove());

  for (const [index, [when, { tasks, kills }]] of Object.entries(CHAINS).entries()) {
    it(`${when} loses nothing, repeats nothing that was finished and leaves nothing behind (rows 13, 126, 190, 196, 200, 230)`, async () => {
      const sandbox = await Sandbox.create(path.join(kept.path, String(index)), dist);
      sandbox.queue(...tasks);
      for (const kill of kills) await sandbox.killed(kill);
      await sandbox.finish();
    });
  }

  it('leaves its agents at work: engine after engine goes on with the same attempt, which no one counts as interrupted (rows 230, 255)', async () => {
    const sandbox = await Sandbox.create(path.join(kept.path, 'adopted'), dist);
    sandbox.hold(true);
    sandbox.queue('one');
    await sandbox.killed({ hook: 'agent-start' });
    for (const kill of [justBefore('runners.adopt'), rightAfter('runners.adopt'), justBefore('processes.sweep'), rightAfter('processes.sweep'), { afterMs: 2500 }]) await sandbox.killed(kill);
    sandbox.hold(false);
    for (const kill of [justBefore('commit attempt_ended'), rightAfter('commit attempt_ended')]) await sandbox.killed(kill);
    const [task] = await sandbox.finish();
    assert.deepEqual(task?.attempts.map(({ attempt_id: id, outcome }) => [id, outcome]), [['a1', 'succeeded']]);
    assert.equal(task.interruptions, 0);
    assert.equal(sandbox.starts('one', 'implement'), 1);
  });

  it('together with the runner of its agent leaves an agent that the next engine ends before it goes on (rows 230, 231)', async () => {
    const sandbox = await Sandbox.create(path.join(kept.path, 'runners'), dist);
    sandbox.hold(true);
    sandbox.queue('one');
    await sandbox.killed({ hook: 'agent-edited', runnersToo: true });
    sandbox.hold(false);
    const [task] = await sandbox.finish();
    assert.deepEqual(task?.attempts.map(({ outcome }) => outcome), ['interrupted', 'succeeded']);
  });

  it('at any moment, again and again while tasks keep coming, loses nothing, repeats nothing that was finished and leaves nothing behind (rows 13, 190, 200)', async () => {
    const seed = Number(process.env['BATON_KILL_SEED'] ?? Date.now() % 1_000_000);
    const random = generator(seed);
    const wanted = process.env['BATON_TEST_ALL'] === undefined ? 15 : 150;
    const sandbox = await Sandbox.create(path.join(kept.path, 'random'), dist);
    try {
      for (let round = 1, kills = 0; kills < wanted; round += 1) {
        if (round % 2 === 1) sandbox.queue(`${pick(random, ['plain', 'fix', 'ask'])}-${round}`);
        const agentsToo = random() < 0.3;
        const runnersToo = random() < 0.3;
        const moment = random() < 0.5 ? { afterMs: 100 + random() * 2000 } : at(random() < 0.5 ? 'before' : 'after', '*', 1 + Math.floor(random() * 40));
        if ((await sandbox.run({ ...moment, agentsToo, runnersToo })).killed) kills += 1;
        assert.ok(round < 3 * wanted, `only ${kills} kills in ${round} rounds`);
      }
      await sandbox.finish();
    } catch (error) {
      throw new Error(`With BATON_KILL_SEED=${seed}`, { cause: error });
    }
  });
});

/** Numbers from 0 up to 1 that a seed decides (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(random: () => number, from: readonly [T, ...T[]]): T {
  return from[Math.floor(random() * from.length)] ?? from[0];
}
