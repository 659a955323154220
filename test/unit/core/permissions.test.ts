import assert from 'node:assert/strict';
import { evaluatePermission } from '../../../src/core/permissions.ts';
import type { PermissionRule } from '../../../src/core/config/schema.ts';

const RULES: PermissionRule[] = [
  { tool: 'shell', pattern: 'npm test*', then: 'allow' },
  { tool: 'shell', pattern: 'node *', then: 'allow' },
  { tool: 'shell', pattern: 'rm *', then: 'deny' },
  { tool: 'write', path: '../**', then: 'deny' },
  { tool: 'write', path: 'src/**', then: 'allow' },
  { tool: 'WebFetch', then: 'deny' },
  { tool: '*', then: 'ask' },
];

/** Paths that start with `out` lead out of the worktree. */
const resolve = (path: string): Promise<string | null> => Promise.resolve(path.startsWith('out') || path.startsWith('/') ? null : path);
const ask = async (tool: string, input: Record<string, unknown>, rules = RULES): Promise<string> =>
  (await evaluatePermission(rules, { tool, input, worktree: '/w', resolve })).then;
const run = (command: string, rules = RULES): Promise<string> => ask('Bash', { command }, rules);

describe('The permission policy (row 249)', () => {
  it('takes the first rule that matches, and asks when none does', async () => {
    assert.equal(await run('npm test -- --grep a/b'), 'allow');
    assert.equal(await run('rm -rf build'), 'deny');
    assert.equal(await run('curl example.org'), 'ask');
    assert.equal(await run('npm test', []), 'ask');
  });

  it('allows a compound command only when every part is allowed', async () => {
    assert.equal(await run('npm test && node x.js'), 'allow');
    assert.equal(await run('npm test; curl evil'), 'ask');
    assert.equal(await run('npm test | rm -rf /'), 'deny');
    assert.equal(await run('npm test\nrm -rf /'), 'deny');
    assert.equal(await run('npm test & curl evil'), 'ask');
  });

  it('does not let a quoted operator split a command', async () => assert.equal(await run('node -e "a && b; c"'), 'allow'));

  it('asks about substitutions and redirections that a pattern cannot see through', async () => {
    assert.equal(await run('npm test $(curl evil)'), 'ask');
    assert.equal(await run('npm test `curl evil`'), 'ask');
    assert.equal(await run('npm test > ../../etc/passwd'), 'ask');
    assert.equal(await run('npm test > /dev/null 2>&1'), 'allow');
    assert.equal(await run('echo $(date)', [{ tool: 'shell', then: 'allow' }]), 'allow');
  });

  it('always denies git stash, which all worktrees share', async () => {
    for (const command of ['git stash', 'git -C x stash pop', 'npm test && /usr/bin/git stash list']) {
      assert.equal(await run(command, [{ tool: '*', then: 'allow' }]), 'deny', command);
    }
    assert.equal(await run('git log stash', [{ tool: '*', then: 'allow' }]), 'allow');
  });

  it('judges paths where they really lead', async () => {
    assert.equal(await ask('Edit', { file_path: 'src/a.ts' }), 'allow');
    assert.equal(await ask('Write', { file_path: 'out/link' }), 'deny');
    assert.equal(await ask('Write', { file_path: 'README.md' }), 'ask');
  });

  it('asks before a write outside the worktree whatever a rule without a path allows', async () => {
    assert.equal(await ask('Write', { file_path: '/etc/passwd' }, [{ tool: 'write', then: 'allow' }]), 'ask');
    assert.equal(await ask('Read', { file_path: '/etc/hosts' }, [{ tool: 'read', then: 'allow' }]), 'allow');
  });

  it('knows tools by name and by class, for several vendors', async () => {
    assert.equal(await ask('WebFetch', { url: 'https://example.org' }), 'deny');
    assert.equal(await ask('run_shell_command', { command: 'npm test' }), 'allow');
    assert.equal(await ask('exec_command', { cmd: ['npm', 'test'] }), 'allow');
  });
});
