/** Transcript entries as Markdown. */
import { renderTranscript } from '../../core/transcript.ts';
import type { Entry } from './jsonLines.ts';

export function transcriptText(entries: readonly Entry[]): string {
  return renderTranscript(entries);
}
