/**
 * Answers what a revision is through one long-lived `git cat-file --batch-command` of the repository. Most of what Baton
 * asks git is the id of a ref; a process for each question takes thirty times as long as the answer.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { BatonError } from '../../core/errors.ts';

/** Milliseconds without a question after which the process ends: an idle Baton holds nothing open. */
const IDLE_MS = 1_000;
const LINE_FEED = 10;

export interface CommitFacts {
  readonly tree: string;
  readonly parents: readonly string[];
  /** As it is stored, with its trailers. */
  readonly message: string;
}

interface Answer {
  /** Undefined when git knows nothing by that name. */
  readonly id: string | undefined;
  readonly type: string;
  readonly content: Buffer;
}

interface Question {
  readonly withContent: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class ObjectReader {
  readonly #root: string;
  readonly #environment: () => Record<string, string>;
  #child: ChildProcessWithoutNullStreams | undefined;
  readonly #waiting: Question[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  #idle: NodeJS.Timeout | undefined;

  constructor(root: string, environment: () => Record<string, string>) {
    this.#root = root;
    this.#environment = environment;
  }

  /** The object that a revision names, or undefined when there is none. Rejects when git cannot be asked this way. */
  async id(revision: string): Promise<string | undefined> {
    return (await this.#ask('info', revision)).id;
  }

  /** A file by `<tree>:<path>`; undefined when there is none. */
  async file(revision: string): Promise<string | undefined> {
    const { type, content } = await this.#ask('contents', revision);
    return type === 'blob' ? content.toString('utf8') : undefined;
  }

  /** A commit by its id; undefined when there is none. */
  async commit(id: string): Promise<CommitFacts | undefined> {
    const { type, content } = await this.#ask('contents', id);
    if (type !== 'commit') return undefined;
    const text = content.toString('utf8');
    const end = text.indexOf('\n\n');
    const headers = (end < 0 ? text : text.slice(0, end)).split('\n');
    const values = (name: string): string[] => headers.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
    return { tree: values('tree')[0] ?? '', parents: values('parent'), message: end < 0 ? '' : text.slice(end + 2) };
  }

  #ask(command: 'info' | 'contents', revision: string): Promise<Answer> {
    if (revision.includes('\n')) return Promise.reject(new BatonError('internal', 'A revision has no line feed.'));
    clearTimeout(this.#idle);
    const child = this.#running();
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ withContent: command === 'contents', resolve, reject });
      hold(child, true);
      child.stdin.write(`${command} ${revision}\n`);
    });
  }

  #running(): ChildProcessWithoutNullStreams {
    if (this.#child) return this.#child;
    const child = spawn('git', ['cat-file', '--batch-command'], { cwd: this.#root, env: this.#environment(), windowsHide: true, stdio: 'pipe' });
    this.#child = child;
    this.#buffer = Buffer.alloc(0);
    const gone = (why: string): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      clearTimeout(this.#idle);
      for (const { reject } of this.#waiting.splice(0)) reject(new BatonError('git', `git cat-file ended: ${why}`));
    };
    child.once('error', (error) => gone(error.message));
    child.once('close', (code) => gone(`exit code ${String(code)}`));
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
    child.stdout.on('data', (chunk: Buffer) => {
      if (this.#child !== child) return;
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      this.#answer();
      if (this.#waiting.length === 0) this.#rest(child);
    });
    return child;
  }

  /** Hands out every answer that is complete. */
  #answer(): void {
    for (let question = this.#waiting[0]; question; question = this.#waiting[0]) {
      const end = this.#buffer.indexOf(LINE_FEED);
      if (end < 0) return;
      // `<id> <type> <size>`, or `<revision> missing` (or ambiguous).
      const known = /^([0-9a-f]{40}|[0-9a-f]{64}) ([a-z]+) (\d+)$/.exec(this.#buffer.toString('utf8', 0, end));
      const size = known && question.withContent ? Number(known[3]) : 0;
      const after = known && question.withContent ? end + 1 + size + 1 : end + 1;
      if (this.#buffer.length < after) return;
      const content = this.#buffer.subarray(end + 1, end + 1 + size);
      this.#buffer = this.#buffer.subarray(after);
      this.#waiting.shift();
      question.resolve({ id: known?.[1], type: known?.[2] ?? '', content });
    }
  }

  /** Nothing is asked: the process neither keeps the host alive nor stays for long. */
  #rest(child: ChildProcessWithoutNullStreams): void {
    hold(child, false);
    this.#idle = setTimeout(() => {
      if (this.#child === child) this.#child = undefined;
      child.stdin.end();
    }, IDLE_MS);
    this.#idle.unref();
  }
}

/** Whether the process and its streams keep the host's event loop alive. */
function hold(child: ChildProcessWithoutNullStreams, wanted: boolean): void {
  for (const handle of [child, child.stdin, child.stdout, child.stderr] as unknown as { ref?: () => void; unref?: () => void }[]) {
    if (wanted) handle.ref?.();
    else handle.unref?.();
  }
}
