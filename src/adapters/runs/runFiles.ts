/** The RunFiles port: what an attempt said, as JSON lines under `.baton/runs/<task>/<attempt>/`. */
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { BatonError } from '../../core/errors.ts';
import type { RunFiles } from '../../engine/ports.ts';
import { createRedactor, type Redactor } from './redact.ts';

export const TRANSCRIPT = 'transcript.jsonl';

export interface RunFilesOptions {
  /** Absolute path of `.baton`. */
  readonly batonDir: string;
  readonly redactor?: Redactor;
  /** Told once per file that cannot be written; the attempt goes on. */
  readonly onError?: (file: string, error: unknown) => void;
}

export function createRunFiles(options: RunFilesOptions): RunFiles {
  const redactor = options.redactor ?? createRedactor();
  const files = new Map<string, Appender>();
  const directory = (taskId: string, attemptId: string): string => {
    for (const id of [taskId, attemptId]) {
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id)) throw new BatonError('internal', `"${id}" is not fit to be a folder of ${options.batonDir}`);
    }
    return path.join(options.batonDir, 'runs', taskId, attemptId);
  };
  return {
    directory,
    append(taskId, attemptId, entry) {
      const file = path.join(directory(taskId, attemptId), TRANSCRIPT);
      let appender = files.get(file);
      if (!appender) files.set(file, (appender = new Appender(file, options.onError)));
      appender.append(JSON.stringify(redactor.redactValue(entry)) + '\n');
    },
    async flush() {
      await Promise.all([...files.values()].map((one) => one.flush()));
      for (const [file, one] of files) if (one.isIdle) files.delete(file);
    },
  };
}

/** Appends to one file in order; what comes while a write is under way goes into the next one. */
class Appender {
  private readonly file: string;
  private readonly onError: RunFilesOptions['onError'];
  private buffer = '';
  private writing: Promise<void> | undefined;
  private failed = false;

  constructor(file: string, onError: RunFilesOptions['onError']) {
    this.file = file;
    this.onError = onError;
  }

  get isIdle(): boolean {
    return this.writing === undefined;
  }

  append(line: string): void {
    this.buffer += line;
    this.writing ??= this.write();
  }

  async flush(): Promise<void> {
    await this.writing;
  }

  private async write(): Promise<void> {
    await new Promise(setImmediate); // so that a burst of lines is one write
    while (this.buffer !== '') {
      const text = this.buffer;
      this.buffer = '';
      try {
        await mkdir(path.dirname(this.file), { recursive: true });
        await appendFile(this.file, text);
        this.failed = false;
      } catch (error) {
        if (!this.failed) this.onError?.(this.file, error);
        this.failed = true;
      }
    }
    this.writing = undefined;
  }
}
