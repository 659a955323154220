/** `baton pause`: running attempts finish, nothing new starts. */
import { Command } from 'commander';
import { plural } from '../core/format.ts';
import { change, CHANGE, nobodyRuns, type Bind } from './context.ts';

export function pauseCommand(bind: Bind): Command {
  return bind(
    new Command('pause').description('let running attempts finish and start nothing new'),
    (context) =>
      context.use(CHANGE, async (session) => {
        if (context.dryRun) {
          const { loop } = await session.api.snapshot();
          return change(`Would pause the loop (now ${loop.state}); ${plural(loop.slots_used, 'running attempt')} would finish.`, { dryRun: true });
        }
        const { message } = await session.api.send({ type: 'pause' });
        return change(message, { more: nobodyRuns(session) });
      }),
    { changes: true },
  );
}
