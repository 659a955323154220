/** The figures of a window: rates and percentiles, from endings in time order. */
import { ENDING, type EndingColumns } from './columns.ts';

export interface Outcomes {
  readonly completed: number;
  /** Cancelled tasks are not failures. */
  readonly failed: number;
  /** Null when nothing completed. */
  readonly avg_seconds: number | null;
  readonly p50_seconds: number | null;
  readonly p95_seconds: number | null;
  /** failures / (completed + failed); 0 when nothing ended. */
  readonly error_rate: number;
  /** Retried tasks that completed / retried tasks that ended; null when none was retried. */
  readonly retry_success_rate: number | null;
  /** Tasks that needed a human / tasks that ended; null when none ended. */
  readonly human_intervention_rate: number | null;
  /** Tasks whose first gate round passed / tasks with a gate round; null when there was none. */
  readonly first_pass_gate_rate: number | null;
}

/** Latency is that of completed tasks: a failure that comes early would make the machine look fast. */
export function outcomes({ seconds, flags }: EndingColumns): Outcomes {
  let completed = 0;
  let retried = 0;
  let rescued = 0;
  let human = 0;
  let gated = 0;
  let firstPass = 0;
  let sum = 0;
  let timed = 0;
  const latencies = new Float64Array(flags.length);
  for (let index = 0; index < flags.length; index += 1) {
    const flag = flags[index] ?? 0;
    const done = (flag & ENDING.completed) !== 0;
    if ((flag & ENDING.retried) !== 0) {
      retried += 1;
      if (done) rescued += 1;
    }
    if ((flag & ENDING.human) !== 0) human += 1;
    if ((flag & ENDING.gated) !== 0) gated += 1;
    if ((flag & ENDING.first_pass) !== 0) firstPass += 1;
    if (!done) continue;
    completed += 1;
    const latency = seconds[index] ?? NaN;
    if (Number.isNaN(latency)) continue;
    latencies[timed] = latency;
    timed += 1;
    sum += latency;
  }
  const ended = flags.length;
  const known = latencies.subarray(0, timed);
  return {
    completed,
    failed: ended - completed,
    avg_seconds: timed === 0 ? null : sum / timed,
    p50_seconds: nearestRank(known, 0.5),
    p95_seconds: nearestRank(known, 0.95),
    error_rate: ended === 0 ? 0 : (ended - completed) / ended,
    retry_success_rate: share(rescued, retried),
    human_intervention_rate: share(human, ended),
    first_pass_gate_rate: share(firstPass, gated),
  };
}

/** The nearest-rank percentile: always a value that occurred. Null when there are none. Puts the values into another order. */
export function nearestRank(values: Float64Array, share: number): number | null {
  const rank = Math.max(0, Math.ceil(values.length * share) - 1);
  // Quickselect (Hoare): a fifth of the time of sorting a hundred thousand.
  for (let low = 0, high = values.length - 1; low < high; ) {
    const pivot = values[(low + high) >>> 1] ?? 0;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] ?? 0) < pivot) left += 1;
      while ((values[right] ?? 0) > pivot) right -= 1;
      if (left > right) break;
      const value = values[left] ?? 0;
      values[left] = values[right] ?? 0;
      values[right] = value;
      left += 1;
      right -= 1;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return values[rank] ?? null;
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
