/** `baton take-over` and `baton hand-back`: an agent's session in the hands of a human, and back. */
import { Command } from 'commander';
import { change, CHANGE, findTask, nobodyRuns, type Bind } from './context.ts';

export function takeOverCommand(bind: Bind): Command {
  const command = new Command('take-over').description('end the turn of a task’s agent and print what continues its session in a terminal').argument('<id>', 'the task');
  return bind(
    command,
    (context, [id = '']) =>
      context.use(CHANGE, async ({ api }) => {
        const task = findTask(await api.snapshot(), id);
        if (context.dryRun) return change(`Would take over the session of ${task.id}.`, { dryRun: true, taskId: task.id });
        const { message, terminal } = await api.send({ type: 'take_over', task_id: task.id, by: context.deps.user });
        const words = terminal === undefined ? [] : [terminal.program, ...terminal.args];
        const outcome = change(message, { taskId: task.id, more: terminal === undefined ? [] : [`cd ${quoted(terminal.cwd)} && ${words.map(quoted).join(' ')}`, `Then: baton hand-back ${task.id}`] });
        // The agent's own environment may hold secrets: it is for the terminal, not for the screen.
        return terminal === undefined ? outcome : { ...outcome, document: { ...(outcome.document as object), terminal: { program: terminal.program, args: terminal.args, cwd: terminal.cwd } } };
      }),
    { changes: true },
  );
}

export function handBackCommand(bind: Bind): Command {
  const command = new Command('hand-back').description('give a session that was taken over back to its agent').argument('<id>', 'the task').argument('[text...]', 'what the agent should know');
  return bind(
    command,
    (context, [id = '', ...words]) =>
      context.use(CHANGE, async (session) => {
        const task = findTask(await session.api.snapshot(), id);
        if (context.dryRun) return change(`Would hand the session of ${task.id} back.`, { dryRun: true, taskId: task.id });
        const text = words.join(' ').trim();
        const { message } = await session.api.send({ type: 'hand_back', task_id: task.id, ...(text === '' ? {} : { text }), by: context.deps.user });
        return change(message, { taskId: task.id, more: nobodyRuns(session) });
      }),
    { changes: true },
  );
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
