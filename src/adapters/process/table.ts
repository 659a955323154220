/** The machine's processes as data: who is whose parent, and which of two processes with one pid is meant. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { BatonError } from '../../core/errors.ts';

/** A pid alone may have been given to another process; with its start time it names one process for ever. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for the same process, on this boot of this machine only. */
  readonly started: string;
}

export interface ProcessInfo extends ProcessIdentity {
  readonly ppid: number;
  /** Process group; null where the platform has none. */
  readonly pgid: number | null;
  /** Session id; null where the platform does not tell. */
  readonly sid: number | null;
}

const TRIES = 3;
const PAUSE_MS = 200;

/**
 * A table that a helper program prints, read again when it failed: a machine out of processes or memory is not one on which nothing lives.
 * This very process is in every table that is true.
 * @throws BatonError `internal` when it goes on failing.
 */
export async function readTable(read: () => Promise<string>, parse: (text: string) => ProcessInfo[]): Promise<ProcessInfo[]> {
  for (let tries = 1; ; tries += 1) {
    const found = parse(await read());
    if (found.some((one) => one.pid === process.pid)) return found;
    if (tries === TRIES) throw new BatonError('internal', 'The processes of this machine could not be listed.', { hint: 'See whether ps (on Windows: PowerShell) works in a terminal, and whether the machine is out of memory or processes.' });
    await wait(PAUSE_MS * tries);
  }
}

/**
 * Every living process that this user can see. A zombie is not living: it runs nothing and cannot be ended.
 * @throws BatonError `internal` when the system does not tell.
 */
export async function listProcesses(): Promise<ProcessInfo[]> {
  if (process.platform === 'linux') return await listLinux();
  if (process.platform === 'win32') return await readTable(windowsTable, parseWindowsTable);
  return await psTable('-A');
}

function psTable(...which: string[]): Promise<ProcessInfo[]> {
  return readTable(() => output('ps', [...which, '-o', 'pid=,ppid=,pgid=,stat=,lstart=']), parsePsTable);
}

/** The identity of a living process, or undefined when there is none with this pid, or the system does not tell. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  return await lookUp(pid).catch(() => undefined);
}

async function lookUp(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform === 'linux') return identifyNow(pid);
  const found = process.platform === 'win32' ? await listProcesses() : await psTable('-p', `${pid},${process.pid}`);
  return found.find((one) => one.pid === pid);
}

/**
 * As `identify`, at once, so that it can be asked before a short-lived child is reaped: one that has ended already still
 * has its start time, and a group that it left behind. Undefined on platforms that need a helper program.
 */
export function identifyNow(pid: number, wanted: 'living' | 'ended too' = 'living'): ProcessIdentity | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return parseLinuxStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), linuxBoot(), wanted);
  } catch {
    return undefined;
  }
}

/** Whether this very process still lives. One that the system does not tell about does: its work is not given up for a failed look. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return await lookUp(identity.pid).then((found) => found?.started === identity.started, () => true);
}

let boot: string | undefined;
function linuxBoot(): string {
  try {
    boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    boot = 'boot';
  }
  return boot;
}

async function listLinux(): Promise<ProcessInfo[]> {
  const bootId = linuxBoot();
  return (await readEach('stat', 'utf8')).flatMap(([, stat]) => parseLinuxStat(stat, bootId) ?? []);
}

/** Processes that are read before the event loop may turn. */
const AT_ONCE = 256;

/**
 * One file of these folders of Linux's /proc (of every process), by pid; what ended while we looked, or is another user's, is left out. Read
 * synchronously: the kernel makes these files up from memory, so handing each to the thread pool takes five times as long.
 */
export async function readEach(file: string, encoding: 'utf8' | 'latin1', pids?: readonly string[]): Promise<[number, string][]> {
  const found: [number, string][] = [];
  let count = 0;
  for (const pid of pids ?? (await readdir('/proc'))) {
    if (!/^\d+$/.test(pid)) continue;
    if ((count += 1) % AT_ONCE === 0) await new Promise(setImmediate);
    try {
      found.push([Number(pid), readFileSync(`/proc/${pid}/${file}`, encoding)]);
    } catch {
      // As said above.
    }
  }
  return found;
}

/** One `/proc/<pid>/stat` line (proc_pid_stat(5)); undefined for a zombie or a dead process unless these are wanted too. */
export function parseLinuxStat(stat: string, bootId: string, wanted: 'living' | 'ended too' = 'living'): ProcessInfo | undefined {
  // The command name may hold spaces and parentheses, so fields are counted from the last parenthesis.
  const close = stat.lastIndexOf(')');
  const fields = stat.slice(close + 2).split(' ');
  const [state, ppid, pgid, sid] = fields;
  const started = fields[19];
  if (close < 0 || started === undefined) return undefined;
  if (wanted === 'living' && (state === 'Z' || state === 'X')) return undefined;
  return { pid: Number.parseInt(stat, 10), ppid: Number(ppid), pgid: Number(pgid), sid: Number(sid), started: `${bootId}/${started}` };
}

/** Output of `ps -o pid=,ppid=,pgid=,stat=,lstart=` (macOS, BSD). */
export function parsePsTable(text: string): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    if (!match || match[4]?.startsWith('Z') === true) continue;
    found.push({ pid: Number(match[1]), ppid: Number(match[2]), pgid: Number(match[3]), sid: null, started: match[5] ?? '' });
  }
  return found;
}

/** Lines of `pid ppid ticks` as `windowsTable` prints them. */
export function parseWindowsTable(text: string): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^(\d+) (\d+)(?: (\d+))?$/.exec(line.trim());
    if (match) found.push({ pid: Number(match[1]), ppid: Number(match[2]), pgid: null, sid: null, started: match[3] ?? '' });
  }
  return found;
}

function windowsTable(): Promise<string> {
  const script =
    'Get-CimInstance Win32_Process -Property ProcessId,ParentProcessId,CreationDate | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId) $($_.CreationDate.ToUniversalTime().Ticks)" }';
  return output('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script]);
}

/** What a program of the system prints, times in UTC: a start time names a process wherever its user travels. Empty when it fails, as `ps` does when nothing matches. */
export function output(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(file, args, { maxBuffer: 64 * 1024 * 1024, windowsHide: true, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } }, (_error, stdout) => resolve(stdout));
  });
}
