/** The task templates of a repository and the schedules that use them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError, messageOf, type Problem } from '../../core/errors.ts';
import type * as cron from '../../core/cron.ts';
import type { NewTask } from '../../core/task.ts';
import { parseSchedules } from '../../core/schedule.ts';
import { findTitle, splitMarkdown } from '../../core/taskFile.ts';
import { givenValues, placeholdersOf, taskFromTemplate, templateProblems, type Placeholder } from '../../core/taskTemplate.ts';
import type { SourcedSchedule } from '../../engine/ports.ts';

export const SCHEDULES_FILE = '.baton/schedules.yaml';
export const TEMPLATES_FOLDER = '.baton/templates';

export interface Template {
  /** The file's name without `.md`. */
  readonly name: string;
  /** Relative to the repository, with "/". */
  readonly file: string;
  readonly text: string;
  /** Its heading, placeholders and all; empty where it has none. */
  readonly title: string;
  readonly placeholders: readonly Placeholder[];
}

/** Every readable template of a repository, by name. */
export async function readTemplates(root: string): Promise<Template[]> {
  const names = await readdir(join(root, TEMPLATES_FOLDER)).catch(() => []);
  const wanted = names.filter((name) => /\.md$/i.test(name) && !name.startsWith('.') && !/^readme\.md$/i.test(name)).sort();
  const texts = await Promise.all(wanted.map((name) => readFile(join(root, TEMPLATES_FOLDER, name), 'utf8').catch(() => undefined)));
  return wanted.flatMap((name, index) => {
    const text = texts[index];
    if (text === undefined) return [];
    const title = findTitle(splitMarkdown(text)?.body ?? '')?.text ?? '';
    return [{ name: name.slice(0, -'.md'.length), file: `${TEMPLATES_FOLDER}/${name}`, text, title, placeholders: placeholdersOf(text) }];
  });
}

/** The task that a template makes now of these values; see taskFromTemplate. */
export function newTaskFrom({ text, file, name }: Template, values: Readonly<Record<string, string>>): NewTask {
  return { ...taskFromTemplate(text, file, { ...givenValues(Date.now()), ...values }), source: `template ${name}` };
}

/** Loads what knows cron expressions, which only repositories with schedules need. */
export type LoadCron = () => Promise<typeof cron>;

/** Schedules that can queue their task, and what is wrong with the others and with the templates. */
export async function readSchedules(root: string, loadCron: LoadCron): Promise<{ schedules: SourcedSchedule[]; problems: Problem[] }> {
  const [source, templates] = await Promise.all([readFile(join(root, SCHEDULES_FILE), 'utf8').catch(noFile), readTemplates(root)]);
  const problems = templates.flatMap(({ text, file }) => templateProblems(text, file));
  const schedules: SourcedSchedule[] = [];
  if (typeof source !== 'string') return { schedules, problems: source === undefined ? problems : [source, ...problems] };
  const { cronFault, nextDue, lastDue } = await loadCron();
  const parsed = parseSchedules(source, SCHEDULES_FILE, cronFault);
  problems.unshift(...parsed.problems);
  for (const { schedule, file, line, column, template_at } of parsed.schedules) {
    const report = (message: string): void => void problems.push({ file, ...template_at, severity: 'error', source: 'config', message: `Schedule ${schedule.name}: ${message}` });
    const template = templates.find(({ name }) => name.toLowerCase() === schedule.template.toLowerCase());
    if (template === undefined) {
      const known = templates.length === 0 ? 'there are none yet' : `there are ${templates.map(({ name }) => name).join(', ')}`;
      report(`there is no template ${TEMPLATES_FOLDER}/${schedule.template}.md; ${known}.`);
      continue;
    }
    try {
      taskFromTemplate(template.text, template.file, { ...givenValues(0, schedule.timezone), ...schedule.set });
      schedules.push({
        schedule,
        file,
        line,
        column,
        template: { file: template.file, text: template.text },
        nextDue: (after) => nextDue(schedule, after),
        lastDue: (since, until) => lastDue(schedule, since, until),
      });
    } catch (error) {
      report(`${messageOf(error)}${error instanceof BatonError && error.hint !== undefined ? ` ${error.hint}` : ''}`);
    }
  }
  return { schedules, problems };
}

function noFile(error: unknown): Problem | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  return { file: SCHEDULES_FILE, line: 1, column: 1, severity: 'error', source: 'config', message: `This file cannot be read (${code ?? messageOf(error)}), so nothing is queued by schedule.` };
}
