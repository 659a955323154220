/** Finding words in a transcript, with the line of its readable form on which they stand. */
import { renderTranscript, type TranscriptEntry } from './transcript.ts';

export interface TranscriptMatch {
  /** In the readable form, from 0. */
  readonly line: number;
  /** Time of the entry (ISO) where it is known. */
  readonly at: string | null;
  /** The text around the words, in one line. */
  readonly text: string;
}

/** How the readable form begins an entry. */
const CLOCK = /^(?:- `|### )(\d\d:\d\d:\d\d)\b/;
/** Characters shown of a match. */
const WIDTH = 160;

/**
 * Every line of the readable form that has the words, and then entries that have them in a part that form leaves out (the
 * middle of a long output), with the line where the entry stands. Case does not matter; at most `limit`.
 */
export function searchTranscript(entries: readonly TranscriptEntry[], words: string, limit = 100): TranscriptMatch[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === '') return [];
  const lines = renderTranscript(entries).split('\n');
  const matches: TranscriptMatch[] = [];
  let at: string | null = null;
  for (const [index, line] of lines.entries()) {
    const clock = CLOCK.exec(line)?.[1];
    if (clock !== undefined) at = entries.find((entry) => entry.at.includes(`T${clock}`))?.at ?? at;
    if (line.toLowerCase().includes(wanted)) matches.push({ line: index, at, text: around(line, wanted) });
    if (matches.length >= limit) return matches;
  }
  const shown = lines.join('\n').toLowerCase();
  for (const entry of entries) {
    for (const text of textsOf(entry)) {
      for (const line of text.split('\n')) {
        if (!line.toLowerCase().includes(wanted) || shown.includes(line.trim().toLowerCase())) continue;
        if (matches.length >= limit) return matches;
        matches.push({ line: lineOf(lines, entry), at: entry.at, text: around(line, wanted) });
      }
    }
  }
  return matches;
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, one]) => (key === 'at' || key === 'type' || key === 'id' ? [] : textsOf(one))) : [];
}

/** The last line that has the entry's time, or an earlier one. */
function lineOf(lines: readonly string[], entry: TranscriptEntry): number {
  const clock = /T(\d\d:\d\d:\d\d)/.exec(entry.at)?.[1] ?? '';
  let best = 0;
  for (const [index, line] of lines.entries()) {
    const stands = CLOCK.exec(line)?.[1];
    if (stands !== undefined && stands <= clock) best = index;
  }
  return best;
}

function around(line: string, wanted: string): string {
  const flat = line.replaceAll(/\s+/g, ' ').trim();
  if (flat.length <= WIDTH) return flat;
  const at = Math.max(0, flat.toLowerCase().indexOf(wanted));
  const start = Math.max(0, Math.min(at - Math.floor((WIDTH - wanted.length) / 2), flat.length - WIDTH));
  return `${start > 0 ? '…' : ''}${flat.slice(start, start + WIDTH)}${start + WIDTH < flat.length ? '…' : ''}`;
}
