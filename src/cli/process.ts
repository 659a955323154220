/** Running other programs. */
import { execFile } from 'node:child_process';
import type { ExecResult } from './io.ts';

/** Runs a program without a shell; a program that is missing or cannot start has the code null. */
export function exec(file: string, args: readonly string[], cwd: string): Promise<ExecResult> {
  return new Promise((resolve) => {
    execFile(file, [...args], { cwd, windowsHide: true, timeout: 15_000, maxBuffer: 4 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}
