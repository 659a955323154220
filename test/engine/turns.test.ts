import assert from 'node:assert/strict';
import type { AgentInfo } from '../../src/engine/ports.ts';
import { makeEngine } from '../support/engine.ts';
import { latch } from '../support/latch.ts';

const task = (id: string, more: Record<string, unknown> = {}) => ({ id, goal: `Do ${id}`, ...more });

describe('A task that waits for its turn to merge', () => {
  it('is cancelled at once, whoever has the turn', async () => {
    const first = latch();
    const begun = latch();
    const proven: (string | undefined)[] = [];
    const test = await makeEngine({
      tasks: [task('one')],
      throughPorts: (ports) => ({
        ...ports,
        workspace: {
          ...ports.workspace,
          buildMerge: async (request) => {
            proven.push(request.proven);
            if (request.message === 'Do one') {
              begun.release();
              await first.held;
            }
            return ports.workspace.buildMerge(request);
          },
        },
      }),
    });
    await test.engine.send({ type: 'start' });
    await begun.held;
    test.setTasks([task('one'), task('two')]);
    await test.until((snapshot) => snapshot.tasks.some(({ id, activity }) => id === 'two' && activity === 'waiting for its turn to merge'));
    await test.engine.send({ type: 'cancel', task_id: 'two' });
    assert.equal((await test.record('two')).error?.kind, 'cancelled');
    assert.equal((await test.record('one')).state, 'quality_gate');
    first.release();
    const { quality_gate_results: rounds } = await test.untilState('one', 'done');
    assert.deepEqual(proven, [rounds[0]?.tree_sha]);
  });
});

describe('The agents that are there', () => {
  it('are those of the latest configuration, also when an older look for them takes longer', async () => {
    const slow = latch();
    const begun = latch();
    const test = await makeEngine({
      throughPorts: (ports) => ({
        ...ports,
        agents: {
          ...ports.agents,
          list: async (config, again): Promise<AgentInfo[]> => {
            const found = await ports.agents.list(config, again);
            if (found.some(({ name }) => name === 'old')) {
              begun.release();
              await slow.held;
            }
            return found;
          },
        },
      }),
    });
    test.setConfig({ agents: { old: { driver: 'command', command: 'x' } } });
    await begun.held;
    test.setConfig({ agents: { new: { driver: 'command', command: 'x' } } });
    await test.until((snapshot) => snapshot.agents.some(({ name }) => name === 'new'));
    slow.release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual((await test.engine.snapshot()).agents.map(({ name }) => name), ['new']);
  });
});
