import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkDependencies, findCycles } from '../../../src/core/dependencies.ts';
import { closest } from '../../../src/core/suggest.ts';

const located = (id: string, depends_on: string[], line: number) => ({ definition: { id, depends_on }, file: 'tasks.yaml', line, dependencies_at: depends_on.map((_, i) => ({ line, column: 20 + i })) });

describe('Dependencies between tasks (row 220)', () => {
  it('an unknown one is a located error with what was probably meant', () => {
    const problems = checkDependencies([located('parse', [], 1), located('print', ['parze', 'elsewhere', 'stored'], 5)], new Set(['stored']));
    assert.deepEqual(problems.map((p) => [p.line, p.column, p.task_id, p.message]), [
      [5, 20, 'print', 'Task print depends on "parze", which is no task; did you mean "parse"?'],
      [5, 21, 'print', 'Task print depends on "elsewhere", which is no task'],
    ]);
  });
  it('a circle is a located error for each of its tasks and for no other', () => {
    const problems = checkDependencies([located('a', ['b'], 1), located('b', ['x', 'c'], 2), located('c', ['a'], 3), located('d', ['a'], 4), located('x', [], 5)]);
    assert.deepEqual(problems.map((p) => [p.line, p.column, p.message]), [
      [1, 20, 'Task a waits for itself: a → b → c → a. Remove one of these dependencies.'],
      [2, 21, 'Task b waits for itself: b → c → a → b. Remove one of these dependencies.'],
      [3, 20, 'Task c waits for itself: c → a → b → c. Remove one of these dependencies.'],
    ]);
  });
  it('finds exactly the tasks that can reach themselves (property)', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    fc.assert(
      fc.property(fc.tuple(...ids.map(() => fc.subarray(ids))), (lists) => {
        const tasks = ids.map((id, i) => ({ id, depends_on: lists[i] ?? [] }));
        const edges = new Map(tasks.map((one) => [one.id, one.depends_on]));
        const reaches = (from: string): boolean => {
          const seen = new Set<string>();
          const work = [...(edges.get(from) ?? [])];
          for (let id = work.pop(); id !== undefined; id = work.pop()) {
            if (id === from) return true;
            if (!seen.has(id)) work.push(...(edges.get(id) ?? []));
            seen.add(id);
          }
          return false;
        };
        const cycles = findCycles(tasks);
        for (const id of ids) {
          assert.equal(cycles.has(id), reaches(id));
          const cycle = cycles.get(id) ?? [];
          for (const [i, member] of cycle.entries()) assert.ok(edges.get(member)?.includes(cycle[(i + 1) % cycle.length] ?? ''));
        }
      }),
    );
  });
});

describe('"Did you mean"', () => {
  it('suggests what is near and nothing else', () => {
    assert.equal(closest('max_concurent_tasks', ['max_concurrent_tasks', 'poll_interval']), 'max_concurrent_tasks');
    assert.equal(closest('gaets', ['gates', 'agents']), 'gates');
    assert.equal(closest('Merge', ['merge']), 'merge');
    assert.equal(closest('banana', ['gates', 'agents']), undefined);
  });
});
