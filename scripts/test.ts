/**
 * Runs the suites and adds up their tests.
 *
 *   npm test                      all of them
 *   npm test -- unit adapters     only these, in this order
 *
 * A failing suite does not keep the later ones from running. The last line on stdout is `N passed, N failed, N skipped`; the exit
 * code is 1 when something failed or nothing ran. Programs without a count of their own (build, lint, types) are one test each.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Counts } from '../test/support/reporter.ts';

interface Suite {
  /** Programs to run one after the other, each a script for Node with its arguments; the first failure ends the suite. */
  readonly steps: readonly (readonly string[])[];
  /** Whether the last step leaves mocha's counts. */
  readonly counted: boolean;
  /** Whether the suite tests what `build` makes. */
  readonly built: boolean;
  /** Environment variables for the suite. */
  readonly env?: Readonly<Record<string, string>>;
}

const MODULES = 'node_modules';
const NO_TYPE_WARNING = '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON';
const VSIX = 'out/baton.vsix';

const COLOUR = process.stdout.isTTY ? '--color' : '--no-color';

const mocha = (...args: string[]): string[] => [`${MODULES}/mocha/bin/mocha.js`, COLOUR, '--reporter', 'test/support/reporter.ts', ...args];
const tsc = (project: string): string[] => [`${MODULES}/typescript/bin/tsc`, '--noEmit', '--project', project];
const projects = ['tsconfig.json', 'src/webview/tsconfig.json'].filter((file) => existsSync(file));

const SUITES: Readonly<Record<string, Suite>> = {
  build: { steps: [['esbuild.js', '--tests']], counted: false, built: false },
  lint: { steps: [[`${MODULES}/eslint/bin/eslint.js`, '.', '--max-warnings', '0']], counted: false, built: false },
  types: { steps: projects.map(tsc), counted: false, built: false },
  unit: { steps: [mocha('test/unit/**/*.test.ts')], counted: true, built: false },
  adapters: { steps: [mocha('--timeout', '60000', 'test/adapters/**/*.test.ts')], counted: true, built: true },
  host: { steps: [[NO_TYPE_WARNING, 'scripts/host.ts']], counted: true, built: true },
  ui: { steps: [mocha('--timeout', '120000', 'test/ui/**/*.test.ts')], counted: true, built: true },
  vsix: {
    steps: [
      [`${MODULES}/@vscode/vsce/vsce`, 'package', '--no-dependencies', '--out', VSIX],
      mocha('--timeout', '120000', 'test/ui/smoke.test.ts'),
    ],
    counted: true,
    built: false,
    env: { BATON_TEST_VSIX: VSIX },
  },
};

/** Suites that may run at the same time; everything else has the machine for itself. */
const QUICK = ['lint', 'types', 'unit'];

interface Result extends Counts {
  readonly name: string;
  readonly seconds: number;
  /** Why the suite failed beyond its failing tests. */
  readonly problem?: string;
}

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const chosen = choose(args);
  const results: Result[] = [];
  while (chosen.length > 0) {
    const quick = chosen.filter((name, index) => QUICK.includes(name) && chosen.slice(0, index).every((before) => QUICK.includes(before)));
    const batch = quick.length > 0 ? quick : chosen.slice(0, 1);
    chosen.splice(0, batch.length);
    results.push(...(await Promise.all(batch.map((name) => runSuite(name, batch.length > 1)))));
  }
  report(results);
}

function choose(args: readonly string[]): string[] {
  const unknown = args.filter((name) => !(name in SUITES));
  if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(', ')}. The suites are ${Object.keys(SUITES).join(', ')}.`);
    process.exit(2);
  }
  if (args.length === 0) return Object.keys(SUITES);
  const names = [...new Set(args)];
  const needsBuild = names.some((name) => SUITES[name]?.built === true) && !names.includes('build');
  return needsBuild ? ['build', ...names] : names;
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
    code = await runStep(step, { ...suite.env, BATON_TEST_RESULTS: resultsFile }, prefixed ? `${name} | ` : '');
    if (code !== 0) break;
  }
  const seconds = (performance.now() - started) / 1000;
  const ok: Counts = { passed: 1, failed: 0, skipped: 0 };
  const broken: Counts = { passed: 0, failed: 1, skipped: 0 };
  if (!suite.counted) return { name, seconds, ...(code === 0 ? ok : broken) };
  if (!existsSync(resultsFile)) return { name, seconds, ...broken, problem: `ended with code ${String(code)} before its tests were counted` };
  const counts = JSON.parse(readFileSync(resultsFile, 'utf8')) as Counts;
  if (code !== 0 && counts.failed === 0) return { name, seconds, ...counts, failed: 1, problem: `ended with code ${String(code)} after its tests` };
  if (counts.passed + counts.failed === 0) return { name, seconds, ...counts, failed: 1, problem: 'ran no test' };
  return { name, seconds, ...counts };
}

/** Runs a script with this Node and passes its output on as it comes; resolves with its exit code. */
function runStep(args: readonly string[], env: Readonly<Record<string, string>>, prefix: string): Promise<number> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => console.log(prefix + line));
  }
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.log(`${prefix}${error.message}`);
      resolve(1);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function report(results: readonly Result[]): void {
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
