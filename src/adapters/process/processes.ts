/** The Processes port: what an engine that crashed left behind is found by its mark, or by pid and start time, and ended. */
import type { Processes } from '../../engine/ports.ts';
import { killTree } from './kill.ts';
import { isAlive } from './table.ts';
import { createUsageMeter } from './usage.ts';

export function createProcesses(): Processes {
  return {
    usage: createUsageMeter(),
    sweep: async (markPrefix, { keep = [], roots = [], grace_ms } = {}) => {
      const grace = grace_ms === undefined ? {} : { graceMs: grace_ms };
      let ended = await killTree(null, { marked: (mark) => mark.startsWith(markPrefix) && !keep.includes(mark), ...grace });
      for (const root of roots) if (await isAlive(root)) ended += await killTree(root, grace);
      return ended;
    },
  };
}
