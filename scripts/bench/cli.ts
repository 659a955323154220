/** How long the command line takes to start and answer. */
import { median, spread, type Benchmark } from './row.ts';
import { CLI, makeSandbox, timed } from './sandbox.ts';

const RUNS = 15;

export const cli: Benchmark = {
  about:
    'The command line, started anew each time, beside a Node that does nothing, in turn. `baton queue` finds no leader here: it takes the lock, opens the store, reads the task files, answers and lets go.',
  async run() {
    const sandbox = await makeSandbox();
    try {
      const { repo, env } = sandbox;
      const node = (...args: string[]): number => timed(process.execPath, args, repo.root, env);
      for (let index = 0; index < 20; index++) node(CLI, 'add', `Task number ${index}`);
      const times = { nothing: [] as number[], version: [] as number[], queue: [] as number[] };
      for (let run = 0; run < RUNS; run++) {
        times.nothing.push(node('-e', '0'));
        times.version.push(node(CLI, '--version'));
        times.queue.push(node(CLI, 'queue'));
      }
      const idle = median(times.nothing);
      const beside = (values: readonly number[]): string => `${(median(values) / idle).toFixed(1)} times node -e 0; ${spread(values)}`;
      return [
        { name: 'node -e 0', value: idle, unit: 'ms', note: spread(times.nothing) },
        { name: 'baton --version', value: median(times.version), unit: 'ms', note: beside(times.version) },
        { name: 'baton queue, 20 tasks', value: median(times.queue), unit: 'ms', note: beside(times.queue) },
      ];
    } finally {
      await sandbox.remove();
    }
  },
};
