/** `baton message`: a word to the agent that works on a task. */
import { Command } from 'commander';
import { change, CHANGE, findTask, usage, type Bind } from './context.ts';

export function messageCommand(bind: Bind): Command {
  const command = new Command('message')
    .description('give the agent that works on a task a message')
    .argument('<id>', 'the task')
    .argument('<text...>', 'what to tell it; "-" reads it from standard input');
  return bind(
    command,
    async (context, [id = '', ...words]) => {
      const text = words.join(' ') === '-' ? await context.io.readStdin() : words.join(' ');
      if (text.trim() === '') throw usage('The message is empty.', 'Give it as arguments or on standard input.');
      return context.use(CHANGE, async ({ api }) => {
        const task = findTask(await api.snapshot(), id);
        if (context.dryRun) return change(`Would send the message to the agent of ${task.id}.`, { dryRun: true, taskId: task.id });
        const { message } = await api.send({ type: 'message', task_id: task.id, text: text.trim() });
        return change(message, { taskId: task.id });
      });
    },
    { changes: true },
  );
}
