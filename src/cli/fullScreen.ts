/**
 * A picture on the whole terminal, on its alternate screen: what was there before comes back at the end. Every picture is one
 * write inside a synchronized update, from the first cell on and without erasing first, so nothing flickers, whatever the window's
 * size was before.
 */
import type { CliIo } from './io.ts';

export class FullScreen {
  readonly #io: CliIo;
  #shown: string | undefined;

  constructor(io: CliIo) {
    this.#io = io;
    io.stdout.write('\x1b[?1049h\x1b[?25l');
  }

  /** Shows these lines, cut to the rows of the terminal; does nothing when it would look the same. Lines must fit the width. */
  draw(lines: readonly string[]): void {
    const rows = Math.max(1, this.#io.rows());
    const fitting = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
    const picture = fitting.map((line) => `${line}\x1b[K`).join('\n');
    const shown = `${this.#io.columns()} ${rows}\n${picture}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#io.stdout.write(`\x1b[?2026h\x1b[H${picture}\x1b[J\x1b[?2026l`);
  }

  /** Gives the screen and the cursor back. */
  end(): void {
    this.#io.stdout.write('\x1b[?25h\x1b[?1049l');
  }
}
