/** What is kept: records, events, history and metrics. */
import type { TaskExecution } from '../../core/execution.ts';
import type { HistoryRow } from '../../core/history.ts';
import type { StoredMetrics } from '../../core/metrics/columns.ts';
import type { MetricsWrite } from '../../core/metrics/rollup.ts';

export interface StoredEvent {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly task_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}
export type NewEvent = Omit<StoredEvent, 'seq'>;

export interface Commit {
  /** Whole records. `rev` is the new revision; the stored one must be `rev - 1` (absent for rev 1), else nothing is written. */
  readonly tasks?: readonly TaskExecution[];
  readonly remove?: readonly string[];
  readonly events?: readonly NewEvent[];
  /** Rows that outlive the task. */
  readonly history?: readonly HistoryRow[];
  /** Small named values of the loop: desired state, accounts, the current run. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Added to the metrics. A commit that has them has an event too, so that its seq tells whether they were read already. */
  readonly metrics?: MetricsWrite;
}

export interface HistoryQuery {
  readonly kind: HistoryRow['kind'];
  /** ISO time, inclusive; everything when absent. */
  readonly since?: string;
  readonly limit?: number;
}

export interface Store {
  /** Atomic, and durable when it resolves; rejects with `stale_version` when another writer was first. Returns the last event's seq. */
  commit(commit: Commit): Promise<number>;
  loadTasks(): Promise<TaskExecution[]>;
  task(taskId: string): Promise<TaskExecution | undefined>;
  /** Events with seq > since, oldest first. */
  events(since: number, limit?: number): Promise<StoredEvent[]>;
  meta(): Promise<Record<string, unknown>>;
  /** Metrics from this moment (epoch ms) on. */
  metrics(since: number): Promise<StoredMetrics>;
  /** What is kept of calls and tasks for good, latest first. */
  history(query: HistoryQuery): Promise<HistoryRow[]>;
  /** What opening had to repair: a corrupt database set aside, a lost state file. */
  readonly repairs: readonly string[];
  close(): Promise<void>;
}
