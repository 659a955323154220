/** Answers what a revision is and what an object holds. Most of what Baton asks git is the id of a ref. */
import { BatonError } from '../../core/errors.ts';
import { Companion } from './companion.ts';

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
  /** Bytes of the object, also where its content was not asked for. */
  readonly size: number;
  readonly content: Buffer;
}

export class ObjectReader {
  readonly #git: Companion;

  constructor(root: string, environment: () => Record<string, string>) {
    this.#git = new Companion(['cat-file', '--batch-command'], root, environment);
  }

  /** The object that a revision names, or undefined when there is none. Rejects when git cannot be asked this way. */
  async id(revision: string): Promise<string | undefined> {
    return (await this.#ask('info', revision)).id;
  }

  /** A file of at most so many bytes by `<commit>:<path>`; undefined when there is none or it is larger. */
  async file(revision: string, most: number): Promise<Buffer | undefined> {
    const { id, type, size } = await this.#ask('info', revision);
    if (id === undefined || type !== 'blob' || size > most) return undefined;
    return (await this.#ask('contents', id)).content;
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
    return this.#git.ask(`${command} ${revision}\n`, (output) => {
      const end = output.indexOf(LINE_FEED);
      if (end < 0) return undefined;
      // `<id> <type> <size>`, or `<revision> missing` (or ambiguous).
      const known = /^([0-9a-f]{40}|[0-9a-f]{64}) ([a-z]+) (\d+)$/.exec(output.toString('utf8', 0, end));
      const size = Number(known?.[3] ?? 0);
      const length = known && command === 'contents' ? end + 1 + size + 1 : end + 1;
      if (output.length < length) return undefined;
      return { answer: { id: known?.[1], type: known?.[2] ?? '', size, content: output.subarray(end + 1, length - 1) }, length };
    });
  }
}
