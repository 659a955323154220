/** `baton run --tasks FILE`: the tasks of a file that is not one of the repository's own. */
import type { Problem } from '../core/errors.ts';
import type { EngineApi } from '../shared/api.ts';
import type { TaskDefinition } from '../core/task.ts';
import type { Context } from './context.ts';
import { plain } from './text.ts';

export interface TasksFile {
  readonly tasks: readonly { readonly definition: TaskDefinition }[];
  readonly problems: readonly Problem[];
}

/** Queues those that Baton does not know yet; a known id resumes. What is wrong in the file is said on stderr. */
export async function queueTasksOf(context: Context, api: EngineApi, file: TasksFile): Promise<void> {
  if (!context.json) {
    for (const problem of file.problems) {
      context.io.stderr.write(`baton: ${plain(problem.file)}:${problem.line}:${problem.column}: ${plain(problem.message)}\n`);
    }
  }
  const known = new Set((await api.snapshot()).tasks.map((task) => task.id.toLowerCase()));
  for (const { definition } of file.tasks) {
    if (!known.has(definition.id.toLowerCase())) await api.send({ type: 'add_task', task: definition });
  }
}
