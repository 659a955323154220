import assert from 'node:assert/strict';
import { emptyUsage, type Attempt, type Decision, type GateRound, type HistoryEntry, type TaskExecution } from '../../../../src/core/execution.ts';
import { measure } from '../../../../src/core/metrics/measure.ts';
import { stretchMs } from '../../../../src/core/metrics/rollup.ts';
import { decision, T0, task } from '../../../support/tasks.ts';

const MINUTE = 60_000;
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();
const move = (from: HistoryEntry['from'], to: HistoryEntry['to'], seconds: number): HistoryEntry => ({ from, to, at: at(seconds), why: '' });
const STARTED = [move(null, 'new', 0), move('new', 'implementing', 10)];

function attempt(id: string, over: Partial<Attempt> = {}): Attempt {
  return {
    attempt_id: id,
    role: 'implementer',
    step_id: 'implement',
    number: 1,
    agent: 'claude',
    driver: 'claude',
    model: 'sonnet',
    account: 'anthropic',
    mark: '',
    session_id: null,
    process: null,
    started_at: at(10),
    ended_at: at(70),
    outcome: 'succeeded',
    error: null,
    exit_code: 0,
    usage: { ...emptyUsage(), input_tokens: 100, output_tokens: 20 },
    cost_usd: 0.5,
    turns: 1,
    ...over,
  };
}
const round = (passed: boolean, seconds: number): GateRound => ({ round: 1, subject: 'branch', checks: [], passed, can_merge: passed, tree_sha: '', base_sha: '', at: at(seconds) });
const started = (over: Parameters<typeof task>[1]): TaskExecution => task('t', { started_at: at(10), history: STARTED, ...over });
const asked = (kind: Decision['kind'], over: Partial<Decision> = {}): Decision => decision({ id: kind, kind, since: at(20), ...over });

/** The one ending that a finished task has. */
function ended(over: Partial<TaskExecution> = {}) {
  const done = started({ state: 'done', history: [...STARTED, move('quality_gate', 'done', 130)], ...over });
  const endings = measure(undefined, done, MINUTE)?.endings ?? [];
  assert.equal(endings.length, 1);
  return endings[0];
}

describe('What a change of a task adds to the metrics', () => {
  it('is a start when the task leaves the queue (row 26)', () => {
    const change = measure(task('t', { history: STARTED.slice(0, 1) }), started({}), MINUTE);
    assert.deepEqual(change?.rollups.map(({ start, started: count }) => [start, count]), [[T0, 1]]);
  });
  it('is one ending with its duration when the task completes (row 27)', () => {
    assert.deepEqual(ended(), { at: T0 + 130_000, task_id: 't', completed: true, seconds: 120, retried: false, human: false, first_pass: null });
  });
  it('is one ending with its duration when the task fails (row 28)', () => {
    const before = started({});
    const after = started({ state: 'failed', history: [...STARTED, move('implementing', 'failed', 40)], error: { kind: 'crashed', message: '', at: at(40) } });
    assert.deepEqual(measure(before, after, MINUTE)?.endings.map(({ completed, seconds }) => [completed, seconds]), [[false, 30]]);
  });
  it('is nothing when the task was cancelled', () => {
    const after = started({ state: 'failed', history: [...STARTED, move('implementing', 'failed', 40)], error: { kind: 'cancelled', message: '', at: at(40) } });
    assert.equal(measure(started({}), after, MINUTE), undefined);
  });
  it('is nothing for a cancel that was run again since, also when the whole record is measured', () => {
    const history = [...STARTED, { ...move('implementing', 'failed', 40), error: 'cancelled' }, move('failed', 'new', 50)];
    assert.deepEqual(measure(undefined, started({ history }), MINUTE)?.endings, []);
    assert.equal(measure(undefined, started({ history: [...STARTED, { ...move('implementing', 'failed', 40), error: 'crashed' }, move('failed', 'new', 50)] }), MINUTE)?.endings.length, 1);
  });
  it('is nothing when the task was found done', () => {
    const found = task('t', { state: 'done', history: [move(null, 'new', 0), move('new', 'implementing', 0), move('implementing', 'quality_gate', 0), move('quality_gate', 'done', 0)] });
    assert.equal(measure(undefined, found, MINUTE), undefined);
  });
  it('is nothing when only the text of the task changed', () => {
    assert.equal(measure(started({}), started({ feedback: 'more' }), MINUTE), undefined);
  });
  it('counts the duration of a task that was run again from its second start', () => {
    const again = [...STARTED, move('implementing', 'failed', 40), move('failed', 'new', 1000), move('new', 'implementing', 1010), move('quality_gate', 'done', 1040)];
    const change = measure(undefined, started({ state: 'done', history: again }), MINUTE);
    assert.deepEqual(change?.endings.map(({ completed, seconds }) => [completed, seconds]), [[false, 30], [true, 30]]);
    assert.equal(change.rollups.reduce((sum, one) => sum + one.started, 0), 2);
  });
  it('is an attempt with cost and tokens by agent, model, role and area when it ends, once', () => {
    const running = started({ attempts: [attempt('a1', { ended_at: null, outcome: 'running' })], def: { area: 'core' } });
    const after = started({ attempts: [attempt('a1')], def: { area: 'core' } });
    const change = measure(running, after, MINUTE);
    assert.deepEqual(change?.costs, [
      { start: T0 + MINUTE, agent: 'claude', model: 'sonnet', role: 'implementer', area: 'core', attempts: 1, cost_usd: 0.5, unpriced: 0, input_tokens: 100, output_tokens: 20, cache_read_tokens: 0, cache_write_tokens: 0 },
    ]);
    assert.equal(measure(after, after, MINUTE), undefined);
  });
  it('says of an attempt without a price that it has none', () => {
    const change = measure(started({}), started({ attempts: [attempt('a1', { cost_usd: null, model: null })] }), MINUTE);
    assert.deepEqual(change?.costs.map(({ model, cost_usd, unpriced }) => [model, cost_usd, unpriced]), [['', 0, 1]]);
  });
  it('is a gate round, passed or failed', () => {
    const change = measure(started({}), started({ quality_gate_results: [round(false, 20), round(true, 90)] }), MINUTE);
    assert.deepEqual(change?.rollups.map(({ start, gates_passed, gates_failed }) => [(start - T0) / 1000, gates_passed, gates_failed]), [[0, 0, 1], [60, 1, 0]]);
  });
  it('is a decision when it is opened, not when it is answered', () => {
    const open = started({ decisions: [asked('merge')] });
    assert.deepEqual(measure(started({}), open, MINUTE)?.rollups.map((one) => one.decisions), [1]);
    assert.equal(measure(open, started({ decisions: [asked('merge', { status: 'answered' })] }), MINUTE), undefined);
  });

  it('calls a task retried when it went on after a failed attempt or gate round', () => {
    const failed = attempt('a1', { outcome: 'failed', ended_at: at(20) });
    assert.equal(ended({ attempts: [failed] })?.retried, false);
    assert.equal(ended({ attempts: [failed, attempt('a2', { started_at: at(30) })] })?.retried, true);
    assert.equal(ended({ attempts: [attempt('a1', { outcome: 'interrupted' }), attempt('a2', { started_at: at(30) })] })?.retried, false);
    assert.equal(ended({ attempts: [attempt('a1'), attempt('a2', { started_at: at(30) })], quality_gate_results: [round(false, 25), round(true, 90)] })?.retried, true);
  });
  it('sees a human at work where the policy did not ask for one, or where one said no', () => {
    const answer = (verdict: 'approve' | 'reject' | 'request_changes') => ({ verdict, text: null, input: null, by: 'ann', via: 'cli' as const, at: at(30) });
    for (const kind of ['start', 'plan', 'merge'] as const) assert.equal(ended({ decisions: [asked(kind, { answer: answer('approve') })] })?.human, false);
    for (const kind of ['permission', 'question', 'code_review', 'budget'] as const) assert.equal(ended({ decisions: [asked(kind)] })?.human, true);
    assert.equal(ended({ decisions: [asked('merge', { answer: answer('request_changes') })] })?.human, true);
  });
  it('looks at the first gate round for the first pass', () => {
    assert.equal(ended({ quality_gate_results: [round(true, 20), round(false, 30)] })?.first_pass, true);
    assert.equal(ended({ quality_gate_results: [round(false, 20), round(true, 30)] })?.first_pass, false);
  });

  it('falls into stretches of a minute, or of the aggregation interval where that is shorter', () => {
    assert.equal(stretchMs(300), 60_000);
    assert.equal(stretchMs(10), 10_000);
    assert.equal(stretchMs(0.0001), 1);
  });
});
