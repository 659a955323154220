import assert from 'node:assert/strict';
import { taskDefinition, KNOWN_AREAS, PRIORITIES, RISKS, WORKFLOWS } from '../../../src/core/task.ts';
import { CHOICES, draftFromProblem, draftFromSelection, draftFromTest, toNewTask, todoOf } from '../../../src/vscode/model/taskDraft.ts';
import { questions, valueOf, withAnswer } from '../../../src/vscode/model/taskQuestions.ts';

const CODE = { path: 'src/price.js', firstLine: 10, lastLine: 12, text: 'function price() {\n  return 1;\n}', language: 'javascript' };

describe('A new task', () => {
  it('offers exactly the choices of the task schema', () => {
    assert.deepEqual({ ...CHOICES }, { risk: [...RISKS], priority: [...PRIORITIES], workflow: [...WORKFLOWS], area: [...KNOWN_AREAS] });
  });

  it('is a valid task whatever the second page set', () => {
    let draft = { goal: ' Fix it ' };
    const answers: Record<string, string[]> = { agent: ['claude'], depends_on: ['a', 'b'], requires_approval: ['yes'], deadline: ['by Friday'] };
    for (const { field, choices } of questions(['claude'], ['a', 'b'])) {
      if (field !== 'goal') draft = withAnswer(draft, field, answers[field] ?? [choices?.[0] ?? 'x']);
    }
    const parsed = taskDefinition.parse({ id: 'x', ...toNewTask(draft) });
    assert.equal(parsed.goal, 'Fix it');
    assert.deepEqual([parsed.depends_on, parsed.requires_approval, parsed.source], [['a', 'b'], true, 'vscode']);
  });

  it('takes a field back by an empty answer', () => {
    const draft = withAnswer({ goal: 'x', area: 'docs' }, 'area', []);
    assert.equal(valueOf(draft, 'area'), undefined);
    assert.ok(!('area' in toNewTask(draft)));
  });

  it('asks for no agent and no dependency where there is none to choose', () => {
    const fields = questions([], []).map(({ field }) => field);
    assert.ok(!fields.includes('agent') && !fields.includes('depends_on'));
  });
});

describe('A task from code', () => {
  it('has the selection as its context, and leaves the goal to the user', () => {
    const draft = draftFromSelection(CODE);
    assert.equal(draft.goal, '');
    assert.deepEqual(draft.context_files, ['src/price.js']);
    assert.match(draft.description ?? '', /lines 10–12:\n\n```javascript\nfunction price/);
  });

  it('has a TODO as its goal', () => {
    assert.equal(draftFromSelection({ ...CODE, text: '// TODO(ann): round half to even' }).goal, 'round half to even');
    assert.deepEqual(['/* FIXME: leaks */', '# TODO add types', '<!-- TODO: alt text -->', 'const todo = 1;', '// TODO'].map(todoOf), ['leaks', 'add types', 'alt text', undefined, undefined]);
  });

  it('has a problem as its goal', () => {
    const draft = draftFromProblem(CODE, { message: "'x' is never read.", source: 'ts' });
    assert.equal(draft.goal, "Fix: 'x' is never read.");
    assert.match(draft.description ?? '', /\(ts\)\n\nReported at `src\/price\.js:10`/);
  });

  it('fences code that has fences of its own', () => {
    assert.match(draftFromSelection({ ...CODE, text: '```js\nx\n```' }).description ?? '', /````javascript/);
  });
});

describe('A task from a failing test (row 242)', () => {
  it('names the test, its place and what it said', () => {
    const draft = draftFromTest({ name: 'csv › quotes', path: 'test/csv.test.js', line: 7, message: 'not equal', expected: '"a"', actual: 'a' });
    assert.equal(draft.goal, 'Fix the failing test: csv › quotes');
    assert.deepEqual(draft.context_files, ['test/csv.test.js']);
    assert.match(draft.description ?? '', /in `test\/csv\.test\.js:7`[\s\S]*It said:\n\n```\nnot equal\n```[\s\S]*Expected:\n\n```\n"a"\n```[\s\S]*Actual:\n\n```\na\n```$/);
  });

  it('makes do with the name of a test that has not said anything', () => {
    const draft = draftFromTest({ name: 'x', path: 'a.test.js', line: undefined, message: undefined, expected: undefined, actual: undefined });
    assert.match(draft.description ?? '', /^`x` fails, in `a\.test\.js`\. [^\n]*$/);
  });
});
