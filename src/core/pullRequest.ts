/** What a pull request says of its task: what was wanted, what was done, and the evidence that it is sound. */
import type { GateRound, TaskExecution } from './execution.ts';
import { formatMoney } from './format.ts';
import { shortSeconds } from './gates.ts';
import { inline } from './prompts/text.ts';

/** One line, as short as lists show it. */
export function pullRequestTitle(task: TaskExecution): string {
  const [line = task.task_id] = task.task_def.goal.trim().split(/\r?\n/);
  return line.length <= 120 ? line : `${line.slice(0, 119)}…`;
}

/** Markdown. The trailers at the end are those of Baton's own merges. */
export function pullRequestBody(task: TaskExecution, round: GateRound): string {
  const { goal, description } = task.task_def;
  const steps = task.steps.filter((step) => step.state === 'completed').map((step) => `- ${oneLine(step.definition.description)}${step.code_review ? ` (reviewed: ${step.code_review.status})` : ''}`);
  const checks = round.checks.map((check) => `| ${cell(check.name)} | ${check.status} | ${cell(inline(check.command))} | ${check.status === 'skipped' ? '' : shortSeconds(check.seconds)} |`);
  const models = [...new Set(Object.values(task.models))].join(', ');
  return [
    goal.trim().includes('\n') ? goal.trim() : undefined,
    description?.trim(),
    steps.length === 0 ? undefined : `### Done\n\n${steps.join('\n')}`,
    checks.length === 0
      ? '### Checks\n\nNo check ran for this change.'
      : `### Checks\n\n| check | result | command | time |\n|---|---|---|---|\n${checks.join('\n')}\n\nOn tree ${inline(round.tree_sha.slice(0, 12))}, base ${inline(round.base_sha.slice(0, 12))}.`,
    `Made by ${models === '' ? 'an agent' : models} under Baton${task.unpriced || task.total_cost_usd === 0 ? '' : ` for ${formatMoney(task.total_cost_usd)}`}.`,
    `Baton-Task: ${task.task_id}\nBaton-Hash: ${task.content_hash}`,
  ]
    .filter((part) => part !== undefined && part !== '')
    .join('\n\n');
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

function cell(text: string): string {
  return oneLine(text).replaceAll('|', '\\|');
}
