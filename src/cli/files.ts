/** Files that commands read and write themselves, with the parsers loaded only when they are needed. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { BatonError } from '../core/errors.ts';
import type { TasksFile } from './tasksFile.ts';

/**
 * Reads a file of tasks (`.yaml`/`.yml`: a list; `.md`: one task). `file` is relative to `folder`.
 * Rejects with `not_found` when it cannot be read; faulty tasks are left out and reported as problems.
 */
export async function readTasks(folder: string, file: string): Promise<TasksFile> {
  let text: string;
  try {
    text = await readFile(path.resolve(folder, file), 'utf8');
  } catch (error) {
    throw new BatonError('not_found', `The tasks file ${file} cannot be read.`, { cause: error, hint: 'Name a YAML list of tasks, or one Markdown file.' });
  }
  const { collectTasks, parseTaskMarkdown, parseTasksYaml } = await import('../core/taskFile.ts');
  const parsed = /\.md$/i.test(file) ? parseTaskMarkdown(text, file) : parseTasksYaml(text, file);
  return collectTasks([parsed]);
}

/** Reads a plan (YAML or JSON). `file` is relative to `folder`. Whether it can be carried out is for the engine to say. */
export async function readPlan(folder: string, file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path.resolve(folder, file), 'utf8');
  } catch (error) {
    throw new BatonError('not_found', `The plan ${file} cannot be read.`, { cause: error });
  }
  const { isRecord, YamlText } = await import('../core/yamlText.ts');
  const yaml = new YamlText(text);
  const [fault] = yaml.errors;
  if (fault !== undefined) throw new BatonError('usage', `${file}:${fault.line}:${fault.column}: ${fault.message}`);
  if (!isRecord(yaml.value)) throw new BatonError('usage', `${file} is no plan: a plan has a list of steps.`);
  return yaml.value;
}
