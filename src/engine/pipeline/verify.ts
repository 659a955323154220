/**
 * The quality gate: evidence for the task's own tree, then the way to the target. Green evidence is made once per tree;
 * red evidence goes back to the implementer, three times at most.
 */
import { usableApproval } from '../../core/approval.ts';
import { changeSize, selectGates } from '../../core/gates.ts';
import type { GateConfig } from '../../core/config/schema.ts';
import { gateFeedback } from '../../core/prompt.ts';
import { needsHumanPaths, type SensitivePath } from '../../core/sensitivePaths.ts';
import { areaOf } from '../../core/task.ts';
import type { GateRound, TaskExecution } from '../../core/execution.ts';
import { addStep, nextFixId } from '../lifecycle.ts';
import type { FileChange } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { runGateRound } from './gateRound.ts';
import { dropMerge, merge } from './merge.ts';
import type { Run } from './run.ts';
import { threadsAt } from './threads.ts';

/** Failed rounds in all, so two repairs. */
const MAX_GATE_FAILURES = 3;

export async function verify(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = await withOwnCommits(context, run);
  const { worktree, base_sha: base, head_sha: head } = task;
  if (worktree === null || base === null || head === null) return 'leave';

  const changes = await context.ports.workspace.changes(worktree, base, head);
  const { tree_sha: tree } = await context.ports.workspace.state(worktree);
  const round = evidence(task, tree) ?? (await newRound(context, run, task, changes, tree));
  if (round === undefined) return 'leave';
  if (!round.passed) return sendBack(context, task, round);

  const approved = approval(context, task);
  const commands = (await configuredGates(context)).map((gate) => gate.run);
  const protectedPaths = needsHumanPaths(changes, commands);
  const mayMerge = context.config().merge.policy === 'auto' && round.can_merge && protectedPaths.length === 0;
  if (approved || mayMerge) return merge(context, run, round, approved);
  await askForMerge(context, task, round, changes, protectedPaths);
  return 'leave';
}

/** Gates of the configuration, else of the template for the kind of project. */
export async function configuredGates(context: PipelineContext): Promise<readonly GateConfig[]> {
  return context.config().gates ?? (await context.ports.gates.detect());
}

/** Work that a human left uncommitted in the worktree belongs to the task: it is committed before it is judged. */
async function withOwnCommits(context: PipelineContext, run: Run): Promise<TaskExecution> {
  const task = context.lifecycle.get(run.taskId);
  if (task.worktree === null || task.branch === null) return task;
  if (task.merge_started_at !== null) await dropMerge(context, task.task_id, task.worktree, task.branch);
  const state = await context.ports.workspace.state(task.worktree);
  if (!state.dirty && state.head_sha === task.head_sha) return task;
  const { sha } = await context.ports.workspace.checkpoint(task.worktree, `Changes made by hand\n\nTask ${task.task_id}.\n`);
  if (sha === task.head_sha) return task;
  const follow = await threadsAt(context, task, sha);
  return context.lifecycle.change(task.task_id, (draft) => {
    follow(draft);
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
async function newRound(context: PipelineContext, run: Run, task: TaskExecution, changes: FileChange[], tree: string): Promise<GateRound | undefined> {
  const round = await judge(context, run, task, { subject: 'branch', base_sha: task.base_sha ?? '', tree_sha: tree, changes });
  await dropLeftovers(context, task);
  return round;
}

/** What gates leave behind is no part of the work: taken for a human's changes it would land, and move the head away from its approval. */
async function dropLeftovers(context: PipelineContext, task: TaskExecution): Promise<void> {
  const { log, workspace } = context.ports;
  if (task.worktree === null || task.head_sha === null || !(await workspace.state(task.worktree)).dirty) return;
  log.info(`The gates of ${task.task_id} changed files of its worktree; they are back as they were committed, the changes are in refs/baton/snapshots/${task.task_id}.`);
  await workspace.reset(task.worktree, task.task_id, task.head_sha);
}

export interface Subject {
  readonly subject: GateRound['subject'];
  readonly base_sha: string;
  /** The tree that the worktree holds. */
  readonly tree_sha: string;
  readonly changes: FileChange[];
}

/** Runs the gates that apply on whatever the worktree holds; stores and returns the round, undefined when broken off. */
export async function judge(context: PipelineContext, run: Run, task: TaskExecution, subject: Subject): Promise<GateRound | undefined> {
  if (task.worktree === null) return undefined;
  const { ports } = context;
  const gates = await configuredGates(context);
  const selected = selectGates(gates, {
    changes: subject.changes,
    size: changeSize(subject.changes),
    area: areaOf(task.task_def),
    names: task.task_def.gates,
  });
  const number = task.quality_gate_results.length + 1;
  const left = new Set(selected.run.map((gate) => gate.name));
  const show = (): void => {
    run.activity = left.size === 0 ? 'looking at the gates' : `running ${left.size === 1 ? 'gate' : 'gates'} ${[...left].join(', ')}`;
    context.changed();
  };
  show();
  const round = await runGateRound(ports.gates, {
    round: number,
    subject: subject.subject,
    gates,
    selected,
    cwd: task.worktree,
    tree_sha: subject.tree_sha,
    base_sha: subject.base_sha,
    env: { BATON_TASK_ID: task.task_id, BATON_WORKTREE: task.worktree },
    mark: `${ports.repository.key}:${task.task_id}:gates`,
    log: (file) => `${ports.runs.directory(task.task_id, 'gates')}/${file}`,
    signal: run.signal,
    allow_warnings: context.config().merge.allow_warnings,
    clock: ports.clock,
    onCheck: (check) => {
      left.delete(check.name);
      show();
    },
  });
  if (round === null) return undefined;
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
    draft.feedback = gateFeedback(round, task.target_branch);
    addStep(draft, { id: nextFixId(draft), description: `Make the quality gates pass: ${names.join(', ')}` });
    return [{ type: 'retry', data: { step_id: draft.steps.at(-1)?.step_id, attempt: failures + 1, max_attempts: MAX_GATE_FAILURES, reason: what, kind: 'gates_failed' } }];
  });
  return 'again';
}

function approval(context: PipelineContext, task: TaskExecution) {
  return usableApproval(task, 'merge', context.config(), context.ports.clock.now());
}

async function askForMerge(
  context: PipelineContext,
  task: TaskExecution,
  round: GateRound,
  changes: FileChange[],
  protectedPaths: SensitivePath[],
): Promise<void> {
  const reason =
    round.checks.every((check) => check.status === 'skipped')
      ? 'no gate checked it'
      : protectedPaths.length > 0
        ? `it changes ${protectedPaths.map(({ path, why }) => `${path} (${why})`).join(', ')}`
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
        protected: protectedPaths.map(({ path }) => path),
      },
      resume_state: 'quality_gate',
      head_sha: task.head_sha,
    },
    `waits for a merge decision: ${reason}`,
  );
}
