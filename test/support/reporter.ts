/** Mocha's spec reporter that also leaves its counts, for whoever adds up several suites, in the file named by BATON_TEST_RESULTS. */
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

export class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once('end', () => {
      const file = process.env[RESULTS_VARIABLE];
      if (file === undefined) return;
      const { passes, failures, pending } = this.stats;
      const counts: Counts = { passed: passes, failed: failures, skipped: pending };
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(counts));
    });
  }
}

// Mocha requires a reporter by path and expects the class itself.
export { Reporter as 'module.exports' };
