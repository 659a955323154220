/** The RunLog port: one Markdown file that is only ever appended to. */
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { RUN_LOG_TITLE } from '../../core/runLog.ts';
import type { Log, RunLog } from '../../engine/ports.ts';
import { exists } from '../system/files.ts';
import type { Redactor } from './redact.ts';

export const RUN_LOG_FILE = 'ORCHESTRATOR_RUN_LOG.md';

/** Characters that are kept for a disk that takes nothing; of more the oldest go. */
const MOST_WAITING = 256 * 1024;

/** Appends in order, secrets removed. A failure is said once, and the next append tries again with what has not been written. */
export function createRunLog(options: { readonly batonDir: string; readonly redactor: Redactor; readonly log: Log }): RunLog {
  const file = path.join(options.batonDir, RUN_LOG_FILE);
  let waiting = '';
  let writing: Promise<void> | undefined;
  let broken = false;
  const drain = async (): Promise<void> => {
    while (waiting !== '') {
      const text = waiting;
      try {
        if (!exists(file)) await mkdir(options.batonDir, { recursive: true });
        await appendFile(file, exists(file) ? text : RUN_LOG_TITLE + text);
        waiting = waiting.slice(text.length);
        broken = false;
      } catch (error) {
        if (!broken) options.log.warn(`The run log ${file} could not be written: ${String(error)}`);
        broken = true;
        waiting = waiting.slice(-MOST_WAITING);
        break;
      }
    }
    writing = undefined;
  };
  return {
    append(text) {
      waiting += options.redactor.redact(text);
      writing ??= Promise.resolve().then(drain);
    },
    flush: async () => {
      await writing;
    },
  };
}
