/** Makes the record of an attempt (one JSON object a line) readable: as Markdown for an editor, as one line for a live view. */
import { formatDuration, formatMoney, formatNumber, plural } from './format.ts';
import { plainText } from './output.ts';

/** What an agent said (AgentMessage), the prompt it was given, and the answers it got, each with its time. */
export type TranscriptEntry = { readonly at: string } & Readonly<Record<string, unknown>>;

/** Longest excerpt of a tool's result, and of a live line, in characters. */
const EXCERPT = 160;
/** Lines of a failed tool's output that are shown: what went wrong is what a reader looks for. */
const FAILURE_LINES = 8;

/**
 * The whole transcript as Markdown, ending with a newline. Entries of unknown types and broken entries are shown as far as
 * they can be read; none is dropped silently. Times are UTC. The text of the entries is shown as it is: secrets were
 * removed when they were written.
 */
export function renderTranscript(entries: readonly TranscriptEntry[]): string {
  const results = lastById(entries, 'tool_result', 'id');
  const answers = lastById(entries, 'permission_answer', 'request_id');
  const asked = new Set(entries.filter((entry) => entry['type'] === 'permission').map((entry) => text(entry, 'request_id')));
  const called = new Set(entries.filter((entry) => entry['type'] === 'tool_call').map((entry) => text(entry, 'id')));
  const usage = entries.findLast((entry) => entry['type'] === 'usage');
  const page = new Page();
  let said = '';
  let started = '';
  for (const entry of entries) {
    switch (entry['type']) {
      case 'prompt':
        page.block(entry, ['Prompt', ...[text(entry, 'role').replaceAll('_', ' '), text(entry, 'agent'), text(entry, 'model')].filter((part) => part !== '')].join(' · '), quote(text(entry, 'text')));
        break;
      case 'started': {
        // Drivers say it when the process runs and again when its model is known, which may be the same twice.
        const line = `started${optional(' with ', text(entry, 'model'))}${optional(', session ', text(entry, 'session_id'))}`;
        if (line !== started) page.line(entry, line);
        started = line;
        break;
      }
      case 'text':
        said = text(entry, 'text').trim();
        page.speech(entry, 'Agent', said);
        break;
      case 'thinking':
        page.speech(entry, 'Thinking', quote(text(entry, 'text').trim()));
        break;
      case 'user':
        page.block(entry, 'You', text(entry, 'text').trim());
        break;
      case 'tool_call':
        page.line(entry, `${label(entry)}${outcome(results.get(text(entry, 'id')))}`);
        break;
      case 'tool_result':
        // Shown with its call; one without a call still happened.
        if (!called.has(text(entry, 'id'))) page.line(entry, `a tool answered${outcome(entry)}`);
        break;
      case 'permission':
        page.line(entry, `asks to use ${label(entry)}${optional(': ', oneLine(text(entry, 'reason')))}${answer(answers.get(text(entry, 'request_id')))}`);
        break;
      case 'permission_answer':
        if (!asked.has(text(entry, 'request_id'))) page.line(entry, `${label(entry)}${answer(entry)}`);
        break;
      case 'permission_withdrawn':
        page.line(entry, 'took its request back');
        break;
      case 'limit':
        page.line(entry, `**usage limit**: ${oneLine(text(entry, 'message'))}${resets(entry['resets_at'])}`);
        break;
      case 'retrying':
        page.line(entry, `tries again: ${oneLine(text(entry, 'message'))}${typeof entry['status'] === 'number' ? ` (HTTP ${entry['status']})` : ''}`);
        break;
      case 'log':
        page.line(entry, `log: ${indent(plainText(text(entry, 'text')))}`);
        break;
      case 'usage':
        break;
      case 'end':
        page.block(entry, ...ending(entry, entries[0], usage, said));
        break;
      default:
        page.line(entry, `${text(entry, 'type') || 'unknown entry'}: ${code(excerpt(JSON.stringify(entry)))}`);
    }
  }
  return page.toString();
}

/** What an entry adds to a live view: one short line, or undefined when it has nothing to say there. */
export function lastLine(entry: Readonly<Record<string, unknown>>): string | undefined {
  switch (entry['type']) {
    case 'text':
    case 'log': {
      const lines = plainText(text(entry, 'text')).split('\n').map((line) => line.trim());
      // The fence of a code block and a rule say nothing by themselves.
      const last = lines.findLast((line) => line !== '' && !/^(`{3,}|~{3,}|[-*_]{3,})/.test(line));
      return last === undefined ? undefined : excerpt(last.replace(/^(#{1,6}|[-*>]) +/, '').replaceAll('**', ''));
    }
    case 'tool_call':
      return excerpt(oneLine(text(entry, 'title')) || text(entry, 'name')) || undefined;
    case 'permission':
      return `Asks: ${excerpt(oneLine(text(entry, 'title')) || text(entry, 'tool'))}`;
    case 'retrying':
    case 'limit':
      return excerpt(oneLine(text(entry, 'message'))) || undefined;
    default:
      return undefined;
  }
}

/** Blocks and lists with the blank lines that Markdown wants between them. */
class Page {
  readonly #parts: string[] = [];
  #last: 'none' | 'line' | 'block' | 'speech' = 'none';
  #speaker = '';
  #single = false;

  line(entry: TranscriptEntry, content: string): void {
    this.#parts.push(this.#last === 'line' || this.#last === 'none' ? '' : '\n', `- \`${clock(entry)}\` ${content}\n`);
    this.#last = 'line';
  }

  block(entry: TranscriptEntry, title: string, body: string): void {
    this.#parts.push(this.#last === 'none' ? '' : '\n', `### ${clock(entry)} ${title}\n`, body === '' ? '' : `\n${body}\n`);
    this.#last = 'block';
  }

  /** What one speaker says in a row stands under one title. */
  speech(entry: TranscriptEntry, speaker: string, body: string): void {
    if (body === '') return;
    const single = !body.includes('\n');
    if (this.#last === 'speech' && this.#speaker === speaker) {
      // Lines of a program's output belong together, paragraphs do not.
      this.#parts.push(single && this.#single ? '' : '\n', `${body}\n`);
    } else {
      this.block(entry, speaker, body);
    }
    this.#last = 'speech';
    this.#speaker = speaker;
    this.#single = single;
  }

  toString(): string {
    return this.#parts.join('');
  }
}

function ending(entry: TranscriptEntry, first: TranscriptEntry | undefined, usage: TranscriptEntry | undefined, said: string): [string, string] {
  const end = record(entry['end']);
  const error = record(end['error']);
  const seconds = first === undefined ? NaN : (Date.parse(entry.at) - Date.parse(first.at)) / 1000;
  const after = Number.isFinite(seconds) && seconds >= 1 ? ` after ${formatDuration(seconds)}` : '';
  // A stop is nobody's failure.
  const title = end['ok'] === true ? `Succeeded${after}` : text(error, 'kind') === 'interrupted' ? `Interrupted${after}` : `Failed${after}${optional(': ', text(error, 'kind').replaceAll('_', ' '))}`;
  const result = text(end, 'result').trim();
  const parts = [
    text(error, 'message').trim(),
    // Most agents repeat their last words as the result.
    result === said ? '' : result,
    end['structured'] === undefined || end['structured'] === null ? '' : `\`\`\`json\n${JSON.stringify(end['structured'], null, 2)}\n\`\`\``,
    typeof end['exit_code'] === 'number' && end['exit_code'] !== 0 ? `Exit code ${end['exit_code']}.` : '',
    spent(usage),
  ];
  return [title, parts.filter((part) => part !== '').join('\n\n')];
}

function spent(entry: TranscriptEntry | undefined): string {
  if (entry === undefined) return '';
  const usage = record(entry['usage']);
  const tokens = (key: string): string => (typeof usage[key] === 'number' ? thousands(usage[key]) : '?');
  const cost = typeof entry['cost_usd'] === 'number' ? formatMoney(entry['cost_usd']) : 'no price given';
  const turns = typeof entry['turns'] === 'number' && entry['turns'] > 0 ? `, ${plural(entry['turns'], 'turn')}` : '';
  return `Tokens: ${tokens('input_tokens')} in, ${tokens('output_tokens')} out, cache ${tokens('cache_read_tokens')} read and ${tokens('cache_write_tokens')} written. Cost: ${cost}${turns}.`;
}

function outcome(result: TranscriptEntry | undefined): string {
  if (result === undefined) return ' …';
  const output = plainText(text(result, 'output'));
  if (result['ok'] !== false) {
    const first = output.split('\n').find((line) => line.trim() !== '');
    const more = output.split('\n').length - 1;
    return ` ✓${first === undefined ? '' : ` ${code(excerpt(first.trim()))}${more > 0 ? ` (+${plural(more, 'line')})` : ''}`}`;
  }
  if (output === '') return ' ✗';
  const lines = output.split('\n');
  const shown = lines.length > FAILURE_LINES ? [...lines.slice(0, FAILURE_LINES / 2), `… ${lines.length - FAILURE_LINES} lines …`, ...lines.slice(-FAILURE_LINES / 2)] : lines;
  return ` ✗\n\n${shown.map((line) => `      ${excerpt(line)}`).join('\n')}\n`;
}

function answer(given: TranscriptEntry | undefined): string {
  if (given === undefined) return '';
  const by = optional(' by ', text(given, 'by'));
  return given['behavior'] === 'allow' ? ` → **allowed**${by}${given['input'] === undefined ? '' : ' with changes'}` : ` → **denied**${by}${optional(': ', oneLine(text(given, 'message')))}`;
}

/** `**Bash** npm test`: the name, and the title where it says more. */
function label(entry: TranscriptEntry): string {
  const name = text(entry, 'name') || text(entry, 'tool') || 'tool';
  const title = oneLine(text(entry, 'title'));
  const more = /^[\s:]/.test(title.slice(name.length)) && title.startsWith(name) ? title.slice(name.length).replace(/^[\s:]+/, '') : title;
  return `**${name}**${more === '' || more === name ? '' : ` ${code(excerpt(more))}`}`;
}

function lastById(entries: readonly TranscriptEntry[], type: string, key: string): Map<string, TranscriptEntry> {
  return new Map(entries.filter((entry) => entry['type'] === type).map((entry) => [text(entry, key), entry]));
}

function clock(entry: TranscriptEntry): string {
  return /T(\d\d:\d\d:\d\d)/.exec(entry.at)?.[1] ?? entry.at;
}

function resets(at: unknown): string {
  const date = new Date(typeof at === 'number' ? at : NaN);
  return Number.isNaN(date.getTime()) ? '' : `, until ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function text(from: Readonly<Record<string, unknown>>, key: string): string {
  const value = from[key];
  return typeof value === 'string' ? value : '';
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function optional(before: string, value: string): string {
  return value === '' ? '' : `${before}${value}`;
}

function quote(body: string): string {
  return body.trim() === '' ? '' : body.trim().split('\n').map((line) => `> ${line}`.trimEnd()).join('\n');
}

function indent(body: string): string {
  return body.replaceAll('\n', '\n  ');
}

function oneLine(body: string): string {
  return body.replaceAll(/\s+/g, ' ').trim();
}

function excerpt(body: string): string {
  // Half of a surrogate pair is no letter.
  return body.length <= EXCERPT ? body : `${body.slice(0, EXCERPT - 1).replace(/[\uD800-\uDBFF]$/, '').trimEnd()}…`;
}

/** Inline code that survives back-ticks in its content. */
function code(body: string): string {
  const longest = Math.max(0, ...[...body.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `\`${body}\`` : `${fence} ${body} ${fence}`;
}

function thousands(value: number): string {
  return formatNumber(Math.round(value)).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');
}
