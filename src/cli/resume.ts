/** `baton resume`: the loop starts tasks again. */
import { Command } from 'commander';
import { plural } from '../core/format.ts';
import { change, CHANGE, nobodyRuns, type Bind } from './context.ts';

export function resumeCommand(bind: Bind): Command {
  return bind(
    new Command('resume').description('start tasks again after a pause or stop'),
    (context) =>
      context.use(CHANGE, async (session) => {
        if (context.dryRun) {
          const { loop, tasks } = await session.api.snapshot();
          const waiting = tasks.filter((task) => task.group === 'waiting').length;
          return change(`Would start the loop (now ${loop.state}); ${plural(waiting, 'task waits', 'tasks wait')}.`, { dryRun: true });
        }
        const { message } = await session.api.send({ type: 'start' });
        return change(message, { more: nobodyRuns(session) });
      }),
    { changes: true },
  );
}
