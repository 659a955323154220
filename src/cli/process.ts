/** Running other programs. */
import { execFile, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
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

/** See CliDeps. Ctrl-C is for the program that has the terminal. */
export function runOnTerminal(file: string, args: readonly string[], cwd: string): Promise<number | null> {
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  return new Promise<number | null>((resolve) => {
    const child = spawn(file, [...args], { cwd, stdio: 'inherit' });
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code ?? 1));
  }).finally(() => process.off('SIGINT', ignore));
}

export async function modifiedAt(file: string): Promise<string | null> {
  const info = await stat(file, { bigint: true }).catch(() => undefined);
  return info === undefined ? null : `${info.mtimeNs}/${info.size}/${info.ino}`;
}
