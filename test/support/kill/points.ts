/** Moments at which an engine can be killed exactly: just before or after one of its calls to a port. */
import type { Commit, Ports } from '../../../src/engine/ports.ts';

export interface KillPoint {
  readonly when: 'before' | 'after';
  /** `workspace.advance`, `gates.run`, `commit task_started` (see `namesOf`) …; `*` is every call. */
  readonly call: string;
  /** Which of the calls of this name, from 1. Default 1. */
  readonly nth?: number;
}

type Naming = (method: string, args: readonly unknown[]) => string[];

/** The ports of an engine that `die` is called on at the point; `seen` is told every call as it begins. */
export function portsThatKill(ports: Ports, point: KillPoint | undefined, die: () => never, seen: (names: readonly string[]) => void): Ports {
  let count = 0;
  const through = async (names: readonly string[], call: () => Promise<unknown>): Promise<unknown> => {
    seen(names);
    const hit = point !== undefined && (point.call === '*' || names.includes(point.call)) && (count += 1) === (point.nth ?? 1);
    if (hit && point.when === 'before') die();
    const result = await call();
    if (hit) die();
    return result;
  };
  const watched = <T extends object>(name: string, target: T, methods: readonly (keyof T & string)[], naming: Naming = (method) => [`${name}.${method}`]): T =>
    new Proxy(target, {
      get: (_target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
        if (typeof key !== 'string' || !(methods as readonly string[]).includes(key)) return call;
        return (...args: unknown[]) => through(naming(key, args), () => call(...args) as Promise<unknown>);
      },
    });
  return {
    ...ports,
    store: watched('store', ports.store, ['commit'], (_method, [commit]) => namesOf(commit as Commit)),
    workspace: watched('workspace', ports.workspace, ['create', 'populate', 'checkpoint', 'buildMerge', 'advance', 'backToBranch', 'reset', 'visit', 'remove']),
    gates: watched('gates', ports.gates, ['run']),
    processes: watched('processes', ports.processes, ['sweep']),
    runners: watched('runners', { ...ports.runners, take: async () => watched('agents', await ports.runners.take(), ['start']) }, ['take', 'adopt']),
    writeCheckpoint: async (checkpoint) => {
      await through(['writeCheckpoint'], () => ports.writeCheckpoint(checkpoint));
    },
  };
}

/** A commit is named by its events, a task's also by the states it moves to; one without events by what it stores. */
function namesOf(commit: Commit): string[] {
  const events = commit.events ?? [];
  if (events.length > 0) return events.flatMap(({ type, data }) => [`commit ${type}`, ...(type === 'task_state' ? [`commit to ${String(data['to'])}`] : [])]);
  const [task] = commit.tasks ?? [];
  if (task === undefined) return ['commit meta'];
  if (task.state === 'done') return ['commit tidied'];
  if (task.state === 'quality_gate') return [task.merge_sha !== null ? 'commit merge_sha' : task.merge_started_at !== null ? 'commit merge_started' : 'commit merge_dropped'];
  return ['commit attempt'];
}
