/** What VS Code's extension host calls to run the suites beside this file, in the browser's server and on the desktop alike. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';
import { HOST_MARK, Reporter } from '../support/reporter.ts';

const TIMEOUT_MS = 60_000;

/** Rejects when a test failed or none was found. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: TIMEOUT_MS, color: false, forbidOnly: true, reporter: Reporter });
  const files = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.js'));
  if (files.length === 0) throw new Error(`No test was found in ${__dirname}.`);
  Mocha.reporters.Base.consoleLog = (...args: unknown[]) => {
    for (const line of format(...args).split('\n')) console.log(HOST_MARK + line);
  };
  for (const file of files.sort()) mocha.addFile(path.join(__dirname, file));
  const failures = await new Promise<number>((resolve) => {
    mocha.run(resolve);
  });
  if (failures > 0) throw new Error(`${String(failures)} failed`);
}
