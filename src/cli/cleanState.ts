/** `baton clean-state`: forgets the stored state of every task that is not at work. */
import { Command } from 'commander';
import { change, CHANGE, confirmed, left, type Bind } from './context.ts';
import { plain } from './text.ts';

/** So many ids are named before the question. */
const NAMED = 12;

export function cleanStateCommand(bind: Bind): Command {
  const command = new Command('clean-state')
    .description('remove the stored state of all tasks that are not at work; work in git stays, definitions are read again')
    .option('--force', 'do not ask');
  return bind(
    command,
    (context) =>
      context.use(CHANGE, async ({ api }) => {
        const plan = await api.send({ type: 'clean_state', dry_run: true });
        const ids = plan.task_ids ?? [];
        const names = ids.slice(0, NAMED).map(plain).join(', ');
        const named = ids.length === 0 ? [] : [`  ${names}${ids.length > NAMED ? ` and ${ids.length - NAMED} more` : ''}`];
        const outcome = (message: string, dryRun: boolean, done: readonly string[]) => {
          const { document, lines } = change(message, { dryRun, more: dryRun ? named : [] });
          return { document: { ...(document as object), task_ids: done }, lines };
        };
        if (context.dryRun || ids.length === 0) return outcome(plan.message, context.dryRun, ids);
        const question = [plan.message, ...named, 'Merged work, branches and snapshots stay in git. What has a definition and is not merged is queued again from the start.', 'Go on?'].join('\n');
        if (!(await confirmed(context, command.opts<{ force?: true }>().force === true, question, 'clean-state'))) return left();
        const reply = await api.send({ type: 'clean_state' });
        return outcome(reply.message, false, reply.task_ids ?? []);
      }),
    { changes: true },
  );
}
