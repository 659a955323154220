/** File and line of what a check complains about, found in its output by the shapes that common tools print. */
import { plainText } from './output.ts';

export interface FoundProblem {
  /** Relative to the folder that the check ran in, with "/". */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** More of them would bury the review. */
const MOST = 200;

/**
 * Problems in the output of tsc, ESLint, gcc-like tools (mypy, ruff, go, clang), rustc, pytest, Python tracebacks and
 * JavaScript stack traces (node:test, mocha, jest). Only files within `folder` count, and none of node_modules. One a
 * place and message, in the order printed.
 */
export function findProblems(output: string, folder: string | null): FoundProblem[] {
  const reader = new Reader(folder);
  const lines = plainText(output).split('\n');
  for (const line of lines) reader.read(line);
  reader.finish();
  return reader.found;
}

const PATH = String.raw`(?:file://)?((?:[A-Za-z]:)?[^\s:()'"<>|*?]+\.[A-Za-z]\w{0,9})`;
const TSC = new RegExp(String.raw`^${PATH}\((\d+),\d+\): (error|warning) (.+)$`);
const TSC_PRETTY = new RegExp(String.raw`^${PATH}:(\d+):\d+ - (error|warning) (.+)$`);
const COLUMNS = new RegExp(String.raw`^${PATH}:(\d+)(?::\d+)?:? (?:(fatal error|error|warning|note|info)\b:? ?)?(.+)$`);
const ESLINT_ROW = /^\s+(\d+):\d+\s+(error|warning)\s+(.+?)(?:\s{2,}(\S+))?$/;
const FILE_ALONE = new RegExp(String.raw`^${PATH}$`);
const RUST_PLACE = new RegExp(String.raw`^\s*--> ${PATH}:(\d+):\d+`);
const RUST_HEAD = /^(error|warning)(?:\[\w+\])?: (.+)$/;
const FRAME = new RegExp(String.raw`^\s*at (?:.*\()?${PATH}:(\d+):\d+\)?\s*$`);
const PYTHON_FRAME = /^\s*File "([^"]+)", line (\d+)/;
const PYTEST_PLACE = new RegExp(String.raw`^${PATH}:(\d+): (\w*(?:Error|Exception|Failure|Exit|Warning|Interrupt)\w*)\s*$`);
const ERROR_HEAD = /^\s*(?:\d+\)\s+)?(?:Uncaught )?((?:\w*(?:Error|Exception))(?: \[\w+\])?: .+)$/;

class Reader {
  readonly found: FoundProblem[] = [];
  readonly #folder: string | null;
  readonly #seen = new Set<string>();
  /** ESLint names the file once, above its rows. */
  #file = '';
  #rust: { severity: 'error' | 'warning'; message: string } | undefined;
  /** The error whose stack follows; its first frame in a file of ours is the place. */
  #error: string | undefined;
  #pytest = '';
  #python: { file: string; line: number } | undefined;

  constructor(folder: string | null) {
    this.#folder = folder === null ? null : tidy(folder).replace(/\/$/, '');
  }

  read(line: string): void {
    if (this.#readStack(line) || this.#readPython(line)) return;
    const alone = FILE_ALONE.exec(line)?.[1];
    if (alone !== undefined) {
      this.#file = alone;
      return;
    }
    const row = ESLINT_ROW.exec(line);
    if (row && this.#file !== '') {
      this.#add(this.#file, row[1], row[2], `${row[3] ?? ''}${row[4] === undefined ? '' : ` (${row[4]})`}`);
      return;
    }
    const rust = RUST_HEAD.exec(line);
    if (rust) {
      this.#rust = { severity: rust[1] === 'warning' ? 'warning' : 'error', message: rust[2] ?? '' };
      return;
    }
    const place = RUST_PLACE.exec(line);
    if (place) {
      if (this.#rust) this.#add(place[1], place[2], this.#rust.severity, this.#rust.message);
      this.#rust = undefined;
      return;
    }
    const known = TSC.exec(line) ?? TSC_PRETTY.exec(line) ?? COLUMNS.exec(line);
    if (known && known[3] !== 'note' && known[3] !== 'info') this.#add(known[1], known[2], known[3] ?? 'error', known[4] ?? '');
  }

  finish(): void {
    this.#endPython('');
  }

  #readStack(line: string): boolean {
    const frame = FRAME.exec(line);
    if (frame) {
      // Frames further up the stack called it; the first of ours is where it happened.
      if (this.#error !== undefined && this.#add(frame[1], frame[2], 'error', this.#error)) this.#error = undefined;
      return true;
    }
    const head = ERROR_HEAD.exec(line)?.[1];
    if (head === undefined) return false;
    if (this.#python) this.#endPython(head);
    else this.#error = head;
    return true;
  }

  #readPython(line: string): boolean {
    const frame = PYTHON_FRAME.exec(line);
    if (frame) {
      // The last frame of ours is the nearest to the error.
      if (this.#inside(frame[1] ?? '') !== undefined) this.#python = { file: frame[1] ?? '', line: Number(frame[2]) };
      return true;
    }
    const complaint = /^E {3,}(.+)$/.exec(line)?.[1];
    if (complaint !== undefined) {
      this.#pytest ||= complaint;
      return true;
    }
    const place = PYTEST_PLACE.exec(line);
    if (!place) return false;
    this.#add(place[1], place[2], 'error', this.#pytest === '' ? (place[3] ?? '') : this.#pytest);
    this.#pytest = '';
    return true;
  }

  #endPython(message: string): void {
    if (this.#python && message !== '') this.#add(this.#python.file, String(this.#python.line), 'error', message);
    this.#python = undefined;
  }

  #add(path: string | undefined, line: string | undefined, severity: string | undefined, message: string): boolean {
    const file = this.#inside(path ?? '');
    if (file === undefined || this.found.length >= MOST) return false;
    const problem: FoundProblem = { file, line: Math.max(1, Number(line)), severity: severity === 'warning' ? 'warning' : 'error', message: message.trim() };
    const key = JSON.stringify(problem);
    if (!this.#seen.has(key)) this.found.push(problem);
    this.#seen.add(key);
    return true;
  }

  /** The path relative to the folder; undefined for what lies outside or belongs to others. */
  #inside(written: string): string | undefined {
    let path = tidy(written.replace(/^file:\/\//, ''));
    if (this.#folder !== null && path.toLowerCase().startsWith(`${this.#folder.toLowerCase()}/`)) path = path.slice(this.#folder.length + 1);
    path = path.replace(/^(\.\/)+/, '');
    if (path === '' || path.startsWith('/') || /^[A-Za-z]:/.test(path) || path.startsWith('node:') || /(^|\/)(\.\.|node_modules|site-packages)(\/|$)/.test(path)) return undefined;
    return path;
  }
}

function tidy(path: string): string {
  return path.replaceAll('\\', '/');
}
