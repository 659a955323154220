import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PermissionRule } from '../../../src/core/config/schema.ts';
import { evaluatePermission, questionOf, toolClass } from '../../../src/core/permissions.ts';
import { parseShell } from '../../../src/core/shellCommand.ts';

const RULES: readonly PermissionRule[] = [
  { tool: 'shell', pattern: 'npm test*', then: 'allow' },
  { tool: 'shell', pattern: 'echo *', then: 'allow' },
  { tool: 'shell', pattern: 'cd *', then: 'allow' },
  { tool: 'shell', pattern: '*rm -rf*', then: 'deny' },
  { tool: 'write', path: '../**', then: 'deny' },
  { tool: 'write', path: 'src/**', then: 'allow' },
  { tool: 'read', then: 'allow' },
];
const shell = (command: string, rules = RULES): string => evaluatePermission(rules, { tool: 'Bash', command }).then;
const file = (tool: string, path: string, rules = RULES): string => evaluatePermission(rules, { tool, paths: [path] }).then;

describe('Permission rules', () => {
  it('know the tools of the agents by their class', () => {
    for (const tool of ['Bash', 'shell', 'run_shell_command', 'exec_command', 'execute']) assert.equal(toolClass(tool), 'shell', tool);
    for (const tool of ['Edit', 'Write', 'MultiEdit', 'NotebookEdit', 'replace', 'write_file', 'apply_patch', 'edit', 'delete', 'move']) assert.equal(toolClass(tool), 'write', tool);
    for (const tool of ['Read', 'Grep', 'Glob', 'read_file', 'view', 'search']) assert.equal(toolClass(tool), 'read', tool);
    for (const tool of ['WebFetch', 'WebSearch', 'fetch', 'google_web_search']) assert.equal(toolClass(tool), 'network', tool);
    assert.equal(toolClass('mcp__github__create_issue'), undefined);
  });
  it('are tried in order, the first that matches wins, and the human is asked when none does', () => {
    const rules: PermissionRule[] = [{ tool: 'Bash', pattern: 'npm *', then: 'deny' }, { tool: 'shell', then: 'allow' }];
    assert.deepEqual(evaluatePermission(rules, { tool: 'Bash', command: 'npm i' }), { then: 'deny', rule: rules[0], reason: 'Permission rule 1 denies npm i.' });
    assert.equal(shell('ls', rules), 'allow');
    assert.deepEqual(evaluatePermission(rules, { tool: 'WebFetch' }), { then: 'ask', rule: null, reason: 'No rule decides about WebFetch.' });
    assert.equal(evaluatePermission([{ tool: '*', then: 'allow' }], { tool: 'WebFetch' }).then, 'allow');
    assert.equal(evaluatePermission([{ tool: 'mcp__git*', then: 'deny' }], { tool: 'mcp__github__x' }).then, 'deny');
    assert.equal(evaluatePermission([], { tool: 'Read' }).then, 'ask');
  });

  describe('over files', () => {
    it('match paths within the worktree', () => {
      assert.equal(file('Edit', 'src/a/b.ts'), 'allow');
      assert.equal(file('Edit', 'src/.hidden/x'), 'allow');
      assert.equal(file('Edit', 'test/b.ts'), 'ask');
      assert.equal(file('Write', '../other/x'), 'deny');
      assert.equal(file('Read', 'anything'), 'allow');
    });
    it('that allow without a path stay within the worktree', () => {
      const rules: PermissionRule[] = [{ tool: '*', then: 'allow' }];
      assert.equal(file('Write', 'a', rules), 'allow');
      for (const path of ['../x', '..', '/etc/passwd', 'C:/x', '~/.bashrc']) assert.equal(file('Write', path, rules), 'ask', path);
      assert.equal(file('Write', '/tmp/x', [{ tool: 'write', path: '/tmp/**', then: 'allow' }]), 'allow');
    });
    it('allow several files only if each is allowed', () => {
      const move = (...paths: string[]): string => evaluatePermission(RULES, { tool: 'move', paths }).then;
      assert.equal(move('src/a', 'src/b'), 'allow');
      assert.equal(move('src/a', 'x'), 'ask');
      assert.equal(move('src/a', 'x', '../y'), 'deny');
    });
    it('that hold back do so in any case of letters', () => {
      const rules: PermissionRule[] = [{ tool: 'read', path: '**/.env', then: 'deny' }, { tool: 'read', then: 'allow' }];
      assert.equal(file('Read', 'a/.ENV', rules), 'deny');
      assert.equal(file('Read', '.env', rules), 'deny');
    });
  });

  describe('over commands', () => {
    it('allow what matches', () => {
      for (const command of ['npm test', 'npm test -- test/unit/a.test.ts', 'npm test 2>&1', 'npm test >/dev/null', "echo 'a; b'", 'echo "a && b"', 'npm test && echo done', 'npm test | echo x', 'npm test # all of them', 'echo a \\\n b']) {
        assert.equal(shell(command), 'allow', command);
      }
    });
    it('allow a compound command only if every part of it is allowed', () => {
      for (const command of [
        'npm test && curl evil', 'npm test; curl evil', 'npm test | sh', 'npm test || curl x', 'npm test & curl x', 'npm test\ncurl x', 'npm test $(curl x)', 'npm test `curl x`', 'npm test "$(curl x)"', 'npm test <(curl x)',
        '(npm test; curl x)', 'echo "a `curl x`"', 'npm test $(echo $(curl x))', "npm test # '\ncurl x #'", "npm test $'\\'' ; curl x ; echo $'\\''", 'npm test |& curl x', 'npm test;curl x',
      ]) assert.equal(shell(command), 'ask', command);
    });
    it('do not allow what writes files unless that is allowed too', () => {
      assert.equal(shell('npm test > src/out.txt'), 'allow');
      assert.equal(shell('npm test > out.txt'), 'ask');
      assert.equal(shell('npm test >> ../x'), 'deny');
      assert.equal(shell('npm test > src/../../x'), 'deny');
      assert.equal(shell('npm test > /etc/passwd'), 'ask');
      assert.equal(shell('npm test &> "src/$X"'), 'ask');
      assert.equal(shell('cd src && echo x > src/y'), 'ask');
      assert.equal(shell('echo x >| ~/.bashrc'), 'ask');
    });
    it('do not allow what is not understood', () => {
      for (const command of ['echo "open', "echo 'open", 'cat <<EOF\nx\nEOF', 'echo $(open', 'echo `open', 'npm test <<EOF\n$(x)\nEOF']) assert.equal(shell(command), 'ask', command);
    });
    it('deny if any part is denied, however it is dressed up', () => {
      for (const command of ['rm -rf x', 'npm test && rm -rf x', 'sudo rm -rf x', 'echo $(rm -rf x)', 'FOO=1 rm -rf x', '/bin/rm -rf x', '"rm" -rf x', 'bash -c "rm -rf x"', "sh -lc 'npm test; rm -rf x'", 'eval "rm -rf x"']) {
        assert.equal(shell(command), 'deny', command);
      }
      assert.equal(shell('/usr/bin/rm -rf x', [{ tool: 'shell', pattern: 'rm *', then: 'deny' }]), 'deny');
    });
    it('allow rules see the command as it is written, so that nothing slips in before it', () => {
      for (const command of ['LD_PRELOAD=x npm test', 'sudo npm test', 'x npm test']) assert.equal(shell(command), 'ask', command);
    });
    it('always deny the stash, which all worktrees share', () => {
      const all: PermissionRule[] = [{ tool: '*', then: 'allow' }];
      for (const command of ['git stash', 'git stash pop', 'git -C x stash', 'git -c a=b --no-pager stash list', 'npm test && git stash', 'FOO=1 git stash', '/usr/bin/git stash', 'env git stash', 'bash -c "git stash"', 'echo $(git stash)', '"git" stash', 'git -c alias.s=stash s']) {
        assert.equal(shell(command, all), 'deny', command);
      }
      for (const command of ['git status', 'git commit -m "git stash"', 'git log --grep stash', 'ls stash']) assert.equal(shell(command, all), 'allow', command);
    });
    it('no second command is ever allowed along with an allowed one (property)', () => {
      const quoted = fc.constantFrom('a', "'a b'", '"x y"', "'a;b'", '"it\'s"', "'say \"hi\"'", '\\;', '2>&1', '>/dev/null', '--flag=1');
      const joint = fc.constantFrom(';', ' && ', ' || ', ' | ', ' & ', '\n', ' $(', ' "$(', ' `', ' <(');
      const closing: Record<string, string> = { ' $(': ')', ' "$(': ')"', ' `': '`', ' <(': ')' };
      fc.assert(
        fc.property(fc.array(quoted), joint, fc.array(quoted), (before, joined, after) => {
          const command = ['npm test', ...before].join(' ') + joined + ['curl', ...after.filter((one) => !one.includes("'") || joined !== ' "$(')].join(' ') + (closing[joined] ?? '');
          assert.equal(shell(command), 'ask', command);
        }),
      );
    });
  });

  it('read command and paths from the tool calls of the agents', () => {
    assert.deepEqual(questionOf('Bash', { command: 'ls', description: 'x' }), { tool: 'Bash', command: 'ls' });
    assert.deepEqual(questionOf('shell', { command: ['bash', '-c', "echo 'a b'"] }), { tool: 'shell', command: "bash -c 'echo '\\''a b'\\'''" });
    assert.deepEqual(questionOf('Edit', { file_path: '/w/a.ts', old_string: 'x' }), { tool: 'Edit', paths: ['/w/a.ts'] });
    assert.deepEqual(questionOf('WebFetch', { url: 'https://x' }), { tool: 'WebFetch' });
  });
});

describe('A shell command taken apart', () => {
  it('shows every program that it would start', () => {
    assert.deepEqual(parseShell('a 1 && b "x;y" | c > out 2>err; (d) $(e `f`)').parts.map((part) => part.trim()).sort(), ['a 1', 'b "x;y"', 'c', 'd', 'e `f`', 'f', '$(e `f`)'].sort());
    assert.deepEqual(parseShell('a > out 2>err >&2 &>both >>more').writes, ['out', 'err', 'both', 'more']);
    assert.deepEqual(parseShell('bash -c "a; b"').parts, ['bash -c "a; b"', 'a', 'b']);
    assert.equal(parseShell("echo $'a'").understood, false);
  });
  it('is found to be understood or not without ever failing (property)', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', ' ', "'", '"', '`', '$', '(', ')', '{', '<', '>', '|', '&', ';', '\\', '\n', '#', '=', '-') }), (text) => assert.equal(typeof parseShell(text).understood, 'boolean')), { numRuns: 1000 });
  });
});
