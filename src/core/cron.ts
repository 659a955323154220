/**
 * When a schedule is due. A bundle of its own (dist/cron.js), since only repositories with schedules need the library beneath it; this file is all
 * that knows it.
 */
import { Cron } from 'croner';
import { messageOf } from './errors.ts';

/** A cron expression of five parts, in a time zone by name; the machine's own when absent. */
export interface Times {
  readonly cron: string;
  readonly timezone?: string | undefined;
}

export interface CronFault {
  readonly key: 'cron' | 'timezone';
  readonly message: string;
}

/** The first time after `after` (epoch ms) at which the schedule is due; undefined when it never is again. */
export function nextDue(schedule: Times, after: number): number | undefined {
  return cronOf(schedule).nextRun(new Date(after))?.getTime();
}

/** The last time after `since` and not after `until` (epoch ms) at which it was due: what several missed times come down to. */
export function lastDue(schedule: Times, since: number, until: number): number | undefined {
  // The reference itself does not count, so ask from a moment later; the first answer may then lie behind `until`.
  const due = cronOf(schedule)
    .previousRuns(2, new Date(until + 1000))
    .map((date) => date.getTime())
    .find((time) => time <= until);
  return due !== undefined && due > since ? due : undefined;
}

function cronOf({ cron, timezone }: Times): Cron {
  return new Cron(cron, { mode: '5-part', paused: true, ...(timezone === undefined ? {} : { timezone }) });
}

/** What is wrong with a schedule's times; undefined when they are sound. */
export function cronFault(one: Times): CronFault | undefined {
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
