/** What Baton says to an implementer: the task, the rules of the worktree, and later what went wrong. */
import type { GateRound, StepDefinition, TaskError } from './execution.ts';
import { areaOf, riskOf, type TaskDefinition } from './task.ts';

export interface GateLine {
  readonly name: string;
  readonly run: string;
}

export interface ImplementerPrompt {
  readonly task: TaskDefinition;
  readonly step: StepDefinition;
  readonly gates: readonly GateLine[];
  /** Gate output or requested changes that this attempt must answer. */
  readonly feedback: string | null;
  /** An earlier attempt at this step failed with this. */
  readonly error: TaskError | null;
}

/** The first prompt of a session. */
export function implementerPrompt(prompt: ImplementerPrompt): string {
  const { task, step, gates, feedback, error } = prompt;
  return sections([
    'You are the implementer of one task in a git worktree of your own. Make the change completely, then stop.',
    `# Task ${task.id}: ${task.goal}`,
    task.description?.trim(),
    step.description === task.goal ? undefined : `## This step (${step.id})\n\n${step.description}`,
    bullets('## Constraints', task.constraints),
    bullets('## Read first', task.context_files),
    `## Rules

- Work only inside the current directory. It is a checkout made for this task; nobody else works in it.
- Follow the repository's own instructions (AGENTS.md, CLAUDE.md, CONTRIBUTING.md) where they exist, and its style.
- Do not commit, push, switch branches or use git stash: your changes are committed for you when you stop.
- Keep the change as small as the task allows; leave unrelated code, settings and generated files alone.
- Add or adapt tests where the repository has tests for such code.
- If the task cannot be done as stated, change nothing and say exactly why.`,
    gates.length === 0
      ? undefined
      : `## Quality gates\n\nAfter you stop, these commands are run on your work and must succeed; run them yourself first where you can.\n\n${gates
          .map((gate) => `- ${gate.name}: \`${gate.run}\``)
          .join('\n')}`,
    feedback === null ? undefined : `## What must be put right\n\n${feedback}`,
    feedback === null && error !== null ? previousAttempt(error) : undefined,
    `Risk: ${riskOf(task)}. Area: ${areaOf(task)}. End with two or three sentences on what you changed and why.`,
  ]);
}

export interface ContinuationPrompt {
  readonly task: TaskDefinition;
  readonly step: StepDefinition;
  readonly feedback: string | null;
  /** The session was cut off in the middle of its work. */
  readonly interrupted: boolean;
  readonly error: TaskError | null;
}

/** The next prompt of a session that knows the task already. */
export function continuationPrompt(prompt: ContinuationPrompt): string {
  const { task, step, feedback, interrupted, error } = prompt;
  const opening = interrupted
    ? `You were interrupted while working on "${task.goal}". The files are as you left them; a command that was running was ended. Look at where you were, then finish.`
    : error?.kind === 'no_changes'
      ? noChanges(task)
      : feedback === null
        ? `Go on with "${task.goal}". ${error ? `The last attempt ended with: ${error.message}` : ''}`.trim()
        : `Your work on "${task.goal}" is not finished yet.`;
  return sections([
    opening,
    step.description === task.goal ? undefined : `This step (${step.id}): ${step.description}`,
    feedback === null ? undefined : feedback,
    'The rules stand: work only in this directory, do not commit, keep the change small. Stop when it is done.',
  ]);
}

/** What failed in a gate round, for the implementer: command, how it ended, and the part of its output that matters. */
export function gateFeedback(round: GateRound, target: string | null): string {
  const failed = round.checks.filter((check) => check.status === 'failed');
  const where =
    round.subject === 'merge'
      ? `Your work passes on its own, but combined with the present state of ${target ?? 'the target branch'} these checks fail:`
      : 'These checks fail on your work:';
  const blocks = failed.map((check) => `### ${check.name}\n\n\`${check.command}\`: ${check.message}\n\n~~~~\n${check.details}\n~~~~`);
  return [where, ...blocks, 'Find the cause and mend it. Do not weaken or skip the checks.'].join('\n\n');
}

function previousAttempt(error: TaskError): string {
  if (error.kind === 'no_changes') return '## An earlier attempt\n\nIt reported success but changed no file. Make the change in the files of this directory, or say exactly why none is needed.';
  return `## An earlier attempt\n\nIt ended with: ${error.message}\nIts unfinished changes may still be in the files: look before you build on them.`;
}

function noChanges(task: TaskDefinition): string {
  return `You reported success on "${task.goal}", but no file in this directory has changed. Make the change now. If none is needed, say exactly why.`;
}

function bullets(title: string, lines: readonly string[] | undefined): string | undefined {
  return lines && lines.length > 0 ? `${title}\n\n${lines.map((line) => `- ${line}`).join('\n')}` : undefined;
}

function sections(parts: readonly (string | undefined)[]): string {
  return `${parts.filter((part) => part !== undefined && part !== '').join('\n\n')}\n`;
}
