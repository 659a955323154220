/** The Sources port over the files of a repository. */
import { link, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../core/config/load.ts';
import { addPermissionRule } from '../../core/config/permissionText.ts';
import { defaultConfig, type Config } from '../../core/config/schema.ts';
import { BatonError, messageOf, type Problem } from '../../core/errors.ts';
import type { Role } from '../../core/execution.ts';
import { taskIdFault, type TaskDefinition } from '../../core/task.ts';
import { removeTaskEntry, slugOf, uniqueTaskId, writeTaskFile } from '../../core/taskText.ts';
import { YamlText } from '../../core/yamlText.ts';
import type { Log, Sources } from '../../engine/ports.ts';
import { replaceFile } from '../store/atomicFile.ts';
import { exists } from '../system/files.ts';
import { assertInside, ensureBatonFolder } from './batonFolder.ts';
import { TaskFiles, TASKS_FILE, TASKS_FOLDER } from './taskFiles.ts';
import { readSchedules, type LoadCron, SCHEDULES_FILE, TEMPLATES_FOLDER } from './templates.ts';
import { SourceWatcher } from './watcher.ts';

/** The first that exists is read. */
export const CONFIG_FILES = ['.baton/orchestrator.yaml', 'config/orchestrator.yaml'] as const;

export interface SourcesOptions {
  /** Absolute path of the main checkout. */
  readonly root: string;
  /** Environment for `${VAR}` in the configuration. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly loadCron: LoadCron;
  /** false: watch by polling only (file systems without events). */
  readonly watchEvents?: boolean;
  /** Milliseconds between looks when polling; default 2000. */
  readonly pollMs?: number;
}

/** Files named in problems and tasks are relative to the root, with "/". */
export function createSources(options: SourcesOptions): Sources {
  const { root, env, log } = options;
  const files = new TaskFiles(root);
  let lastValid: Config | undefined;
  /** Additions one after the other: each must see the ids of those before it. */
  let adding: Promise<unknown> = Promise.resolve();

  return {
    tasks: () => files.read(),

    config: async () => {
      const read = await readConfig(root);
      if (!read) {
        lastValid = defaultConfig();
        return { config: lastValid, problems: [], valid: true };
      }
      if ('problem' in read) return { config: lastValid ?? defaultConfig(), problems: [read.problem], valid: false };
      const { config, problems, valid } = loadConfig(read.text, read.file, env);
      if (valid) lastValid = config;
      // Without an earlier valid one, what could be read of this one is nearer to the user's wish than the defaults.
      return { config: valid ? config : (lastValid ?? config), problems: [...problems], valid };
    },

    locate: async (key) => {
      const read = await readConfig(root);
      if (!read || 'problem' in read) return { file: read?.problem.file ?? CONFIG_FILES[0], line: 1, column: 1 };
      return { file: read.file, ...new YamlText(read.text).keyAt(key) };
    },

    prompt: (role) => readPrompt(root, role),

    schedules: () => readSchedules(root, options.loadCron),

    stopRequested: (stopHookFile) => Promise.resolve(exists(join(root, stopHookFile))),

    addTask: (task) => {
      const added = adding.then(() => addTask(root, files, task));
      adding = added.catch(() => undefined);
      return added;
    },

    removeTask: (taskId) => {
      const removed = adding.then(() => removeTask(root, files, taskId));
      adding = removed.catch(() => undefined);
      return removed;
    },

    addPermission: async (rule) => {
      const read = await readConfig(root);
      if (read !== undefined && 'problem' in read) throw new BatonError('invalid_config', `${read.problem.file} cannot be read, so no rule can be added to it.`);
      const file = read?.file ?? CONFIG_FILES[0];
      const text = addPermissionRule(read?.text ?? '', rule, env);
      await ensureBatonFolder(root);
      await assertInside(root, dirname(join(root, file)));
      await replaceFile(join(root, file), text);
      return file;
    },

    watch: (onChange, stopHookFile) =>
      new SourceWatcher({
        root,
        configFiles: CONFIG_FILES,
        tasksFile: TASKS_FILE,
        tasksFolder: TASKS_FOLDER,
        schedulesFile: SCHEDULES_FILE,
        templatesFolder: TEMPLATES_FOLDER,
        stopHookFile,
        onChange,
        log,
        ...(options.watchEvents === undefined ? {} : { events: options.watchEvents }),
        ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
      }),
  };
}

async function readConfig(root: string): Promise<{ file: string; text: string } | { problem: Problem } | undefined> {
  for (const file of CONFIG_FILES) {
    try {
      return { file, text: await readFile(join(root, file), 'utf8') };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') continue;
      const message = `This file cannot be read (${code ?? messageOf(error)}); the last valid configuration stays in force.`;
      return { problem: { file, line: 1, column: 1, severity: 'error', source: 'config', message } };
    }
  }
  return undefined;
}

/** An empty file counts as none. */
async function readPrompt(root: string, role: Role): Promise<string | undefined> {
  const file = join(root, '.baton', 'prompts', `${role}.md`);
  try {
    const text = await readFile(file, 'utf8');
    return text.trim() === '' ? undefined : text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new BatonError('invalid_config', `The prompt .baton/prompts/${role}.md cannot be read (${code ?? messageOf(error)}).`, { hint: 'Make it readable, or remove it to use the built-in prompt.' });
  }
}

/**
 * Writes `.baton/tasks/<name>.md` and returns that path. A file is never overwritten: when the name is taken by a file of
 * another task, the next free name is used and the id stands in the frontmatter. An empty id is made from the goal.
 */
async function addTask(root: string, files: TaskFiles, task: TaskDefinition): Promise<string> {
  await ensureBatonFolder(root);
  const folder = join(root, TASKS_FOLDER);
  await mkdir(folder, { recursive: true });
  await assertInside(root, folder);

  const { tasks, problems } = await files.read();
  const names = (await files.markdownFiles()).map((file) => file.slice(TASKS_FOLDER.length + 1, -'.md'.length));
  const taken = [...tasks.map((one) => one.definition.id), ...problems.flatMap((problem) => problem.task_id ?? [])];
  const id = task.id === '' ? uniqueTaskId(slugOf(task.goal), [...taken, ...names]) : task.id;
  const fault = taskIdFault(id);
  if (fault !== undefined) throw new BatonError('invalid_task', `"${id}" is not a valid task id: ${fault}.`);
  const rival = tasks.find((one) => one.definition.id.toLowerCase() === id.toLowerCase());
  if (rival) {
    throw new BatonError('conflict', `A task with the id ${rival.definition.id} exists already (${rival.file}:${rival.line}).`, {
      hint: 'Choose another id, or leave it out to have one made from the goal.',
    });
  }
  for (let name = uniqueTaskId(id, names); ; name = uniqueTaskId(id, names)) {
    // An id that was made here goes with the name, so that a rival in another process leaves two tasks, not one id twice.
    const file = writeTaskFile({ ...task, id: task.id === '' ? name : id }, name);
    if (await createFile(folder, file.name, file.text)) return `${TASKS_FOLDER}/${file.name}`;
    names.push(name);
  }
}

async function removeTask(root: string, files: TaskFiles, taskId: string): Promise<string | null> {
  const found = (await files.read()).tasks.find(({ definition }) => definition.id === taskId);
  if (found === undefined) return null;
  const path = join(root, found.file);
  await assertInside(root, dirname(path));
  if (found.file === TASKS_FILE) await replaceFile(path, removeTaskEntry(await readFile(path, 'utf8'), taskId));
  else await rm(path);
  return found.file;
}

/** Creates a file that is whole as soon as it is seen; false when the name is taken. */
async function createFile(folder: string, name: string, text: string): Promise<boolean> {
  const target = join(folder, name);
  const draft = join(folder, `.${name}.${process.pid}.draft`);
  try {
    await writeFile(draft, text, { flush: true });
    await link(draft, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // File systems without hard links: exclusive, if not whole at once.
    return await createDirectly(target, text);
  } finally {
    await rm(draft, { force: true });
  }
}

async function createDirectly(target: string, text: string): Promise<boolean> {
  try {
    const file = await open(target, 'wx');
    await file.writeFile(text).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
