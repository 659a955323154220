/** Processor time and memory of this process and of agents' process trees, from the system's own figures: /proc on Linux, `ps` on macOS, CIM on Windows. */
import type { ProcessUsage, TreeUsage, UsageTree } from '../../engine/ports.ts';
import { marks } from './mark.ts';
import { output, readEach } from './table.ts';

/** One process: processor time since its start, and resident memory. */
export interface Consumption {
  readonly pid: number;
  readonly ppid: number;
  /** Tells a pid that was given again. */
  readonly started: string;
  readonly cpu_ms: number;
  readonly memory_mb: number;
}

/** USER_HZ: what Linux counts /proc's times in on every architecture that Node runs on. */
const TICK_MS = 10;
const PAGE_SIZES = [4096, 16_384, 65_536];

/**
 * Makes a function that measures since its last call; the first call only begins, so its processor shares are null. What began in between
 * counts from its start; what ended in between is not seen any more.
 */
export function createUsageMeter(): (trees: readonly UsageTree[]) => Promise<ProcessUsage> {
  let before = new Map<string, number>();
  let at: number | undefined;
  return async (trees) => {
    const living = await consumption();
    const now = performance.now();
    const elapsed = at === undefined ? null : now - at;
    const marked = new Map(await marks(living));
    const children = new Map<number, Consumption[]>();
    for (const one of living) children.set(one.ppid, [...(children.get(one.ppid) ?? []), one]);
    const taken = new Set<number>();
    /** The roots with all their descendants that no tree has yet. */
    const gather = (roots: readonly Consumption[]): Consumption[] => {
      const found: Consumption[] = [];
      const queue = [...roots];
      for (let one = queue.shift(); one; one = queue.shift()) {
        if (taken.has(one.pid)) continue;
        taken.add(one.pid);
        found.push(one);
        queue.push(...(children.get(one.pid) ?? []));
      }
      return found;
    };
    const measure = (members: readonly Consumption[]): TreeUsage => {
      const spent = members.reduce((sum, one) => sum + Math.max(0, one.cpu_ms - (before.get(keyOf(one)) ?? 0)), 0);
      return { cpu_percent: elapsed === null || elapsed <= 0 ? null : (spent / elapsed) * 100, memory_mb: members.reduce((sum, one) => sum + one.memory_mb, 0) };
    };
    const measured = new Map(trees.map(({ mark, pid }) => [mark, measure(gather(living.filter((one) => one.pid !== process.pid && (marked.get(one.pid) === mark || one.pid === pid))))]));
    const own = measure(gather(living.filter((one) => one.pid === process.pid)));
    before = new Map(living.map((one) => [keyOf(one), one.cpu_ms]));
    at = now;
    return { own, trees: measured };
  };
}

const keyOf = ({ pid, started }: Consumption): string => `${pid}@${started}`;

async function consumption(): Promise<Consumption[]> {
  if (process.platform === 'linux') {
    const found = (await readEach('stat', 'utf8')).flatMap(([, stat]) => parseStatUsage(stat) ?? []);
    const page = pageSize(found.find((one) => one.pid === process.pid)?.memory_mb ?? 0);
    return found.map((one) => ({ ...one, memory_mb: (one.memory_mb * page) / 4096 }));
  }
  if (process.platform === 'win32') return parseWindowsUsage(await output('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', WINDOWS]));
  return parsePsUsage(await output('ps', ['-A', '-o', 'pid=,ppid=,time=,rss=,lstart=']));
}

/** Not every ARM machine has pages of 4 KiB: the size by which this process has the memory that it knows it has. */
function pageSize(asIf4KiB: number): number {
  const real = process.memoryUsage.rss() / 1e6;
  const off = (size: number): number => Math.abs(Math.log((asIf4KiB * size) / 4096 / real));
  return asIf4KiB > 0 ? PAGE_SIZES.reduce((best, size) => (off(size) < off(best) ? size : best)) : 4096;
}

const WINDOWS =
  'Get-CimInstance Win32_Process -Property ProcessId,ParentProcessId,KernelModeTime,UserModeTime,WorkingSetSize,CreationDate | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId) $($_.KernelModeTime + $_.UserModeTime) $($_.WorkingSetSize) $($_.CreationDate.ToUniversalTime().Ticks)" }';

/** `/proc/<pid>/stat` (proc_pid_stat(5)): fields 4 ppid, 14 utime, 15 stime, 22 starttime, 24 rss in pages, here of 4 KiB. */
export function parseStatUsage(stat: string): Consumption | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  const cpu = (number(14) + number(15)) * TICK_MS;
  const memory = (number(24) * 4096) / 1e6;
  if (Number.isNaN(cpu) || Number.isNaN(memory)) return undefined;
  return { pid: Number.parseInt(stat, 10), ppid: number(4), started: String(fields[19]), cpu_ms: cpu, memory_mb: memory };
}

/** Lines of `ps -o pid=,ppid=,time=,rss=,lstart=`: time is [[dd-]hh:]mm:ss[.cc], rss is in KiB. */
export function parsePsUsage(text: string): Consumption[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)\s+(\d+)\s+(.+?)\s*$/.exec(line);
    if (!match) return [];
    const [, pid, ppid, days = 0, hours = 0, minutes, seconds = '0', rss, started = ''] = match;
    const cpu = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds.replace(',', '.'));
    return [{ pid: Number(pid), ppid: Number(ppid), started, cpu_ms: cpu * 1000, memory_mb: (Number(rss) * 1024) / 1e6 }];
  });
}

/** Lines of `pid ppid time bytes ticks`: time is in units of 100 ns. */
export function parseWindowsUsage(text: string): Consumption[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const match = /^(\d+) (\d+) (\d+) (\d+)(?: (\d+))?$/.exec(line.trim());
    if (!match) return [];
    return [{ pid: Number(match[1]), ppid: Number(match[2]), started: match[5] ?? '', cpu_ms: Number(match[3]) / 10_000, memory_mb: Number(match[4]) / 1e6 }];
  });
}
