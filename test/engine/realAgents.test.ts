import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Script, Turn } from '../support/modelServer/scenario.ts';
import { ModelServer } from '../support/modelServer/server.ts';
import { provisionClaude, provisionCodex } from '../support/agents.ts';
import { FakeClock, passing } from '../support/fakeClock.ts';
import { roleOf, withRealAgents } from '../support/realAgents.ts';
import { run, until } from '../support/processes.ts';

let server: ModelServer;
before(async function () {
  this.timeout(600_000);
  await Promise.all([provisionClaude(), provisionCodex()]);
  server = await ModelServer.start();
});
after(() => server.close());

const files = {
  'calc.js': 'exports.add = (a, b) => a - b;\n',
  'AGENTS.md': 'House rule for agents: three spaces.\n',
  'CLAUDE.md': 'House rule for Claude: no semicolons.\n',
};
const calculator = { id: 'calc', goal: 'Mend the calculator', risk: 'low', area: 'core' } as const;
const config = { gates: [{ name: 'syntax', run: 'node --check calc.js' }], merge: { policy: 'review' } };
const said = (value: Record<string, unknown>): Turn => ({ tools: [{ tool: 'answer', value }] });

const step = (id: string, description: string, dependencies: string[] = []) => ({ id, description, type: 'code', dependencies });
const HASTY = { summary: 'One step', steps: [step('all', 'Do it all')] };
const CAREFUL = { summary: 'Two steps', steps: [step('multiply', 'Add multiply to calc.js', ['add']), step('add', 'Mend add in calc.js')] };
/** As a model held to the strict schema gives them: whatever is not said is null. */
const planReview = (value: Record<string, unknown>): Turn => said({ scores: null, concerns: null, missing_steps: null, required_changes: null, suggestions: null, ...value });
const codeReview = (value: Record<string, unknown>): Turn => said({ scores: null, required_changes: null, optional_improvements: null, reasoning: null, ...value });

describe('The reviewed workflow with the real Claude as author and the real Codex as judge', function () {
  this.timeout(120_000);

  it('goes from a plan sent back over two steps, a change sent back and a restart to the approved merge (rows 171, 174, 222)', async () => {
    let release = (): void => undefined;
    const hold = new Promise<void>((resolve) => (release = resolve));
    const claude: Script = (conversation) => {
      const { prompt, answers, last } = conversation;
      // What comes after an answer by schema comes together with the result of that call.
      if (roleOf(conversation) === 'planner') return said(last.includes('the steps are too coarse') ? CAREFUL : HASTY);
      if (prompt.includes('put right')) return answers === 0 ? edit('a + b;', 'a + b; // numbers only') : { text: 'Said what it takes.' };
      if (prompt.includes('This step (add)')) return answers === 0 ? edit('a - b', 'a + b') : { text: 'Mended add.' };
      const interrupted = prompt.startsWith('You were interrupted');
      return answers === 0 ? { ...edit('numbers only', 'numbers only\nexports.multiply = (a, b) => a * b;'), ...(interrupted ? {} : { hold }) } : { text: 'Added multiply.' };
    };
    const codex: Script = (conversation) => {
      const { prompt, answers } = conversation;
      if (answers === 0) return { tools: [{ tool: 'read', path: 'calc.js' }] };
      const again = prompt.includes('## The last review');
      if (roleOf(conversation) === 'plan_reviewer') return planReview(again ? { status: 'approved', scores: [{ key: 'completeness', value: 0.9 }] } : { status: 'needs_revision', concerns: ['the steps are too coarse'] });
      const finding = { severity: 'major', file: 'calc.js', line: 1, description: 'say what it takes' };
      return codeReview(again || prompt.includes('This step (multiply)') ? { status: 'approved' } : { status: 'needs_changes', required_changes: [finding] });
    };
    const test = await withRealAgents(server, { claude, codex }, { files, config, tasks: [calculator] });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.steps.some((one) => one.step_id === 'multiply' && one.state === 'implementing') ?? false, 'the second step at work');
    await until('its agent is held', () => server.turns(test.scenario.claude).some(({ turn }) => turn?.hold !== undefined));
    const before = await test.record('calc');
    assert.deepEqual(before.steps.map((one) => [one.step_id, one.state]), [['add', 'completed'], ['multiply', 'implementing']]);

    await test.restart();
    release();
    const asked = await test.untilState('calc', 'awaiting_human_review');
    assert.deepEqual(
      asked.attempts.map((one) => `${one.role}${one.step_id === null ? '' : ` ${one.step_id}`} ${one.agent} ${one.outcome}`),
      [
        'planner claude succeeded',
        'plan_reviewer codex succeeded',
        'planner claude succeeded',
        'plan_reviewer codex succeeded',
        'implementer add claude succeeded',
        'code_reviewer add codex succeeded',
        'implementer add claude succeeded',
        'code_reviewer add codex succeeded',
        'implementer multiply claude interrupted',
        'implementer multiply claude succeeded',
        'code_reviewer multiply codex succeeded',
      ],
    );
    assert.deepEqual(asked.steps[0], before.steps[0], 'a finished step is not repeated');
    assert.equal(asked.attempts[2]?.session_id, asked.attempts[0]?.session_id, 'the planner goes on in its session');
    assert.equal(asked.attempts[9]?.session_id, asked.attempts[8]?.session_id, 'so does an implementer that was interrupted');
    assert.deepEqual(asked.plan?.summary, 'Two steps');
    assert.deepEqual(asked.plan_review?.scores, { completeness: 0.9 }, 'in the form of the schema, not of the provider');
    assert.equal(asked.plan_review.self_reviewed, false);
    assert.equal(asked.steps[0]?.attempt, 2);
    assert.ok(asked.attempts.every((one) => /^[0-9a-f]{12}$/.test(one.prompt_version ?? '') && (one.outcome !== 'succeeded' || one.usage.input_tokens > 0)));
    assert.deepEqual(asked.quality_gate_results.at(-1)?.checks.map(({ name, status }) => [name, status]), [['syntax', 'passed']]);

    const [merge] = asked.decisions.filter((one) => one.status === 'open');
    assert.equal(merge?.kind, 'merge');
    await test.engine.send({ type: 'decide', task_id: 'calc', verdict: 'approve', by: 'me', via: 'cli' });
    await test.untilState('calc', 'done');
    assert.equal(readFileSync(path.join(test.repo.root, 'calc.js'), 'utf8'), 'exports.add = (a, b) => a + b; // numbers only\nexports.multiply = (a, b) => a * b;\n');
    const commits = await run('git', ['log', '--format=%s', `${asked.base_sha ?? ''}..${asked.head_sha ?? ''}`], test.repo.root);
    assert.equal(commits.trim().split('\n').length, 3, 'one for each version of each step');

    for (const { body, conversation } of server.turns(test.scenario.claude)) {
      if (conversation) assert.ok(JSON.stringify(body).includes('House rule for Claude: no semicolons.'), 'Claude reads CLAUDE.md by itself');
    }
    for (const { body } of server.turns(test.scenario.codex)) assert.ok(JSON.stringify(body['input']).includes('House rule for agents: three spaces.'), 'Codex reads AGENTS.md by itself');
    const finding = server.turns(test.scenario.claude).find(({ conversation }) => conversation?.prompt.includes('put right'));
    assert.match(finding?.conversation?.prompt ?? '', /\[major\] calc\.js:1: say what it takes/);
  });

  it('asks Codex once more when its answer does not fit the schema, in the same session, then a human', async () => {
    const wrong = [said({ verdict: 'fine' }), planReview({ status: 'approved' }), said({ verdict: 'fine' }), { text: 'It is fine, really.' }];
    const claude: Script = (conversation) => (roleOf(conversation) === 'planner' ? said(HASTY) : { text: 'Nothing to do.' });
    const plain = (id: string) => ({ ...calculator, id, goal: `Mend ${id}` });
    const test = await withRealAgents(server, { claude, codex: wrong }, { files, config: { ...config, orchestrator: { max_concurrent_tasks: 1 } }, tasks: [plain('one')] });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.state === 'implementing', 'a plan that is approved at the second asking');
    const one = await test.record('one');
    const reviews = one.attempts.filter((attempt) => attempt.role === 'plan_reviewer');
    assert.deepEqual(reviews.map((attempt) => attempt.error?.kind ?? 'ok'), ['bad_output', 'ok']);
    assert.equal(reviews[1]?.session_id, reviews[0]?.session_id);
    assert.match(server.turns(test.scenario.codex)[1]?.conversation?.prompt ?? '', /could not be read: status: .*Give the whole answer again/s);

    test.setTasks([plain('two')]);
    const two = await test.untilState('two', 'awaiting_human_review');
    assert.match(two.decisions[0]?.question ?? '', /The plan reviewer \(codex\) gave no answer that can be read, twice: it holds no JSON object/);
  });
});

describe('Rules and the real Codex', function () {
  this.timeout(120_000);

  it('are asked about every command and edit, so that one denies what the sandbox would have let through', async () => {
    const permissions = [
      { tool: 'shell', pattern: 'cat *', then: 'allow' },
      { tool: 'shell', pattern: 'rm *', then: 'deny' },
      { tool: 'write', path: '**', then: 'allow' },
    ];
    const codex: Turn[] = [{ tools: [{ tool: 'shell', command: 'cat calc.js && rm -f calc.js' }] }, { tools: [{ tool: 'write', path: 'new.txt', content: 'x\n' }] }, { text: 'Left calc.js alone.' }];
    const test = await withRealAgents(server, { codex }, { files, config: { permissions }, tasks: [{ id: 'one', goal: 'Tidy up', agent: 'codex' }] });
    await test.engine.send({ type: 'start' });
    const done = await test.untilState('one', 'done');
    assert.equal(done.decisions.length, 0);
    assert.equal(readFileSync(path.join(test.repo.root, 'calc.js'), 'utf8'), files['calc.js']);
    assert.match(server.turns(test.scenario.codex)[1]?.conversation?.last ?? '', /was denied: Permission rule 2 denies rm -f calc\.js/);
  });
});

describe('A real Codex that', function () {
  this.timeout(120_000);
  const direct = { files, tasks: [{ id: 'one', goal: 'Mend add', agent: 'codex' }] };

  it('claims success without a change is told so in its session, and is done only when there is one (row 233)', async () => {
    const codex: Turn[] = [{ text: 'All fixed and tested!' }, { tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }] }, { text: 'Now it is.' }];
    const test = await withRealAgents(server, { codex }, direct);
    await test.engine.send({ type: 'start' });
    const done = await test.untilState('one', 'done');
    assert.deepEqual(done.attempts.map((one) => [one.outcome, one.error?.kind ?? null]).at(-1), ['succeeded', null]);
    assert.equal(done.attempts.length, 2);
    assert.equal(done.attempts[1]?.session_id, done.attempts[0]?.session_id);
    assert.match(server.turns(test.scenario.codex)[1]?.conversation?.prompt ?? '', /no file in this directory has changed/);
  });

  it('says nothing because its provider does not answer is ended, and tried again with the reason (row 232)', async () => {
    const codex: Turn[] = [{ silent: true }, { tools: [{ tool: 'edit', path: 'calc.js', old: 'a - b', new: 'a + b' }] }, { text: 'Done.' }];
    const test = await withRealAgents(server, { codex }, { ...direct, config: { orchestrator: { silence_timeout: 8 } } });
    await test.engine.send({ type: 'start' });
    const done = await test.untilState('one', 'done');
    assert.deepEqual(done.attempts.map((one) => [one.outcome, one.error?.kind ?? null]), [['failed', 'silence'], ['succeeded', null]]);
    assert.match(done.attempts[0]?.error?.message ?? '', /was silent for 8 s/);
  });
});

describe('A limit of the real Codex', function () {
  this.timeout(120_000);

  it('closes its account until the reset that the provider names, others go on, and the same session resumes by itself (row 229)', async () => {
    const clock = new FakeClock(Date.now());
    const resets = Math.floor(clock.now() / 1000) + 3600;
    const headers = { 'x-codex-primary-used-percent': '100', 'x-codex-primary-window-minutes': '300', 'x-codex-primary-reset-at': String(resets) };
    const limit: Turn = { error: { status: 429, headers, body: { error: { type: 'usage_limit_reached', message: 'The usage limit has been reached' } } } };
    const work = (file: string): Turn => ({ tools: [{ tool: 'write', path: file, content: 'done\n' }] });
    const test = await withRealAgents(
      server,
      { codex: [work('codex.txt'), limit, { text: 'Went on and finished.' }], claude: [work('claude.txt'), { text: 'Finished.' }] },
      { files, clock, config: { merge: { policy: 'auto' }, gates: [{ name: 'syntax', run: 'node --check calc.js' }] }, tasks: [{ id: 'one', goal: 'Write one', agent: 'codex' }, { id: 'two', goal: 'Write two', agent: 'claude' }] },
    );
    await test.engine.send({ type: 'start' });
    // Snapshots are sent by the clock, which stands still.
    await until('the other account has gone on', async () => (await test.record('two')).state === 'done' && (await test.engine.snapshot()).accounts.some((one) => one.closed), 60_000);
    const held = await test.engine.snapshot();
    assert.deepEqual(held.accounts.filter((one) => one.closed).map((one) => [one.account, one.closed, one.closed_until]), [['openai', true, new Date(resets * 1000).toISOString()]]);
    assert.match(held.tasks.find((one) => one.id === 'one')?.why ?? '', /Account openai opens in .*usage limit/i);
    assert.equal((await test.record('one')).retry_count, 0, 'a limit is nobody’s failure');

    await clock.advance(3_600_000);
    await until('the account is open again', () => passing(clock, async () => (await test.record('one')).state === 'done'), 60_000);
    const done = await test.record('one');
    assert.deepEqual(done.attempts.map((one) => [one.outcome, one.error?.kind ?? null]), [['failed', 'usage_limit'], ['succeeded', null]]);
    assert.equal(done.attempts[1]?.session_id, done.attempts[0]?.session_id);
    const resumed = server.turns(test.scenario.codex).at(-1)?.conversation;
    assert.ok(resumed?.messages.some((one) => one.text.includes('Write one')), 'the history is there');
    assert.equal(readFileSync(path.join(test.repo.root, 'codex.txt'), 'utf8'), 'done\n');
  });
});

function edit(old: string, next: string): Turn {
  return { tools: [{ tool: 'read', path: 'calc.js' }, { tool: 'edit', path: 'calc.js', old, new: next }] };
}
