/** The output of a command: all of it in a file, the end of it in memory, secrets in neither. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { lineRedactor, type Redactor } from '../runs/redact.ts';

/** Bytes (of UTF-8) that are kept of the end. */
const TAIL = 64 * 1024;

export class CommandLog {
  private readonly file: string;
  private readonly redact: (line: string) => string;
  private readonly sources = new Set<Readable>();
  private stream: WriteStream | undefined;
  private end = '';

  constructor(file: string, redactor: Redactor) {
    this.file = file;
    this.redact = lineRedactor(redactor);
  }

  /** The last 64 KiB, without colours, beginning with a whole line where there is one. */
  get tail(): string {
    const bytes = Buffer.from(this.end);
    if (bytes.length <= TAIL) return this.end;
    const cut = bytes.subarray(bytes.length - TAIL).toString('utf8');
    return cut.slice(cut.indexOf('\n') + 1);
  }

  async open(): Promise<void> {
    try {
      await mkdir(path.dirname(this.file), { recursive: true });
    } catch (error) {
      this.lost(error);
      return;
    }
    const stream = createWriteStream(this.file);
    this.stream = stream;
    stream.on('drain', () => this.resume());
    stream.on('error', (error) => this.lost(error));
  }

  line(line: string): void {
    const text = this.redact(line) + '\n';
    this.end += stripVTControlCharacters(text);
    if (this.end.length > 4 * TAIL) this.end = this.end.slice(-2 * TAIL);
    if (this.stream?.write(text) === false) {
      for (const source of this.sources) source.pause();
    }
  }

  /** Slows this source down while the disk is slower than it. */
  throttle(source: Readable): void {
    this.sources.add(source);
    source.once('close', () => this.sources.delete(source));
  }

  async close(): Promise<void> {
    const { stream } = this;
    if (stream) await new Promise<void>((resolve) => stream.once('close', resolve).end());
  }

  private resume(): void {
    for (const source of this.sources) source.resume();
  }

  /** A full disk costs the log, never the gate. */
  private lost(error: unknown): void {
    this.stream = undefined;
    this.resume();
    this.line(`The log ${this.file} could not be written: ${messageOf(error)}`);
  }
}
