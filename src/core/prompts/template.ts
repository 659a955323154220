/**
 * Prompts as templates: what is built in, and how a user's own (`.baton/prompts/<role>.md`) takes its place. A placeholder
 * is `{{name}}`; what has nothing to say leaves no trace. What a role cannot work without is added where a template forgot it.
 */
import type { Role } from '../execution.ts';
import { areaOf, riskOf, type TaskDefinition } from '../task.ts';
import { bullets } from './text.ts';

/** Values by placeholder; undefined for a placeholder that exists but has nothing to say. */
export type PromptValues = Readonly<Record<string, string | undefined>>;

/** Without these a role would work on nothing, answer in a form that cannot be read, or turn in circles. */
const ESSENTIAL: Readonly<Record<Role, readonly string[]>> = {
  planner: ['task', 'feedback', 'answer'],
  plan_reviewer: ['task', 'plan', 'feedback', 'answer'],
  implementer: ['task', 'step', 'feedback'],
  code_reviewer: ['task', 'step', 'diff', 'feedback', 'answer'],
};

/** The parts that every template may take of a task: singly, or all of them as `{{task}}`. */
export function taskValues(task: TaskDefinition): PromptValues {
  const description = task.description?.trim();
  const constraints = bullets('## Constraints', task.constraints);
  const context_files = bullets('## Read first', task.context_files);
  return {
    id: task.id,
    goal: task.goal,
    description,
    constraints,
    context_files,
    risk: riskOf(task),
    area: areaOf(task),
    task: [`# Task ${task.id}: ${task.goal}`, description, constraints, context_files].filter((part) => part !== undefined && part !== '').join('\n\n'),
  };
}

/** Fills a template in one pass, so that text from a task is never read as a placeholder. Unknown placeholders stay as they are. */
export function fill(role: Role, template: string, values: PromptValues): string {
  const used = new Set<string>();
  const text = template.replaceAll('\r\n', '\n').replace(/\{\{\s*([a-z_]+)\s*\}\}(\n*)/g, (whole, name: string, gap: string, at: number, all: string) => {
    used.add(name);
    if (!Object.hasOwn(values, name)) return whole;
    const value = values[name] ?? '';
    // What stands alone on its line and is empty goes with the blank lines after it.
    const alone = at === 0 || all[at - 1] === '\n';
    return value === '' && alone && gap !== '' ? '' : value + gap;
  });
  const hasTask = used.has('task') || used.has('goal');
  const forgotten = ESSENTIAL[role].filter((name) => (name === 'task' ? !hasTask : !used.has(name))).flatMap((name) => values[name] ?? []);
  return `${[text.trim(), ...forgotten].filter((part) => part !== '').join('\n\n')}\n`;
}
