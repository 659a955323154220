/**
 * `.baton/templates/<name>.md`: a task file with `{{placeholders}}`. Values are put in after the frontmatter has been read, so that no value can add a
 * key or break the file. Pure.
 */
import { stringify } from 'yaml';
import { BatonError, type Problem } from './errors.ts';
import type { NewTask } from './task.ts';
import { parseTaskMarkdown, splitMarkdown } from './taskFile.ts';
import { isRecord, YamlText } from './yamlText.ts';

export interface Placeholder {
  readonly name: string;
  /** What stands in where no value is given: `{{name: text}}`. */
  readonly fallback: string | undefined;
}

/** `{{name}}` or `{{name: fallback}}`; `\{{` is a literal one. */
const PLACEHOLDER = /(\\?)\{\{\s*([A-Za-z][A-Za-z0-9_-]*)\s*(?::([^{}]*))?\}\}/g;

/** Known without being given: when the task is queued, or the time at which its schedule was due. */
export const GIVEN = ['date', 'time'] as const;

/** The placeholders of a template in the order in which they appear, each once; those that are always known are not among them. */
export function placeholdersOf(text: string): Placeholder[] {
  const found = new Map<string, Placeholder>();
  for (const [, escape, name = '', fallback] of text.matchAll(PLACEHOLDER)) {
    if (escape !== '' || (GIVEN as readonly string[]).includes(name)) continue;
    // One place with a fallback is enough for all.
    if (found.get(name)?.fallback === undefined) found.set(name, { name, fallback: fallback?.trim() });
  }
  return [...found.values()];
}

/** `date` and `time` for a template that is used at this moment (epoch ms), in the given zone, the machine's own when absent. */
export function givenValues(at: number, timeZone?: string): Record<(typeof GIVEN)[number], string> {
  // The Swedish way of writing is that of ISO 8601.
  const local = new Date(at).toLocaleString('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return { date: local.slice(0, 10), time: local.slice(11, 16) };
}

/**
 * The task that a template makes of these values. Without an id in its frontmatter it gets one of its goal.
 * @param file how the template is named in problems
 * @throws BatonError usage when a placeholder has no value or a value has no placeholder; invalid_task (located) when the result is no task
 */
export function taskFromTemplate(text: string, file: string, values: Readonly<Record<string, string>>): NewTask {
  const placeholders = placeholdersOf(text);
  const missing = placeholders.filter(({ name, fallback }) => values[name] === undefined && fallback === undefined).map(({ name }) => name);
  if (missing.length > 0) throw new BatonError('usage', `The template ${file} needs ${list(missing)}.`, { hint: 'Give each of them a value.' });
  const known = [...placeholders.map(({ name }) => name), ...GIVEN];
  const unknown = Object.keys(values).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new BatonError('usage', `The template ${file} has no placeholder ${list(unknown)}.`, { hint: placeholders.length === 0 ? 'It takes no values.' : `It takes ${list(placeholders.map(({ name }) => name))}.` });
  }
  const fallbacks = new Map(placeholders.map(({ name, fallback }) => [name, fallback ?? '']));
  const valueOf = (name: string): string => values[name] ?? fallbacks.get(name) ?? '';

  const parts = splitMarkdown(text);
  const front = parts && withValues(parts.frontmatter, valueOf);
  const rendered = front === undefined ? text : `${front}${put(parts?.body ?? '', valueOf)}`;
  const { tasks, problems } = parseTaskMarkdown(rendered, file);
  const error = problems.find((problem) => problem.severity === 'error');
  const [task] = tasks;
  if (error !== undefined || task === undefined) {
    // Lines of the frontmatter move when it is written anew, so its place is the file.
    throw new BatonError('invalid_task', error?.message ?? `The template ${file} makes no task.`, { location: { file, line: 1, column: 1 } });
  }
  const { id, ...rest } = task.definition;
  return hasKey(parts?.frontmatter ?? '', 'id') ? { ...rest, id } : rest;
}

/** What is wrong with a template as it stands, located: frontmatter that cannot be read, a placeholder that is not closed. */
export function templateProblems(text: string, file: string): Problem[] {
  const problem = (line: number, column: number, message: string): Problem => ({ file, line, column, severity: 'error', source: 'task', message });
  const parts = splitMarkdown(text);
  if (parts === undefined) return [problem(1, 1, 'The frontmatter has no end: close it with a line "---".')];
  const { text: marked } = mark(`\n${parts.frontmatter}`);
  const found = new YamlText(marked).errors.map(({ line, column, message }) => problem(line, column, message));
  for (const [index, line] of text.split('\n').entries()) {
    const at = line.replace(PLACEHOLDER, (whole) => ' '.repeat(whole.length)).search(/(?<!\\)\{\{/);
    if (at >= 0) found.push(problem(index + 1, at + 1, 'This placeholder cannot be read: write {{name}} or {{name: fallback}}, or \\{{ for the characters themselves.'));
  }
  if (found.length > 0) return found;
  try {
    taskFromTemplate(text, file, Object.fromEntries(placeholdersOf(text).map(({ name, fallback }) => [name, fallback ?? name])));
    return [];
  } catch (error) {
    // A choice such as risk may need a real value; only what no value could mend is a fault of the template.
    return error instanceof BatonError && placeholdersOf(parts.frontmatter).length === 0 ? [problem(error.location?.line ?? 1, error.location?.column ?? 1, error.message)] : [];
  }
}

/** The frontmatter with its values, fences included; undefined when it cannot be read. */
function withValues(frontmatter: string, valueOf: (name: string) => string): string | undefined {
  const { text, names } = mark(frontmatter);
  const { value, errors } = new YamlText(text);
  if (errors.length > 0) return undefined;
  if (!isRecord(value)) return frontmatter.trim() === '' ? '' : undefined;
  const unmark = (one: unknown): unknown => {
    if (typeof one === 'string') return one.replace(MARK, (_, index: string) => valueOf(names[Number(index)] ?? ''));
    if (Array.isArray(one)) return one.map(unmark);
    return isRecord(one) ? Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, unmark(inner)])) : one;
  };
  return `---\n${stringify(unmark(value), { lineWidth: 0 })}---\n`;
}

const MARK = /batonplaceholder(\d+)x/g;

/** Words in the place of placeholders: whatever stands around them, YAML reads them as text. */
function mark(text: string): { text: string; names: string[] } {
  const names: string[] = [];
  const marked = text.replace(PLACEHOLDER, (whole, escape: string, name: string) => (escape === '' ? `batonplaceholder${names.push(name) - 1}x` : whole.slice(1)));
  return { text: marked, names };
}

function put(text: string, valueOf: (name: string) => string): string {
  return text.replace(PLACEHOLDER, (whole, escape: string, name: string) => (escape === '' ? valueOf(name) : whole.slice(1)));
}

function hasKey(frontmatter: string, key: string): boolean {
  const { value } = new YamlText(mark(frontmatter).text);
  return isRecord(value) && (value[key] ?? null) !== null;
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
