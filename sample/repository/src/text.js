/** Text as a part of an address: lower case, words joined by dashes. */
export function slugify(text) {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/** Cuts a text to a number of characters and marks the cut. */
export function truncate(text, length) {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1)).trimEnd()}…`;
}

/** Fills a text with spaces to a width; longer text is cut. */
export function column(text, width, align = 'left') {
  const cut = truncate(text, width);
  return align === 'left' ? cut.padEnd(width) : cut.padStart(width);
}
