/** `baton delete`: removes a task for good, its definition included. */
import { Command } from 'commander';
import { change, CHANGE, confirmed, findTask, left, type Bind } from './context.ts';
import { plain } from './text.ts';

export function deleteCommand(bind: Bind): Command {
  const command = new Command('delete')
    .description('delete the definition of a task that has not begun or is finished, and forget it')
    .argument('<id>', 'the task')
    .option('--force', 'do not ask');
  return bind(
    command,
    (context, [id = '']) =>
      context.use(CHANGE, async ({ api }) => {
        const task = findTask(await api.snapshot(), id);
        const where = task.source === null ? '' : ` from ${plain(task.source.file)}`;
        if (context.dryRun) return change(`Would delete ${task.id}${where}.`, { dryRun: true, taskId: task.id });
        if (!(await confirmed(context, command.opts<{ force?: true }>().force === true, `Delete ${task.id} (${plain(task.goal)})${where}?`, 'delete'))) return left();
        const reply = await api.send({ type: 'delete_task', task_id: task.id });
        return change(reply.message, { taskId: task.id });
      }),
    { changes: true },
  );
}
