/** What views add to core/format.ts: costs, ages, local times, and outside text made harmless in Markdown. Times are epoch ms unless said otherwise. */
import { formatAhead, formatDuration, formatMoney, readable } from '../../core/format.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A cost that may be a lower bound: what has no price is said, never shown as $0. */
export function cost(dollars: number, unpriced: boolean): string {
  if (!unpriced) return formatMoney(dollars);
  return dollars > 0 ? `≥ ${formatMoney(dollars)}` : 'unpriced';
}

/** Dollars without fractions of a cent, for sums that are looked at as a whole. */
export function whole(dollars: number): number {
  return dollars >= 0.01 ? Math.round(dollars * 100) / 100 : dollars;
}

/** A running time: `40s`, `3m12s`, `1h5m`. */
export function elapsed(milliseconds: number): string {
  return formatDuration(milliseconds / SECOND);
}

/** A waiting time in its largest unit: `<1m`, `12m`, `3h`, `2d`. */
export function age(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE) return '<1m';
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h`;
  return `${Math.floor(ms / DAY)}d`;
}

/** The time from `from` to `to` (ISO times, either may be missing). */
export function between(from: string | null, to: string | null): number {
  return from === null || to === null ? 0 : Date.parse(to) - Date.parse(from);
}

/** How far ahead an estimated ISO time is: `now`, `10m`; empty when unknown. */
export function ahead(at: string | null, now: number): string {
  return at === null ? '' : formatAhead((Date.parse(at) - now) / SECOND);
}

/** Clock time (today) or date and time of an ISO time in the user's own zone. */
export function localTime(iso: string, now: number): string {
  const time = new Date(iso);
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return sameDay(time.getTime(), now) ? clock : `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}

/** True when both instants fall on the same day in the user's own zone. */
export function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** Cuts a text to one line of at most `max` characters. */
export function oneLine(text: string, max = 120): string {
  const line = readable(text).replace(/\s+/g, ' ').trim();
  return line.length <= max ? line : `${line.slice(0, max - 1).trimEnd()}…`;
}

/** The engine's sentence without the icon that the command line prints in front of it: the status bar has icons of its own. */
export function withoutIcon(message: string): string {
  return message.replace(/^\p{Extended_Pictographic}\uFE0F?\s*/u, '');
}

/** Text of a user or an agent, made harmless inside Markdown: no markup, no links, no `$(icon)`. */
export function escapeMarkdown(text: string): string {
  return lines(text)
    .replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&')
    .replace(/\r?\n/g, '  \n');
}

/** Text of a user or an agent as inline code, whatever backticks it holds. */
export function inlineCode(text: string): string {
  const line = readable(text).replace(/\s+/g, ' ').trim();
  const fence = '`'.repeat(longestRun(line) + 1);
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return line === '' ? '' : `${fence}${pad}${line}${pad}${fence}`;
}

/** A fenced code block that its own text cannot close. */
export function codeBlock(text: string, language = ''): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${lines(text).replace(/\s+$/, '')}\n${fence}`;
}

/** Each line made readable; tabs stay. */
function lines(text: string): string {
  return text.replace(/[^\r\n\t]+/g, readable);
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
