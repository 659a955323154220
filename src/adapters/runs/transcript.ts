/**
 * The transcript of an attempt: what its agent said, as JSON lines in `.baton/runs/<task>/<attempt>/transcript.jsonl`. One
 * writer for each, which numbers the entries, so that it is the journal too from which a later engine learns what it missed.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AgentMessage } from '../../engine/ports.ts';
import type { Redactor } from './redact.ts';

export const TRANSCRIPT = 'transcript.jsonl';

/** An entry as it lies in the file; `seq` counts from 0, the prompt, within an attempt. */
export type StoredEntry = { readonly seq: number; readonly at: string; readonly type: string } & Readonly<Record<string, unknown>>;

export interface TranscriptOptions {
  /** Folder of the attempt; made where it is missing. */
  readonly directory: string;
  readonly redactor: Redactor;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told once when the file cannot be written; the attempt goes on. */
  readonly onError: (file: string, error: unknown) => void;
}

export class Transcript {
  private readonly options: TranscriptOptions;
  private readonly file: string;
  private descriptor: number | undefined;
  private failed = false;
  private closed = false;
  private count = 0;

  constructor(options: TranscriptOptions) {
    this.options = options;
    this.file = path.join(options.directory, TRANSCRIPT);
  }

  /** Written when it returns, so that a killed writer has lost nothing; once closed, nothing is. Returns the entry's number. */
  append(entry: { readonly type: string } & Readonly<Record<string, unknown>>): number {
    const seq = this.count;
    this.count += 1;
    // The end is the last entry: by it a later engine knows that the attempt is over.
    if (this.closed) return seq;
    const { redactor, now } = this.options;
    const line = { seq, at: new Date(now()).toISOString(), ...(redactor.redactValue(entry) as object) };
    try {
      this.descriptor ??= this.open();
      // A line that was cut off must not take the next one with it.
      writeFileSync(this.descriptor, `${this.failed ? '\n' : ''}${JSON.stringify(line)}\n`);
      this.failed = false;
    } catch (error) {
      if (!this.failed) this.options.onError(this.file, error);
      this.failed = true;
    }
    return seq;
  }

  /** On the disk when it returns, where the disk allows. */
  close(): void {
    this.closed = true;
    if (this.descriptor === undefined) return;
    try {
      fsyncSync(this.descriptor);
    } catch {
      // Told by `append` already, or nothing that could be helped.
    }
    closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private open(): number {
    mkdirSync(this.options.directory, { recursive: true });
    return openSync(this.file, 'a');
  }
}

/**
 * What the last attempt in this folder has written so far; a line that was not written to its end is left out. With `runner` nothing, unless
 * that runner wrote it: an attempt that has written nothing yet has not said what an earlier one of its name did.
 */
export function readTranscript(directory: string, runner?: string): StoredEntry[] {
  const file = path.join(directory, TRANSCRIPT);
  if (!existsSync(file)) return [];
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => parse(line));
  // Where state was cleaned, an id may have had an attempt before.
  const begin = entries.findLastIndex(({ type }) => type === 'prompt');
  return runner === undefined || entries[begin]?.['runner'] === runner ? entries.slice(begin) : [];
}

/** The agent's message in an entry; undefined for the prompt, and for what belongs to a permission request: whoever reads knows which are open. */
export function messageIn(entry: StoredEntry): AgentMessage | undefined {
  if (NO_MESSAGES.has(entry.type)) return undefined;
  const message = Object.fromEntries(Object.entries(entry).filter(([name]) => name !== 'seq' && name !== 'at'));
  return message as unknown as AgentMessage;
}

const NO_MESSAGES: ReadonlySet<string> = new Set(['prompt', 'permission', 'permission_answer', 'permission_withdrawn']);

function parse(line: string): StoredEntry[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line) as StoredEntry];
  } catch {
    return [];
  }
}
