/** Transcript entries as Markdown that reads well as plain text too: what was asked, said, done, and how it ended. */
import { codeBlock, inlineCode, oneLine } from './format.ts';
import type { Entry } from './jsonLines.ts';

/** Lines of a tool's output that are shown; the whole is in the transcript file. */
const OUTPUT_LINES = 40;

/** Text that arrives in pieces is put together; what says nothing to a reader (usage, thinking of no words) is left out. */
export function transcriptText(entries: readonly Entry[]): string {
  const parts: string[] = [];
  let said: string[] = [];
  const endSaid = () => {
    if (said.length > 0) parts.push(said.join(''));
    said = [];
  };
  for (const entry of entries) {
    if (entry['type'] === 'text') {
      said.push(said.length === 0 ? `${clock(entry)}${str(entry['text'])}` : str(entry['text']));
      continue;
    }
    const part = partOf(entry);
    if (part === undefined) continue;
    endSaid();
    parts.push(part);
  }
  endSaid();
  return `${parts.join('\n\n')}\n`;
}

function partOf(entry: Entry): string | undefined {
  const at = clock(entry);
  switch (entry['type']) {
    case 'prompt': {
      const by = [entry['agent'], entry['model']].filter((one) => typeof one === 'string').join(', ');
      return `# ${str(entry['role']).replaceAll('_', ' ')}: ${by}\n\n${at}Asked:\n\n${quote(str(entry['text']))}`;
    }
    case 'started': {
      const facts = [entry['session_id'], entry['model']].filter((one) => typeof one === 'string').map(inlineCode);
      return facts.length === 0 ? undefined : `${at}Started: ${facts.join(', ')}`;
    }
    case 'thinking':
      return str(entry['text']).trim() === '' ? undefined : `${at}_thinks_\n\n${quote(str(entry['text']))}`;
    case 'tool_call':
      return `${at}**${str(entry['name'])}** ${inlineCode(oneLine(str(entry['title']) || JSON.stringify(entry['input']), 300))}`;
    case 'tool_result': {
      const output = shortened(str(entry['output']));
      const verdict = entry['ok'] === false ? 'failed' : 'ok';
      return output === '' ? `${at}→ ${verdict}` : `${at}→ ${verdict}\n\n${codeBlock(output)}`;
    }
    case 'permission':
      return `${at}**Asks for permission:** ${str(entry['tool'])} ${inlineCode(oneLine(str(entry['title']), 300))}`;
    case 'permission_answer':
    case 'permission_withdrawn':
      return `${at}${str(entry['type']).replaceAll('_', ' ')}${typeof entry['behavior'] === 'string' ? `: ${entry['behavior']}` : ''}`;
    case 'user':
      return `${at}**You:** ${str(entry['text'])}`;
    case 'limit':
      return `${at}**Limit reached:** ${str(entry['message'])}`;
    case 'retrying':
      return `${at}Tries again: ${str(entry['message'])}`;
    case 'log':
      return str(entry['text']).trim() === '' ? undefined : `${at}${inlineCode(str(entry['text']))}`;
    case 'end':
      return endOf(entry, at);
    default:
      return undefined;
  }
}

function endOf(entry: Entry, at: string): string {
  const end = entry['end'] as { ok?: boolean; result?: string; exit_code?: number | null; error?: { message?: string } } | undefined;
  const exit = typeof end?.exit_code === 'number' ? ` (exit code ${end.exit_code})` : '';
  const why = end?.ok === true ? (end.result ?? '') : (end?.error?.message ?? end?.result ?? '');
  return `---\n\n${at}**${end?.ok === true ? 'Ended well' : 'Ended with an error'}**${exit}${why === '' ? '' : `\n\n${why}`}`;
}

function clock(entry: Entry): string {
  return `\`${entry.at.slice(11, 19)}\` `;
}

function str(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function quote(text: string): string {
  return text.trimEnd().split('\n').map((line) => `> ${line}`).join('\n');
}

/** The beginning and the end of a long output: errors stand in the end, what was run in the beginning. */
function shortened(output: string): string {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= OUTPUT_LINES) return lines.join('\n');
  const half = OUTPUT_LINES / 2;
  return [...lines.slice(0, half), `… ${lines.length - OUTPUT_LINES} lines more …`, ...lines.slice(-half)].join('\n');
}
