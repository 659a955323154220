/** Transcript entries as Markdown. */
import type { Entry } from './jsonLines.ts';

export function transcriptText(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entry.at.slice(11, 19)} ${String(entry['type'])} ${typeof entry['text'] === 'string' ? entry['text'] : ''}`).join('\n');
}
