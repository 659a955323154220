/** The task files of a repository, read again only where they changed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../core/errors.ts';
import { canonicalContent, type TaskDefinition } from '../../core/task.ts';
import { collectTasks, parseTaskMarkdown, parseTasksYaml, type ParsedTasks } from '../../core/taskFile.ts';
import type { SourcedTask } from '../../engine/ports.ts';
import { eachInTurn, infoOf } from '../system/files.ts';

export const TASKS_FILE = '.baton/tasks.yaml';
export const TASKS_FOLDER = '.baton/tasks';

/** No task is that long; a file that is was put there by mistake. */
const LARGEST_FILE = 4 * 1024 * 1024;
/** Clocks of file systems may be this coarse: a file that young may change again without its time showing it. */
const TOO_YOUNG_MS = 2500;

interface CachedFile {
  readonly signature: string;
  readonly modified_at: string;
  readonly parsed: ParsedTasks;
}

export class TaskFiles {
  private readonly root: string;
  private cache = new Map<string, CachedFile>();

  constructor(root: string) {
    this.root = root;
  }

  /** All definitions and what is wrong with them; a file that vanishes while it is read counts as absent. */
  async read(): Promise<{ tasks: SourcedTask[]; problems: Problem[] }> {
    const names = [TASKS_FILE, ...(await this.markdownFiles())];
    const files = new Map<string, CachedFile>();
    await eachInTurn(names, (name) => {
      const file = this.readFile(name);
      if (file) files.set(name, file);
    });
    this.cache = files;
    // In the order of the names, so that problems and ties do not depend on which file was read first.
    const { tasks, problems } = collectTasks(names.flatMap((name) => files.get(name)?.parsed ?? []));
    return {
      tasks: tasks.map(({ definition, file, line, dependencies_at }) => ({
        definition,
        file,
        line,
        dependencies_at,
        hash: hashOf(definition),
        modified_at: files.get(file)?.modified_at ?? new Date(0).toISOString(),
      })),
      problems: [...problems],
    };
  }

  /** `.baton/tasks/*.md` with "/" between its parts, sorted. A README there tells people about the folder and is no task. */
  async markdownFiles(): Promise<string[]> {
    const names = await readdir(join(this.root, TASKS_FOLDER)).catch(() => []);
    return names
      .filter((name) => /\.md$/i.test(name) && !name.startsWith('.') && !/^readme\.md$/i.test(name))
      .sort()
      .map((name) => `${TASKS_FOLDER}/${name}`);
  }

  private readFile(name: string): CachedFile | undefined {
    const path = join(this.root, name);
    const info = infoOf(path);
    if (info?.isFile() !== true) return undefined;
    const signature = `${info.mtimeNs}/${info.ctimeNs}/${info.size}/${info.ino}`;
    const known = this.cache.get(name);
    if (known?.signature === signature) return known;
    const modified_at = info.mtime.toISOString();
    if (info.size > LARGEST_FILE) return { signature, modified_at, parsed: unreadable(name, 'is larger than 4 MiB') };
    try {
      const text = readFileSync(path, 'utf8');
      const parsed = name === TASKS_FILE ? parseTasksYaml(text, name) : parseTaskMarkdown(text, name);
      const young = Date.now() - Number(info.mtimeMs) < TOO_YOUNG_MS;
      return { signature: young ? `${signature}/young` : signature, modified_at, parsed };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return code === 'ENOENT' ? undefined : { signature: '', modified_at, parsed: unreadable(name, `cannot be read (${code ?? String(error)})`) };
    }
  }
}

/** SHA-256 of what a task asks for, in hex: approvals and merge trailers are bound to it. */
export function hashOf(definition: TaskDefinition): string {
  return createHash('sha256').update(canonicalContent(definition)).digest('hex');
}

function unreadable(file: string, what: string): ParsedTasks {
  return { tasks: [], problems: [{ file, line: 1, column: 1, severity: 'error', source: 'task', message: `This file ${what}.` }] };
}
