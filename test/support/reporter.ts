/** Mocha's spec reporter that also leaves its counts and failures, for whoever adds up several suites, in the file named by BATON_TEST_RESULTS. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

export const RESULTS_VARIABLE = 'BATON_TEST_RESULTS';

/** Begins each line of mocha's report in the extension host, whose console carries VS Code's own messages too. */
export const HOST_MARK = '[host] ';

export interface Counts {
  readonly passed: number;
  /** Failed hooks included: the tests behind them did not run. */
  readonly failed: number;
  readonly skipped: number;
}

/** A failed test or hook, told again where all suites are added up: the report of its own suite may be thousands of lines above. */
export interface Failure {
  readonly title: string;
  readonly message: string;
}

/** What a suite leaves in the file. */
export interface SuiteResults extends Counts {
  readonly failures: readonly Failure[];
}

export class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const failed: Failure[] = [];
    runner.on('fail', (test: Mocha.Runnable, error: unknown) => {
      failed.push({ title: test.fullTitle(), message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
    runner.once('end', () => {
      const file = process.env[RESULTS_VARIABLE];
      if (file === undefined) return;
      const { passes, failures, pending } = this.stats;
      const results: SuiteResults = { passed: passes, failed: failures, skipped: pending, failures: failed };
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(results));
    });
  }
}

// Mocha requires a reporter by path and expects the class itself.
export { Reporter as 'module.exports' };
