/** A hundred tasks, ten at once: whether the last ones are as quick as the first (rows 63, 107). */
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { median, type Benchmark } from './row.ts';
import { CLI, makeSandbox, timed } from './sandbox.ts';

export interface LoadFigures {
  /** Most tasks that were at work with a slot at once. */
  readonly peak: number;
  /** Milliseconds from start to end of each task that was done, in the order of their ends. */
  readonly durations: readonly number[];
  readonly seconds: number;
}

const TASKS = 100;
const SLOTS = 10;
/** The first and the last twenty are compared; they may differ by what a machine's other work makes of twenty tasks. */
const SAMPLE = 20;
const TOLERANCE = 1.5;
const MOST_RUNS = 3;

/** Each task has a file of its own, so that no merge meets another. */
const AGENT = '#!/bin/sh\ncat >/dev/null\necho "changed for $BATON_TASK_ID" > "src/$BATON_TASK_ID.txt"\n';

export const load: Benchmark = {
  about: `${TASKS} direct tasks in one repository with ${SLOTS} slots, from Start until all are merged: worktree, a shell script as the agent, commit, one gate and merge each, every step durable. Nothing may slow down as tasks pile up: the median of the last ${SAMPLE} beside that of the first ${SAMPLE}, all slots being in use for both. What slows down does so in each run, other work of the machine in one: the best of up to ${MOST_RUNS} runs counts.`,
  async run() {
    let best = await once();
    let runs = 1;
    for (; runs < MOST_RUNS && ratioOf(best) > TOLERANCE; runs++) {
      const next = await once();
      if (ratioOf(next) < ratioOf(best)) best = next;
    }
    const { peak, durations, seconds } = best;
    return [
      { name: `tasks of ${TASKS} that are not done`, value: TASKS - durations.length, unit: '', budget: 0, note: `in ${seconds.toFixed(0)} s` },
      { name: 'most at once', value: peak, unit: '', budget: SLOTS, note: `slots: ${SLOTS}` },
      { name: 'slots that were never in use', value: SLOTS - peak, unit: '', budget: 0 },
      { name: `first ${SAMPLE} tasks`, value: median(durations.slice(0, SAMPLE)), unit: 'ms' },
      { name: `last ${SAMPLE} tasks`, value: median(durations.slice(-SAMPLE)), unit: 'ms' },
      { name: 'last beside first', value: ratioOf(best), unit: '×', budget: TOLERANCE, note: runs === 1 ? 'one run' : `best of ${runs} runs` },
    ];
  },
};

function ratioOf({ durations }: LoadFigures): number {
  return median(durations.slice(-SAMPLE)) / median(durations.slice(0, SAMPLE));
}

async function once(): Promise<LoadFigures> {
  const sandbox = await makeSandbox();
  try {
    const { repo, env, root } = sandbox;
    const agent = path.join(root, 'agent.sh');
    writeFileSync(agent, AGENT);
    chmodSync(agent, 0o755);
    writeFileSync(
      path.join(repo.root, '.baton/orchestrator.yaml'),
      ['orchestrator:', `  max_concurrent_tasks: ${SLOTS}`, 'agents:', `  script: {driver: command, command: ${JSON.stringify(agent)}}`, 'roles:', '  implementer: script', 'gates:', '  - {name: check, run: grep -rq "changed for" src}', 'merge:', '  policy: auto', ''].join('\n'),
    );
    const tasks = Array.from({ length: TASKS }, (_, index) => `  - {id: task-${index + 1}, goal: Write file ${index + 1}}\n`);
    writeFileSync(path.join(repo.root, '.baton/tasks.yaml'), `tasks:\n${tasks.join('')}`);
    timed(process.execPath, [CLI, 'queue', '--json'], repo.root, env);
    const program = path.resolve('scripts/bench/loadLeader.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', program, repo.root, String(TASKS)], { env });
    return JSON.parse(stdout) as LoadFigures;
  } finally {
    await sandbox.remove();
  }
}
