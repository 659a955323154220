/**
 * The mark in the environment of every process of an attempt. A daemon that forks twice and takes its own session has
 * no parent to be found by, but it keeps the environment it was born with.
 *
 * Linux shows it in /proc/<pid>/environ. macOS shows it through `ps eww`, except for programs that System Integrity
 * Protection covers (/bin/sh among them). Windows does not show it: there the tree by parent ids is all there is.
 */
import { readFile } from 'node:fs/promises';
import { listProcesses, output, readEach, type ProcessIdentity } from './table.ts';

export const MARK = 'BATON_MARK';

/** Pids of the living processes whose mark fulfils the condition. `living` is the machine's process table where it was just read. */
export async function markedPids(matches: (mark: string) => boolean, living?: readonly ProcessIdentity[]): Promise<Set<number>> {
  const found = new Set<number>();
  for (const [pid, mark] of await marks(living ?? (await listProcesses()))) if (matches(mark)) found.add(pid);
  return found;
}

/** The mark that a process carries, or undefined: how a host knows a caller that descends from an agent. */
export async function markOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return await linuxMark(String(pid));
  if (process.platform === 'win32') return undefined;
  return parsePsMarks(await output('ps', ['eww', '-p', String(pid), '-o', 'pid=,command=']))[0]?.[1];
}

/** Pid and mark of every living process that carries one. */
export async function marks(living: readonly ProcessIdentity[]): Promise<[number, string][]> {
  if (process.platform === 'win32') return [];
  if (process.platform !== 'linux') return parsePsMarks(await output('ps', ['eww', '-A', '-o', 'pid=,command=']));
  const unsettled = living.filter((one) => !isSettled(one));
  const found = (await readEach('environ', 'latin1', unsettled.map((one) => String(one.pid)))).flatMap(([pid, environ]): [number, string][] => {
    const mark = parseEnviron(environ);
    return mark === undefined ? [] : [[pid, mark]];
  });
  settle(living, new Set(found.map(([pid]) => pid)));
  return found;
}

/** A program is started with its mark or without it: one that lives this long without a mark (ms) never gets one. */
const SETTLED_MS = 5_000;
/** When the processes that are there were first seen without a mark, by pid: a machine's hundreds need not be read at every look. */
let unmarked = new Map<number, { readonly started: string; readonly since: number }>();

function isSettled({ pid, started }: ProcessIdentity): boolean {
  const known = unmarked.get(pid);
  return known?.started === started && performance.now() - known.since > SETTLED_MS;
}

function settle(living: readonly ProcessIdentity[], marked: ReadonlySet<number>): void {
  const now = performance.now();
  const next = new Map<number, { started: string; since: number }>();
  for (const { pid, started } of living) {
    if (marked.has(pid)) continue;
    const known = unmarked.get(pid);
    next.set(pid, known?.started === started ? known : { started, since: now });
  }
  unmarked = next;
}

async function linuxMark(pid: string): Promise<string | undefined> {
  try {
    return parseEnviron(await readFile(`/proc/${pid}/environ`, 'latin1'));
  } catch {
    return undefined; // another user's process, or ended while we looked
  }
}

/** The mark in the NUL-separated text of `/proc/<pid>/environ`. */
export function parseEnviron(environ: string): string | undefined {
  const name = `${MARK}=`;
  const start = environ.startsWith(name) ? 0 : environ.indexOf(`\0${name}`) + 1;
  if (start === 0 && !environ.startsWith(name)) return undefined;
  const end = environ.indexOf('\0', start);
  return environ.slice(start + name.length, end < 0 ? undefined : end);
}

/** Pid and mark of each line of `ps eww -o pid=,command=`, which puts the environment after the arguments. */
export function parsePsMarks(text: string): [number, string][] {
  const found: [number, string][] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s.*\sBATON_MARK=(\S+)/.exec(line);
    if (match) found.push([Number(match[1]), match[2] ?? '']);
  }
  return found;
}
