/**
 * Runs the suites and adds up their tests.
 *
 *   npm test                      all of them
 *   npm test -- unit adapters     only these, begun in this order
 *
 * A failing suite does not keep the later ones from running; what failed is told once more at the end. The last line on stdout is
 * `N passed, N failed, N skipped`; the exit code is 1 when something failed or nothing ran. Programs without a count of their own (build,
 * lint, types) are one test each.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Counts, Failure, SuiteResults } from '../test/support/reporter.ts';
import { SUITES } from './suites.ts';

interface Result extends Counts {
  readonly name: string;
  readonly seconds: number;
  /** Why the suite failed beyond its failing tests. */
  readonly problem?: string;
  readonly failures?: readonly Failure[];
}

/** Exit code of a suite that was ended because it stayed after its tests. */
const HUNG = -1;
/** Suites that run at the same time. */
const TOGETHER = 2;
/** Milliseconds that a suite may stay after its last test. */
const LINGER_MS = 60_000;

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const chosen = choose(args);
  const results: Result[] = [];
  while (chosen.length > 0) {
    const next = chosen.findIndex((name) => SUITES[name]?.alone === true);
    results.push(...(await runTogether(chosen.splice(0, next === 0 ? 1 : next === -1 ? chosen.length : next))));
  }
  report(results);
}

/** Runs suites in this order, so many at a time. */
async function runTogether(names: readonly string[]): Promise<Result[]> {
  const left = [...names];
  const results = new Map<string, Result>();
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) results.set(name, await runSuite(name, names.length > 1));
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  return names.flatMap((name) => results.get(name) ?? []);
}

function choose(args: readonly string[]): string[] {
  const unknown = args.filter((name) => !(name in SUITES));
  if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(', ')}. The suites are ${Object.keys(SUITES).join(', ')}.`);
    process.exit(2);
  }
  if (args.length === 0) return Object.keys(SUITES);
  const needs = (name: string): string[] => (SUITES[name]?.needs ?? []).flatMap((one) => [...needs(one), one]);
  return [...new Set([...args.flatMap(needs), ...args])];
}

async function runSuite(name: string, prefixed: boolean): Promise<Result> {
  const suite = SUITES[name];
  if (suite === undefined) throw new Error(`No suite ${name}`);
  const resultsFile = path.resolve('out/results', `${name}.json`);
  mkdirSync(path.dirname(resultsFile), { recursive: true });
  rmSync(resultsFile, { force: true });
  const started = performance.now();
  if (!prefixed) console.log(`\n=== ${name}`);
  let code = 0;
  for (const step of suite.steps) {
    code = await runStep(step, { ...suite.env, BATON_TEST_RESULTS: resultsFile }, prefixed ? `${name} | ` : '', resultsFile);
    if (code !== 0) break;
  }
  const seconds = (performance.now() - started) / 1000;
  const ok: Counts = { passed: 1, failed: 0, skipped: 0 };
  const broken: Counts = { passed: 0, failed: 1, skipped: 0 };
  if (!suite.counted) return { name, seconds, ...(code === 0 ? ok : broken) };
  if (!existsSync(resultsFile)) return { name, seconds, ...broken, problem: `ended with code ${String(code)} before its tests were counted` };
  const counts = JSON.parse(readFileSync(resultsFile, 'utf8')) as SuiteResults;
  if (code === HUNG) return { name, seconds, ...counts, failed: counts.failed + 1, problem: 'did not end by itself after its tests: something of theirs was left open' };
  if (code !== 0 && counts.failed === 0) return { name, seconds, ...counts, failed: 1, problem: `ended with code ${String(code)} after its tests` };
  if (counts.passed + counts.failed === 0) return { name, seconds, ...counts, failed: 1, problem: 'ran no test' };
  return { name, seconds, ...counts };
}

/** Runs a script with this Node and passes its output on as it comes; resolves with its exit code, or HUNG when it had to be ended after its tests. */
function runStep(args: readonly string[], env: Readonly<Record<string, string>>, prefix: string, resultsFile: string): Promise<number> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => console.log(prefix + line));
  }
  return new Promise((resolve) => {
    const settle = (code: number): void => {
      clearInterval(watch);
      resolve(code);
    };
    // What a failed test left open would keep the whole run waiting for ever.
    const watch = setInterval(() => {
      if (!existsSync(resultsFile) || Date.now() - statSync(resultsFile).mtimeMs < LINGER_MS) return;
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      settle(HUNG);
    }, 1_000);
    child.once('error', (error) => {
      console.log(`${prefix}${error.message}`);
      settle(1);
    });
    child.once('close', (code) => settle(code ?? 1));
  });
}

function report(results: readonly Result[]): void {
  for (const { name, failures = [] } of results) {
    for (const { title, message } of failures) console.log(`\nFAILED ${name}: ${title}\n${message.replaceAll(/^/gm, '  ')}`);
  }
  console.log('');
  for (const { name, passed, failed, skipped, seconds, problem } of results) {
    const verdict = failed > 0 ? 'FAILED' : 'ok';
    const why = problem === undefined ? '' : ` (${problem})`;
    console.log(`${name.padEnd(9)} ${verdict.padEnd(7)} ${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped, ${seconds.toFixed(1)} s${why}`);
  }
  const total = (key: keyof Counts): number => results.reduce((sum, result) => sum + result[key], 0);
  process.exitCode = total('failed') > 0 || total('passed') === 0 ? 1 : 0;
  console.log(`${String(total('passed'))} passed, ${String(total('failed'))} failed, ${String(total('skipped'))} skipped`);
}
