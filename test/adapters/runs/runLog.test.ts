import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { createRunLog, RUN_LOG_FILE } from '../../../src/adapters/runs/runLog.ts';
import { withFolder } from '../../support/processes.ts';

describe('the run log', () => {
  it('writes what could not be written with the next append, and says so once', () =>
    withFolder(async (folder) => {
      const batonDir = path.join(folder, '.baton');
      const warnings: string[] = [];
      const quiet = (): void => undefined;
      const runLog = createRunLog({ batonDir, redactor: createRedactor({}), log: { debug: quiet, info: quiet, warn: (text) => warnings.push(text), error: quiet } });
      await writeFile(batonDir, 'in the way');
      for (const line of ['one\n', 'two\n']) {
        runLog.append(line);
        await runLog.flush();
      }
      assert.equal(warnings.length, 1);
      await rm(batonDir);
      await mkdir(batonDir);
      runLog.append('three\n');
      await runLog.flush();
      assert.match(await readFile(path.join(batonDir, RUN_LOG_FILE), 'utf8'), /one\ntwo\nthree\n$/);
    }));
});
