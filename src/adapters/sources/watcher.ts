/**
 * Tells when task files, configuration or the stop file change. Events of the file system only say that it is worth
 * looking; what changed is found by comparing what is there, which makes it the same with events and with polling.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { Disposable, Log } from '../../engine/ports.ts';
import { eachInTurn, infoOf } from '../system/files.ts';

export type Watched = 'tasks' | 'config' | 'stop' | 'schedules';

export interface WatchOptions {
  readonly root: string;
  readonly configFiles: readonly string[];
  readonly tasksFile: string;
  readonly tasksFolder: string;
  readonly schedulesFile: string;
  readonly templatesFolder: string;
  readonly stopHookFile: () => string;
  readonly onChange: (what: Watched) => void;
  readonly log: Log;
  /** Milliseconds that a burst of events may take; default 40. */
  readonly debounceMs?: number;
  /** Milliseconds between looks where the file system gives no events; default 2000. */
  readonly pollMs?: number;
  /** false: polls only. */
  readonly events?: boolean;
}

interface Eye {
  readonly watcher: FSWatcher;
  /** Identity of the folder: one that was removed and made again is another. */
  readonly identity: string;
}

const KINDS: readonly Watched[] = ['config', 'tasks', 'schedules', 'stop'];

export class SourceWatcher implements Disposable {
  private readonly options: WatchOptions;
  private readonly eyes = new Map<string, Eye>();
  private readonly blind = new Set<string>();
  private seen: Record<Watched, string> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private poller: NodeJS.Timeout | undefined;
  private looking = false;
  private again = false;
  private heard = 0;
  private disposed = false;

  constructor(options: WatchOptions) {
    this.options = options;
    if (options.events === false) this.poll();
    void this.look();
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    clearInterval(this.poller);
    for (const { watcher } of this.eyes.values()) watcher.close();
    this.eyes.clear();
  }

  /** Folders whose direct children matter, with the names that matter in each. */
  private folders(): Map<string, Set<string>> {
    const { configFiles, tasksFile, tasksFolder, schedulesFile, templatesFolder, stopHookFile } = this.options;
    // Of these folders every Markdown file matters, whatever its name.
    const folders = new Map<string, Set<string>>([[tasksFolder, new Set()], [templatesFolder, new Set()]]);
    for (const file of [...configFiles, tasksFile, tasksFolder, schedulesFile, templatesFolder, stopHookFile()]) {
      // Each part on the way matters: the folder may be made later.
      for (let path = file.replace(/\\/g, '/'); path !== '.' && path !== '' && dirname(path) !== path; path = dirname(path)) {
        const names = folders.get(dirname(path)) ?? new Set();
        folders.set(dirname(path), names.add(path.slice(path.lastIndexOf('/') + 1)));
      }
    }
    return folders;
  }

  private async look(): Promise<void> {
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    try {
      // What changes after the eyes are open is heard; what changed before is in the picture taken now.
      this.openEyes();
      await this.compare();
    } finally {
      this.looking = false;
    }
    if (!this.again || this.disposed) return;
    this.again = false;
    await this.look();
  }

  private async compare(): Promise<void> {
    const before = this.seen;
    const now = await this.signatures();
    if (this.disposed) return;
    this.seen = now;
    for (const kind of KINDS) {
      // What was heard while the first picture was taken may be in it already, unseen by anybody: tell of everything.
      if (before ? before[kind] !== now[kind] : this.heard > 0) this.options.onChange(kind);
    }
  }

  private async signatures(): Promise<Record<Watched, string>> {
    const { configFiles, tasksFile, tasksFolder, schedulesFile, templatesFolder, stopHookFile } = this.options;
    const [tasksInFolder, templates] = await Promise.all([this.markdownIn(tasksFolder), this.markdownIn(templatesFolder)]);
    const [config, tasks, schedules, stop] = await Promise.all([
      this.signature(configFiles),
      this.signature([tasksFile, ...tasksInFolder]),
      this.signature([schedulesFile, ...templates]),
      this.signature([stopHookFile()]),
    ]);
    return { config, tasks, schedules, stop };
  }

  private async markdownIn(folder: string): Promise<string[]> {
    const names = await readdir(join(this.options.root, folder)).catch(() => []);
    return names.filter((name) => /\.md$/i.test(name)).sort().map((name) => `${folder}/${name}`);
  }

  private async signature(files: readonly string[]): Promise<string> {
    const parts = await eachInTurn(files, (file) => {
      const info = infoOf(join(this.options.root, file));
      return info ? `${file}:${info.mtimeNs}/${info.ctimeNs}/${info.size}/${info.ino}` : '';
    });
    return parts.join('|');
  }

  /** Watches each folder that exists; one that cannot be watched is polled. */
  private openEyes(): void {
    if (this.options.events === false) return;
    for (const [folder, names] of this.folders()) {
      const path = join(this.options.root, folder);
      const info = infoOf(path);
      const identity = info?.isDirectory() === true ? `${info.dev}/${info.ino}` : '';
      const eye = this.eyes.get(folder);
      if (eye?.identity === identity) continue;
      eye?.watcher.close();
      this.eyes.delete(folder);
      if (identity === '' || this.blind.has(folder)) continue;
      try {
        const watcher = watch(path, { persistent: false }, (_, name) => {
          if (name === null || names.has(name) || (this.takesMarkdown(folder) && /\.md$/i.test(name))) this.wake();
        });
        watcher.on('error', () => {
          // The folder went away, or the system takes the watch back: look, and watch anew what is there.
          watcher.close();
          this.eyes.delete(folder);
          this.wake();
        });
        this.eyes.set(folder, { watcher, identity });
      } catch (error) {
        this.options.log.warn(`${folder} cannot be watched (${messageOf(error)}); Baton looks every ${(this.options.pollMs ?? 2000) / 1000} s instead.`);
        this.blind.add(folder);
        this.poll();
      }
    }
  }

  private takesMarkdown(folder: string): boolean {
    return folder === this.options.tasksFolder || folder === this.options.templatesFolder;
  }

  private wake(): void {
    if (this.disposed) return;
    this.heard += 1;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, this.options.debounceMs ?? 40).unref();
  }

  private poll(): void {
    this.poller ??= setInterval(() => void this.look(), this.options.pollMs ?? 2000).unref();
  }
}
