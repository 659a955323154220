/**
 * A required gate is red: is it the work, or was it red before? The base is looked at only then, in the task's own
 * worktree, where what its setup installed is. Failures of the base cost nobody a round; one human decides for all.
 */
import type { GateConfig } from '../../core/config/schema.ts';
import type { GateCheck, GateRound, TaskExecution } from '../../core/execution.ts';
import { trimOutput } from '../../core/output.ts';
import { RED_BASE, type Base } from '../baseGates.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { runGateRound } from './gateRound.ts';
import { configuredGates, sendBack } from './judge.ts';
import type { Run } from './run.ts';
import { dropMerge } from './worktree.ts';

/** Characters of the failing gate's output that the decision shows. */
const SHOWN = 2000;

/** What follows a red round: back to the agent for what its work broke, else whatever holds for a red base. */
export async function afterRed(context: PipelineContext, run: Run, task: TaskExecution, round: GateRound): Promise<PhaseResult> {
  const failed = round.checks.filter((check) => check.status === 'failed');
  const base = { sha: round.base_sha, tree: await context.ports.workspace.treeOf(round.base_sha), target: task.target_branch ?? 'the target' };
  const red = await redOn(context, run, task, base, failed);
  if (red === undefined) return 'leave';
  const names = red.map((check) => check.name);
  // Its own failures come first, and what is red before them is named.
  if (names.length < failed.length || names.length === 0) return sendBack(context, context.lifecycle.get(task.task_id), round, names);
  // In turn, so that of many that find out at the same time one asks.
  return (await context.baseGates.inTurn(base.tree, run.signal, () => obey(context, context.lifecycle.get(task.task_id), round, base, red))) ?? 'leave';
}

/** Does what was decided about the base, waits while nothing is, or asks. */
async function obey(context: PipelineContext, task: TaskExecution, round: GateRound, base: Base, red: readonly GateCheck[]): Promise<PhaseResult> {
  const names = red.map((check) => check.name);
  const ruling = context.baseGates.ruling(base.tree, names);
  if (ruling?.kind === 'fix' && ruling.task_id === task.task_id) return sendBack(context, task, round, []);
  if (ruling?.kind === 'stop' && !isRunAgainSince(task, ruling.at)) return stop(context, task, base, names);
  // An answer that came while the gates ran.
  if (ruling && ruling.kind !== 'stop' && names.every((name) => context.baseGates.ignored(base.tree, round.subject).includes(name))) return 'again';
  if (ruling && ruling.kind !== 'stop' && context.lifecycle.find(ruling.task_id)?.state !== 'done') {
    context.baseGates.wait(task.task_id, base.tree, names);
    return 'leave';
  }
  await ask(context, task, base, red);
  return 'leave';
}

/** Those of the failed checks that fail on the base as well; undefined when the look was broken off. */
async function redOn(context: PipelineContext, run: Run, task: TaskExecution, base: Base, failed: readonly GateCheck[]): Promise<GateCheck[] | undefined> {
  const gates = (await configuredGates(context)).filter((gate) => failed.some((check) => check.name === gate.name));
  return context.baseGates.inTurn(base.tree, run.signal, async () => {
    // Whoever runs a stopped task again may have mended the machine that the gate failed for.
    const stopped = context.baseGates.ruling(base.tree, failed.map((check) => check.name));
    if (stopped?.kind === 'stop' && isRunAgainSince(task, stopped.at)) context.baseGates.forget(base.tree, gates);
    const unknown = gates.filter((gate) => context.baseGates.passes(base.tree, gate) === undefined);
    if (unknown.length > 0 && !(await look(context, run, task, base, unknown))) return undefined;
    const red = new Set(gates.filter((gate) => context.baseGates.passes(base.tree, gate) === false).map((gate) => gate.name));
    return failed.filter((check) => red.has(check.name));
  });
}

/** Runs gates on the base in the task's worktree, and puts the branch back; false when it was broken off. */
async function look(context: PipelineContext, run: Run, task: TaskExecution, base: Base, gates: readonly GateConfig[]): Promise<boolean> {
  const { ports } = context;
  const { worktree, branch } = task;
  if (worktree === null || branch === null || run.signal.aborted) return false;
  run.activity = `running ${gates.map((gate) => gate.name).join(', ')} on ${base.target} without its work`;
  context.changed();
  // As for a merge: whoever finds this after a crash puts the branch back.
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.merge_started_at = context.lifecycle.now();
    return undefined;
  });
  let round: GateRound | null;
  try {
    await ports.workspace.visit(worktree, task.task_id, base.sha);
    round = await runGateRound(ports.gates, {
      round: task.quality_gate_results.length,
      subject: 'base',
      gates,
      selected: { run: [...gates], skipped: [] },
      cwd: worktree,
      tree_sha: base.tree,
      base_sha: base.sha,
      env: { BATON_TASK_ID: task.task_id, BATON_WORKTREE: worktree },
      mark: `${ports.repository.key}:${task.task_id}:gates`,
      log: (file) => `${ports.runs.directory(task.task_id, 'gates')}/${file}`,
      signal: run.signal,
      allow_warnings: true,
      clock: ports.clock,
    });
  } finally {
    await dropMerge(context, task.task_id, worktree, branch);
  }
  if (round === null) return false;
  await context.baseGates.store(task.task_id, base, round.checks);
  return true;
}

async function ask(context: PipelineContext, task: TaskExecution, base: Base, red: readonly GateCheck[]): Promise<void> {
  const names = red.map((check) => check.name).join(', ');
  const where = `${base.target} (${base.sha.slice(0, 8)})`;
  await context.decisions.park(
    task.task_id,
    {
      kind: 'question',
      question: `${names} ${red.length === 1 ? 'fails' : 'fail'} on ${where} without any task's work. Approve to ignore that for every task on this base, request changes to have ${task.task_id} repair it first while the others wait, or reject to stop them.`,
      detail: {
        reason: RED_BASE,
        gates: red.map((check) => check.name),
        target: base.target,
        base_sha: base.sha,
        tree_sha: base.tree,
        output: trimOutput(red[0]?.details ?? '', SHOWN),
      },
      resume_state: 'quality_gate',
    },
    `${names} ${red.length === 1 ? 'is' : 'are'} red on ${where} too`,
  );
  context.baseGates.asked(task.task_id);
}

/** A human has had the task run again since: then they are asked again rather than held to what they said before. */
function isRunAgainSince(task: TaskExecution, at: string): boolean {
  return task.history.some((move) => move.from === 'failed' && move.at > at);
}

async function stop(context: PipelineContext, task: TaskExecution, base: Base, names: readonly string[]): Promise<PhaseResult> {
  const message = `Stopped with the other tasks whose base ${base.sha.slice(0, 8)} fails ${names.join(', ')}. Repair ${base.target}, then run the task again from scratch.`;
  await context.lifecycle.transition(task.task_id, 'failed', message, (draft) => {
    draft.error = { kind: 'rejected', message, at: context.lifecycle.now() };
    return undefined;
  });
  return 'leave';
}
