/** `.baton/schedules.yaml`: reads it, with what is wrong located. */
import type { CronFault } from './cron.ts';
import { findingsOf } from './config/issues.ts';
import type { Problem } from './errors.ts';
import { schedule, type Schedule } from './scheduleSchema.ts';
import { isRecord, YamlText, type Path, type Position } from './yamlText.ts';

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
export function parseSchedules(source: string, file: string, cronFault: (schedule: Schedule) => CronFault | undefined): ParsedSchedules {
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
