/**
 * `npm run bench`: measures what Baton promises to cost and writes docs/BENCHMARKS.md.
 *
 *   npm run bench                        all benchmarks
 *   npm run bench -- --check             exit code 1 when something is over its budget
 *   npm run bench -- --only task,idle    only these; the others keep their figures in the document
 *   npm run bench -- --no-build          measure dist/ as it is
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { activation } from './activation.ts';
import { cli } from './cli.ts';
import { dashboard } from './dashboard.ts';
import { writeDocument } from './document.ts';
import { idle } from './idle.ts';
import { load } from './load.ts';
import { metrics } from './metrics.ts';
import { queue } from './queue.ts';
import { isOver, shown, type Benchmark, type Row } from './row.ts';
import { sizes } from './sizes.ts';
import { store } from './store.ts';
import { task } from './task.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = { sizes, activation, task, idle, cli, queue, metrics, dashboard, store, load };

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean', default: false }, only: { type: 'string' }, 'no-build': { type: 'boolean', default: false } },
  });
  const names = values.only === undefined ? Object.keys(BENCHMARKS) : values.only.split(',');
  const unknown = names.filter((name) => !(name in BENCHMARKS));
  if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(', ')}. The benchmarks are ${Object.keys(BENCHMARKS).join(', ')}.`);
    return 2;
  }
  if (!values['no-build'] && !build()) return 1;
  const broken: string[] = [];
  const over: string[] = [];
  for (const name of names) {
    const benchmark = BENCHMARKS[name];
    if (benchmark === undefined) continue;
    console.log(`\n${name}`);
    try {
      const rows = await benchmark.run();
      print(rows);
      over.push(...rows.filter(isOver).map((row) => `${name}: ${row.name} is ${shown(row.value)} ${row.unit}, budget ${String(row.budget)}`));
      writeDocument(name, benchmark.about, rows, Object.keys(BENCHMARKS));
    } catch (error) {
      console.error(`  could not be measured: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      broken.push(name);
    }
  }
  console.log(over.length === 0 ? '\nEvery budget that was measured is met.' : `\nOver budget:\n  ${over.join('\n  ')}`);
  if (broken.length > 0) console.log(`Not measured: ${broken.join(', ')}.`);
  return broken.length > 0 || (values.check && over.length > 0) ? 1 : 0;
}

function build(): boolean {
  const { status } = spawnSync(process.execPath, ['esbuild.js'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return status === 0;
}

function print(rows: readonly Row[]): void {
  const width = Math.max(...rows.map((row) => row.name.length));
  for (const row of rows) {
    const budget = row.budget === undefined ? '' : `${isOver(row) ? 'OVER' : 'within'} ${row.budget}`;
    console.log(`  ${row.name.padEnd(width)} ${shown(row.value).padStart(9)} ${row.unit.padEnd(4)} ${budget.padEnd(11)} ${row.note ?? ''}`.trimEnd());
  }
}
