/** Ending whole process trees, daemons included, without ever touching a process that is not part of one. */
import { execFile } from 'node:child_process';
import { BatonError } from '../../core/errors.ts';
import { markedPids } from './mark.ts';
import { listProcesses, type ProcessIdentity, type ProcessInfo } from './table.ts';

export interface KillOptions {
  /** Milliseconds between TERM and KILL. */
  readonly graceMs?: number;
  /** Processes with a mark for which this holds belong to the tree too, whoever their parent is. */
  readonly marked?: (mark: string) => boolean;
  /**
   * The root was born as leader of its own group, the first with its mark, and watched since: what is left in the group is its own, even
   * without it.
   */
  readonly ownGroup?: boolean;
}

const GRACE_MS = 5_000;
/** After KILL only a process stuck in the kernel is left; waiting longer would not help. */
const GIVE_UP_MS = 30_000;

/**
 * Ends the process, all its descendants, the members of their groups and sessions, and whatever carries the mark: TERM,
 * then KILL after the grace for every one that is left. Looks again until nothing is left, and resolves then, with the
 * number of processes that were ended.
 *
 * Descendants are noted before the first signal, since the children of an ended process lose their parent. A pid whose
 * start time changed is another process and is left alone; so are this process and its ancestors.
 * @throws BatonError `internal` when a process outlives KILL by half a minute (stuck in the kernel).
 */
export async function killTree(root: ProcessIdentity | null, options: KillOptions = {}): Promise<number> {
  const graceMs = options.graceMs ?? GRACE_MS;
  const begun = performance.now();
  const tree = new Tree(root, options.ownGroup === true);
  const termed = new Set<string>();
  let empty = 0;
  for (let pause = 10; ; pause = Math.min(pause * 2, 100)) {
    // A look is not atomic: a process may fork behind it and end before it. So nothing is left when two looks say so.
    const processes = await listProcesses();
    const living = tree.update(processes, options.marked ? await markedPids(options.marked, options.ownGroup === true ? bornSince(root, processes) : processes) : new Set());
    empty = living.length === 0 ? empty + 1 : 0;
    if (empty === 2) return tree.size;
    if (empty === 1) continue;
    const elapsed = performance.now() - begun;
    if (elapsed > graceMs + GIVE_UP_MS) {
      const pids = living.map((one) => one.pid).join(', ');
      throw new BatonError('internal', `Processes ${pids} could not be ended: they are stuck in the system`, { hint: 'Restart the machine if they do not go away.' });
    }
    if (elapsed >= graceMs) {
      for (const one of living) end(one, 'SIGKILL');
      for (const group of tree.groups(living)) signal(-group, 'SIGKILL');
    } else {
      for (const one of living) {
        if (!termed.has(keyOf(one))) end(one, 'SIGTERM');
        termed.add(keyOf(one));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** A mark that was given to the root first: nothing that is older than the root carries it, and need not be read. */
function bornSince(root: ProcessIdentity | null, processes: readonly ProcessInfo[]): readonly ProcessInfo[] {
  // Only Linux gives start times that can be compared: clock ticks since the boot.
  if (root === null || process.platform !== 'linux') return processes;
  const ticks = (one: ProcessIdentity): number => Number(one.started.slice(one.started.lastIndexOf('/') + 1));
  const begin = ticks(root);
  return processes.filter((one) => ticks(one) >= begin);
}

const keyOf = (one: ProcessIdentity): string => `${one.pid}@${one.started}`;

/** What belongs to the tree, by all that was ever seen of it. */
export class Tree {
  private readonly seen = new Set<string>();
  private readonly found = new Set<string>();
  /** Groups and sessions that a member led. The kernel gives no such number to a stranger while a member is left. */
  private readonly led = new Set<number>();

  private readonly root: ProcessIdentity | null;

  constructor(root: ProcessIdentity | null, ownGroup: boolean) {
    this.root = root;
    if (root) this.seen.add(keyOf(root));
    if (root && ownGroup) this.led.add(root.pid);
  }

  /** How many processes were ever found alive in it. */
  get size(): number {
    return this.found.size;
  }

  /** Takes in a snapshot and returns the living members, parents first. */
  update(processes: readonly ProcessInfo[], marked: ReadonlySet<number>): ProcessInfo[] {
    const protectedPids = ancestry(processes, process.pid);
    const children = childrenOf(processes);
    const stranger = processes.find((one) => one.pid === this.root?.pid && one.started !== this.root.started);
    if (stranger) this.led.delete(stranger.pid);
    const living = new Map<number, ProcessInfo>();
    const queue: ProcessInfo[] = [];
    const add = (one: ProcessInfo): void => {
      if (living.has(one.pid) || protectedPids.has(one.pid)) return;
      living.set(one.pid, one);
      queue.push(one);
      this.found.add(keyOf(one));
      this.seen.add(keyOf(one));
      if (one.pgid === one.pid || one.sid === one.pid) this.led.add(one.pid);
    };
    for (const one of processes) if (this.seen.has(keyOf(one)) || marked.has(one.pid) || this.leads(one)) add(one);
    // Windows gives an orphan no other parent: what a root that has ended began still names it.
    if (this.root && !stranger) for (const child of children.get(this.root.pid) ?? []) if (isChild(child, this.root)) add(child);
    for (let before = -1; before !== living.size; ) {
      before = living.size;
      for (let one = queue.shift(); one; one = queue.shift()) for (const child of children.get(one.pid) ?? []) if (isChild(child, one)) add(child);
      for (const one of processes) if (this.leads(one)) add(one);
    }
    // A number without a member is free again, and the next to get it is a stranger.
    const used = new Set([...living.values()].flatMap((one) => [one.pgid, one.sid]));
    for (const group of this.led) if (!used.has(group)) this.led.delete(group);
    return [...living.values()];
  }

  /** Groups of the living that were led by a member, so that one signal reaches even what was just born in them. */
  groups(living: readonly ProcessInfo[]): Set<number> {
    return new Set(living.flatMap((one) => (one.pgid !== null && this.led.has(one.pgid) ? [one.pgid] : [])));
  }

  private leads(one: ProcessInfo): boolean {
    return (one.pgid !== null && this.led.has(one.pgid)) || (one.sid !== null && this.led.has(one.sid));
  }
}

function childrenOf(processes: readonly ProcessInfo[]): Map<number, ProcessInfo[]> {
  const children = new Map<number, ProcessInfo[]>();
  for (const one of processes) {
    const siblings = children.get(one.ppid);
    if (siblings) siblings.push(one);
    else children.set(one.ppid, [one]);
  }
  return children;
}

/** Windows keeps a dead parent's id, which may have been given to a younger process: a child is never older than its parent. */
function isChild(child: ProcessIdentity, parent: ProcessIdentity): boolean {
  if (process.platform !== 'win32' || child.started === '' || parent.started === '') return true;
  return BigInt(child.started) >= BigInt(parent.started);
}

/** This process and its ancestors: Baton may itself run under an agent, and never ends itself. */
function ancestry(processes: readonly ProcessInfo[], pid: number): Set<number> {
  const parents = new Map(processes.map((one) => [one.pid, one.ppid]));
  const found = new Set<number>();
  for (let one: number | undefined = pid; one !== undefined && one > 0 && !found.has(one); one = parents.get(one)) found.add(one);
  return found;
}

function end(one: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  // Windows has no TERM for a program without a window; `taskkill` without /F would only ask windows to close.
  if (process.platform === 'win32') execFile('taskkill', ['/PID', String(one.pid), '/T', '/F'], { windowsHide: true }, () => undefined);
  else signal(one.pid, name);
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  if (process.platform === 'win32') return;
  try {
    process.kill(pid, name);
  } catch {
    // Ended by itself (ESRCH), or not ours (EPERM): the next look tells.
  }
}
