/** `baton stop`: running attempts finish and the loop ends; with `--now` they end at once and resume later. */
import { Command } from 'commander';
import { plural } from '../core/format.ts';
import { change, CHANGE, type Bind } from './context.ts';

export function stopCommand(bind: Bind): Command {
  const command = new Command('stop')
    .description('end the loop after the running attempts')
    .option('--now', 'end running agents at once; their tasks resume from where they are')
    .option('--reason <text>', 'why, for the run log');
  return bind(
    command,
    (context) => {
      const { now, reason } = command.opts<{ now?: true; reason?: string }>();
      return context.use(CHANGE, async ({ api }) => {
        if (context.dryRun) {
          const { loop } = await api.snapshot();
          const attempts = `${plural(loop.slots_used, 'running attempt')} would ${now === true ? 'end at once and resume later' : 'finish first'}`;
          return change(`Would stop the loop (now ${loop.state}); ${attempts}.`, { dryRun: true });
        }
        const why = reason ?? 'baton stop';
        const { message } = await api.send(now === true ? { type: 'stop_now', reason: why } : { type: 'stop', reason: why });
        return change(message);
      });
    },
    { changes: true },
  );
}
