/** A task as the user is writing it: from words typed, a selection, a TODO or a problem. */
import { KNOWN_AREAS, PRIORITIES, RISKS, WORKFLOWS } from '../../core/choices.ts';
import type { Priority, Risk } from '../../core/task.ts';
import type { Command } from '../../shared/api.ts';
import { oneLine } from './format.ts';

export type NewTask = Extract<Command, { type: 'add_task' }>['task'];

export interface TaskDraft {
  goal: string;
  description?: string;
  area?: string;
  risk?: Risk;
  priority?: Priority;
  deadline?: string;
  agent?: string;
  workflow?: 'auto' | 'direct' | 'reviewed';
  depends_on?: string[];
  context_files?: string[];
  requires_approval?: boolean;
}

export const CHOICES = { risk: RISKS, priority: PRIORITIES, workflow: WORKFLOWS, area: KNOWN_AREAS } as const;

export function toNewTask(draft: TaskDraft): NewTask {
  const { depends_on, context_files, ...rest } = draft;
  return {
    ...rest,
    goal: draft.goal.trim(),
    ...(depends_on !== undefined && depends_on.length > 0 ? { depends_on } : {}),
    ...(context_files !== undefined && context_files.length > 0 ? { context_files } : {}),
    source: 'vscode',
  };
}

export interface SelectedCode {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  /** From 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
  readonly language: string;
}

const TODO = /\b(?:TODO|FIXME|XXX|HACK)\b(?:\([^)]*\))?:?\s*(.*?)\s*(?:\*\/|-->|#\})?\s*$/;

/** The task that a line of code asks for by a TODO or FIXME; undefined when it has none. */
export function todoOf(line: string): string | undefined {
  const words = TODO.exec(line)?.[1]?.trim();
  return words === undefined || words === '' ? undefined : words;
}

/** A draft about selected code: a TODO in it is the goal, else the goal stays for the user to type. */
export function draftFromSelection(code: SelectedCode): TaskDraft {
  const goal = code.text.split('\n').map(todoOf).find((words) => words !== undefined) ?? '';
  const lines = code.firstLine === code.lastLine ? `line ${code.firstLine}` : `lines ${code.firstLine}–${code.lastLine}`;
  const description = `About \`${code.path}\`, ${lines}:\n\n${fenced(code)}`;
  return { goal, description, context_files: [code.path] };
}

/** A draft that asks for a reported problem to be fixed. */
export function draftFromProblem(code: SelectedCode, problem: { message: string; source: string | undefined }): TaskDraft {
  const by = problem.source === undefined ? '' : ` (${problem.source})`;
  return {
    goal: `Fix: ${oneLine(problem.message, 100)}`,
    description: `${problem.message}${by}\n\nReported at \`${code.path}:${code.firstLine}\`:\n\n${fenced(code)}`,
    context_files: [code.path],
  };
}

export interface FailingTest {
  /** With the suites around it: `csv › quotes what needs quoting`. */
  readonly name: string;
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  /** From 1. */
  readonly line: number | undefined;
  /** What the test runner said; absent where the task is about the test alone. */
  readonly message: string | undefined;
  readonly expected: string | undefined;
  readonly actual: string | undefined;
}

/** A draft that asks for a failing test to pass again, without touching what it demands. */
export function draftFromTest({ name, path, line, message, expected, actual }: FailingTest): TaskDraft {
  const block = (title: string, text: string | undefined): string[] => (text === undefined || text.trim() === '' ? [] : [`${title}:\n\n${fenced({ text, language: '' })}`]);
  const parts = [
    `\`${name}\` fails, in \`${path}${line === undefined ? '' : `:${line}`}\`. Find the cause and mend it there; change the test only if it is the test that is wrong.`,
    ...block('It said', message),
    ...block('Expected', expected),
    ...block('Actual', actual),
  ];
  return { goal: `Fix the failing test: ${oneLine(name, 100)}`, description: parts.join('\n\n'), context_files: [path] };
}

function fenced(code: Pick<SelectedCode, 'text' | 'language'>): string {
  const longest = Math.max(2, ...(code.text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${code.language}\n${code.text.replace(/\s+$/, '')}\n${fence}`;
}
