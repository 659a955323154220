/** Task files written: new ones, and edits of a user's own that keep its comments and order. */
import { isCollection, isMap, isScalar, parseDocument, stringify, type Node, type YAMLMap } from 'yaml';
import { BatonError } from './errors.ts';
import { findTitle, parseTaskMarkdown, splitMarkdown } from './taskFile.ts';
import { taskIdFault, TASK_KEYS, type NewTask } from './task.ts';
import { isRecord, pairOf, YamlText, type Path } from './yamlText.ts';

const SLUG_LENGTH = 48;

/** A task id made of a goal: `Fix the CSV export!` becomes `fix-the-csv-export`. */
export function slugOf(goal: string): string {
  const words = goal
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  let slug = '';
  for (const word of words) {
    const longer = slug === '' ? word : `${slug}-${word}`;
    if (longer.length > SLUG_LENGTH) break;
    slug = longer;
  }
  const result = slug === '' ? (words[0]?.slice(0, SLUG_LENGTH) ?? 'task') : slug;
  return taskIdFault(result) === undefined ? result : `task-${result}`;
}

/** `wanted`, or with the first number that makes it unlike all taken ids (without regard to case): `fix-tests-2`. */
export function uniqueTaskId(wanted: string, taken: Iterable<string>): string {
  const used = new Set([...taken].map((id) => id.toLowerCase()));
  if (!used.has(wanted.toLowerCase())) return wanted;
  for (let number = 2; ; number += 1) {
    const ending = `-${number}`;
    const candidate = `${wanted.slice(0, 64 - ending.length)}${ending}`;
    if (!used.has(candidate.toLowerCase())) return candidate;
  }
}

/**
 * A new task as a file for `.baton/tasks/`. Without an id the file gets a slug of the goal for its name.
 * Reading the text back gives the same definition (texts trimmed).
 * @param name the file's name without `.md`, where it must differ from the id
 */
export function writeTaskFile(task: NewTask, name?: string): { name: string; text: string } {
  const id = task.id ?? slugOf(task.goal);
  const file = `${name ?? id}.md`;
  const goal = task.goal.trim();
  const description = task.description?.trim() ?? '';
  const keys = Object.entries(task).filter(([key, value]) => value !== undefined && key !== 'id' && key !== 'goal' && key !== 'description');
  const rank = (key: string): number => (TASK_KEYS.includes(key) ? TASK_KEYS.indexOf(key) : TASK_KEYS.length);
  const front: Record<string, unknown> = { ...(name === undefined || name === id ? {} : { id }), ...Object.fromEntries(keys.sort(([a], [b]) => rank(a) - rank(b))) };

  const text = compose(front, `# ${goal}`, description);
  const [read] = parseTaskMarkdown(text, file).tasks;
  if (read && read.definition.goal === goal && (read.definition.description ?? '') === description) return { name: file, text };
  // A goal of several lines, or one that Markdown would read otherwise, is safe among the keys.
  return { name: file, text: compose({ goal, ...front, ...(description === '' ? {} : { description }) }, '', '') };
}

function compose(front: Record<string, unknown>, title: string, description: string): string {
  const fences = Object.keys(front).length === 0 ? '' : `---\n${stringify(front, { lineWidth: 0 })}---\n`;
  return [fences + title, description].filter((part) => part !== '').join('\n\n').replace(/\n*$/, '\n');
}

/**
 * Sets a key of a task in the text of its file (`undefined` takes it out) and leaves everything else as it was written.
 * @param kind `yaml` for tasks.yaml, `markdown` for a file of tasks/
 * @throws BatonError not_found when the file has no such task; invalid_task when the file cannot be edited
 */
export function setTaskKey(text: string, kind: 'yaml' | 'markdown', taskId: string, key: string, value: unknown): string {
  if (kind === 'yaml') return setYamlKey(text, findTask(text, taskId), key, value);
  const parts = splitMarkdown(text);
  if (!parts) throw new BatonError('invalid_task', 'The frontmatter has no end.', { hint: 'Close it with a line "---".' });
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const title = key === 'goal' ? findTitle(parts.body) : undefined;
  let { body, frontmatter } = parts;
  const hasKey = (name: string): boolean => {
    const values = new YamlText(frontmatter).value;
    return isRecord(values) && Object.hasOwn(values, name);
  };
  if (title && typeof value === 'string' && !hasKey('goal')) {
    body = body.split('\n').map((line, index) => (index === title.line ? `# ${value}` : line)).join('\n');
  } else if (frontmatter.trim() === '') {
    if (value !== undefined) frontmatter = `${frontmatter}${key}: ${inline(value, false)}`;
  } else {
    frontmatter = setYamlKey(frontmatter, [], key, value).replace(/\n$/, '');
  }
  const whole = frontmatter === '' && parts.bodyLine === 1 ? body : `---\n${frontmatter}\n---\n${body}`;
  return whole.replace(/\n/g, newline);
}

/** Takes a task out of the text of `tasks.yaml` and leaves everything else, comments included, as it was written. Throws `not_found`. */
export function removeTaskEntry(text: string, taskId: string): string {
  const path = findTask(text, taskId);
  const yaml = new YamlText(text);
  const others = without(yaml.value, path);
  const range = yaml.nodeAt(path)?.range;
  if (range) {
    const start = text.lastIndexOf('\n', range[0] - 1) + 1;
    const end = text.indexOf('\n', Math.max(range[1] - 1, range[0]));
    const cut = text.slice(0, start) + (end < 0 ? '' : text.slice(end + 1));
    const left = new YamlText(cut);
    // The only entry leaves its key empty, or nothing at all.
    if (left.errors.length === 0 && JSON.stringify(entriesOf(left.value)) === JSON.stringify(others)) return cut;
  }
  const document = parseDocument(text);
  document.deleteIn(path);
  return document.toString({ lineWidth: 0 });
}

function entriesOf(value: unknown): unknown[] {
  const list: unknown = Array.isArray(value) ? value : isRecord(value) ? value['tasks'] : undefined;
  return Array.isArray(list) ? (list as unknown[]) : [];
}

function without(value: unknown, path: Path): unknown[] {
  return entriesOf(value).filter((_, index) => index !== path.at(-1));
}

function findTask(text: string, taskId: string): Path {
  const { value } = new YamlText(text);
  const base: Path = Array.isArray(value) ? [] : ['tasks'];
  const list: unknown = Array.isArray(value) ? value : isRecord(value) ? value['tasks'] : undefined;
  const index = Array.isArray(list) ? list.findIndex((task: unknown) => isRecord(task) && String(task['id']) === taskId) : -1;
  if (index < 0) throw new BatonError('not_found', `The file has no task ${taskId}.`);
  return [...base, index];
}

/** Sets one key of the map at a path by changing only its own characters. */
function setYamlKey(text: string, path: Path, key: string, value: unknown): string {
  const edited = splice(text, path, key, value);
  if (says(edited, path, key, value)) return edited;
  // An unusual layout: let the library write the file again, which keeps comments and order but not every space.
  const document = parseDocument(text);
  if (value === undefined) document.deleteIn([...path, key]);
  else document.setIn([...path, key], value);
  const rewritten = document.toString({ lineWidth: 0 });
  if (says(rewritten, path, key, value)) return rewritten;
  throw new BatonError('invalid_task', `The key ${key} could not be changed without harming the file.`, { hint: 'Edit the file by hand.' });
}

/** True when the text is sound YAML whose key has this value. */
function says(text: string, path: Path, key: string, value: unknown): boolean {
  const yaml = new YamlText(text);
  if (yaml.errors.length > 0) return false;
  const map = path.reduce<unknown>((one, step) => (one as Record<string | number, unknown> | undefined)?.[step], yaml.value);
  const found = isRecord(map) ? (map[key] ?? undefined) : undefined;
  return JSON.stringify(found) === JSON.stringify(value);
}

function splice(text: string, path: Path, key: string, value: unknown): string {
  const yaml = new YamlText(text);
  const map = yaml.nodeAt(path);
  if (!isMap(map)) return text;
  const pair = pairOf(map, key);
  if (!pair) return value === undefined ? text : insertPair(text, map, key, value);
  const keyNode = pair.key as Node;
  const [keyStart = 0, keyEnd = 0] = keyNode.range ?? [];
  const valueNode = pair.value as Node | null;
  const range = valueNode?.range;
  const colon = text.indexOf(':', keyEnd);
  const [from, to] = range && range[1] > range[0] ? [range[0], range[1]] : [colon + 1, colon + 1];

  if (value === undefined) {
    const lineStart = text.lastIndexOf('\n', keyStart - 1) + 1;
    const lineEnd = text.indexOf('\n', Math.max(to - 1, keyEnd));
    const alone = text.slice(lineStart, keyStart).trim() === '' && map.flow !== true;
    return alone ? text.slice(0, lineStart) + (lineEnd < 0 ? '' : text.slice(lineEnd + 1)) : `${text.slice(0, colon + 1)} null${text.slice(to)}`;
  }
  const written = inline(value, map.flow === true);
  const old = text.slice(from, to);
  const tail = old.endsWith('\n') ? '\n' : '';
  const between = text.slice(colon + 1, from);
  const onItsOwnLine = isCollection(valueNode) && between.includes('\n');
  const gap = onItsOwnLine && !between.includes('#') ? ' ' : onItsOwnLine ? `${between}  ` : between === '' ? ' ' : between;
  return text.slice(0, colon + 1) + gap + written + tail + text.slice(to);
}

function insertPair(text: string, map: YAMLMap, key: string, value: unknown): string {
  const last = map.items.at(-1);
  const lastKey = last?.key as Node | undefined;
  const lastValue = last?.value as Node | null | undefined;
  const written = `${key}: ${inline(value, map.flow === true)}`;
  const valueEnd = lastValue?.range && lastValue.range[1] > lastValue.range[0] ? lastValue.range[1] : undefined;
  const end = valueEnd ?? text.indexOf(':', lastKey?.range?.[1] ?? 0) + 1;
  if (map.flow === true) return `${text.slice(0, end)}, ${written}${text.slice(end)}`;
  const firstKey = map.items[0]?.key as Node | undefined;
  const start = firstKey?.range?.[0] ?? 0;
  const indent = ' '.repeat(start - (text.lastIndexOf('\n', start - 1) + 1));
  if (isScalar(lastValue) && text[end - 1] === '\n') return `${text.slice(0, end)}${indent}${written}\n${text.slice(end)}`;
  const lineEnd = text.indexOf('\n', end);
  const at = lineEnd < 0 ? text.length : lineEnd;
  return `${text.slice(0, at)}\n${indent}${written}${text.slice(at)}`;
}

/** A value on one line. */
function inline(value: unknown, inFlow: boolean): string {
  const options = { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false } as const;
  if (typeof value === 'string' && value.includes('\n')) return JSON.stringify(value);
  if (!inFlow) return stringify(value, options).trimEnd();
  // Within braces more characters need quotes than outside; as an item of a list the library knows that.
  return stringify([value], options).trimEnd().slice(1, -1);
}
