import assert from 'node:assert/strict';
import { BatonError } from '../../../src/core/errors.ts';
import {
  assertStepEdge, assertTaskEdge, isActive, isStepEdge, isTaskEdge, isTerminal, parseTaskState, STEP_STATES, TASK_STATES, type StepState, type TaskState,
} from '../../../src/core/states.ts';

/** The edges as the specification lists them, written out here once more so that a slip in either place shows. */
const TASK_EDGES: readonly `${TaskState} → ${TaskState}`[] = [
  'new → planning', 'new → implementing',
  'planning → plan_review', 'planning → plan_approved',
  'plan_review → plan_approved', 'plan_review → plan_rejected',
  'plan_rejected → planning', 'plan_rejected → plan_approved',
  'plan_approved → implementing',
  'implementing → code_review', 'implementing → quality_gate',
  'code_review → implementing', 'code_review → quality_gate',
  'quality_gate → done', 'quality_gate → implementing',
  'new → awaiting_human_review', 'planning → awaiting_human_review', 'plan_review → awaiting_human_review', 'plan_approved → awaiting_human_review', 'plan_rejected → awaiting_human_review',
  'implementing → awaiting_human_review', 'code_review → awaiting_human_review', 'quality_gate → awaiting_human_review',
  'new → failed', 'planning → failed', 'plan_review → failed', 'plan_approved → failed', 'plan_rejected → failed', 'implementing → failed', 'code_review → failed', 'quality_gate → failed', 'awaiting_human_review → failed',
  'awaiting_human_review → new', 'awaiting_human_review → planning', 'awaiting_human_review → plan_review', 'awaiting_human_review → plan_approved', 'awaiting_human_review → implementing', 'awaiting_human_review → code_review', 'awaiting_human_review → quality_gate',
  'failed → new', 'done → new',
];
const STEP_EDGES: readonly `${StepState} → ${StepState}`[] = [
  'pending → implementing',
  'implementing → code_review', 'implementing → completed', 'implementing → retry', 'implementing → failed',
  'code_review → approved', 'code_review → rejected', 'code_review → retry', 'code_review → failed',
  'approved → completed',
  'rejected → retry', 'rejected → approved', 'rejected → failed',
  'retry → implementing',
  'failed → pending',
];

describe('Task states (rows 9, 120, 122)', () => {
  it('are exactly these 11', () => {
    assert.deepEqual([...TASK_STATES], ['new', 'planning', 'plan_review', 'plan_approved', 'plan_rejected', 'implementing', 'code_review', 'quality_gate', 'awaiting_human_review', 'done', 'failed']);
  });
  for (const from of TASK_STATES) {
    for (const to of TASK_STATES) {
      const legal = (TASK_EDGES as readonly string[]).includes(`${from} → ${to}`);
      it(`${from} → ${to} is ${legal ? 'legal' : 'refused'}`, () => {
        assert.equal(isTaskEdge(from, to), legal);
        if (legal) assertTaskEdge('t', from, to);
        else {
          assert.throws(() => assertTaskEdge('t', from, to), (error) => error instanceof BatonError && error.kind === 'illegal_transition' && error.message === `Task t cannot go from ${from} to ${to}.`);
        }
      });
    }
  }
  it('are terminal when done or failed, active when neither that nor parked (row 134)', () => {
    assert.deepEqual(TASK_STATES.filter(isTerminal), ['done', 'failed']);
    assert.deepEqual(TASK_STATES.filter((state) => !isActive(state)), ['awaiting_human_review', 'done', 'failed']);
  });
  it('can all be reached from new, and every one of them can come to an end', () => {
    const reach = (start: TaskState): Set<TaskState> => {
      const seen = new Set([start]);
      for (const from of seen) for (const to of TASK_STATES) if (isTaskEdge(from, to)) seen.add(to);
      return seen;
    };
    assert.deepEqual(reach('new').size, 11);
    for (const state of TASK_STATES) assert.ok(reach(state).has('done') && reach(state).has('failed'), state);
  });
  it('may be typed by a user in any case, and awaiting_human is one of them (row 167)', () => {
    assert.equal(parseTaskState(' Done '), 'done');
    assert.equal(parseTaskState('awaiting_human'), 'awaiting_human_review');
    assert.equal(parseTaskState('finished'), undefined);
  });
});

describe('Step states (rows 9, 121)', () => {
  it('are exactly these 8', () => {
    assert.deepEqual([...STEP_STATES], ['pending', 'implementing', 'code_review', 'approved', 'rejected', 'retry', 'completed', 'failed']);
  });
  for (const from of STEP_STATES) {
    for (const to of STEP_STATES) {
      const legal = (STEP_EDGES as readonly string[]).includes(`${from} → ${to}`);
      it(`${from} → ${to} is ${legal ? 'legal' : 'refused'}`, () => {
        assert.equal(isStepEdge(from, to), legal);
        if (legal) assertStepEdge('t', 's', from, to);
        else assert.throws(() => assertStepEdge('t', 's', from, to), { kind: 'illegal_transition', message: `Step s of task t cannot go from ${from} to ${to}.` });
      });
    }
  }
  it('never reopen a completed step', () => {
    assert.deepEqual(STEP_STATES.filter((to) => isStepEdge('completed', to)), []);
  });
});
