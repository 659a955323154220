/** Numbers and user text as people read them in views. All times are epoch milliseconds unless said otherwise. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Dollars with 2 to 4 decimals, trailing zeros trimmed: `$0.31`, `$0.0045`, `$2.00`. */
export function money(dollars: number): string {
  const [whole = '0', decimals = ''] = dollars.toFixed(4).split('.');
  return `$${whole}.${decimals.slice(0, 2)}${decimals.slice(2).replace(/0+$/, '')}`;
}

/** A cost that may be a lower bound: what has no price is said, never shown as $0. */
export function cost(dollars: number, unpriced: boolean): string {
  if (!unpriced) return money(dollars);
  return dollars > 0 ? `≥ ${money(dollars)}` : 'unpriced';
}

/** A running time to the second: `40s`, `3m12s`, `1h05m`. */
export function elapsed(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m${two(Math.floor((ms % MINUTE) / SECOND))}s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h${two(Math.floor((ms % HOUR) / MINUTE))}m`;
  return `${Math.floor(ms / DAY)}d${two(Math.floor((ms % DAY) / HOUR))}h`;
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

/** `1 file`, `3 files`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
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
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= max ? line : `${line.slice(0, max - 1).trimEnd()}…`;
}

/** Text of a user or an agent, made harmless inside Markdown: no markup, no links, no `$(icon)`. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&')
    .replace(/\r?\n/g, '  \n');
}

/** Text of a user or an agent as inline code, whatever backticks it holds. */
export function inlineCode(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const fence = '`'.repeat(longestRun(line) + 1);
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return line === '' ? '' : `${fence}${pad}${line}${pad}${fence}`;
}

/** A fenced code block that its own text cannot close. */
export function codeBlock(text: string, language = ''): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text.replace(/\s+$/, '')}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
