/**
 * The git starter: a small process that runs git for an engine. It ends with the engine's channel, whatever became of the engine; a command
 * that is under way then comes to its end by itself, as it would without a starter.
 */
import { errorToData } from '../../core/errors.ts';
import { channelLink } from '../process/link.ts';
import { runCommand } from './command.ts';
import type { FromStarter, ToStarter } from './starter.ts';

const engine = channelLink<FromStarter, ToStarter>(process, {
  message({ id, command }) {
    runCommand(command).then(
      (result) => engine.send({ id, result }),
      (error: unknown) => engine.send({ id, error: errorToData(error) }),
    );
  },
  closed: () => process.exit(0),
});
// Ctrl-C in a terminal is for the engine, which may need git to come to a good end.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
engine.send({ ready: true });
