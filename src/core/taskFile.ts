/** Task files read: `.baton/tasks.yaml` and `.baton/tasks/*.md` become definitions, with what is wrong in them located. */
import { findingsOf } from './config/issues.ts';
import { readDeadline } from './deadline.ts';
import type { Problem } from './errors.ts';
import { closest } from './suggest.ts';
import { taskDefinition, TASK_KEYS, type TaskDefinition } from './task.ts';
import { isRecord, YamlText, type Path, type Position } from './yamlText.ts';

export interface ParsedTask extends Position {
  readonly definition: TaskDefinition;
  readonly file: string;
  /** Where each entry of `depends_on` stands. */
  readonly dependencies_at: readonly Position[];
}

export interface ParsedTasks {
  readonly tasks: readonly ParsedTask[];
  readonly problems: readonly Problem[];
}

/** Keys whose value is text, so that `id: 007` and `labels: [1, true]` mean what they look like. */
const TEXT_KEYS: ReadonlySet<string> = new Set(['id', 'goal', 'description', 'area', 'deadline', 'sender', 'from', 'agent', 'source', 'created_at']);
const LIST_KEYS: ReadonlySet<string> = new Set(['labels', 'depends_on', 'context_files', 'constraints', 'gates']);
const CHOICE_KEYS: ReadonlySet<string> = new Set(['risk', 'complexity', 'priority', 'workflow']);

/** Reads `tasks.yaml`: a list of tasks, bare or under `tasks:`. A task with an error is left out, the others stay. */
export function parseTasksYaml(text: string, file: string): ParsedTasks {
  const yaml = new YamlText(text);
  const collector = new Collector(file);
  for (const error of yaml.errors) collector.report('error', error, error.message);
  const { value } = yaml;
  if (value === undefined) return collector;
  const path: Path = Array.isArray(value) ? [] : ['tasks'];
  const list = Array.isArray(value) ? (value as unknown[]) : isRecord(value) ? value['tasks'] : undefined;
  if (isRecord(value)) {
    for (const key of Object.keys(value)) {
      if (key !== 'tasks') collector.report('warning', yaml.keyAt([key]), `"${key}" is no key of a task file; tasks stand in a list under "tasks:".`);
    }
  }
  if (list === null || (list === undefined && isRecord(value) && Object.hasOwn(value, 'tasks'))) return collector;
  if (!Array.isArray(list)) {
    collector.report('error', yaml.at(path), 'A task file is a list of tasks, each with id and goal.');
    return collector;
  }
  for (const index of list.keys()) collector.read(yaml, [...path, index], {});
  return collector;
}

/**
 * Reads `tasks/<name>.md`: YAML frontmatter, then Markdown whose first `# title` is the goal and whose rest is the
 * description. The id is the frontmatter's, else the file's name.
 */
export function parseTaskMarkdown(text: string, file: string): ParsedTasks {
  const collector = new Collector(file);
  const parts = splitMarkdown(text);
  if (!parts) {
    collector.report('error', { line: 1, column: 1 }, 'The frontmatter has no end: close it with a line "---".');
    return collector;
  }
  // Empty lines in the place of the opening fence keep every position true.
  const yaml = new YamlText(`\n${parts.frontmatter}`);
  for (const error of yaml.errors) collector.report('error', error, error.message);
  if (yaml.errors.length > 0) return collector;
  if (yaml.value !== undefined && !isRecord(yaml.value)) {
    collector.report('error', yaml.at([]), 'Frontmatter is a group of keys, such as "risk: low".');
    return collector;
  }
  const id = file.replace(/^.*[\\/]/, '').replace(/\.md$/i, '');
  const stated = (yaml.value?.['goal'] ?? null) !== null;
  const title = stated ? undefined : findTitle(parts.body);
  const body = (title ? title.rest : parts.body).trim();
  if (!stated && !title) {
    collector.report('error', { line: parts.bodyLine, column: 1 }, `Task ${id} has no goal: add a heading "# What is to be done".`, id);
    return collector;
  }
  collector.read(yaml, [], { id, ...(title ? { goal: title.text } : {}), ...(body === '' ? {} : { body }) });
  return collector;
}

/** Puts the tasks of all files together; tasks that share an id (without regard to case) are all left out, with an error each. */
export function collectTasks(files: readonly ParsedTasks[]): ParsedTasks {
  const byId = new Map<string, ParsedTask[]>();
  for (const task of files.flatMap((file) => file.tasks)) {
    const key = task.definition.id.toLowerCase();
    byId.set(key, [...(byId.get(key) ?? []), task]);
  }
  const problems = files.flatMap((file) => file.problems);
  const tasks: ParsedTask[] = [];
  for (const group of byId.values()) {
    const [only] = group;
    if (only && group.length === 1) tasks.push(only);
    else for (const task of group) problems.push(duplicate(task, group));
  }
  return { tasks, problems };
}

function duplicate(task: ParsedTask, group: readonly ParsedTask[]): Problem {
  const { file, line, column, definition } = task;
  const others = group.filter((one) => one !== task).map((one) => `${one.definition.id} at ${one.file}:${one.line}`);
  const more = others.length > 3 ? ` and ${others.length - 3} more` : '';
  const message = `Another task has the id ${definition.id} (${others.slice(0, 3).join(', ')}${more}); ids are unique without regard to case. Rename one of them.`;
  return { file, line, column, severity: 'error', source: 'task', task_id: definition.id, message };
}

/** What stands outside the keys of a Markdown task. */
interface Outside {
  readonly id?: string;
  readonly goal?: string;
  readonly body?: string;
}

class Collector implements ParsedTasks {
  readonly tasks: ParsedTask[] = [];
  readonly problems: Problem[] = [];
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  report(severity: Problem['severity'], { line, column }: Position, message: string, taskId?: string): void {
    this.problems.push({ file: this.file, line, column, severity, source: 'task', message, ...(taskId === undefined ? {} : { task_id: taskId }) });
  }

  /** Reads the task at a path; reports and leaves it out when it is none. */
  read(yaml: YamlText, path: Path, outside: Outside): void {
    const written = path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], yaml.value) ?? {};
    if (!isRecord(written)) {
      this.report('error', yaml.at(path), 'A task is a group of keys with id and goal.');
      return;
    }
    const values = normalise(written, yaml, path);
    const { body, ...fallback } = outside;
    const raw: Record<string, unknown> = { ...fallback, ...values, ...describe(values['description'], body) };
    const id = typeof raw['id'] === 'string' ? raw['id'] : undefined;
    const name = id === undefined ? '' : `Task ${id}: `;

    for (const key of Object.keys(written)) {
      if (TASK_KEYS.includes(key)) continue;
      const meant = closest(key, TASK_KEYS);
      this.report('warning', yaml.keyAt([...path, key]), `${name}${key} is no key that Baton knows; it is kept${meant === undefined ? '' : `. Did you mean "${meant}"?`}`, id);
    }
    const parsed = taskDefinition.safeParse(raw);
    if (!parsed.success) {
      const valueAt = (inner: Path): unknown => inner.reduce<unknown>((value, key) => (isRecord(value) || Array.isArray(value) ? (value as Record<string | number, unknown>)[key] : undefined), raw);
      for (const issue of parsed.error.issues) {
        for (const found of findingsOf(issue, valueAt, () => TASK_KEYS, () => false)) {
          this.report('error', yaml.at([...path, ...found.path]), `${name}${found.message}`, id);
        }
      }
      return;
    }
    const definition = parsed.data;
    this.warnAboutTimes(definition, yaml, path);
    const at = yaml.at(path);
    const dependencies_at = (definition.depends_on ?? []).map((_, index) => yaml.at([...path, 'depends_on', index]));
    this.tasks.push({ definition, file: this.file, ...(path.length === 0 ? { line: 1, column: 1 } : at), dependencies_at });
  }

  private warnAboutTimes({ id, deadline, created_at }: TaskDefinition, yaml: YamlText, path: Path): void {
    if (deadline !== undefined && !readDeadline(deadline, 0, 0)) {
      this.report('warning', yaml.at([...path, 'deadline']), `Task ${id}: deadline "${deadline}" is neither a date (2026-12-24) nor words that Baton knows (today, by Friday, next week, end of month).`, id);
    }
    if (created_at !== undefined && Number.isNaN(Date.parse(created_at))) {
      this.report('warning', yaml.at([...path, 'created_at']), `Task ${id}: created_at "${created_at}" is no date; its age counts from when it was first seen.`, id);
    }
  }
}

function describe(stated: unknown, body: string | undefined): { description?: unknown } {
  if (body === undefined) return stated === undefined ? {} : { description: stated };
  return { description: typeof stated === 'string' ? `${stated.trim()}\n\n${body}` : body };
}

/** Keys as the schema wants them: empty ones absent, `from` as sender, figures as text where text is meant, choices in small letters. */
function normalise(written: Record<string, unknown>, yaml: YamlText, path: Path): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(written)) {
    if (value === null || value === undefined) continue;
    const name = key === 'from' ? 'sender' : key;
    if (key === 'from' && (written['sender'] ?? null) !== null) continue;
    result[name] = valueOf(key, value, yaml, [...path, key]);
  }
  return result;
}

function valueOf(key: string, value: unknown, yaml: YamlText, path: Path): unknown {
  const isPlain = typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
  if (isPlain && (TEXT_KEYS.has(key) || LIST_KEYS.has(key))) return yaml.sourceOf(path) ?? String(value);
  if (Array.isArray(value) && LIST_KEYS.has(key)) return value.map((item: unknown, index) => valueOf(key, item, yaml, [...path, index]));
  if (typeof value === 'string' && CHOICE_KEYS.has(key)) return value.trim().toLowerCase();
  return value;
}

interface MarkdownParts {
  /** YAML between the fences, without them; empty when there is none. */
  readonly frontmatter: string;
  readonly body: string;
  /** Line at which the body begins, from 1. */
  readonly bodyLine: number;
}

/** Splits frontmatter from body; undefined when the frontmatter has no end. */
export function splitMarkdown(text: string): MarkdownParts | undefined {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines[0]?.trimEnd() !== '---') return { frontmatter: '', body: lines.join('\n'), bodyLine: 1 };
  const end = lines.findIndex((line, index) => index > 0 && /^(---|\.\.\.)\s*$/.test(line));
  if (end < 0) return undefined;
  return { frontmatter: lines.slice(1, end).join('\n'), body: lines.slice(end + 1).join('\n'), bodyLine: end + 2 };
}

/** The first top-level heading outside code, and the body without it. */
export function findTitle(body: string): { text: string; rest: string; line: number } | undefined {
  const lines = body.split('\n');
  let fence: string | undefined;
  for (const [index, line] of lines.entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined) {
      if (fence === undefined) fence = mark;
      else if (mark.startsWith(fence)) fence = undefined;
      continue;
    }
    const title = fence === undefined ? /^ {0,3}#[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/.exec(line)?.[1] : undefined;
    if (title !== undefined && title !== '') return { text: title, rest: [...lines.slice(0, index), ...lines.slice(index + 1)].join('\n'), line: index };
  }
  return undefined;
}
