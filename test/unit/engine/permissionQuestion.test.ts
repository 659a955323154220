import assert from 'node:assert/strict';
import type { PermissionRule } from '../../../src/core/config/schema.ts';
import { acceptsEdits, judgePermission } from '../../../src/engine/permissionQuestion.ts';

const SECRETS: readonly PermissionRule[] = [{ tool: 'write', path: 'secrets/**', then: 'deny' }];

function judged(path: string, given: { policy?: readonly PermissionRule[]; granted?: readonly PermissionRule[]; accepts?: boolean; tool?: string } = {}): string {
  const { policy = SECRETS, granted = [], accepts = true, tool = 'Edit' } = given;
  const { then, by } = judgePermission(policy, granted, { tool, paths: [path] }, accepts);
  return `${then}, ${by.split(':')[0] ?? ''}`;
}

describe('A permission request under rules that hold something back (row 249)', () => {
  it('is denied by the rule, and an edit that no rule is about is what an accepting mode accepts', () => {
    assert.equal(judged('secrets/key'), 'deny, policy');
    assert.equal(judged('src/a.ts'), 'allow, permission_mode');
    assert.equal(judged('src/a.ts', { accepts: false }), 'ask, policy');
    assert.equal(judged('src/a.ts', { policy: [...SECRETS, { tool: 'write', then: 'ask' }] }), 'ask, policy');
  });

  it('of anything but a plain edit in the worktree still goes to the human', () => {
    for (const path of ['../elsewhere', '/etc/passwd', '.git/config', 'sub/.git/hooks/pre-commit', '.claude/settings.json', 'AGENTS.md', '.baton/orchestrator.yaml']) assert.equal(judged(path), 'ask, policy', path);
    assert.equal(judged('src/a.ts', { tool: 'Read' }), 'ask, policy');
    assert.equal(judgePermission(SECRETS, [], { tool: 'Bash', command: 'touch x' }, true).then, 'ask');
    assert.equal(judgePermission(SECRETS, [], { tool: 'Edit' }, true).then, 'ask');
  });

  it('without such rules is one that the agent’s own mode did not cover, so the human is asked', () => {
    assert.equal(judged('src/a.ts', { policy: [] }), 'ask, policy');
    assert.equal(judged('src/a.ts', { policy: [{ tool: 'shell', then: 'allow' }] }), 'ask, policy');
  });

  it('is allowed for this task where a human said so', () => {
    assert.equal(judged('AGENTS.md', { granted: [{ tool: 'write', path: 'AGENTS.md', then: 'allow' }] }), 'allow, allowed for this task');
  });

  it('comes from a mode that accepts edits for implementers only', () => {
    assert.deepEqual(
      ([['implementer', undefined], ['implementer', 'acceptEdits'], ['implementer', 'default'], ['implementer', 'bypassPermissions'], ['code_reviewer', undefined]] as const).map(([role, mode]) => acceptsEdits(role, mode)),
      [true, true, false, false, false],
    );
  });
});
