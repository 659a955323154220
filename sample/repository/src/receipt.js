import { formatCents } from './money.js';
import { lineTotal, subtotal } from './pricing.js';
import { column } from './text.js';

/** A receipt as text, `width` characters wide: one row per line, and the total. */
export function receipt(lines, width = 32) {
  const price = 12;
  const row = (name, cents) => column(name, width - price) + column(formatCents(cents), price, 'right');
  return [
    ...lines.map((line) => row(`${line.quantity ?? 1} x ${line.name}`, lineTotal(line))),
    '-'.repeat(width),
    row('Total', subtotal(lines)),
  ].join('\n');
}
