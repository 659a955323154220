/** Streamed text cut where a reader would pause: live enough to follow, whole enough to read. */

/** Characters from which on a finished paragraph is given before its block is complete. */
const ENOUGH = 400;

export class Paragraphs {
  private text = '';
  private given = 0;

  /** Begins a new block. */
  reset(): void {
    this.text = '';
    this.given = 0;
  }

  /** Takes a part of the block; returns the finished paragraphs once they are worth it. */
  add(part: string): string | undefined {
    this.text += part;
    const open = this.text.slice(this.given);
    const end = open.lastIndexOf('\n\n');
    // A fenced block of code stays in one piece.
    if (end < ENOUGH || (open.slice(0, end).match(/^```/gm)?.length ?? 0) % 2 === 1) return undefined;
    this.given += end + 2;
    return open.slice(0, end);
  }

  /** What was not given yet of the complete block. */
  rest(whole: string): string {
    const rest = this.text !== '' && whole.startsWith(this.text.slice(0, this.given)) ? whole.slice(this.given) : whole;
    this.reset();
    return rest;
  }
}
