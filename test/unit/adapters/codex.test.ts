import assert from 'node:assert/strict';
import { commandUse, patchUse, unwrapped } from '../../../src/adapters/agents/codex/items.ts';
import { closedUntil, endOf, errorOf } from '../../../src/adapters/agents/codex/outcome.ts';
import { confinementOf } from '../../../src/adapters/agents/codex/sandbox.ts';
import { fromStrict, toStrict, type JsonSchema } from '../../../src/adapters/agents/codex/schema.ts';
import { UsageMeter } from '../../../src/adapters/agents/codex/usage.ts';
import { answerSchema, readAnswer, type AnsweringRole } from '../../../src/core/answers.ts';

const ROLES: readonly AnsweringRole[] = ['planner', 'plan_reviewer', 'code_reviewer'];

describe('a schema in strict form', () => {
  for (const role of ROLES) {
    it(`has every property required, no further ones and no map, for the ${role}`, () => {
      const walk = (schema: JsonSchema): void => {
        for (const one of Object.values(schema)) if (typeof one === 'object' && one !== null) walk(one as JsonSchema);
        if (schema['type'] !== 'object') return;
        assert.equal(schema['additionalProperties'], false);
        assert.deepEqual(schema['required'], Object.keys(schema['properties'] as object));
      };
      walk(toStrict(answerSchema(role)));
    });
  }

  it('gives an answer whose nulls and lists of pairs become what the role’s schema wants', () => {
    const step = { id: 'a', description: 'Do it', type: null, risk: 'low', complexity: null, files: { read: null, create: ['x.js'], modify: null }, commands: null, dependencies: null };
    const plan = fromStrict({ summary: null, steps: [step], rollback: null, estimated_minutes: 5 }, answerSchema('planner'));
    assert.deepEqual(plan, { steps: [{ id: 'a', description: 'Do it', risk: 'low', files: { create: ['x.js'] } }], estimated_minutes: 5 });
    assert.equal(readAnswer('planner', JSON.stringify(plan)).ok, true);
    const finding = { severity: 'major', file: null, line: null, description: 'wrong' };
    const review = fromStrict({ status: 'needs_changes', scores: [{ key: 'tests', value: 0.4 }], required_changes: [finding], optional_improvements: null, reasoning: null }, answerSchema('code_reviewer'));
    assert.deepEqual(review, { status: 'needs_changes', scores: { tests: 0.4 }, required_changes: [{ severity: 'major', description: 'wrong' }] });
    assert.equal(readAnswer('code_reviewer', JSON.stringify(review)).ok, true);
  });

  it('leaves an answer that does not fit for Baton’s own check to refuse', () => {
    assert.deepEqual(fromStrict({ verdict: 'fine' }, answerSchema('plan_reviewer')), { verdict: 'fine' });
  });
});

describe('what came of a Codex attempt', () => {
  const exit = { code: 0, signal: null };

  it('is success only by a turn that is told to be complete', () => {
    assert.equal(endOf({ said: 'Done.', turn: { status: 'completed' } }, exit, '', undefined).ok, true);
    assert.equal(endOf({ said: 'Done.', started: true }, exit, '', undefined).error?.kind, 'crashed');
    assert.equal(endOf({ said: 'Done.', turn: { status: 'completed' }, killed: 'stopped' }, exit, '', undefined).error?.kind, 'interrupted');
  });

  it('has a kind for every way in which the provider fails', () => {
    const kind = (codexErrorInfo: unknown, message = 'no') => errorOf({ codexErrorInfo, message }, { said: '' }).kind;
    assert.deepEqual(
      ['usageLimitExceeded', 'rateLimitExceeded', 'serverOverloaded', 'internalServerError', 'modelNotFound', 'unauthorized', 'badRequest', 'contextWindowExceeded', 'newInALaterVersion', null].map((one) => kind(one)),
      ['usage_limit', 'rate_limit', 'overloaded', 'server_error', 'model_not_found', 'authentication', 'invalid_request', 'context_window', 'unknown', 'unknown'],
    );
    assert.equal(kind({ httpConnectionFailed: { httpStatusCode: 401 } }), 'authentication');
    assert.equal(kind({ responseTooManyFailedAttempts: { httpStatusCode: 429 } }), 'rate_limit');
    assert.equal(kind({ responseStreamDisconnected: { httpStatusCode: null } }), 'connection');
    assert.equal(kind('other', '{"error":{"type":"invalid_request_error","message":"bad"}}'), 'invalid_request');
  });

  it('knows the reset only of a window that is used up', () => {
    assert.equal(closedUntil({ primary: { usedPercent: 99, resetsAt: 10 }, secondary: null }), undefined);
    assert.equal(closedUntil({ primary: { usedPercent: 100, resetsAt: 10 }, secondary: { usedPercent: 100, resetsAt: 20 } }), 20_000);
    assert.equal(closedUntil({ primary: { usedPercent: 100, resetsAt: null }, secondary: null }), undefined);
  });
});

describe('the usage of a Codex thread', () => {
  const tokens = (inputTokens: number, cachedInputTokens: number, outputTokens: number) => ({ inputTokens, cachedInputTokens, cacheWriteInputTokens: 0, outputTokens });
  const usage = (total: object, last: object) => ({ total, last });

  it('counts cached tokens apart, a repeated report once, and none of a resumed thread’s past', () => {
    const meter = new UsageMeter();
    meter.updated('t', usage(tokens(500, 100, 10), tokens(500, 100, 10)), true, false);
    assert.equal(meter.updated('t', usage(tokens(1700, 600, 70), tokens(1200, 500, 60)), true, true), true);
    assert.equal(meter.updated('t', usage(tokens(1700, 600, 70), tokens(1200, 500, 60)), true, true), false);
    assert.deepEqual(meter.total, { input_tokens: 700, output_tokens: 60, cache_read_tokens: 500, cache_write_tokens: 0 });
    assert.equal(meter.turns, 1);
  });

  it('adds what helpers of the agent use in threads of their own', () => {
    const meter = new UsageMeter();
    meter.updated('main', usage(tokens(100, 0, 10), tokens(100, 0, 10)), true, true);
    meter.updated('helper', usage(tokens(50, 0, 5), tokens(50, 0, 5)), false, true);
    assert.deepEqual([meter.total.input_tokens, meter.total.output_tokens, meter.turns], [150, 15, 1]);
  });
});

describe('Codex’s sandbox by Baton’s permissions', () => {
  const agent = { driver: 'codex' as const, args: [], env: {} };

  it('is open for nobody who only looks, and for an implementer only by a word of the configuration that no rule contradicts', () => {
    const of = (role: 'planner' | 'implementer', permission_mode?: 'default' | 'plan' | 'bypassPermissions', ask_all = false) => {
      const { sandbox, approvalPolicy, approvalsReviewer } = confinementOf({ role, agent: { ...agent, ...(permission_mode === undefined ? {} : { permission_mode }) }, ask_all });
      assert.equal(approvalsReviewer, 'user');
      return `${sandbox} ${approvalPolicy}`;
    };
    assert.equal(of('implementer'), 'workspace-write on-request');
    assert.equal(of('implementer', 'default'), 'workspace-write untrusted');
    assert.equal(of('implementer', undefined, true), 'workspace-write untrusted');
    assert.equal(of('implementer', 'plan'), 'read-only on-request');
    assert.equal(of('implementer', 'bypassPermissions'), 'danger-full-access never');
    assert.equal(of('implementer', 'bypassPermissions', true), 'workspace-write untrusted');
    assert.equal(of('planner', 'bypassPermissions'), 'read-only on-request');
  });
});

describe('an item of Codex in words', () => {
  it('is a command without the shell that Codex puts around it', () => {
    assert.equal(unwrapped(`/bin/bash -lc 'npm test'`), 'npm test');
    assert.equal(unwrapped(`/bin/zsh -lc "cat 'a b.js'"`), `cat 'a b.js'`);
    assert.equal(unwrapped(`/bin/bash -lc 'echo '\\''hi'\\'''`), `echo 'hi'`);
    assert.equal(unwrapped('/bin/bash -lc a b'), '/bin/bash -lc a b');
    assert.equal(unwrapped('node server.js'), 'node server.js');
  });

  it('says the folder of a command only where it is another', () => {
    assert.deepEqual(commandUse({ command: 'ls', cwd: '/w' }, '/w').input, { command: 'ls' });
    assert.deepEqual(commandUse({ command: 'ls', cwd: '/other' }, '/w').input, { command: 'ls', cwd: '/other' });
  });

  it('names every file of a patch, and where one is moved to', () => {
    const changes = [
      { path: '/w/a.js', kind: { type: 'update', move_path: '/w/b.js' }, diff: '@@ -1 +1 @@\n-x\n+y' },
      { path: '/etc/c', kind: { type: 'delete' }, diff: 'gone\n' },
    ];
    assert.deepEqual(patchUse({ changes }, '/w').input, {
      paths: ['a.js', 'b.js', '/etc/c'],
      diff: '--- a/a.js\n+++ b/b.js\n@@ -1 +1 @@\n-x\n+y\n--- a//etc/c\n+++ /dev/null\n-gone\n',
    });
  });
});
