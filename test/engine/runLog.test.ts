import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { failure, makeEngine } from '../support/engine.ts';

describe('The run log of a run', () => {
  it('has header, every change, call, gate and retry in order, and the summary at the stop (rows 145, 150, 151, 157, 203)', async () => {
    const test = await makeEngine({
      tasks: [{ id: 'one', goal: 'Do one' }],
      agent: async (agent) => {
        if (agent.request.number === 1) return failure('overloaded', 'Overloaded');
        await agent.write({ 'one.txt': 'x\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    const record = await test.untilState('one', 'done');
    await test.engine.send({ type: 'stop', reason: 'enough for today' });
    await test.close();
    const log = readFileSync(path.join(test.batonDir, 'ORCHESTRATOR_RUN_LOG.md'), 'utf8');

    assert.ok(log.startsWith('# Orchestrator Run Log\n'));
    assert.equal(log.split('# Orchestrator Run Log').length, 2);
    assert.match(log, /\n## Run: /);
    assert.match(log, /\*\*Started\*\*: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n/);
    const words = ['Task one started', 'Routing [implementer]', '❌ LLM call', 'Retry attempt 2/5', 'Routing [implementer]', '✅ LLM call', 'Quality Gate ✅ PASSED', 'Task completed: done', 'Stopped: enough for today', '### Run Summary', '**Tasks Completed**: 1', '**Tasks Failed**: 0'];
    let from = 0;
    for (const word of words) {
      const found = log.indexOf(word, from);
      assert.ok(found >= from, `${word} after\n${log.slice(from)}`);
      from = found + word.length;
    }
    for (const change of record.history.slice(1)) assert.ok(log.includes(change.to === 'done' ? 'Task completed: done' : `→ ${change.to}`), change.to);
    for (const line of log.split('\n').filter((one) => one.startsWith('- '))) assert.match(line, /^- `\d\d:\d\d:\d\d` \S+ \*\*(task|routing|llm_call|quality_gate|retry|human_review)\*\*: \S/u);
  });
});
