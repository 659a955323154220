/** Why tasks are held that could run otherwise, by id, as whole sentences. */
import type { BaseGates } from './baseGates.ts';
import type { Lifecycle } from './lifecycle.ts';

/**
 * @param only the tasks that this run works on; all when absent
 * @param broken the faults that ended runs and could not be stored
 */
export function holdsOf(lifecycle: Lifecycle, only: readonly string[] | undefined, baseGates: Pick<BaseGates, 'holds'>, broken: ReadonlyMap<string, string>): Map<string, string> {
  const holds = baseGates.holds();
  for (const [taskId, fault] of broken) holds.set(taskId, `Its run broke, and not even that could be stored (${fault}): choose Start to try again.`);
  const why = `This run works on ${only?.join(', ') ?? ''} only.`;
  for (const task of lifecycle.all()) {
    if (task.taken_over) holds.set(task.task_id, `${task.taken_over.by} has taken its session over: hand it back to go on.`);
    else if (only !== undefined && !only.includes(task.task_id)) holds.set(task.task_id, why);
  }
  return holds;
}
