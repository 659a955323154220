/** The machine's processes: what Baton started, and what it uses. */

export interface Processes {
  /**
   * Ends every process whose BATON_MARK starts with this, and returns how many there were; those with one of the marks in `keep` stay.
   * `roots` are ended with their children too where they still live, since not every platform shows marks; `grace_ms` is the time between
   * TERM and KILL, 5000 by default.
   */
  sweep(markPrefix: string, options?: { readonly keep?: readonly string[]; readonly roots?: readonly { pid: number; started: string }[]; readonly grace_ms?: number }): Promise<number>;
  /** What Baton and these trees use, measured since the last call. */
  usage(trees: readonly UsageTree[]): Promise<ProcessUsage>;
}

/** An agent's processes: those with the mark, the one with the pid, and all their descendants. */
export interface UsageTree {
  readonly mark: string;
  readonly pid: number | null;
}
export interface TreeUsage {
  /** Share of one processor since the last measurement; null at the first. */
  readonly cpu_percent: number | null;
  /** Resident, in 10^6 bytes. */
  readonly memory_mb: number;
}
export interface ProcessUsage {
  /** This process and what it started, without the trees. */
  readonly own: TreeUsage;
  /** By mark. */
  readonly trees: ReadonlyMap<string, TreeUsage>;
}
