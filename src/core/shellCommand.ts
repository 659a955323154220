/**
 * A shell command taken apart far enough to judge every program that it would start. This is no shell: where the syntax
 * goes beyond what is understood here, `understood` is false and nobody may take the parts for the whole.
 */

export interface ShellCommand {
  /** Every simple command, those of pipes, lists, subshells, substitutions and `sh -c` included, as it was written. */
  readonly parts: readonly string[];
  /** Files that output is redirected into, as they were written; "" for one that cannot be known before it runs. */
  readonly writes: readonly string[];
  readonly understood: boolean;
}

const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'zsh', 'dash', 'ksh', 'fish', 'ash']);
const OPERATORS = ['&&', '||', ';;', '|&', ';', '|', '&', '\n', '(', ')'] as const;

interface Reader {
  parts: string[];
  writes: string[];
  understood: boolean;
}

export function parseShell(command: string): ShellCommand {
  const reader: Reader = { parts: [], writes: [], understood: true };
  readList(command.replace(/\r\n/g, '\n').replace(/\\\n/g, ''), reader, 0);
  return { parts: reader.parts, writes: reader.writes, understood: reader.understood };
}

/** Nested deeper than this nobody writes by hand. */
const DEEPEST = 8;

function readList(text: string, reader: Reader, depth: number): void {
  if (depth > DEEPEST) {
    reader.understood = false;
    return;
  }
  let part = '';
  const finish = (): void => {
    const simple = part.trim();
    part = '';
    if (simple === '') return;
    reader.parts.push(simple);
    readNested(simple, reader, depth);
  };
  for (let index = 0; index < text.length; ) {
    const char = text[index] ?? '';
    if (char === '\\') {
      part += text.slice(index, index + 2);
      index += 2;
    } else if (char === '#' && /(?:^|\s)$/.test(part)) {
      index = readComment(text, index, reader);
    } else if (char === "'" || char === '"') {
      // $'…' and $"…" have rules of their own.
      if (text[index - 1] === '$') reader.understood = false;
      const end = closingQuote(text, index);
      if (end < 0) {
        reader.understood = false;
        part += text.slice(index);
        index = text.length;
        continue;
      }
      if (char === '"') readSubstitutions(text.slice(index + 1, end), reader, depth);
      part += text.slice(index, end + 1);
      index = end + 1;
    } else if (char === '`' || text.startsWith('$(', index) || text.startsWith('<(', index) || text.startsWith('>(', index)) {
      const end = readSubstitution(text, index, reader, depth);
      part += text.slice(index, end);
      index = end;
    } else if (char === '>' || char === '<') {
      index = readRedirection(text, index, reader);
      part = `${part.replace(/(^|\s)\d+$/, '$1')} `;
    } else if (/^&>/.test(text.slice(index, index + 2))) {
      index = readRedirection(text, index + 1, reader);
      part += ' ';
    } else {
      const operator = OPERATORS.find((one) => text.startsWith(one, index));
      if (operator !== undefined) {
        finish();
        index += operator.length;
      } else {
        part += char;
        index += 1;
      }
    }
  }
  finish();
}

/** Skips a comment; one with anything in it that would matter if it were none makes the command one to ask about. */
function readComment(text: string, start: number, reader: Reader): number {
  const newline = text.indexOf('\n', start);
  const end = newline < 0 ? text.length : newline;
  if (/['"`$\\;&|<>()]/.test(text.slice(start, end))) reader.understood = false;
  return end;
}

/** Index of the quote that closes the one at `start`; -1 when none does. */
function closingQuote(text: string, start: number): number {
  const quote = text[start];
  for (let index = start + 1; index < text.length; index += 1) {
    if (quote === '"' && text[index] === '\\') index += 1;
    else if (text[index] === quote) return index;
  }
  return -1;
}

/** Reads the substitutions within a double-quoted text: they run like any other. */
function readSubstitutions(text: string, reader: Reader, depth: number): void {
  for (let index = 0; index < text.length; ) {
    if (text[index] === '\\') index += 2;
    else if (text[index] === '`' || text.startsWith('$(', index)) index = readSubstitution(text, index, reader, depth);
    else index += 1;
  }
}

/** Reads the command of `$(…)`, `<(…)`, `>(…)` or backticks; returns the index behind it. */
function readSubstitution(text: string, start: number, reader: Reader, depth: number): number {
  if (text[start] === '`') {
    const end = text.indexOf('`', start + 1);
    if (end < 0) reader.understood = false;
    readList(text.slice(start + 1, end < 0 ? undefined : end), reader, depth + 1);
    return end < 0 ? text.length : end + 1;
  }
  const end = closingParenthesis(text, start + 2);
  if (end < 0) reader.understood = false;
  readList(text.slice(start + 2, end < 0 ? undefined : end), reader, depth + 1);
  return end < 0 ? text.length : end + 1;
}

function closingParenthesis(text: string, from: number): number {
  let open = 1;
  for (let index = from; index < text.length; index += 1) {
    const char = text[index];
    if (char === '\\') index += 1;
    else if (char === "'" || char === '"') {
      const end = closingQuote(text, index);
      if (end < 0) return -1;
      index = end;
    } else if (char === '(') open += 1;
    else if (char === ')') {
      open -= 1;
      if (open === 0) return index;
    }
  }
  return -1;
}

/** Reads `> file`, `>> file`, `2>&1`, `< file` …; returns the index behind it. */
function readRedirection(text: string, start: number, reader: Reader): number {
  const operator = /^(?:<<<|<<-?|<>|<&|<|>>|>&|>\||>)/.exec(text.slice(start))?.[0] ?? '>';
  const after = start + operator.length;
  const word = /^[ \t]*((?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s;&|<>()\\'"])+)/.exec(text.slice(after));
  const target = word?.[1] ?? '';
  // A here-document's lines would be read as commands, and what it feeds may run them.
  if (operator.startsWith('<<') && operator !== '<<<') reader.understood = false;
  if (operator.startsWith('>') || operator === '<>') {
    const descriptor = operator === '>&' && /^(?:\d+|-)$/.test(target);
    const file = unquote(target);
    if (!descriptor && file !== '/dev/null') reader.writes.push(/[$`*?~[{]/.test(target) ? '' : file);
  }
  return after + (word?.[0].length ?? 0);
}

/** `sh -c '…'` and `eval …` run their argument: it is judged too. */
function readNested(simple: string, reader: Reader, depth: number): void {
  const words = shellWords(simple);
  for (const [index, word] of words.entries()) {
    const name = programName(word);
    if (name === 'eval') {
      readList(words.slice(index + 1).join(' '), reader, depth + 1);
      return;
    }
    if (!SHELLS.has(name)) continue;
    const flag = words.findIndex((one, at) => at > index && /^-[a-z]*c[a-z]*$/i.test(one));
    const script = flag < 0 ? undefined : words[flag + 1];
    if (script !== undefined) readList(script, reader, depth + 1);
    return;
  }
}

/** The words of a simple command without their quotes. */
export function shellWords(simple: string): string[] {
  return (simple.match(/(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s\\'"])+/g) ?? []).map(unquote);
}

/** `/usr/bin/git` and `git.exe` are git. */
export function programName(word: string): string {
  return word.replace(/^.*[\\/]/, '').replace(/\.exe$/i, '').toLowerCase();
}

function unquote(word: string): string {
  return word.replace(/\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/g, (_, escaped?: string, single?: string, double?: string) => escaped ?? single ?? (double ?? '').replace(/\\(["\\$`])/g, '$1'));
}
