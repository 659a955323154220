/** From an agent's first line to the last process of its tree: what all drivers have in common once the program runs. */
import { messageOf } from '../../core/errors.ts';
import { endTree } from '../process/drain.ts';
import { eachLine } from '../process/lines.ts';
import type { Exit, Spawned } from '../process/spawn.ts';
import type { Channel } from './channel.ts';

/** Lines of stderr that explain a failure. */
const EXPLAINING_LINES = 20;

export interface Followed {
  readonly exit: Exit;
  /** The last lines of stderr. */
  readonly stderr: string;
}

/**
 * Hands each line of stdout on and logs those of stderr. Resolves when the program has exited, nothing of its tree is left
 * and all that it said was read; what a process that left the tree still says is not waited for. `exited` is called in between: from then on nothing can be sent to it.
 */
export async function follow(spawned: Spawned, messages: Channel, line: (line: string) => void, exited: () => void = () => undefined): Promise<Followed> {
  const { child } = spawned;
  const stderr: string[] = [];
  const read = Promise.all([
    eachLine(child.stdout, line),
    eachLine(child.stderr, (text) => {
      if (text.trim() === '') return;
      messages.push({ type: 'log', text });
      stderr.push(text);
      if (stderr.length > EXPLAINING_LINES) stderr.shift();
    }),
  ]);
  const exit = await spawned.exited;
  exited();
  await endTree(spawned, (error) => messages.push({ type: 'log', text: messageOf(error) }));
  await read;
  return { exit, stderr: stderr.join('\n') };
}
