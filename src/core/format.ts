/** Figures in words, the same on every surface. */

/** Outside text with spaces in the place of control characters and of those that reorder what is read: a command must look as it runs. Line breaks are among them. */
export function readable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}

/** A number with at most 4 decimals and no trailing zeros: 2.1, 2.35, 12. */
export function formatNumber(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}

/** Dollars with 2 to 4 decimals, trailing zeros trimmed: $0.38, $0.0045, $2.00. */
export function formatMoney(dollars: number): string {
  const text = Math.abs(dollars).toFixed(4).replace(/0{1,2}$/, '');
  return `${dollars < 0 ? '-' : ''}$${text}`;
}

/** A cost that may be a lower bound: `$0.38`, `$0.30 and unpriced calls`, `unpriced`; what has no price is never $0. */
export function formatCost(dollars: number, unpriced: boolean): string {
  if (!unpriced) return formatMoney(dollars);
  return dollars > 0 ? `${formatMoney(dollars)} and unpriced calls` : 'unpriced';
}

/** A length of time for reading, with its two largest units: 45s, 12min, 1h 12min, 2d 3h. */
export function formatSpan(seconds: number): string {
  return formatDuration(seconds).replace(/(\d+[dhm])(?=\d)/, '$1 ').replace('m', 'min');
}

/** A length of time with its two largest units: 45s, 3m12s, 1h10m, 2d3h; 60 s is 1m, 3600 s is 1h, 86 400 s is 1d. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const units = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ] as const;
  const first = units.findIndex(([amount]) => amount > 0);
  if (first < 0) return '0s';
  return units
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}

/** As much of a length of time as formatDuration shows: as long as it stays the same, so do the words. NaN stays NaN. */
export function shownSeconds(seconds: number): number {
  const unit = seconds >= 86_400 ? 3600 : seconds >= 3600 ? 60 : 1;
  return Math.floor(Math.max(0, seconds) / unit) * unit;
}

/** A time ahead, to the minute, in its two largest units: now, 10m, 1h10m, 2d3h. */
export function formatAhead(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes <= 0 ? 'now' : formatDuration(minutes * 60);
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const DAY_MS = 86_400_000;
const TWO = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
let lastDay = { number: Number.NaN, text: '' };

/** As `new Date(ms).toISOString()`, for the many times of one day that a picture of the queue holds. Whole milliseconds. */
export function isoTime(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  if (day !== lastDay.number) lastDay = { number: day, text: new Date(ms).toISOString().slice(0, 11) };
  const rest = Math.floor(ms) - day * DAY_MS;
  const seconds = Math.floor(rest / 1000);
  const part = (number: number): string => TWO[number] ?? '';
  return `${lastDay.text}${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}.${String(rest % 1000).padStart(3, '0')}Z`;
}
