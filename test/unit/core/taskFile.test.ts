import assert from 'node:assert/strict';
import fc from 'fast-check';
import { collectTasks, parseTaskMarkdown, parseTasksYaml, type ParsedTasks } from '../../../src/core/taskFile.ts';
import { taskIdFault } from '../../../src/core/task.ts';
import { YamlText } from '../../../src/core/yamlText.ts';
import { setTaskKey, slugOf, uniqueTaskId, writeTaskFile } from '../../../src/core/taskText.ts';

const yaml = (text: string): ParsedTasks => parseTasksYaml(text, 'tasks.yaml');
const md = (text: string, name = '.baton/tasks/fix-it.md'): ParsedTasks => parseTaskMarkdown(text, name);
const said = ({ problems }: ParsedTasks): string[] => problems.map((p) => `${p.line}:${p.column} ${p.severity}: ${p.message}`);
const definitions = ({ tasks }: ParsedTasks) => tasks.map((task) => task.definition);

describe('tasks.yaml (row 184)', () => {
  const tasks = '- id: RAE-001\n  goal: Implement search\n  risk: high\n  area: core\n- {id: RAE-002, goal: Document it, depends_on: [RAE-001]}\n';
  const expected = [
    { id: 'RAE-001', goal: 'Implement search', risk: 'high', area: 'core' },
    { id: 'RAE-002', goal: 'Document it', depends_on: ['RAE-001'] },
  ];
  it('is a bare list or a list under "tasks:"', () => {
    assert.deepEqual(definitions(yaml(tasks)), expected);
    assert.deepEqual(definitions(yaml(`tasks:\n${tasks.replace(/^/gm, '  ')}`)), expected);
  });
  it('may be empty', () => {
    for (const text of ['', '# none yet\n', 'tasks:\n', 'tasks: []\n', '[]']) assert.deepEqual(yaml(text), yaml(''), text);
    assert.equal(yaml('').problems.length, 0);
  });
  it('knows where each task and each dependency stands', () => {
    const [first, second] = yaml(tasks).tasks;
    assert.deepEqual([first?.line, first?.column, second?.line, second?.column], [1, 3, 5, 3]);
    assert.deepEqual(second?.dependencies_at, [{ line: 5, column: 49 }]);
  });
  it('reports a wrong value where it stands, and keeps the other tasks', () => {
    const read = yaml('- id: a\n  goal: x\n  risk: hihg\n- id: b\n  goal: y\n- id: ../etc\n  goal: z\n- goal: no id\n- just text\n- id: c\n');
    assert.deepEqual(said(read), [
      '3:9 error: Task a: risk must be one of low, medium, high; did you mean "high"?',
      '6:7 error: Task ../etc: id "../etc" is not a valid task id: use 1 to 64 letters, digits, ".", "_" or "-", starting with a letter or digit',
      '8:3 error: id is missing',
      '9:3 error: A task is a group of keys with id and goal.',
      '10:3 error: Task c: goal is missing',
    ]);
    assert.deepEqual(definitions(read), [{ id: 'b', goal: 'y' }]);
    assert.equal(read.problems[0]?.task_id, 'a');
  });
  it('warns about unknown keys, and keeps them', () => {
    const read = yaml('- id: a\n  goal: x\n  priorty: high\n  ticket: {nr: 7}\n');
    assert.deepEqual(said(read), [
      '3:3 warning: Task a: priorty is no key that Baton knows; it is kept. Did you mean "priority"?',
      '4:3 warning: Task a: ticket is no key that Baton knows; it is kept',
    ]);
    assert.deepEqual(definitions(read), [{ id: 'a', goal: 'x', priorty: 'high', ticket: { nr: 7 } }]);
  });
  it('takes figures for the text they look like, choices in any case, one value for a list, and nothing for nothing', () => {
    assert.deepEqual(definitions(yaml('- id: 007\n  goal: 42\n  risk: HIGH\n  labels: [1, true]\n  depends_on: 12\n  description:\n  deadline: 2026-12-24\n')), [
      { id: '007', goal: '42', risk: 'high', labels: ['1', 'true'], depends_on: ['12'], deadline: '2026-12-24' },
    ]);
  });
  it('reads "from" as the sender', () => {
    assert.deepEqual(definitions(yaml('- {id: a, goal: x, from: ceo@x}\n- {id: b, goal: x, from: no@x, sender: yes@x}')), [
      { id: 'a', goal: 'x', sender: 'ceo@x' },
      { id: 'b', goal: 'x', sender: 'yes@x' },
    ]);
  });
  it('warns about a deadline or date that it does not understand', () => {
    const read = yaml('- {id: a, goal: x, deadline: soonish, created_at: once}\n- {id: b, goal: x, deadline: by Friday, created_at: 2026-11-01}');
    assert.deepEqual(read.problems.map((p) => [p.severity, p.column]), [['warning', 30], ['warning', 51]]);
    assert.equal(read.tasks.length, 2);
  });
  it('with a syntax error or another shape says where', () => {
    assert.match(said(yaml('- id: a\n  goal: [x\n'))[0] ?? '', /^3:1 error/);
    assert.deepEqual(said(yaml('hello')), ['1:1 error: A task file is a list of tasks, each with id and goal.']);
    assert.deepEqual(said(yaml('task: []\n')), ['1:1 warning: "task" is no key of a task file; tasks stand in a list under "tasks:".', '1:1 error: A task file is a list of tasks, each with id and goal.']);
    assert.deepEqual(said(yaml('tasks: 3')), ['1:8 error: A task file is a list of tasks, each with id and goal.']);
  });
});

describe('A task in Markdown', () => {
  it('has its heading as goal, the rest as description and the file\'s name as id', () => {
    const read = md('---\nrisk: low\n---\n\n# Fix the parser\n\nIt fails on `a: b`.\n\n## Hints\n\n- look at it\n');
    assert.deepEqual(definitions(read), [{ id: 'fix-it', goal: 'Fix the parser', risk: 'low', description: 'It fails on `a: b`.\n\n## Hints\n\n- look at it' }]);
    assert.deepEqual(read.problems, []);
  });
  it('needs no frontmatter, and takes the id of a frontmatter that has one', () => {
    assert.deepEqual(definitions(md('# Goal ##\n')), [{ id: 'fix-it', goal: 'Goal' }]);
    assert.deepEqual(definitions(md('---\nid: other\n---\n# Goal')), [{ id: 'other', goal: 'Goal' }]);
  });
  it('with a goal in its frontmatter keeps its headings', () => {
    assert.deepEqual(definitions(md('---\ngoal: Do it\ndescription: First.\n---\n# Not the goal\ntext')), [{ id: 'fix-it', goal: 'Do it', description: 'First.\n\n# Not the goal\ntext' }]);
  });
  it('keeps a key of the user that is named like a part of the file', () => {
    assert.deepEqual(definitions(md('---\nbody: mine\n---\n# Goal\ntext')), [{ id: 'fix-it', goal: 'Goal', body: 'mine', description: 'text' }]);
  });
  it('does not take a comment in code for its heading', () => {
    assert.deepEqual(definitions(md('```sh\n# not me\n```\n# Me\n')), [{ id: 'fix-it', goal: 'Me', description: '```sh\n# not me\n```' }]);
  });
  it('is read the same with Windows line ends and a byte order mark', () => {
    assert.deepEqual(definitions(md('\uFEFF---\r\nrisk: low\r\n---\r\n# Goal\r\n\r\ntext\r\n')), [{ id: 'fix-it', goal: 'Goal', risk: 'low', description: 'text' }]);
  });
  it('reports errors at their lines of the file', () => {
    assert.deepEqual(said(md('---\narea: api\nrisk: hgih\n---\n# x')), ['3:7 error: Task fix-it: risk must be one of low, medium, high; did you mean "high"?']);
    assert.deepEqual(said(md('---\nrisk: low\n---\njust text\n')), ['4:1 error: Task fix-it has no goal: add a heading "# What is to be done".']);
    assert.deepEqual(said(md('---\nrisk: low\n')), ['1:1 error: The frontmatter has no end: close it with a line "---".']);
    assert.deepEqual(said(md('---\n- a\n---\n# x')), ['2:1 error: Frontmatter is a group of keys, such as "risk: low".']);
    assert.match(said(md('# x', 'tasks/my task.md'))[0] ?? '', /^1:1 error: Task my task: id "my task" is not a valid task id/);
    assert.match(said(md('---\na: [1\n---\n# x'))[0] ?? '', /^\d+:\d+ error/);
  });
});

describe('Tasks of several files', () => {
  it('that share an id without regard to case are all left out, with an error each', () => {
    const read = collectTasks([yaml('- {id: A, goal: x}\n- {id: b, goal: x}\n'), md('# x', 'tasks/a.md')]);
    assert.deepEqual(definitions(read).map((one) => one.id), ['b']);
    assert.deepEqual(read.problems.map((p) => `${p.file}:${p.line} ${p.task_id ?? ''}: ${p.message}`), [
      'tasks.yaml:1 A: Another task has the id A (a at tasks/a.md:1); ids are unique without regard to case. Rename one of them.',
      'tasks/a.md:1 a: Another task has the id a (A at tasks.yaml:1); ids are unique without regard to case. Rename one of them.',
    ]);
  });
});

describe('A new task', () => {
  it('is named after its goal', () => {
    const table: readonly (readonly [string, string])[] = [
      ['Fix the CSV export!', 'fix-the-csv-export'],
      ['Größe überprüfen: naïve Straße', 'grosse-uberprufen-naive-strasse'],
      ['修复', 'task'],
      ['con', 'task-con'],
      ['x'.repeat(100), 'x'.repeat(48)],
      ['one two three four five six seven eight nine ten eleven', 'one-two-three-four-five-six-seven-eight-nine-ten'],
    ];
    for (const [goal, slug] of table) assert.equal(slugOf(goal), slug);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (goal) => assert.equal(taskIdFault(slugOf(goal)), undefined)));
  });
  it('gets an id that nobody has', () => {
    assert.equal(uniqueTaskId('a', ['b']), 'a');
    assert.equal(uniqueTaskId('a', ['A', 'a-2']), 'a-3');
    assert.equal(uniqueTaskId('x'.repeat(64), ['x'.repeat(64)]).length, 64);
  });
  it('is written as frontmatter and Markdown', () => {
    assert.deepEqual(writeTaskFile({ goal: 'Fix the export', description: 'It fails.', risk: 'low', labels: ['a', 'b'] }), {
      name: 'fix-the-export.md',
      text: '---\nrisk: low\nlabels:\n  - a\n  - b\n---\n# Fix the export\n\nIt fails.\n',
    });
    assert.deepEqual(writeTaskFile({ goal: 'Just do it', id: 'J-1' }), { name: 'J-1.md', text: '# Just do it\n' });
    assert.match(writeTaskFile({ goal: 'x', id: 'J-1' }, 'J-1-new').text, /^---\nid: J-1\n---/);
  });
  it('is read back as it was written (property)', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.constantFrom('# a', 'two\nlines', '---', 'C #', '```\n# x', '- a: b', '"q"', ' x '))
      .map((one) => one.trim()).filter((one) => one !== '');
    const task = fc.record({ goal: text, description: text, area: text, deadline: fc.constantFrom('2026-12-24', 'by Friday'), labels: fc.array(text, { minLength: 1 }), budget_usd: fc.constantFrom(0.5, 2), requires_approval: fc.boolean(), priority: fc.constantFrom('urgent' as const, 'low' as const) }, { requiredKeys: ['goal'] });
    fc.assert(
      fc.property(task, (given) => {
        const normal = (value: string): string => value.replace(/\r\n?/g, '\n');
        const { name, text: written } = writeTaskFile(given);
        const read = parseTaskMarkdown(written, name);
        assert.deepEqual(read.problems, [], written);
        const definition = read.tasks[0]?.definition;
        for (const key of ['area', 'deadline', 'labels', 'budget_usd', 'requires_approval', 'priority'] as const) assert.deepEqual(definition?.[key], given[key], written);
        assert.equal(normal(definition?.goal ?? ''), normal(given.goal), written);
        assert.equal(normal(definition?.description ?? ''), normal(given.description ?? ''), written);
      }),
      { numRuns: 300 },
    );
  });
});

describe('An edit of a user\'s file', () => {
  const file = '# our tasks\ntasks:\n  - id: a   # the first\n    goal: "x"\n    labels: # many\n      - one # 1\n      - two\n\n    # about risk\n    risk: low      # careful\n  - {id: b, goal: y}\n';
  it('changes one value and nothing else', () => {
    assert.equal(setTaskKey(file, 'yaml', 'a', 'risk', 'high'), file.replace('risk: low ', 'risk: high '));
    assert.equal(setTaskKey(file, 'yaml', 'a', 'goal', 'z'), file.replace('"x"', 'z'));
  });
  it('adds a key at the end of its task', () => {
    assert.equal(setTaskKey(file, 'yaml', 'a', 'priority', 'urgent'), file.replace('# careful\n', '# careful\n    priority: urgent\n'));
    assert.equal(setTaskKey(file, 'yaml', 'b', 'labels', ['p, q', 'r']), file.replace('goal: y}', 'goal: y, labels: ["p, q", r]}'));
  });
  it('takes a key out', () => {
    assert.equal(setTaskKey(file, 'yaml', 'a', 'risk', undefined), file.replace('    risk: low      # careful\n', ''));
    assert.equal(setTaskKey(file, 'yaml', 'a', 'area', undefined), file);
    assert.deepEqual(definitions(yaml(setTaskKey(file, 'yaml', 'b', 'goal', undefined))).map((one) => one.id), ['a']);
  });
  it('edits Markdown: keys in the frontmatter, the goal in its heading, and line ends as they were', () => {
    const text = '---\n# remark\nrisk: low # careful\n---\n\n# Goal\n\nBody\n';
    assert.equal(setTaskKey(text, 'markdown', 'x', 'risk', 'high'), text.replace('low', 'high'));
    assert.equal(setTaskKey(text, 'markdown', 'x', 'goal', 'New'), text.replace('# Goal', '# New'));
    assert.equal(setTaskKey('# Goal\n', 'markdown', 'x', 'risk', 'high'), '---\nrisk: high\n---\n# Goal\n');
    assert.equal(setTaskKey('# Goal\r\n', 'markdown', 'x', 'risk', 'high'), '---\r\nrisk: high\r\n---\r\n# Goal\r\n');
  });
  it('of a task that is not there is refused', () => {
    assert.throws(() => setTaskKey(file, 'yaml', 'nobody', 'risk', 'low'), { kind: 'not_found' });
  });
  it('sets what was asked, keeps every comment and every other value (property)', () => {
    const value = fc.oneof(fc.string(), fc.constantFrom('yes', '#x', 'a: b', 'two\nlines', '[', '- x'), fc.boolean(), fc.integer(), fc.array(fc.string({ minLength: 1 }), { minLength: 1 }));
    fc.assert(
      fc.property(fc.constantFrom('a', 'b'), fc.constantFrom('note', 'goal', 'labels', 'risk', 'odd'), value, (id, key, given) => {
        const edited = setTaskKey(file, 'yaml', id, key, given);
        const values = (text: string) => parseRaw(text).map((one) => (one['id'] === id ? { ...one, [key]: null } : one));
        assert.deepEqual(values(edited), values(file).map((one) => one));
        assert.deepEqual(parseRaw(edited).find((one) => one['id'] === id)?.[key], given);
        for (const comment of ['# our tasks', '# the first', '# about risk']) assert.ok(edited.includes(comment), edited);
      }),
      { numRuns: 300 },
    );
  });
});

function parseRaw(text: string): Record<string, unknown>[] {
  const value = new YamlText(text).value as { tasks: Record<string, unknown>[] };
  return value.tasks.map((one) => ({ ...one }));
}
