/** `baton list-tasks`: all tasks, or those in one state. */
import { Command } from 'commander';
import { parseTaskState, TASK_STATES } from '../core/states.ts';
import { LOOK, usage, type Bind } from './context.ts';
import { cost } from './format.ts';
import { tasksDocument } from './json.ts';
import { colourOf } from './style.ts';
import { plain } from './text.ts';

export function listTasksCommand(bind: Bind): Command {
  const command = new Command('list-tasks')
    .description('all tasks')
    .option('--state <state>', `only those in this state: ${TASK_STATES.join(', ')}`);
  return bind(command, (context) => {
    const { state } = command.opts<{ state?: string }>();
    const wanted = state === undefined ? undefined : parseTaskState(state);
    if (state !== undefined && wanted === undefined) {
      throw usage(`"${state}" is no task state.`, `Use one of ${TASK_STATES.join(', ')} (awaiting_human is understood too).`);
    }
    return context.use(LOOK, async ({ api }) => {
      const tasks = (await api.snapshot()).tasks.filter((task) => wanted === undefined || task.state === wanted);
      const lines = tasks.map((task) => {
        const money = task.unpriced || task.cost_usd > 0 ? ` (${cost(task.cost_usd, task.unpriced)})` : '';
        const error = task.error === null ? '' : ` - ${context.style.paint('red', plain(task.error))}`;
        return `  ${context.style.paint(colourOf(task.group), `[${task.state}]`)} ${task.id}: ${plain(task.goal)}${money}${error}`;
      });
      const what = wanted === undefined ? 'task(s)' : `task(s) in ${wanted}`;
      return {
        document: tasksDocument(tasks),
        lines: tasks.length === 0 ? [wanted === undefined ? 'No tasks. Queue one with "baton add".' : `No tasks in ${wanted}.`] : [`📋 ${tasks.length} ${what}:`, ...lines],
      };
    });
  });
}
