/** Figures that only the command line shows; the rest is in core/format.ts. */
import { InvalidArgumentError } from 'commander';
import type { TaskView } from '../shared/api.ts';
import { formatAhead, formatMoney } from '../core/format.ts';

/** A cost that may be a lower bound: unpriced work is never shown as $0. */
export function cost(usd: number, unpriced: boolean): string {
  if (!unpriced) return formatMoney(usd);
  return usd > 0 ? `${formatMoney(usd)} + unpriced` : 'unpriced';
}

/** Parses an option's amount of dollars. */
export function dollars(value: string): number {
  const amount = Number(value.replace(/^\$/, ''));
  if (!Number.isFinite(amount) || amount <= 0) throw new InvalidArgumentError(`"${value}" is no amount of dollars above 0.`);
  return amount;
}

/** Seconds between two ISO times, or from an ISO time to epoch ms; never negative. */
export function secondsSince(start: string, end: string | number): number {
  const until = typeof end === 'number' ? end : Date.parse(end);
  return Math.max(0, (until - Date.parse(start)) / 1000);
}

/** How far ahead of `now` (ISO) an estimated time is: now, 10m; `-` when unknown. */
export function ahead(at: string | null, now: string): string {
  return at === null ? '-' : formatAhead((Date.parse(at) - Date.parse(now)) / 1000);
}

/** When something will probably be done, in a sentence: `done in 10m`, `done soon`. */
export function doneIn(at: string, now: string): string {
  const left = ahead(at, now);
  return left === 'now' ? 'done soon' : `done in ${left}`;
}

/** UTC clock time of epoch ms: 10:30:01. */
export function clockTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** When a task will probably start and be done, as ISO times. */
export function estimateText({ eta_start: start, eta_done: done }: Pick<TaskView, 'eta_start' | 'eta_done'>): string {
  if (start === null) return 'unknown';
  return `starts ${start}, ${done === null ? 'end unknown: no task like it is done yet' : `done ${done}`}`;
}
