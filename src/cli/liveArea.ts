/**
 * Lines at the bottom of a terminal that are redrawn in place, below lines that stay. Every change is one write inside
 * a synchronized update, and nothing is erased before it is overwritten, so nothing flickers.
 */
import type { CliIo } from './io.ts';
import { createStyle, type Colour, type Style } from './style.ts';
import { plain, truncate, widthOf } from './text.ts';

/** A line in parts, each with its colour, so that it can be cut before it is painted. */
export type Line = readonly (string | readonly [text: string, colour: Colour])[];

/** Cuts a line to `width` cells and paints what is left. Parts are made safe to show; their own spaces are kept. */
export function paintLine(line: Line, width: number, style: Style): string {
  let left = width;
  let painted = '';
  for (const part of line) {
    const [text, colour] = typeof part === 'string' ? [part, undefined] : part;
    const cut = truncate(safe(text), left);
    left -= widthOf(cut);
    painted += colour === undefined ? cut : style.paint(colour, cut);
    if (left <= 0 || cut.endsWith('…')) break;
  }
  return painted;
}

function safe(text: string): string {
  const lead = /^ */.exec(text)?.[0] ?? '';
  const trail = text.trim() === '' ? '' : (/ *$/.exec(text)?.[0] ?? '');
  return lead + plain(text) + trail;
}

export class LiveArea {
  readonly #io: CliIo;
  readonly #style: Style;
  /** Widths in cells of the lines that are on the screen now. */
  #drawn: number[] = [];
  #shown = '';

  constructor(io: CliIo, style: Style) {
    this.#io = io;
    this.#style = style;
  }

  /** Replaces the area; does nothing when it would look the same. `above` are lines that stay. */
  draw(lines: readonly Line[], above: readonly string[] = []): void {
    // The last cell stays free: some terminals wrap when it is filled.
    const width = Math.max(10, this.#io.columns() - 1);
    const room = Math.max(1, this.#io.rows() - 1);
    const fitting = lines.length <= room ? lines : [...lines.slice(0, room - 1), [`  … ${lines.length - room + 1} more`] satisfies Line];
    const painted = fitting.map((line) => paintLine(line, width, this.#style));
    const shown = painted.join('\n');
    if (above.length === 0 && shown === this.#shown) return;
    const body = [...above, ...painted].map((line) => `${line}\x1b[K\n`).join('');
    this.#io.stdout.write(`\x1b[?2026h\x1b[?25l${this.#up()}${body}\x1b[J\x1b[?2026l`);
    this.#drawn = fitting.map((line) => widthOf(paintLine(line, width, PLAIN)));
    this.#shown = shown;
  }

  /** Removes the area and gives the cursor back; what stays is above it. */
  end(): void {
    this.#io.stdout.write(`${this.#up()}\x1b[J\x1b[?25h`);
    this.#drawn = [];
    this.#shown = '';
  }

  /** Back to the first line of the area. A window that became narrower has wrapped its lines. */
  #up(): string {
    const columns = Math.max(1, this.#io.columns());
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return rows === 0 ? '' : `\x1b[${rows}A\r`;
  }
}

const PLAIN: Style = createStyle(false);
