/** Recognises Baton's own merges on a branch by the trailers of their messages. */
import type { GitContext } from './context.ts';
import { currentRef } from './layout.ts';
import { headRef } from './refs.ts';

/** Commits that are looked at, newest first: enough for years of work, quick in any repository. */
const DEPTH = 20_000;

/** Commits that a branch may have gained since the last look to be read one by one; more are one `git log`. */
const STEPS = 32;

/** A commit that says something about merges: which task it is the merge of ('' for none), and what it takes back. */
interface Landing {
  readonly sha: string;
  readonly task: string;
  readonly hash: string;
  readonly reverts: readonly string[];
}

export class Landings {
  readonly #context: GitContext;
  /** What was found on a branch by its full name, newest first, and where the branch was then: the next look need not go further back. */
  readonly #known = new Map<string, { readonly tip: string; readonly landings: readonly Landing[] }>();

  constructor(context: GitContext) {
    this.#context = context;
  }

  /**
   * Content hash and commit of every task whose newest merge is on the target (and not in the history of `since`) and was
   * not reverted. Both squash commits and merge commits carry the trailers.
   */
  async merged(target: string, since?: string): Promise<Map<string, { hash: string; sha: string }>> {
    const { git, root } = this.#context;
    const branch = target === 'current' ? ((await currentRef(this.#context, root)) ?? 'HEAD') : headRef(target);
    const tip = await git.resolve(`${branch}^{commit}`, root);
    if (tip === undefined || tip === since) return new Map();
    return standing(since === undefined ? await this.#upTo(branch, tip) : await this.#logged([tip, `^${since}`]));
  }

  async #upTo(branch: string, tip: string): Promise<readonly Landing[]> {
    const known = this.#known.get(branch);
    const gained = known && ((await this.#gained(known.tip, tip)) ?? (await this.#joined(known, tip)));
    const landings = known && gained ? [...gained, ...known.landings] : await this.#logged([tip]);
    this.#known.set(branch, { tip, landings });
    return landings;
  }

  /** What a straight line of a few commits from one to the other says; undefined where it is no such line, or its messages are git's to read. */
  async #gained(from: string, to: string): Promise<Landing[] | undefined> {
    const found: Landing[] = [];
    for (let sha = to, left = STEPS; sha !== from; left--) {
      const commit = left > 0 ? await this.#context.git.commit(sha) : undefined;
      const [parent, ...others] = commit?.parents ?? [];
      if (commit === undefined || parent === undefined || others.length > 0) return undefined;
      const trailers = /^baton-/im.test(commit.message) ? plainTrailers(commit.message) : new Map<string, string>();
      if (trailers === undefined) return undefined;
      found.push(...landing(sha, trailers.get('baton-task'), trailers.get('baton-hash'), commit.message));
      sha = parent;
    }
    return found;
  }

  /** What a branch that only grew says since then, merges included; undefined where only the whole order tells which of two merges is newer. */
  async #joined(known: { readonly tip: string; readonly landings: readonly Landing[] }, tip: string): Promise<Landing[] | undefined> {
    const grew = await this.#context.git.isAncestor(known.tip, tip, this.#context.root).catch(() => false);
    if (!grew) return undefined;
    const found = await this.#logged([tip, `^${known.tip}`]);
    const tasks = new Set(known.landings.map(({ task }) => task));
    return found.some(({ task }) => task !== '' && tasks.has(task)) ? undefined : found;
  }

  async #logged(range: readonly string[]): Promise<Landing[]> {
    const { git, root } = this.#context;
    const format = ['%H', field('Baton-Task'), field('Baton-Hash'), '%b'].join('%x1f');
    const { stdout } = await git.run(['log', '-z', '--no-show-signature', `--max-count=${DEPTH}`, `--format=${format}`, ...range, '--'], { cwd: root });
    return stdout.split('\0').flatMap((record) => {
      const [sha = '', task, hash, body = ''] = record.split('\x1f');
      return landing(sha, task, hash, body);
    });
  }
}

/**
 * The trailers of a message by their keys in lower case: where its last paragraph is nothing else, one line and one key each.
 * Undefined where what git takes for a trailer is not that plain.
 */
export function plainTrailers(message: string): Map<string, string> | undefined {
  const paragraphs = message.trimEnd().split(/\n{2,}/);
  const lines = paragraphs.length < 2 ? [] : (paragraphs.at(-1)?.split('\n') ?? []);
  const pairs = lines.map((line) => /^([A-Za-z0-9-]+): (.*)$/.exec(line));
  const trailers = new Map(pairs.map((pair) => [pair?.[1]?.toLowerCase() ?? '', pair?.[2]?.trim() ?? '']));
  return pairs.length > 0 && trailers.size === pairs.length && !trailers.has('') ? trailers : undefined;
}

/** One entry or none. */
function landing(sha: string, task: string | undefined, hash: string | undefined, body: string): Landing[] {
  const reverts = [...body.matchAll(/^This reverts commit ([0-9a-f]{40,64})/gm)].map((match) => match[1] ?? '');
  return (task ?? '') === '' && reverts.length === 0 ? [] : [{ sha, task: task ?? '', hash: hash ?? '', reverts }];
}

/** What counts of landings, newest first: a revert is seen before what it takes back. */
function standing(landings: readonly Landing[]): Map<string, { hash: string; sha: string }> {
  const found = new Map<string, { hash: string; sha: string }>();
  const reverted = new Set<string>();
  for (const { sha, task, hash, reverts } of landings) {
    // Neither a merge that was taken back counts nor a revert that was.
    if (reverted.has(sha)) continue;
    for (const taken of reverts) reverted.add(taken);
    if (task !== '' && !found.has(task)) found.set(task, { hash, sha });
  }
  return found;
}

function field(key: string): string {
  return `%(trailers:key=${key},valueonly,unfold,separator=%x2C)`;
}
