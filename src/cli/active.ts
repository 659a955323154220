/** `baton active`: the tasks that are neither finished nor parked for a human. */
import { Command } from 'commander';
import { isActive } from '../core/states.ts';
import { LOOK, type Bind } from './context.ts';
import { doneIn } from './format.ts';
import { tasksDocument } from './json.ts';
import { colourOf } from './style.ts';
import { plain } from './text.ts';

export function activeCommand(bind: Bind): Command {
  return bind(new Command('active').description('tasks that are neither finished nor waiting for a human'), (context) =>
    context.use(LOOK, async ({ api }) => {
      const { tasks, at } = await api.snapshot();
      const active = tasks.filter((task) => isActive(task.state));
      const lines = active.map((task) => `  ${context.style.paint(colourOf(task.group), `[${task.state}]`)} ${task.id}: ${plain(task.goal)}${task.eta_done === null ? '' : ` (${doneIn(task.eta_done, at)})`}`);
      return {
        document: tasksDocument(active),
        lines: active.length === 0 ? ['No active tasks.'] : [`🔄 ${active.length} active task(s):`, ...lines],
      };
    }),
  );
}
