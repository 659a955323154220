/** Text on a terminal: how wide it is, how it is cut, and what of it may be shown at all. */
import { readable } from '../core/format.ts';

/**
 * Untrusted text made safe for one line of a terminal: control characters (escape sequences, line breaks) and
 * the characters that reorder text become spaces.
 */
export function plain(text: string): string {
  return readable(text)
    .replace(/ {2,}/g, ' ')
    .trim();
}

/** As `plain`, line by line: for texts whose line breaks mean something. */
export function plainLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/).map((line) => readable(line).trimEnd());
}

const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

function cells(grapheme: string): number {
  if (ZERO.test(grapheme)) return 0;
  return WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1;
}

const ASCII = /^[\x20-\x7e]*$/;

/** Cells that a text without escape sequences takes on a terminal. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += cells(segment);
  return width;
}

/** Cuts a text to at most `width` cells and marks the cut with an ellipsis. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = cells(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept.trimEnd()}…`;
}

/** Exactly `width` cells: cut or filled with spaces. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(text, width);
  const fill = ' '.repeat(Math.max(0, width - widthOf(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

/** Breaks a text at spaces into lines of at most `width` cells; a longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = '';
    }
    line = truncate(line === '' ? word : `${line} ${word}`, width);
  }
  if (line !== '') lines.push(line);
  return lines;
}
