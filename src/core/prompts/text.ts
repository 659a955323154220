/** Pieces that prompts are put together from. */
import type { StepDefinition } from '../execution.ts';
import type { TaskDefinition } from '../task.ts';

export function sections(parts: readonly (string | undefined)[]): string {
  return `${parts.filter((part) => part !== undefined && part !== '').join('\n\n')}\n`;
}

export function bullets(title: string, lines: readonly string[] | undefined): string | undefined {
  return lines && lines.length > 0 ? `${title}\n\n${lines.map((line) => `- ${line}`).join('\n')}` : undefined;
}

/** Code in a sentence, also when it holds back-ticks. */
export function inline(code: string): string {
  return code.includes('`') ? `\`\` ${code} \`\`` : `\`${code}\``;
}

/** A block that its content cannot close. */
export function fenced(content: string): string {
  const longest = Math.max(3, ...[...content.matchAll(/~+/g)].map((run) => run[0].length));
  const fence = '~'.repeat(longest + 1);
  return `${fence}\n${content}\n${fence}`;
}

/** What the plan says of a step; nothing for the one step of a direct task, which is the task itself. */
export function stepSection(task: TaskDefinition, step: StepDefinition): string | undefined {
  if (step.description === task.goal) return undefined;
  const files = typeof step['files'] === 'object' && step['files'] !== null ? (step['files'] as Record<string, unknown>) : {};
  const named = Object.entries(files).flatMap(([what, paths]) => (isStrings(paths) && paths.length > 0 ? [`- ${what}: ${paths.map(inline).join(', ')}`] : []));
  const commands = isStrings(step['commands']) && step['commands'].length > 0 ? [`- run: ${step['commands'].map(inline).join(', ')}`] : [];
  const hints = [...named, ...commands];
  return `## This step (${step.id})\n\n${step.description}${hints.length === 0 ? '' : `\n\nThe plan expects:\n${hints.join('\n')}`}`;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
