/**
 * The quality gate: evidence for the task's own tree, then the way to the target. Green evidence is made once per tree;
 * red evidence goes back to the implementer, three times at most.
 */
import { usableApproval } from '../../core/approval.ts';
import { needsHumanPaths, type SensitivePath } from '../../core/sensitivePaths.ts';
import type { GateRound, TaskExecution } from '../../core/execution.ts';
import type { FileChange } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { configuredGates, judge } from './judge.ts';
import { merge } from './merge.ts';
import { landByPullRequest } from './pullRequest.ts';
import { afterRed } from './redBase.ts';
import type { Committed, Run } from './run.ts';
import { threadsAt } from './threads.ts';
import { dropLeftovers, dropMerge } from './worktree.ts';

/** `committed` is the head whose worktree was committed as a whole a moment ago, if it was. */
export async function verify(context: PipelineContext, run: Run, committed: Committed | null): Promise<PhaseResult> {
  const work = await withOwnCommits(context, run, committed);
  const { task } = work;
  if (task.worktree === null || task.base_sha === null || task.head_sha === null) return 'leave';

  const round = evidence(task, work.tree) ?? (await gate(context, run, task, task.base_sha, work));
  const changes = await work.changes;
  const approved = approval(context, task);
  if (round?.passed === true && context.config().merge.policy !== 'pr') {
    const commands = (await configuredGates(context)).map((gate) => gate.run);
    const protectedPaths = needsHumanPaths(changes, commands);
    const mayMerge = context.config().merge.policy === 'auto' && round.can_merge && protectedPaths.length === 0;
    if (approved || mayMerge) return merge(context, run, round, approved);
    await dropLeftovers(context, task.task_id);
    return askForMerge(context, task, round, changes, protectedPaths);
  }
  // Also when it was stopped: what a human does in the worktree from then on is theirs.
  await dropLeftovers(context, task.task_id);
  if (round === undefined) return 'leave';
  return round.passed ? landByPullRequest(context, run, task, round, approved) : afterRed(context, run, task, round);
}

interface Work {
  readonly task: TaskExecution;
  /** Tree and changes of the task's head. */
  readonly tree: string;
  readonly changes: Promise<FileChange[]> | FileChange[];
}

/** What is to be judged. Work that a human left uncommitted in the worktree belongs to the task: it is committed before. */
async function withOwnCommits(context: PipelineContext, run: Run, committed: Committed | null): Promise<Work> {
  const { workspace } = context.ports;
  const task = context.lifecycle.get(run.taskId);
  const { worktree, base_sha: base, head_sha: head } = task;
  if (worktree === null || task.branch === null || base === null) return { task, tree: '', changes: [] };
  if (task.merge_started_at !== null) await dropMerge(context, task.task_id, worktree, task.branch);
  if (head !== null && head === committed?.sha) {
    return { task, tree: await workspace.treeOf(head), changes: committed.changes };
  }
  await dropLeftovers(context, task.task_id);
  const [state, changes] = await Promise.all([workspace.state(worktree), head === null ? [] : workspace.changes(worktree, base, head)]);
  if (!state.dirty && state.head_sha === head) return { task, tree: state.tree_sha, changes };
  const { sha } = await workspace.checkpoint(worktree, `Changes made by hand\n\nTask ${task.task_id}.\n`);
  const { tree_sha: tree } = await workspace.state(worktree);
  if (sha === head) return { task, tree, changes };
  const follow = await threadsAt(context, task, sha);
  const moved = await context.lifecycle.change(task.task_id, (draft) => {
    follow(draft);
    draft.head_sha = sha;
    return [{ type: 'head_moved', data: { head_sha: sha } }];
  });
  return { task: moved, tree, changes: await workspace.changes(worktree, base, sha) };
}

/** A new round on the task's branch. That gates are let into the worktree is stored before, as a rule with the commit that they are about to judge. */
async function gate(context: PipelineContext, run: Run, task: TaskExecution, base_sha: string, { tree, changes }: Work): Promise<GateRound | undefined> {
  if ((context.lifecycle.get(task.task_id).gated_at ?? null) === null) {
    await context.lifecycle.change(task.task_id, (draft) => {
      draft.gated_at = context.lifecycle.now();
      return undefined;
    });
  }
  return judge(context, run, task, { subject: 'branch', base_sha, tree_sha: tree, changes });
}

/** The last round, while it still speaks of this very tree. A red one was acted upon already. */
function evidence(task: TaskExecution, treeSha: string): GateRound | undefined {
  const last = task.quality_gate_results.findLast((round) => round.subject === 'branch');
  return last?.passed && last.tree_sha === treeSha ? last : undefined;
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
): Promise<PhaseResult> {
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
  return 'leave';
}
