/**
 * The git starter: a small process that runs git for an engine. It ends with the engine's channel, whatever became of the engine; a command
 * that is under way then comes to its end by itself, as it would without a starter.
 */
import { errorToData } from '../../core/errors.ts';
import { channelLink } from '../process/link.ts';
import { runGit } from './command.ts';
import type { FromStarter, ToStarter } from './starter.ts';

const engine = channelLink<FromStarter, ToStarter>(process, {
  message({ id, command }) {
    runGit(command)
      .then((result) => engine.send({ id, result }))
      // Also an answer that is too long to be sent.
      .catch((error: unknown) => engine.send({ id, error: errorToData(error) }));
  },
  closed: () => process.exit(0),
});
// What ends a whole group of processes (Ctrl-C, a service manager) is for the engine, which may need git to come to a good end.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined);
engine.send({ ready: true });
