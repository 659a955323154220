/** A terminal's screen for the few sequences that the command line uses: what a person would see. */
export class Screen {
  readonly lines: string[] = [''];
  cursorVisible = true;
  #row = 0;
  #column = 0;
  readonly #columns: number;
  /** Cells that were blank at the end of some write while they held text before and after: what the eye sees as flicker. */
  flickers = 0;

  constructor(columns = 80) {
    this.#columns = columns;
  }

  write(text: string): void {
    const before = [...this.lines];
    for (const [token, ...found] of text.matchAll(/\x1b\[(\??\d*)([A-Za-z])|[\s\S]/gu)) this.#apply(token, found[0], found[1]);
    const blanked = before.filter((line, index) => line !== '' && (this.lines[index] ?? '') === '' && index < this.#row).length;
    this.flickers += blanked;
  }

  /** Lines without the empty ones at the end. */
  text(): string[] {
    return this.lines.join('\n').trimEnd().split('\n');
  }

  #apply(token: string, parameter = '', final = ''): void {
    if (token === '\n') {
      this.#row += 1;
      this.#column = 0;
      this.lines[this.#row] ??= '';
    } else if (token === '\r') this.#column = 0;
    else if (final === 'A') this.#row = Math.max(0, this.#row - (Number(parameter) || 1));
    else if (final === 'H') {
      this.#row = 0;
      this.#column = 0;
    } else if (final === 'K') this.lines[this.#row] = (this.lines[this.#row] ?? '').slice(0, this.#column);
    else if (final === 'J') {
      this.lines[this.#row] = (this.lines[this.#row] ?? '').slice(0, this.#column);
      this.lines.length = this.#row + 1;
    } else if (parameter === '?25') this.cursorVisible = final === 'h';
    else if (final === '') {
      if (this.#column >= this.#columns) this.#apply('\n');
      const line = (this.lines[this.#row] ?? '').padEnd(this.#column);
      this.lines[this.#row] = line.slice(0, this.#column) + token + line.slice(this.#column + token.length);
      this.#column += token.length;
    }
  }
}
