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
import { dropMerge } from './worktree.ts';

/** `committed` is the head whose worktree was committed as a whole a moment ago, if it was. */
export async function verify(context: PipelineContext, run: Run, committed: Committed | null): Promise<PhaseResult> {
  const work = await withOwnCommits(context, run, committed);
  const { task } = work;
  if (task.worktree === null || task.base_sha === null || task.head_sha === null) return 'leave';

  const known = evidence(task, work.tree);
  const round = known ?? (await judge(context, run, task, { subject: 'branch', base_sha: task.base_sha, tree_sha: work.tree, changes: work.changes }));
  const tidy = (): Promise<void> => (known ? Promise.resolve() : dropLeftovers(context, task));
  const changes = await work.changes;
  const approved = approval(context, task);
  if (round?.passed === true && context.config().merge.policy !== 'pr') {
    const commands = (await configuredGates(context)).map((gate) => gate.run);
    const protectedPaths = needsHumanPaths(changes, commands);
    const mayMerge = context.config().merge.policy === 'auto' && round.can_merge && protectedPaths.length === 0;
    if (approved || mayMerge) return merge(context, run, round, { approval: approved, dropLeftovers: tidy });
    await tidy();
    return askForMerge(context, task, round, changes, protectedPaths);
  }
  await tidy();
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

/** The last round, while it still speaks of this very tree. A red one was acted upon already. */
function evidence(task: TaskExecution, treeSha: string): GateRound | undefined {
  const last = task.quality_gate_results.findLast((round) => round.subject === 'branch');
  return last?.passed && last.tree_sha === treeSha ? last : undefined;
}

/** What gates leave behind is no part of the work: taken for a human's changes it would land, and move the head away from its approval. */
async function dropLeftovers(context: PipelineContext, task: TaskExecution): Promise<void> {
  const { log, workspace } = context.ports;
  if (task.worktree === null || task.head_sha === null || !(await workspace.state(task.worktree)).dirty) return;
  log.info(`The gates of ${task.task_id} changed files of its worktree, which are put back as they were committed.`);
  await workspace.reset(task.worktree, task.task_id, task.head_sha);
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
