/** Runs the gates that a change needs and turns their ends into one round of evidence. */
import { messageOf } from '../../core/errors.ts';
import type { GateCheck, GateRound } from '../../core/execution.ts';
import { gateCheck, judgeRound, skippedCheck, toleratedCheck, type SelectedGates } from '../../core/gates.ts';
import type { GateConfig } from '../../core/config/schema.ts';
import type { Clock, CommandResult, Gates } from '../ports.ts';

export interface GateRoundRequest {
  readonly round: number;
  readonly subject: GateRound['subject'];
  /** Every configured gate, so that the checks come in their order. */
  readonly gates: readonly GateConfig[];
  readonly selected: Pick<SelectedGates, 'run' | 'skipped'>;
  readonly cwd: string;
  readonly tree_sha: string;
  readonly base_sha: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mark: string;
  /** Absolute path of a log file with this name. */
  readonly log: (file: string) => string;
  readonly signal: AbortSignal;
  readonly allow_warnings: boolean;
  /** Gates whose failure on the base a human chose to ignore. */
  readonly ignore?: readonly string[];
  /** Most gates at the same time. Default 4. */
  readonly concurrency?: number;
  readonly clock: Pick<Clock, 'now'>;
  /** Called with each check as soon as it is known. */
  readonly onCheck?: (check: GateCheck) => void;
}

/**
 * Runs the selected gates, those with `parallel: false` one by one after the others. Null when the signal ended it: half a
 * round is no evidence. Never rejects for a gate that cannot start; that is a failed check.
 */
export async function runGateRound(gates: Pick<Gates, 'run'>, request: GateRoundRequest): Promise<GateRound | null> {
  const { signal, tree_sha, base_sha, round, subject } = request;
  const started_at = new Date(request.clock.now()).toISOString();
  const checks = new Map<string, GateCheck>();
  const settle = (check: GateCheck): void => {
    checks.set(check.name, check);
    request.onCheck?.(check);
  };
  const run = async (gate: GateConfig): Promise<void> => {
    if (signal.aborted) return;
    const log = request.log(gateLogName(gate.name, round, subject));
    const result = await runOne(gates, gate, request, log);
    // A gate that was ended half-way has no check, and the round is void.
    if (result.aborted) return;
    const check = gateCheck(gate, result, log, tree_sha);
    settle(request.ignore?.includes(gate.name) === true ? toleratedCheck(check) : check);
  };
  const { run: wanted, skipped } = request.selected;
  for (const { gate, why } of skipped) settle(skippedCheck(gate, why, tree_sha));
  await inParallel(wanted.filter((gate) => gate.parallel), request.concurrency ?? 4, run);
  await inParallel(wanted.filter((gate) => !gate.parallel), 1, run);
  if (!wanted.every((gate) => checks.has(gate.name))) return null;
  const ordered = request.gates.map((gate) => checks.get(gate.name)).filter((check) => check !== undefined);
  const { passed, can_merge } = judgeRound(ordered, request);
  return { round, subject, checks: ordered, passed, can_merge, tree_sha, base_sha, started_at, at: new Date(request.clock.now()).toISOString() };
}

/** The log file of a gate in a round, safe on every file system. */
export function gateLogName(name: string, round: number, subject: GateRound['subject']): string {
  const safe = name.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, 60);
  // Two names may become one: a short sum of the original keeps their files apart.
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  const suffix = safe === name ? '' : `-${sum.toString(36)}`;
  return `gate-${round}-${subject}-${safe}${suffix}.log`;
}

async function runOne(gates: Pick<Gates, 'run'>, gate: GateConfig, request: GateRoundRequest, log: string): Promise<CommandResult> {
  const { cwd, env, mark, signal } = request;
  try {
    return await gates.run({ run: gate.run, cwd, env, mark, timeout_seconds: gate.timeout, log, signal });
  } catch (error) {
    return { exit_code: null, timed_out: false, aborted: signal.aborted, seconds: 0, tail: `The command could not be started: ${messageOf(error)}` };
  }
}

async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker));
}
