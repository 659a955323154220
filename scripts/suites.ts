/** The suites that `npm test` runs. */
export interface Suite {
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
/** What it has found out it keeps in `out/`, so that the next look is at what changed and at what that reaches. */
const tsc = (project: string): string[] => [`${MODULES}/typescript/bin/tsc`, '--noEmit', '--project', project, '--incremental', '--tsBuildInfoFile', `out/types/${project.replaceAll('/', '-')}.tsbuildinfo`];
const projects = ['tsconfig.json', 'src/webview/tsconfig.json'];

/** In the order in which they run. */
export const SUITES: Readonly<Record<string, Suite>> = {
  build: { steps: [['esbuild.js', '--tests']], counted: false, built: false },
  lint: { steps: [[`${MODULES}/eslint/bin/eslint.js`, '.', '--max-warnings', '0']], counted: false, built: false },
  types: { steps: projects.map(tsc), counted: false, built: false },
  // Dashboard, metrics, health and queue must be covered by unit tests (.c8rc.json): less fails the suite (row 105).
  unit: { steps: [[`${MODULES}/c8/bin/c8.js`, process.execPath, ...mocha('test/unit/**/*.test.ts')]], counted: true, built: false },
  engine: { steps: [mocha('--timeout', '60000', 'test/engine/**/*.test.ts')], counted: true, built: false },
  adapters: { steps: [mocha('--timeout', '60000', 'test/adapters/**/*.test.ts')], counted: true, built: true },
  host: { steps: [[NO_TYPE_WARNING, 'scripts/host.ts']], counted: true, built: true },
  ui: { steps: [mocha('--timeout', '120000', 'test/ui/**/*.test.ts')], counted: true, built: true },
  vsix: {
    steps: [
      [`${MODULES}/@vscode/vsce/vsce`, 'package', '--no-dependencies', '--no-rewrite-relative-links', '--out', VSIX],
      mocha('--timeout', '120000', 'test/ui/smoke.test.ts'),
    ],
    counted: true,
    built: false,
    env: { BATON_TEST_VSIX: VSIX },
  },
};

/**
 * Suites that may run at the same time, in lanes: one after the other within a lane, so that two cores are enough. Everything else has the
 * machine for itself.
 */
export const LANES: readonly (readonly string[])[] = [['lint'], ['types', 'unit']];
