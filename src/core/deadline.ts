/** When a task is due, read from its `deadline` or from its text. */
import type { TaskDefinition } from './task.ts';
import { isNegated, type Component } from './urgency.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** [less than this far away in ms, component], nearest first. */
const BY_DISTANCE = [
  [DAY_MS, 5],
  [3 * DAY_MS, 4],
  [7 * DAY_MS, 3],
  [31 * DAY_MS, 2],
] as const;

const WEEKDAY = '(?:mon|tues|wednes|thurs|fri|satur|sun)day';
const EDGE_LEFT = '(?<![\\p{L}\\p{N}_])';
const EDGE_RIGHT = '(?![\\p{L}\\p{N}_])';
const phrase = (pattern: string): RegExp => new RegExp(EDGE_LEFT + pattern + EDGE_RIGHT, 'giu');
const BEFORE = '(?:by|before|until|till|due(?:\\s+on)?|(?:no|not)\\s+later\\s+than)';

/** Words and their component; a word counts once whatever day it is today, as it was written relative to no date. */
const WORDS: readonly (readonly [RegExp, number])[] = [
  [phrase('(?:today|eod|end\\s+of\\s+(?:the\\s+)?(?:business\\s+)?day)'), 5],
  [phrase(`(?:tomorrow|eow|end\\s+of\\s+(?:the\\s+|this\\s+)?week|this\\s+week|${BEFORE}\\s+(?:this\\s+|coming\\s+)?${WEEKDAY})`), 4],
  [phrase(`(?:next\\s+week|${BEFORE}\\s+next\\s+${WEEKDAY})`), 3],
  [phrase('(?:eom|end\\s+of\\s+(?:the\\s+|this\\s+)?month|next\\s+month)'), 2],
];
/** Says quickly that a text has nothing to offer, as most have. */
const MAY_HAVE_ANY = /day|eo[dwm]|tomorrow|week|month|\d{4}-\d/i;
const BARE_WEEKDAY = new RegExp(`^(next\\s+)?${WEEKDAY}$`, 'iu');

const ISO = '(\\d{4})-(\\d{2})-(\\d{2})(?:[T ](\\d{2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{1,9}))?)?\\s*(Z|[+-]\\d{2}(?::?\\d{2})?)?)?';
const WHOLE_DATE = new RegExp(`^${ISO}$`, 'i');
/** In prose a date is a deadline only where it is called one. */
const DATE_IN_TEXT = new RegExp(`${EDGE_LEFT}(?:by|due(?:\\s+on)?|deadline:?)\\s+(${ISO})${EDGE_RIGHT}`, 'giu');

/**
 * The component of SPEC §5. `deadline` wins over the text; in the text the nearest finding wins.
 * @param now epoch ms
 * @param utcOffsetMinutes minutes ahead of UTC, for dates that state no zone
 */
export function findDeadline(
  task: Pick<TaskDefinition, 'goal' | 'description' | 'deadline'>,
  now: number,
  utcOffsetMinutes: number,
): Component {
  if (task.deadline !== undefined) {
    return readDeadline(task.deadline, now, utcOffsetMinutes) ?? { value: 1, because: `"${task.deadline}" is not understood` };
  }
  let best: Component | undefined;
  let until = Infinity;
  for (const text of [task.goal, task.description ?? '']) {
    const found = deadlineIn(text, now, utcOffsetMinutes);
    until = Math.min(until, found?.until ?? Infinity);
    if (found && (!best || found.value > best.value)) best = found;
  }
  return best ? { ...best, until } : { value: 1, because: 'no deadline' };
}

/** What a `deadline:` says, or undefined when it is neither an ISO date nor one of the known words. */
export function readDeadline(text: string, now: number, utcOffsetMinutes: number): Component | undefined {
  const words = text.trim();
  const due = parseDate(words, utcOffsetMinutes);
  if (due !== undefined) return byDistance(due, now);
  const weekday = BARE_WEEKDAY.exec(words);
  if (weekday) return { value: weekday[1] === undefined ? 4 : 3, because: `"${words}"` };
  return deadlineIn(words, now, utcOffsetMinutes);
}

/** Epoch ms at which an ISO date ends or a date-time is; undefined when the text is no existing date. */
export function parseDate(text: string, utcOffsetMinutes: number): number | undefined {
  const match = WHOLE_DATE.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map((part) => Number(part || 0));
  const midnight = Date.UTC(year, month - 1, day);
  if (new Date(midnight).getUTCDate() !== day || new Date(midnight).getUTCMonth() !== month - 1) return undefined;
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  // Without a time the whole day is left: a date alone is due when that day is over.
  const local = match[4] === undefined ? midnight + DAY_MS - 1 : midnight + ((hour * 60 + minute) * 60 + second) * 1000;
  return local - offsetMinutes(match[8], utcOffsetMinutes) * 60_000;
}

function offsetMinutes(zone: string | undefined, fallback: number): number {
  if (zone === undefined) return fallback;
  if (zone.toUpperCase() === 'Z') return 0;
  const digits = zone.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
  return zone.startsWith('-') ? -minutes : minutes;
}

function byDistance(due: number, now: number): Component {
  const left = due - now;
  const value = BY_DISTANCE.find(([limit]) => left < limit)?.[1] ?? 1;
  if (left < 0) return { value, because: 'overdue' };
  const days = Math.floor(left / DAY_MS);
  const hours = Math.floor(left / HOUR_MS);
  // The next limit that the time left falls below; every limit of BY_DISTANCE is a whole number of days.
  const until = due - (days > 0 ? days * DAY_MS : hours * HOUR_MS) + 1;
  return { value, because: days > 0 ? `due in ${days} d` : `due in ${hours} h`, until };
}

function deadlineIn(text: string, now: number, utcOffsetMinutes: number): Component | undefined {
  if (!MAY_HAVE_ANY.test(text)) return undefined;
  let best: Component | undefined;
  let until = Infinity;
  for (const [words, value] of WORDS) {
    if (best && best.value >= value) break;
    const match = [...text.matchAll(words)].find((one) => !isNegated(text, one.index));
    if (match) best = { value, because: `"${match[0].replace(/\s+/g, ' ')}"` };
  }
  for (const match of text.matchAll(DATE_IN_TEXT)) {
    const due = parseDate(match[1] ?? '', utcOffsetMinutes);
    if (due === undefined) continue;
    const found = byDistance(due, now);
    until = Math.min(until, found.until ?? Infinity);
    if (!best || found.value > best.value) best = found;
  }
  return best && (until === Infinity ? best : { ...best, until });
}
