/** The RunFiles port: where an attempt's files are, under `.baton/runs/<task>/<attempt>/`. */
import path from 'node:path';
import { BatonError } from '../../core/errors.ts';
import type { RunFiles } from '../../engine/ports.ts';

/** `batonDir`: absolute path of `.baton`. */
export function createRunFiles({ batonDir }: { readonly batonDir: string }): RunFiles {
  return {
    directory(taskId, attemptId) {
      for (const id of [taskId, attemptId]) {
        if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id)) throw new BatonError('internal', `"${id}" is not fit to be a folder of ${batonDir}`);
      }
      return path.join(batonDir, 'runs', taskId, attemptId);
    },
  };
}
