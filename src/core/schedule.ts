/** `.baton/schedules.yaml`: which templates are queued when. Reads it with what is wrong located, and says when a schedule is due. */
import { Cron } from 'croner';
import * as z from 'zod';
import { findingsOf } from './config/issues.ts';
import { messageOf, type Problem } from './errors.ts';
import { isRecord, YamlText, type Path, type Position } from './yamlText.ts';

const text = z.string().trim().min(1);

const schedule = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, 'must be 1 to 40 letters, digits, "_" or "-"')
    .describe('Unique; the tasks of the schedule begin with it.'),
  cron: text.describe('When: minute, hour, day of month, month, day of week ("0 9 * * MON-FRI"), or @daily, @weekly and the like.'),
  template: text.describe('Name of the template in .baton/templates, without .md.'),
  set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}).describe('Values for the placeholders of the template.'),
  timezone: text.optional().describe('Time zone of the cron expression, such as Europe/Berlin; the machine’s own when absent.'),
  enabled: z.boolean().default(true).describe('false: it queues nothing.'),
});
const entries = z.array(schedule);

/** A list of schedules, bare or under `schedules:`; for the JSON Schema. */
export const schedulesFile = z.union([z.strictObject({ schedules: entries.nullable() }), entries]);

export type Schedule = z.infer<typeof schedule>;

export interface ParsedSchedule extends Position {
  readonly schedule: Schedule;
  readonly file: string;
  /** Where its template is named. */
  readonly template_at: Position;
}

export interface ParsedSchedules {
  readonly schedules: readonly ParsedSchedule[];
  readonly problems: readonly Problem[];
}

const KEYS = Object.keys(schedule.shape);

/** A schedule with an error is left out, the others stay. */
export function parseSchedules(source: string, file: string): ParsedSchedules {
  const yaml = new YamlText(source);
  const problems: Problem[] = [];
  const report = ({ line, column }: Position, message: string): void => void problems.push({ file, line, column, severity: 'error', source: 'config', message });
  for (const error of yaml.errors) report(error, error.message);
  const { value } = yaml;
  if (value === undefined) return { schedules: [], problems };
  const base: Path = Array.isArray(value) ? [] : ['schedules'];
  const list: unknown = Array.isArray(value) ? value : isRecord(value) ? value['schedules'] : undefined;
  if (isRecord(value)) {
    for (const key of Object.keys(value)) if (key !== 'schedules') report(yaml.keyAt([key]), `"${key}" is no key of this file; schedules stand in a list under "schedules:".`);
    if (list === null) return { schedules: [], problems };
  }
  if (!Array.isArray(list)) {
    report(yaml.at([]), 'This file is a list of schedules, each with name, cron and template.');
    return { schedules: [], problems };
  }
  const schedules: ParsedSchedule[] = [];
  const names = new Set<string>();
  for (const [index, entry] of (list as unknown[]).entries()) {
    const path = [...base, index];
    const parsed = schedule.safeParse(entry);
    if (!parsed.success) {
      const valueAt = (inner: Path): unknown => inner.reduce<unknown>((one, key) => (isRecord(one) ? one[key] : undefined), entry);
      for (const issue of parsed.error.issues) {
        for (const found of findingsOf(issue, valueAt, () => KEYS, () => false)) {
          report(found.about === 'key' ? yaml.keyAt([...path, ...found.path]) : yaml.at([...path, ...found.path]), `Schedule ${index + 1}: ${found.message}`);
        }
      }
      continue;
    }
    const { name } = parsed.data;
    const fault = cronFault(parsed.data);
    if (names.has(name.toLowerCase())) report(yaml.at([...path, 'name']), `Another schedule is named "${name}"; names are unique without regard to case.`);
    else if (fault !== undefined) report(yaml.at([...path, fault.key]), `Schedule ${name}: ${fault.message}`);
    else schedules.push({ schedule: parsed.data, file, ...yaml.at(path), template_at: yaml.at([...path, 'template']) });
    names.add(name.toLowerCase());
  }
  return { schedules, problems };
}

/** The first time after `after` (epoch ms) at which the schedule is due; undefined when it never is again. */
export function nextDue(schedule: Pick<Schedule, 'cron' | 'timezone'>, after: number): number | undefined {
  return cronOf(schedule).nextRun(new Date(after))?.getTime();
}

/** The last time after `since` and not after `until` (epoch ms) at which it was due: what several missed times come down to. */
export function lastDue(schedule: Pick<Schedule, 'cron' | 'timezone'>, since: number, until: number): number | undefined {
  // The reference itself does not count, so ask from a moment later; the first answer may then lie behind `until`.
  const due = cronOf(schedule)
    .previousRuns(2, new Date(until + 1000))
    .map((date) => date.getTime())
    .find((time) => time <= until);
  return due !== undefined && due > since ? due : undefined;
}

function cronOf({ cron, timezone }: Pick<Schedule, 'cron' | 'timezone'>): Cron {
  return new Cron(cron, { mode: '5-part', paused: true, ...(timezone === undefined ? {} : { timezone }) });
}

function cronFault(one: Schedule): { key: 'cron' | 'timezone'; message: string } | undefined {
  try {
    if (nextDue({ cron: one.cron }, 0) === undefined) return { key: 'cron', message: `cron "${one.cron}" is never due.` };
  } catch (error) {
    return { key: 'cron', message: `cron "${one.cron}" cannot be read (${messageOf(error).replace(/^CronPattern: /, '').replace(/\.$/, '')}); write minute, hour, day of month, month and day of week, such as "0 9 * * MON".` };
  }
  try {
    nextDue(one, 0);
    return undefined;
  } catch {
    return { key: 'timezone', message: `timezone "${one.timezone ?? ''}" is not known; write a name such as Europe/Berlin.` };
  }
}
