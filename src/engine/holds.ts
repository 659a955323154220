/** Why tasks are held that could run otherwise, by id, as whole sentences. */
import type { BaseGates } from './baseGates.ts';
import type { Lifecycle } from './lifecycle.ts';

/** @param only the tasks that this run works on; all when absent */
export function holdsOf(lifecycle: Lifecycle, only: readonly string[] | undefined, baseGates: Pick<BaseGates, 'holds'>): Map<string, string> {
  const holds = baseGates.holds();
  if (only === undefined) return holds;
  const why = `This run works on ${only.join(', ')} only.`;
  for (const { task_id: id } of lifecycle.all()) if (!only.includes(id)) holds.set(id, why);
  return holds;
}
