/** Searching the transcripts of all tasks. What they hold was redacted when it was written. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { searchTranscript, type TranscriptMatch } from '../../core/transcriptSearch.ts';
import type { TranscriptEntry } from '../../core/transcript.ts';
import { TRANSCRIPT } from './transcript.ts';

export interface TranscriptHit extends TranscriptMatch {
  readonly task_id: string;
  readonly attempt_id: string;
}

export interface SearchOptions {
  /** Only this task. */
  readonly task?: string | undefined;
  /** Most hits in all; 200 when absent. */
  readonly limit?: number;
}

/** The newest transcripts first. A folder or file that cannot be read is passed over. */
export async function searchRuns(batonDir: string, words: string, options: SearchOptions = {}): Promise<TranscriptHit[]> {
  const { limit = 200 } = options;
  const hits: TranscriptHit[] = [];
  if (words.trim() === '') return hits;
  for (const { file, task_id, attempt_id } of await transcripts(path.join(batonDir, 'runs'), options.task)) {
    const text = await readFile(file, 'utf8').catch(() => '');
    // Most files do not have the words at all, and reading them as entries costs the most.
    if (!mayHave(text, words)) continue;
    for (const match of searchTranscript(entriesOf(text), words, limit - hits.length)) hits.push({ task_id, attempt_id, ...match });
    if (hits.length >= limit) break;
  }
  return hits;
}

interface Transcript {
  readonly file: string;
  readonly task_id: string;
  readonly attempt_id: string;
  readonly changed: number;
}

async function transcripts(runs: string, task: string | undefined): Promise<Transcript[]> {
  const tasks = (await names(runs)).filter((name) => task === undefined || name === task);
  const found = await Promise.all(
    tasks.map(async (task_id) => {
      const attempts = await names(path.join(runs, task_id));
      return Promise.all(
        attempts.map(async (attempt_id): Promise<Transcript | undefined> => {
          const file = path.join(runs, task_id, attempt_id, TRANSCRIPT);
          const status = await stat(file).catch(() => undefined);
          return status === undefined ? undefined : { file, task_id, attempt_id, changed: status.mtimeMs };
        }),
      );
    }),
  );
  return found.flat().filter((one) => one !== undefined).sort((a, b) => b.changed - a.changed);
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** JSON writes quotes and line ends otherwise: each word by itself is looked for where the text needs no such change. */
function mayHave(text: string, words: string): boolean {
  const lower = text.toLowerCase();
  return words.toLowerCase().split(/\s+/).filter((word) => /^[\w-]+$/.test(word)).every((word) => lower.includes(word));
}

function entriesOf(text: string): TranscriptEntry[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    try {
      const entry = JSON.parse(line) as TranscriptEntry | null;
      return typeof entry?.at === 'string' ? [entry] : [];
    } catch {
      // The last line of an agent at work may be half-written.
      return [];
    }
  });
}
