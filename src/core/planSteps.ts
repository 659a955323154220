/** A plan's steps: whether their dependencies can be kept, and the order that keeps them. */
import type { Plan } from './roles.ts';

export type PlanStep = Plan['steps'][number];

const LONGEST_ID = 100;

/** Why the steps of a plan cannot be carried out one after the other; undefined when they can. */
export function planFault(plan: Plan): string | undefined {
  const ids = new Set<string>();
  for (const { id } of plan.steps) {
    if (id !== id.trim() || /\p{Cc}/u.test(id) || id.length > LONGEST_ID) return `steps: the id ${JSON.stringify(id)} must be one short line without spaces around it`;
    if (ids.has(id)) return `steps: two steps have the id "${id}"`;
    ids.add(id);
  }
  for (const step of plan.steps) {
    const unknown = step.dependencies?.find((id) => !ids.has(id));
    if (unknown !== undefined) return `steps: "${step.id}" depends on "${unknown}", which is no step`;
  }
  const placed = new Set(orderSteps(plan).map((step) => step.id));
  const circle = plan.steps.filter((step) => !placed.has(step.id)).map((step) => step.id);
  return circle.length === 0 ? undefined : `steps: these wait for each other: ${circle.join(', ')}`;
}

/** The steps so that each comes after all it depends on, otherwise in the plan's order. Steps in a circle are left out. */
export function orderSteps(plan: Plan): PlanStep[] {
  const done = new Set<string>();
  const order: PlanStep[] = [];
  let left = [...plan.steps];
  for (;;) {
    const next = left.find((step) => (step.dependencies ?? []).every((id) => done.has(id)));
    if (!next) return order;
    done.add(next.id);
    order.push(next);
    left = left.filter((step) => step !== next);
  }
}

/** Every path that a plan names. */
export function planPaths(plan: Plan): string[] {
  return plan.steps.flatMap(({ files }) => [...(files?.read ?? []), ...(files?.create ?? []), ...(files?.modify ?? [])]);
}
