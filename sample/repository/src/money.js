/**
 * Amounts are whole cents, so that sums never drift. Only the edges of a program know decimals.
 */

/** Cents of a decimal amount, given as a number or as text such as "12.34"; throws for anything else. */
export function toCents(amount) {
  const value = typeof amount === 'string' ? Number(amount.trim()) : amount;
  if (typeof value !== 'number' || !Number.isFinite(value) || amount === '') {
    throw new TypeError(`not an amount: ${String(amount)}`);
  }
  return Math.round(value * 100);
}

/** Text of an amount in cents: 123456 is "1,234.56", -5 is "-0.05". */
export function formatCents(cents) {
  const sign = cents < 0 ? '-' : '';
  const whole = String(Math.trunc(Math.abs(cents) / 100)).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign}${whole}.${String(Math.abs(cents) % 100).padStart(2, '0')}`;
}

/** Splits cents into parts that differ by one cent at most and sum to the whole. */
export function splitEvenly(cents, parts) {
  if (!Number.isInteger(parts) || parts < 1) throw new RangeError('parts must be a whole number above 0');
  const base = Math.trunc(cents / parts);
  const rest = cents - base * parts;
  return Array.from({ length: parts }, (_, index) => base + (index < Math.abs(rest) ? Math.sign(rest) : 0));
}
