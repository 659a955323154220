/** A growing file of one JSON object a line, taken in piece by piece. */

export type Entry = { at: string } & Record<string, unknown>;

export class JsonLines {
  readonly entries: Entry[] = [];
  private rest: Buffer = Buffer.alloc(0);

  /** Takes the next bytes. A line that is not whole yet waits for its end, so a character cut in two is safe. */
  push(bytes: Buffer): void {
    let data = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    for (let end = data.indexOf(0x0a); end !== -1; end = data.indexOf(0x0a)) {
      const entry = parse(data.subarray(0, end).toString('utf8'));
      if (entry !== undefined) this.entries.push(entry);
      data = data.subarray(end + 1);
    }
    this.rest = Buffer.from(data);
  }

  clear(): void {
    this.entries.length = 0;
    this.rest = Buffer.alloc(0);
  }
}

/** A line that a crash left half-written is no entry. */
function parse(line: string): Entry | undefined {
  if (line.trim() === '') return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'at' in value && typeof value.at === 'string' ? (value as Entry) : undefined;
  } catch {
    return undefined;
  }
}
