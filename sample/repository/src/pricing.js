/** Price of a line: unit price in cents times quantity. Quantities may be weights, so the result is rounded. */
export function lineTotal({ unitCents, quantity = 1 }) {
  if (quantity < 0) throw new RangeError('a quantity cannot be negative');
  return Math.round(unitCents * quantity);
}

/** Sum of all lines in cents. */
export function subtotal(lines) {
  return lines.reduce((sum, line) => sum + lineTotal(line), 0);
}

/** Takes a percentage off, in the customer's favour: the discount is rounded up to a cent. */
export function applyDiscount(cents, percent) {
  if (percent < 0 || percent > 100) throw new RangeError('a discount is 0 to 100 percent');
  return cents - Math.ceil((cents * percent) / 100);
}

/** Discount as a fraction. Deprecated since 1.1: use applyDiscount, which takes a percentage. */
export function applyDiscountFraction(cents, fraction) {
  return applyDiscount(cents, fraction * 100);
}

/** Tax that a gross amount holds, for a rate in percent. */
export function includedTax(grossCents, ratePercent) {
  return grossCents - Math.round(grossCents / (1 + ratePercent / 100));
}
