/** The suites that `npm test` runs. */
import path from 'node:path';

export interface Suite {
  /** Programs to run one after the other, each a script for Node with its arguments; the first failure ends the suite. */
  readonly steps: readonly (readonly string[])[];
  /** Whether the last step leaves mocha's counts. */
  readonly counted: boolean;
  /** Suites that make what this one tests. */
  readonly needs?: readonly string[];
  /** Whether nothing else may run meanwhile. */
  readonly alone?: boolean;
  /** Environment variables for the suite. */
  readonly env?: Readonly<Record<string, string>>;
}

const MODULES = 'node_modules';
const NO_TYPE_WARNING = '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON';
const VSIX = 'out/baton.vsix';
/** Minutes by themselves. */
const KILL = 'test/engine/kill.test.ts';
/** The real command lines of other makers take as long as all other adapters. */
const AGENTS = 'test/adapters/agents/**/*.test.ts';
/** Run on the package that ships, which holds what the build holds. */
const SMOKE = 'test/ui/smoke.test.ts';

/** Every engine of a test starts a worker from its source, and many tests start a command: what was compiled once is kept for the next. */
const KEEP_COMPILED = { NODE_COMPILE_CACHE: path.resolve('out/compiled') };

/** The zone in which it is midday: what a test has done stays "done today" for as long as it runs, whenever that is. */
const MIDDAY = { TZ: zoneWhere(12, new Date().getUTCHours()) };

const COLOUR = process.stdout.isTTY ? '--color' : '--no-color';

const mocha = (...args: string[]): string[] => [`${MODULES}/mocha/bin/mocha.js`, COLOUR, '--reporter', 'test/support/reporter.ts', ...args];
/** What it has found out it keeps in `out/`, so that the next look is at what changed and at what that reaches. */
const tsc = (project: string): string[] => [`${MODULES}/typescript/bin/tsc`, '--noEmit', '--project', project, '--incremental', '--tsBuildInfoFile', `out/types/${project.replaceAll('/', '-')}.tsbuildinfo`];
const projects = ['tsconfig.json', 'src/webview/tsconfig.json'];

/**
 * In the order in which they begin. Two run side by side, so that two cores are enough and neither is idle while a test waits; the longest come
 * first. Whatever others rest on, or would disturb, runs alone.
 */
export const SUITES: Readonly<Record<string, Suite>> = {
  build: { steps: [['esbuild.js', '--tests']], counted: false, alone: true },
  // It builds once more, without source maps: what the others test is what ships.
  package: { steps: [[`${MODULES}/@vscode/vsce/vsce`, 'package', '--no-dependencies', '--no-rewrite-relative-links', '--out', VSIX]], counted: false, alone: true },
  ui: { steps: [mocha('--timeout', '300000', '--ignore', SMOKE, 'test/ui/**/*.test.ts')], counted: true, needs: ['build'], env: MIDDAY },
  engine: { steps: [mocha('--timeout', '60000', '--ignore', KILL, 'test/engine/**/*.test.ts')], counted: true, env: KEEP_COMPILED },
  agents: { steps: [mocha('--timeout', '60000', AGENTS)], counted: true, needs: ['build'], env: KEEP_COMPILED },
  adapters: { steps: [mocha('--timeout', '60000', '--ignore', AGENTS, 'test/adapters/**/*.test.ts')], counted: true, needs: ['build'], env: KEEP_COMPILED },
  kill: { steps: [mocha('--timeout', '60000', KILL)], counted: true, env: KEEP_COMPILED },
  host: { steps: [[NO_TYPE_WARNING, 'scripts/host.ts']], counted: true, needs: ['build'] },
  lint: { steps: [[`${MODULES}/eslint/bin/eslint.js`, '.', '--max-warnings', '0']], counted: false },
  types: { steps: projects.map(tsc), counted: false },
  // Dashboard, metrics, health and queue must be covered by unit tests (.c8rc.json): less fails the suite (row 105).
  unit: { steps: [[`${MODULES}/c8/bin/c8.js`, process.execPath, ...mocha('test/unit/**/*.test.ts')]], counted: true },
  vsix: { steps: [mocha('--timeout', '300000', SMOKE)], counted: true, needs: ['package'], env: { BATON_TEST_VSIX: VSIX, ...MIDDAY } },
};

/** The zone where it is `wanted` o'clock when it is `utc` o'clock in Greenwich; its name counts the hours to the west. */
function zoneWhere(wanted: number, utc: number): string {
  const west = utc - wanted;
  return `Etc/GMT${west < 0 ? '' : '+'}${west}`;
}
