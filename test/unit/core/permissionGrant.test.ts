import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadConfig } from '../../../src/core/config/load.ts';
import { addPermissionRule } from '../../../src/core/config/permissionText.ts';
import type { PermissionRule } from '../../../src/core/config/schema.ts';
import { exactRule, placeOf, ruleText } from '../../../src/core/permissionGrant.ts';
import { evaluatePermission, type PermissionQuestion } from '../../../src/core/permissions.ts';
import { parseShell } from '../../../src/core/shellCommand.ts';

const shell = (command: string): PermissionQuestion => ({ tool: 'Bash', command });
const rules = (text: string): readonly PermissionRule[] => loadConfig(text, 'x', {}).config.permissions;

describe('A rule made from a request ("always", row 249)', () => {
  it('allows that command of that tool', () => {
    assert.deepEqual(exactRule(shell('npm run build -- --fast')), { tool: 'Bash', pattern: 'npm run build -- --fast', then: 'allow' });
    assert.deepEqual(exactRule({ tool: 'Edit', paths: ['src/a.ts'] }), { tool: 'Edit', path: 'src/a.ts', then: 'allow' });
    assert.deepEqual(exactRule({ tool: 'Read', paths: ['../shared/notes.md'] }), { tool: 'Read', path: '../shared/notes.md', then: 'allow' });
  });

  it('means a file with special letters in its name, not the files that a glob would mean', () => {
    for (const path of ['app/[id]/page.tsx', 'a{b,c}.ts', 'x*.ts', 'what?.md', '+(a).ts', '!a', 'a|b']) {
      const rule = exactRule({ tool: 'Edit', paths: [path] });
      if (!rule) continue;
      assert.equal(evaluatePermission([rule], { tool: 'Edit', paths: [path] }).then, 'allow', path);
      for (const other of ['app/i/page.tsx', 'ab.ts', 'xy.ts', 'whatx.md', 'a.ts', 'b', 'a']) assert.equal(evaluatePermission([rule], { tool: 'Edit', paths: [other] }).then, 'ask', `${path} must not cover ${other}`);
    }
  });

  it('is not offered where it would be broader than the request', () => {
    for (const command of ['npm test && rm -rf x', 'npm test; ls', 'ls *.ts', 'ls a?.ts', 'echo x > y', 'echo $(cat z)', 'cat `ls`', "bash -c 'ls'", '', '   ']) {
      assert.equal(exactRule(shell(command)), undefined, command);
    }
    assert.equal(exactRule({ tool: 'WebFetch', paths: ['x'] }), undefined);
    assert.equal(exactRule({ tool: 'mcp__github__create_issue' }), undefined);
    assert.equal(exactRule({ tool: 'mcp__files__move', paths: ['a', 'b'] }), undefined);
    assert.equal(exactRule({ tool: 'Edit', paths: ['a', 'b'] }), undefined);
    assert.equal(exactRule({ tool: '*', command: 'ls' }), undefined);
    assert.equal(exactRule({ tool: 'Bash', command: 'git stash' }), undefined);
  });

  it('lets no other command run, whatever the two are', () => {
    const word = fc.stringMatching(/^[a-z.$*?|&;<>()'"\\-]{1,6}$/);
    const command = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(command, command, (asked, other) => {
        const rule = exactRule(shell(asked));
        if (!rule || evaluatePermission([rule], shell(other)).then !== 'allow') return;
        const { parts, writes } = parseShell(other);
        assert.deepEqual([new Set(parts), writes], [new Set([rule.pattern]), []]);
      }),
      { numRuns: 500 },
    );
  });

  it('stands before the rule that asks, and never before one that denies', () => {
    const list: PermissionRule[] = [{ tool: 'shell', pattern: 'rm *', then: 'deny' }, { tool: 'shell', pattern: 'npm *', then: 'ask' }, { tool: '*', then: 'ask' }];
    const place = (among: PermissionRule[], question: PermissionQuestion) => placeOf(among, exactRule(question) ?? assert.fail('no rule'));
    assert.equal(place(list, shell('npm test')), 1);
    assert.equal(place(list, shell('make')), 2);
    assert.equal(place([], shell('make')), 0);
    assert.equal(place([{ tool: 'read', then: 'allow' }], shell('make')), 1);
    assert.equal(place([{ tool: 'write', path: 'app/**', then: 'ask' }], { tool: 'Edit', paths: ['app/[id].ts'] }), 0);
  });
});

describe('Adding a rule to a configuration', () => {
  const rule: PermissionRule = { tool: 'Bash', pattern: 'npm test', then: 'allow' };
  const LINE = '{tool: Bash, pattern: npm test, then: allow}';

  it('writes it as one readable line', () => {
    assert.equal(ruleText(rule), LINE);
    assert.equal(ruleText({ tool: 'Bash', pattern: 'echo "a: b" # c', then: 'allow' }), '{tool: Bash, pattern: "echo \\"a: b\\" # c", then: allow}');
  });

  for (const [what, text, expected] of [
    ['an empty file', '', `permissions:\n  - ${LINE}\n`],
    ['a file without the section', '# mine\nmerge: {policy: auto} # keep\n', `# mine\nmerge: {policy: auto} # keep\npermissions:\n  - ${LINE}\n`],
    ['an empty section', 'permissions:   # nothing yet\nmerge: {policy: auto}\n', `permissions:\n  - ${LINE}   # nothing yet\nmerge: {policy: auto}\n`],
    ['an empty flow list', 'permissions: []\n', `permissions: [${LINE}]\n`],
    ['a flow list', 'permissions: [{tool: "*", then: ask}] # all\n', `permissions: [${LINE}, {tool: "*", then: ask}] # all\n`],
    ['the end of a flow list', 'permissions: [{tool: read, then: allow}]\n', `permissions: [{tool: read, then: allow}, ${LINE}]\n`],
    [
      'the middle of a list with comments',
      'permissions:\n# reading\n- {tool: read, then: allow}   # fine\n# the rest\n- tool: "*"\n  then: ask\nmerge: {policy: auto}\n',
      `permissions:\n# reading\n- {tool: read, then: allow}   # fine\n# the rest\n- ${LINE}\n- tool: "*"\n  then: ask\nmerge: {policy: auto}\n`,
    ],
    [
      'the end of a list, between comments',
      'permissions:\n    - tool: read\n      then: allow # fine\n    # end\n\nmerge: {policy: auto}',
      `permissions:\n    - tool: read\n      then: allow # fine\n    - ${LINE}\n    # end\n\nmerge: {policy: auto}`,
    ],
    ['a list at the end of a file without a line end', 'permissions:\n  - {tool: read, then: allow}', `permissions:\n  - {tool: read, then: allow}\n  - ${LINE}\n`],
  ] as const) {
    it(`changes nothing else in ${what}`, () => {
      assert.equal(addPermissionRule(text, rule, {}), expected);
    });
  }

  it('means the same afterwards, whatever the command holds', () => {
    const command = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }).filter((text) => text.trim() === text && text !== '');
    fc.assert(
      fc.property(command, (pattern) => {
        const text = addPermissionRule('permissions:\n  - {tool: read, then: allow}\n  - {tool: "*", then: ask}\n', { tool: 'Bash', pattern, then: 'allow' }, {});
        assert.deepEqual(rules(text).find((one) => one.tool === 'Bash'), { tool: 'Bash', pattern, then: 'allow' });
        assert.equal(rules(text).length, 3);
      }),
      { numRuns: 300 },
    );
    for (const pattern of ['true', 'null', 'yes', '12', '0x1f', '1e3', 'a: b', 'x #y', '- a', '~', '\u2028x', '\u0085', '\ufeffa', 'ls -la', 'npm run a:b']) {
      assert.equal(rules(addPermissionRule('', { tool: 'Bash', pattern, then: 'allow' }, {}))[0]?.pattern, pattern);
    }
    assert.equal(rules(addPermissionRule('', { tool: 'Bash', pattern: 'echo ${HOME} $${X}', then: 'allow' }, {}))[0]?.pattern, 'echo ${HOME} $${X}');
  });

  it('refuses a configuration with errors', () => {
    assert.throws(() => addPermissionRule('permissions: [{tool: read}]\n', rule, {}), /has errors/);
    assert.throws(() => addPermissionRule('a: [\n', rule, {}), /has errors/);
  });
});
