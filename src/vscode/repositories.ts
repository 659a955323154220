/**
 * The repositories of this window: one session each, however many folders, subfolders or worktrees of it are open.
 * Knows nothing of VS Code, so that its behaviour is tested without one.
 */
import { BatonError, messageOf } from '../core/errors.ts';
import { Emitter } from '../engine/emitter.ts';
import type { Disposable as Listening, Log } from '../engine/ports.ts';
import type { Session } from '../host/session.ts';
import type { Command, CommandReply, EngineApi, Snapshot } from '../shared/api.ts';
import type { Located } from './git.ts';
import type { FolderState } from './model/welcome.ts';

export interface RepositoriesOptions {
  readonly log: Log;
  readonly trusted: () => boolean;
  /** Paths of the workspace's folders on disk. */
  readonly folders: () => readonly string[];
  readonly locate: (folder: string) => Promise<Located>;
  /** True once the repository has Baton's files: only then is it opened unasked, so that nothing is written into others. */
  readonly inUse: (root: string) => Promise<boolean>;
  readonly open: (root: string) => Promise<Session>;
}

/** One repository as the surfaces see it. */
export class Repository {
  readonly key: string;
  readonly root: string;
  readonly name: string;
  /** Workspace folders that lie in it. */
  folders: readonly string[] = [];
  session: Session | undefined;
  snapshot: Snapshot | undefined;
  opening: Promise<Session> | undefined;
  failure: { readonly message: string; readonly cause: unknown } | undefined;
  listening: Listening | undefined;

  constructor(place: NonNullable<Located['repository']>) {
    this.key = place.key;
    this.root = place.root;
    this.name = place.name;
  }
}

export class Repositories {
  private readonly options: RepositoriesOptions;
  private readonly known = new Map<string, Repository>();
  private readonly changed: Emitter<undefined>;
  private states = new Map<string, FolderState>();
  /** Refreshes run one after another; the last one asked for sees the latest folders. */
  private refreshing: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(options: RepositoriesOptions) {
    this.options = options;
    this.changed = new Emitter((error) => options.log.error(`A view could not take in a change: ${messageOf(error)}`, error));
  }

  /** Something that a surface shows has changed. */
  readonly onDidChange = (listener: () => void): Listening => this.changed.event(listener);

  get all(): readonly Repository[] {
    return [...this.known.values()];
  }

  get trusted(): boolean {
    return this.options.trusted();
  }

  /** Where each workspace folder stands. */
  get folderStates(): readonly FolderState[] {
    return this.options.folders().map((folder) => this.states.get(folder) ?? 'checking');
  }

  find(key: string): Repository | undefined {
    return this.known.get(key);
  }

  /** The repository that a file lies in, the innermost first. */
  containing(path: string): Repository | undefined {
    const inside = (folder: string) => path === folder || path.startsWith(folder.endsWith('/') || folder.endsWith('\\') ? folder : `${folder}/`) || path.startsWith(`${folder}\\`);
    return this.all
      .flatMap((repository) => [repository.root, ...repository.folders].filter(inside).map((folder) => ({ repository, depth: folder.length })))
      .sort((a, b) => b.depth - a.depth)[0]?.repository;
  }

  /** Looks at the workspace's folders again: opens what is new and in use, lets go of what has gone. */
  refresh(): Promise<void> {
    const run = this.refreshing.then(() => this.look());
    this.refreshing = run.catch((error: unknown) => this.options.log.error(`Looking at the workspace failed: ${messageOf(error)}`, error));
    return run;
  }

  /** The repository's session, opened now if it is not; a failure is remembered for the views and thrown. */
  open(repository: Repository): Promise<Session> {
    if (!this.options.trusted()) {
      return Promise.reject(new BatonError('refused', 'Baton runs nothing in Restricted Mode.', { hint: 'Trust this workspace first.' }));
    }
    if (repository.session !== undefined) return Promise.resolve(repository.session);
    if (repository.opening === undefined) {
      repository.failure = undefined;
      // Begins after this turn: even what fails at once finds the promise in its place, and surfaces that are told now see it opening.
      repository.opening = Promise.resolve().then(() => this.openNow(repository));
      this.changed.fire(undefined);
    }
    return repository.opening;
  }

  async api(repository: Repository): Promise<EngineApi> {
    return (await this.open(repository)).api;
  }

  async send(repository: Repository, command: Command): Promise<CommandReply> {
    return (await this.api(repository)).send(command);
  }

  /** Closes every session; resolves when engines, stores and locks are let go. */
  async close(): Promise<void> {
    this.closed = true;
    await this.refreshing;
    await Promise.all(this.all.map((repository) => this.drop(repository)));
  }

  private async look(): Promise<void> {
    const folders = this.options.folders();
    if (this.closed || !this.options.trusted()) {
      this.states = new Map();
      this.changed.fire(undefined);
      return;
    }
    const found = await Promise.all(folders.map(async (folder) => ({ folder, located: await this.options.locate(folder) })));
    this.states = new Map(found.map(({ folder, located }) => [folder, located.state]));
    const byKey = new Map<string, { place: NonNullable<Located['repository']>; folders: string[] }>();
    for (const { folder, located } of found) {
      if (located.repository === undefined) continue;
      const entry = byKey.get(located.repository.key) ?? { place: located.repository, folders: [] };
      entry.folders.push(folder);
      byKey.set(located.repository.key, entry);
    }
    // Known before the repositories are shown: one that is about to be opened must not look unused until then.
    const inUse = new Set<string>();
    await Promise.all([...byKey.values()].map(async ({ place }) => (await this.options.inUse(place.root)) && inUse.add(place.key)));
    for (const repository of this.all.filter(({ key }) => !byKey.has(key))) {
      this.known.delete(repository.key);
      await this.drop(repository);
    }
    for (const { place, folders: inside } of byKey.values()) {
      const repository = this.known.get(place.key) ?? new Repository(place);
      repository.folders = inside;
      this.known.set(place.key, repository);
    }
    // The failure stands in the views and the log; opening unasked has nobody to throw at.
    const opened = this.all.filter(({ key, session }) => session === undefined && inUse.has(key)).map((repository) => this.open(repository).catch(() => undefined));
    this.changed.fire(undefined);
    await Promise.all(opened);
  }

  private async openNow(repository: Repository): Promise<Session> {
    try {
      const session = await this.options.open(repository.root);
      if (this.closed || this.known.get(repository.key) !== repository) {
        await session.close();
        throw new BatonError('refused', `${repository.name} is no longer open in this window.`);
      }
      const listening = session.api.onSnapshot((snapshot) => this.take(repository, snapshot));
      const first = await session.api.snapshot().catch(async (error: unknown) => {
        listening.dispose();
        await session.close();
        throw error;
      });
      repository.session = session;
      repository.listening = listening;
      this.take(repository, first);
      return session;
    } catch (error) {
      repository.failure = { message: withHint(error), cause: error };
      this.options.log.error(`Opening ${repository.root} failed: ${messageOf(error)}`, error);
      throw error;
    } finally {
      repository.opening = undefined;
      this.changed.fire(undefined);
    }
  }

  private take(repository: Repository, snapshot: Snapshot): void {
    // The first answer and the first pushed snapshot may cross.
    if (repository.snapshot !== undefined && snapshot.at < repository.snapshot.at) return;
    repository.snapshot = snapshot;
    this.changed.fire(undefined);
  }

  private async drop(repository: Repository): Promise<void> {
    await repository.opening?.catch(() => undefined);
    const { session } = repository;
    repository.listening?.dispose();
    repository.listening = undefined;
    repository.session = undefined;
    repository.snapshot = undefined;
    await session?.close().catch((error: unknown) => this.options.log.error(`Closing ${repository.root} failed: ${messageOf(error)}`, error));
  }
}

/** What happened and what to do. By shape, since the engine's bundle brings an error class of its own. */
function withHint(error: unknown): string {
  const hint = error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? ` ${error.hint}` : '';
  return `${messageOf(error)}${hint}`;
}
