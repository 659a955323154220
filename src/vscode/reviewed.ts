/** Which changed files the user has ticked as reviewed. A tick belongs to a content, so a file that changes again loses it. */
import type { Memento } from 'vscode';
import type { ChangesView, TaskView } from '../shared/api.ts';
import { blobIds } from './git.ts';
import type { Repositories, Repository } from './repositories.ts';

const KEY = 'baton.reviewed';
/** Object id of the reviewed content by path, by task. A deleted file has the id of nothing. */
type Ticks = Record<string, Record<string, string>>;
const NOTHING = '-';

interface Known {
  readonly head: string;
  readonly changes: Promise<ChangesView>;
  readonly ids: Promise<Map<string, string>>;
}

export class Reviewed {
  private readonly repositories: Repositories;
  private readonly memory: Memento;
  private readonly known = new Map<string, Known>();

  constructor(repositories: Repositories, memory: Memento) {
    this.repositories = repositories;
    this.memory = memory;
  }

  /** The changed files of a task, each with whether its present content was reviewed. Asked once per head commit. */
  async files(repository: Repository, task: TaskView): Promise<{ changes: ChangesView; isReviewed: (path: string) => boolean }> {
    const known = this.look(repository, task);
    const [changes, ids] = await Promise.all([known.changes, known.ids]);
    const ticks = this.ticks()[keyOf(repository, task)] ?? {};
    return { changes, isReviewed: (path) => ticks[path] === (ids.get(path) ?? NOTHING) };
  }

  async mark(repository: Repository, task: TaskView, path: string, reviewed: boolean): Promise<void> {
    const ids = await this.look(repository, task).ids;
    const all = this.ticks();
    const others = Object.entries(all[keyOf(repository, task)] ?? {}).filter(([ticked]) => ticked !== path);
    const ticks = Object.fromEntries(reviewed ? [...others, [path, ids.get(path) ?? NOTHING]] : others) as Record<string, string>;
    await this.memory.update(KEY, { ...this.alive(all), [keyOf(repository, task)]: ticks });
  }

  private look(repository: Repository, task: TaskView): Known {
    const key = keyOf(repository, task);
    const head = task.head_sha ?? '';
    const held = this.known.get(key);
    if (held?.head === head) return held;
    const changes = this.repositories.api(repository).then((api) => api.changes(task.id));
    const ids = changes.then((view) => blobIds(repository.root, view.head_sha, view.files.map((file) => file.path)));
    const known = { head, changes, ids };
    this.known.set(key, known);
    // A failed look is not kept, so that the next one tries again.
    ids.catch(() => this.known.delete(key));
    return known;
  }

  private ticks(): Ticks {
    return this.memory.get<Ticks>(KEY, {});
  }

  /** Ticks without those of tasks that are gone; of repositories that are not open now, all are kept. */
  private alive(all: Ticks): Ticks {
    const open = this.repositories.all.filter((repository) => repository.snapshot !== undefined);
    return Object.fromEntries(
      Object.entries(all).filter(([key]) => {
        const repository = open.find((one) => key.startsWith(`${one.key}\0`));
        return repository === undefined || (repository.snapshot?.tasks.some((task) => keyOf(repository, task) === key) ?? true);
      }),
    );
  }
}

function keyOf(repository: Repository, task: TaskView): string {
  return `${repository.key}\0${task.id}`;
}
