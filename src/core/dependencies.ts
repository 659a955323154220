/** The graph of `depends_on`: what is unknown, what goes in a circle, and what waits for what. */
import type { Problem } from './errors.ts';
import { closest } from './suggest.ts';
import type { TaskDefinition } from './task.ts';

/** A task as far as its dependencies go. */
export interface DependentTask {
  readonly id: string;
  readonly depends_on: readonly string[];
}

/** A definition with the places that a problem is reported at, as the task files give it. Lines and columns count from 1. */
export interface LocatedTask {
  readonly definition: Pick<TaskDefinition, 'id' | 'depends_on'>;
  readonly file: string;
  readonly line: number;
  /** Where each entry of `depends_on` stands; the task's own line where this is not known. */
  readonly dependencies_at?: readonly { readonly line: number; readonly column: number }[] | undefined;
}

/**
 * The located errors of the graph: a dependency that nothing knows, and a cycle (reported for each of its tasks).
 * @param known ids besides those of `tasks` that a task may depend on: stored tasks and those done elsewhere
 */
export function checkDependencies(tasks: readonly LocatedTask[], known: ReadonlySet<string> = new Set()): Problem[] {
  const graph = tasks.map(({ definition }) => ({ id: definition.id, depends_on: definition.depends_on ?? [] }));
  const ids = new Set([...known, ...graph.map((task) => task.id)]);
  const cycles = findCycles(graph);
  const problems: Problem[] = [];
  for (const { definition, file, line: ownLine, dependencies_at } of tasks) {
    const { id, depends_on = [] } = definition;
    const report = (index: number, message: string): void => {
      const { line, column } = dependencies_at?.[index] ?? { line: ownLine, column: 1 };
      problems.push({ file, line, column, severity: 'error', source: 'task', task_id: id, message });
    };
    for (const [index, dependency] of depends_on.entries()) {
      if (ids.has(dependency)) continue;
      const meant = closest(dependency, ids);
      report(index, `Task ${id} depends on "${dependency}", which is no task${meant === undefined ? '' : `; did you mean "${meant}"?`}`);
    }
    const cycle = cycles.get(id);
    if (!cycle) continue;
    const next = cycle[(cycle.indexOf(id) + 1) % cycle.length] ?? id;
    report(depends_on.indexOf(next), `Task ${id} waits for itself: ${describeCycle(cycle, id)}. Remove one of these dependencies.`);
  }
  return problems;
}

/** For each task in a circle of dependencies: the ids of that circle, in the order in which they wait for each other. */
export function findCycles(tasks: readonly DependentTask[]): Map<string, readonly string[]> {
  const edges = new Map(tasks.map((task) => [task.id, task.depends_on]));
  const cycles = new Map<string, readonly string[]>();
  for (const component of strongComponents(edges)) {
    const [first] = component;
    if (first === undefined || (component.length === 1 && edges.get(first)?.includes(first) !== true)) continue;
    const members = new Set(component);
    // Each member gets a circle through itself, not merely the component's.
    for (const id of component) cycles.set(id, circleThrough(id, edges, members));
  }
  return cycles;
}

/** `a → b → a`, starting at `from`. */
export function describeCycle(cycle: readonly string[], from: string): string {
  const start = Math.max(0, cycle.indexOf(from));
  const turned = [...cycle.slice(start), ...cycle.slice(0, start)];
  return [...turned, turned[0] ?? from].join(' → ');
}

/** The shortest way from `start` back to itself within its component, by breadth-first search. */
function circleThrough(start: string, edges: ReadonlyMap<string, readonly string[]>, members: ReadonlySet<string>): string[] {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
    for (const next of edges.get(current) ?? []) {
      if (next === start) {
        const path = [current];
        for (let at = cameFrom.get(current); at !== undefined; at = cameFrom.get(at)) path.unshift(at);
        return path;
      }
      if (!members.has(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, current);
      queue.push(next);
    }
  }
  return [start];
}

/** Tarjan's strongly connected components, without recursion: a chain of 10 000 tasks must not overflow the stack. */
function strongComponents(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const onStack = new Set<string>();
  const stack: string[] = [];
  const components: string[][] = [];

  const visit = (id: string): void => {
    index.set(id, index.size);
    low.set(id, index.size - 1);
    stack.push(id);
    onStack.add(id);
  };
  const lower = (id: string, to: number | undefined): void => void low.set(id, Math.min(low.get(id) ?? 0, to ?? Infinity));

  for (const root of edges.keys()) {
    if (index.has(root)) continue;
    visit(root);
    const work = [{ id: root, next: 0 }];
    for (let frame = work.at(-1); frame; frame = work.at(-1)) {
      const target = edges.get(frame.id)?.[frame.next];
      frame.next += 1;
      if (target !== undefined) {
        if (!edges.has(target)) continue;
        if (!index.has(target)) {
          visit(target);
          work.push({ id: target, next: 0 });
        } else if (onStack.has(target)) {
          lower(frame.id, index.get(target));
        }
        continue;
      }
      work.pop();
      const parent = work.at(-1);
      if (parent) lower(parent.id, low.get(frame.id));
      if (low.get(frame.id) !== index.get(frame.id)) continue;
      const component: string[] = [];
      for (let id = stack.pop(); id !== undefined; id = id === frame.id ? undefined : stack.pop()) {
        onStack.delete(id);
        component.push(id);
      }
      components.push(component);
    }
  }
  return components;
}
