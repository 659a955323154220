/** Processor and memory of Baton and its agents while something runs: live figures for the views, a stored snapshot a minute. No timer while idle. */
import type { Config } from '../core/config/schema.ts';
import { emptyRollup, floor, stretchMs } from '../core/metrics/rollup.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Run } from './pipeline/run.ts';
import type { Clock, Disposable, Log, Processes, TreeUsage, UsageTree } from './ports.ts';

const SAMPLE_MS = 10_000;
/** The first figures of an agent come soon: a share needs two looks. */
const FIRST_MS = 1000;
const SNAPSHOT_MS = 60_000;

export interface ResourcesOptions {
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly log: Log;
  readonly processes: Processes;
  readonly metrics: Metrics;
  readonly runs: () => ReadonlyMap<string, Run>;
  readonly config: () => Config;
  /** Called when the live figures have changed. */
  readonly changed: () => void;
}

interface Sample {
  readonly cpu: number;
  readonly memory: number;
}

export class Resources implements Disposable {
  readonly #options: ResourcesOptions;
  readonly #subscription: Disposable;
  #timer: Disposable | undefined;
  #live: ReadonlyMap<string, TreeUsage> = new Map();
  #samples: Sample[] = [];
  #since = 0;

  constructor(options: ResourcesOptions) {
    this.#options = options;
    this.#subscription = options.lifecycle.onCommitted(() => {
      if (this.#timer !== undefined || !this.#isWanted()) return;
      this.#since = options.clock.now();
      this.#arm(0);
    });
  }

  /** The process tree with this mark, as it was at the last look. */
  of(mark: string): TreeUsage | undefined {
    return this.#live.get(mark);
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#timer?.dispose();
  }

  #isWanted(): boolean {
    return this.#options.runs().size > 0 && this.#options.config().metrics.enabled;
  }

  #arm(ms: number): void {
    this.#timer = this.#options.clock.after(ms, () => {
      this.#look().catch((error: unknown) => {
        // A machine that does not tell is no reason to ask it again and again.
        this.#options.log.warn(`The use of processor and memory could not be measured: ${String(error)}`);
        this.#arm(SNAPSHOT_MS);
      });
    });
  }

  async #look(): Promise<void> {
    const { clock, processes } = this.#options;
    const { own, trees } = await processes.usage(this.#trees());
    const isFirst = own.cpu_percent === null;
    this.#live = trees;
    const all = [own, ...trees.values()];
    if (!isFirst) this.#samples.push({ cpu: all.reduce((sum, one) => sum + (one.cpu_percent ?? 0), 0), memory: all.reduce((sum, one) => sum + one.memory_mb, 0) });
    const isOver = !this.#isWanted();
    if (this.#samples.length > 0 && (isOver || clock.now() - this.#since >= SNAPSHOT_MS)) await this.#store(own);
    this.#options.changed();
    if (!isOver) this.#arm(isFirst ? FIRST_MS : SAMPLE_MS);
    else {
      this.#live = new Map();
      this.#timer = undefined;
    }
  }

  /** The agents at work, each with its mark. */
  #trees(): UsageTree[] {
    const { lifecycle, runs } = this.#options;
    return [...runs().keys()].flatMap((taskId) => {
      const attempt = lifecycle.find(taskId)?.attempts.findLast((one) => one.outcome === 'running');
      return attempt ? [{ mark: attempt.mark, pid: attempt.process?.pid ?? null }] : [];
    });
  }

  async #store(own: TreeUsage): Promise<void> {
    const { clock, config, lifecycle, metrics } = this.#options;
    const samples = this.#samples;
    this.#samples = [];
    this.#since = clock.now();
    const cpu = samples.reduce((sum, one) => sum + one.cpu, 0) / samples.length;
    const memory = samples.reduce((sum, one) => sum + one.memory, 0) / samples.length;
    const peak = Math.max(...samples.map((one) => one.memory));
    const data = { cpu_percent: cpu, memory_mb: memory, memory_peak_mb: peak, baton: own, agents: Object.fromEntries(this.#live) };
    const rollup = { ...emptyRollup(floor(clock.now(), stretchMs(config().metrics.aggregation_interval))), snapshots: 1, cpu_sum: cpu, memory_sum: memory, memory_peak: peak };
    if (!config().metrics.enabled) return;
    await lifecycle.record([{ type: 'resource_snapshot', data }], {}, metrics.kept({ rollups: [rollup], costs: [], endings: [] }));
  }
}
