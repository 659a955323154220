/** What a leader costs that has nothing to do: a program of its own, so that no other benchmark is in its figures. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Benchmark } from './row.ts';
import { CLI, makeSandbox, timed } from './sandbox.ts';

export interface IdleFigures {
  /** Share of one processor, in percent, user and system time of all threads. */
  readonly cpu: number;
  readonly seconds: number;
  /** Timers that were set in that time. */
  readonly timers: number;
  /** Timers that keep the process alive at the end. */
  readonly waiting: number;
  readonly resources: readonly string[];
}

/** As long as the safety net's period, so that it looks once. */
const SECONDS = 30;
const CPU_BUDGET = 0.1;
const TIMER_BUDGET = 1;

export const idle: Benchmark = {
  about:
    'A leader with a running loop, three finished tasks and an empty queue, watched for 30 s from 15 s after its last work: processor time of the whole process, store thread included, and the timers that were set (the safety net may be one).',
  async run() {
    const sandbox = await makeSandbox();
    try {
      const { repo, env } = sandbox;
      for (let index = 0; index < 3; index++) timed(process.execPath, [CLI, 'add', `Change a file for ${index}`], repo.root, env);
      const program = path.resolve('scripts/bench/leader.ts');
      const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', program, repo.root, String(SECONDS)], { env });
      const figures = JSON.parse(stdout) as IdleFigures;
      return [
        { name: 'processor time', value: figures.cpu, unit: '%', budget: CPU_BUDGET, note: `of one processor over ${figures.seconds.toFixed(0)} s` },
        { name: 'timers set', value: figures.timers, unit: '', budget: TIMER_BUDGET, note: `in ${figures.seconds.toFixed(0)} s; alive: ${figures.resources.join(', ')}` },
      ];
    } finally {
      await sandbox.remove();
    }
  },
};
