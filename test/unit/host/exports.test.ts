import assert from 'node:assert/strict';
import * as engine from '../../../src/host/index.ts';

/** What the requirements call PriorityScorer, RetryHandler, StateMachine, ApprovalChecker, RunLogger …, by this code base's names. */
const PUBLIC = [
  ...['Decisions', 'Lifecycle', 'Loop', 'Orchestrator', 'STEP_STATES', 'TASK_STATES', 'approvalNeeded', 'classifyError', 'configSchema'],
  ...['evaluatePermission', 'executeWithRetry', 'initRepository', 'isStepEdge', 'isTaskEdge', 'keepRunLog', 'loadConfig', 'newTaskFrom', 'openRepository', 'planQueue'],
  ...['readTemplates', 'retryOnFailure', 'runHeader', 'runLogEntry', 'runSummary', 'scorePriority', 'taskDefinition'],
];

describe('The engine’s bundle', () => {
  it('has one public surface, complete and without accidents (rows 11, 188)', () => {
    assert.deepEqual(Object.keys(engine).sort(), PUBLIC.sort());
  });
});
