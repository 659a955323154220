/** The Processes port: what an engine that crashed left behind is found by its mark and ended. */
import type { Processes } from '../../engine/ports.ts';
import { killTree } from './kill.ts';

export function createProcesses(): Processes {
  return { sweep: (markPrefix) => killTree(null, { marked: (mark) => mark.startsWith(markPrefix) }) };
}
