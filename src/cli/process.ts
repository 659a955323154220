/** What the running process tells the commands: its ancestors, and the output of other programs. */
import { execFile } from 'node:child_process';
import { markOf } from '../adapters/process/mark.ts';
import { listProcesses } from '../adapters/process/table.ts';
import type { Ancestor, ExecResult } from './io.ts';

/** Runs a program without a shell; a program that is missing or cannot start has the code null. */
export function exec(file: string, args: readonly string[], cwd: string): Promise<ExecResult> {
  return new Promise((resolve) => {
    execFile(file, [...args], { cwd, windowsHide: true, timeout: 15_000, maxBuffer: 4 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

/** The process `pid` and those above it, nearest first, each with its BATON_MARK as far as the system tells. */
export async function ancestors(pid: number): Promise<Ancestor[]> {
  const table = new Map((await listProcesses()).map((one) => [one.pid, one]));
  const chain: number[] = [];
  let current: number | undefined = pid;
  while (current !== undefined && current > 1 && !chain.includes(current)) {
    chain.push(current);
    current = table.get(current)?.ppid;
  }
  return Promise.all(chain.map(async (one) => ({ pid: one, mark: (await markOf(one)) ?? null })));
}
