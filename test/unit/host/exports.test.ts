import assert from 'node:assert/strict';
import * as engine from '../../../src/host/index.ts';

/** What the requirements call PriorityScorer, RetryHandler, StateMachine, ApprovalChecker …, by this code base's names. */
const PUBLIC = [
  ...['Decisions', 'Lifecycle', 'Loop', 'Orchestrator', 'STEP_STATES', 'TASK_STATES', 'approvalNeeded', 'classifyError', 'configSchema'],
  ...['evaluatePermission', 'executeWithRetry', 'initRepository', 'isStepEdge', 'isTaskEdge', 'loadConfig', 'newTaskFrom', 'openRepository', 'planQueue'],
  ...['readTemplates', 'retryOnFailure', 'scorePriority', 'taskDefinition'],
];

describe('The engine’s bundle', () => {
  it('has one public surface, complete and without accidents (row 11)', () => {
    assert.deepEqual(Object.keys(engine).sort(), PUBLIC.sort());
  });
});
