/**
 * The quality gate: evidence for the task's own tree, then the way to the target. Green evidence is made once per tree;
 * red evidence goes back to the implementer, three times at most.
 */
import { describeFailures, evaluateRound, gatesFor, needsHumanPaths } from '../../core/gates.ts';
import { durationSeconds } from '../../core/config/schema.ts';
import type { GateRound, TaskExecution } from '../../core/execution.ts';
import { usableApproval } from '../decisions.ts';
import { addStep, nextFixId } from '../lifecycle.ts';
import type { FileChange } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { runGates } from './gateRound.ts';
import { merge } from './merge.ts';
import type { Run } from './run.ts';

/** Failed rounds in all, so two repairs. */
const MAX_GATE_FAILURES = 3;

export async function verify(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = await withOwnCommits(context, run);
  const { worktree, base_sha: base, head_sha: head } = task;
  if (worktree === null || base === null || head === null) return 'leave';

  const changes = await context.ports.workspace.changes(worktree, base, head);
  const round = evidence(task, (await context.ports.workspace.state(worktree)).tree_sha) ?? (await newRound(context, run, task, changes));
  if (round === undefined) return 'leave';
  if (!round.passed) return sendBack(context, task, round);

  const approved = approval(context, task);
  const protectedPaths = needsHumanPaths(changes, await configuredGates(context));
  const mayMerge = context.config().merge.policy === 'auto' && round.can_merge && protectedPaths.length === 0;
  if (approved || mayMerge) return merge(context, run, round, approved);
  await askForMerge(context, task, round, changes, protectedPaths);
  return 'leave';
}

/** Gates of the configuration, else of the template for the kind of project. */
export async function configuredGates(context: PipelineContext) {
  return context.config().gates ?? (await context.ports.gates.detect());
}

/** Work that a human left uncommitted in the worktree belongs to the task: it is committed before it is judged. */
async function withOwnCommits(context: PipelineContext, run: Run): Promise<TaskExecution> {
  const task = context.lifecycle.get(run.taskId);
  if (task.worktree === null || task.branch === null) return task;
  await context.ports.workspace.backToBranch(task.worktree, task.branch);
  const { sha } = await context.ports.workspace.checkpoint(task.worktree, `Changes made by hand\n\nTask ${task.task_id}.\n`);
  if (sha === task.head_sha) return task;
  return context.lifecycle.change(task.task_id, (draft) => {
    draft.head_sha = sha;
    return [{ type: 'head_moved', data: { head_sha: sha } }];
  });
}

/** The last round, while it still speaks of this very tree. A red one was acted upon already. */
function evidence(task: TaskExecution, treeSha: string): GateRound | undefined {
  const last = task.quality_gate_results.findLast((round) => round.subject === 'branch');
  return last?.passed && last.tree_sha === treeSha ? last : undefined;
}

/** Runs the gates on the task's branch and stores the round; undefined when it was broken off. */
async function newRound(context: PipelineContext, run: Run, task: TaskExecution, changes: FileChange[]): Promise<GateRound | undefined> {
  return judge(context, run, task, { subject: 'branch', base_sha: task.base_sha ?? '', changes });
}

export interface Subject {
  readonly subject: GateRound['subject'];
  readonly base_sha: string;
  readonly changes: FileChange[];
}

/** Runs the gates that apply on whatever the worktree holds; stores and returns the round, undefined when broken off. */
export async function judge(context: PipelineContext, run: Run, task: TaskExecution, subject: Subject): Promise<GateRound | undefined> {
  if (task.worktree === null) return undefined;
  const gates = gatesFor(await configuredGates(context), { task: task.task_def, changes: subject.changes });
  const number = task.quality_gate_results.length + 1;
  run.activity = gates.length === 0 ? 'no gates to run' : `running ${gates.length} gate${gates.length === 1 ? '' : 's'}`;
  context.changed();
  const { tree_sha: tree } = await context.ports.workspace.state(task.worktree);
  const checks = await runGates(gates, {
    gates: context.ports.gates,
    cwd: task.worktree,
    tree_sha: tree,
    log_directory: context.ports.runs.directory(task.task_id, `gates-${number}`),
    env: { BATON_TASK_ID: task.task_id, BATON_WORKTREE: task.worktree },
    mark: `${context.ports.repository.key}:${task.task_id}:gates`,
    signal: run.signal,
    onProgress: (text) => {
      run.activity = text;
      context.changed();
    },
  });
  if (run.signal.aborted) return undefined;
  const round = evaluateRound(checks, {
    round: number,
    subject: subject.subject,
    tree_sha: tree,
    base_sha: subject.base_sha,
    at: context.lifecycle.now(),
    allow_warnings: context.config().merge.allow_warnings,
  });
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.quality_gate_results.push(round);
    return [{ type: 'gate_round', data: { ...round } }];
  });
  return round;
}

/** Red gates: the failing output becomes the next prompt, or the task fails at the third round. */
export async function sendBack(context: PipelineContext, task: TaskExecution, round: GateRound): Promise<PhaseResult> {
  const failures = task.gate_failures + 1;
  const names = round.checks.filter((check) => check.status === 'failed' && check.required).map((check) => check.name);
  const what = round.subject === 'merge' ? `combined with ${task.target_branch ?? 'the target'}, ${names.join(', ')} failed` : `${names.join(', ')} failed`;
  if (failures >= MAX_GATE_FAILURES) {
    const why = `${what} (round ${failures} of ${MAX_GATE_FAILURES})`;
    await context.lifecycle.transition(task.task_id, 'failed', why, (draft) => {
      draft.gate_failures = failures;
      draft.error = { kind: 'gates_failed', message: `The quality gates failed ${failures} times: ${what}.`, at: context.lifecycle.now() };
      return undefined;
    });
    return 'leave';
  }
  await context.lifecycle.transition(task.task_id, 'implementing', `${what} (round ${failures} of ${MAX_GATE_FAILURES}): back to the agent`, (draft) => {
    draft.gate_failures = failures;
    draft.feedback = describeFailures(round);
    addStep(draft, { id: nextFixId(draft), description: `Make the quality gates pass: ${names.join(', ')}` });
    return [{ type: 'retry', data: { step_id: draft.steps.at(-1)?.step_id, attempt: failures + 1, max_attempts: MAX_GATE_FAILURES, reason: what, kind: 'gates_failed' } }];
  });
  return 'again';
}

function approval(context: PipelineContext, task: TaskExecution) {
  const expires = (durationSeconds(context.config().approval.expires) ?? 0) * 1000;
  return usableApproval(task, 'merge', context.ports.clock.now(), expires, task.head_sha);
}

async function askForMerge(
  context: PipelineContext,
  task: TaskExecution,
  round: GateRound,
  changes: FileChange[],
  protectedPaths: string[],
): Promise<void> {
  const reason =
    round.checks.length === 0
      ? 'no gate checked it'
      : protectedPaths.length > 0
        ? `it changes ${protectedPaths.join(', ')}`
        : !round.can_merge
          ? 'a gate warns'
          : 'the merge policy asks for a review';
  await context.decisions.park(
    task.task_id,
    {
      kind: 'merge',
      question: `Merge "${task.task_def.goal}" into ${task.target_branch ?? 'the target'}?`,
      detail: {
        reason,
        files: changes.length,
        added: changes.reduce((sum, change) => sum + (change.added ?? 0), 0),
        removed: changes.reduce((sum, change) => sum + (change.removed ?? 0), 0),
        gates: round.checks.map((check) => ({ name: check.name, status: check.status })),
        protected: protectedPaths,
      },
      resume_state: 'quality_gate',
      head_sha: task.head_sha,
    },
    `waits for a merge decision: ${reason}`,
  );
}
