/**
 * The merge: built on the target as it is now, proven by the gates when it is not the tree they saw, then the target
 * advances. The user's checkout is never touched but by a fast-forward that git itself finds safe.
 */
import { secondsOf, type Decision, type GateRound, type TaskExecution } from '../../core/execution.ts';
import { conflictFeedback } from '../../core/prompt.ts';
import { useApproval } from '../decisions.ts';
import { addStep, nextFixId } from '../lifecycle.ts';
import type { Conflict, HookLimit, MergeResult, Workspace } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { judge } from './judge.ts';
import { afterRed } from './redBase.ts';
import type { Run } from './run.ts';
import { dropLeftovers, dropMerge, tidy } from './worktree.ts';

/** The target may move while the gates run; that often we start over before asking. */
const MAX_ROUNDS = 5;

/** Conflicts in all before a human is asked, so two that the agent resolves. */
const MAX_CONFLICTS = 3;

/**
 * Merges a task whose own tree is green and whose merge is allowed. `approval` is the human's, where one was asked. What the gates have left in the
 * worktree may lie there still: a merge that does without the worktree leaves it to who removes that.
 */
export async function merge(context: PipelineContext, run: Run, round: GateRound, approval: Decision | undefined): Promise<PhaseResult> {
  run.activity = 'waiting for its turn to merge';
  context.changed();
  const result = await context.merging(run.signal, () => mergeInTurn(context, run, round, approval));
  // Stopped before it had its turn: what a human does in the worktree from then on is theirs.
  if (run.aborted !== undefined) await dropLeftovers(context, run.taskId);
  return result ?? 'leave';
}

async function mergeInTurn(context: PipelineContext, run: Run, green: GateRound, approval: Decision | undefined): Promise<PhaseResult> {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const task = context.lifecycle.get(run.taskId);
    const { worktree, branch, head_sha: head, target_branch: target } = task;
    if (worktree === null || branch === null || head === null || target === null || run.signal.aborted) return 'leave';
    // A git that outlived its engine may land what that one had built; a target that moved may have moved by it.
    if (await finishLanded(context, task)) return 'leave';
    run.activity = `merging into ${target}`;
    context.changed();
    const started = context.lifecycle.change(task.task_id, (draft) => {
      draft.merge_started_at = context.lifecycle.now();
      return undefined;
    });
    const ready = (): Promise<unknown> => started.then(() => dropLeftovers(context, run.taskId));
    const [built] = await Promise.all([build(context, run, task, { worktree, head_sha: head, target, proven: green.tree_sha, ready }), started]);
    if (run.aborted !== undefined) {
      if (built.kind === 'merged') await dropMerge(context, task.task_id, worktree, branch);
      return 'leave';
    }
    if (built.kind !== 'merged') {
      await dropMerge(context, task.task_id, worktree, branch);
      if (built.kind === 'conflict' && (task.conflicts ?? 0) + 1 < MAX_CONFLICTS) return sendConflict(context, task, built.conflicts);
      await askAgain(context, task, built);
      return 'leave';
    }
    if (built.tree_sha !== green.tree_sha) {
      const changes = await context.ports.workspace.changes(worktree, built.target_sha, built.merge_sha);
      const combined = await judge(context, run, task, { subject: 'merge', base_sha: built.target_sha, tree_sha: built.tree_sha, changes });
      if (!combined?.passed) {
        await dropMerge(context, task.task_id, worktree, branch);
        return combined ? afterRed(context, run, context.lifecycle.get(run.taskId), combined) : 'leave';
      }
    }
    // Stored first: after a crash between here and `done`, the target itself tells whether the merge happened.
    await context.lifecycle.change(task.task_id, (draft) => {
      draft.merge_sha = built.merge_sha;
      return undefined;
    });
    const advanced = await context.ports.workspace.advance(target, built.merge_sha, built.target_sha, hookLimit(context, run));
    if (advanced.kind === 'advanced') {
      await finish(context, task.task_id, built.merge_sha, `merged into ${target}`, approval);
      return 'leave';
    }
    await dropMerge(context, task.task_id, worktree, branch);
    if (advanced.kind === 'blocked') {
      await askAgain(context, task, advanced);
      return 'leave';
    }
  }
  const task = context.lifecycle.get(run.taskId);
  await askAgain(context, task, { kind: 'blocked', files: [], message: `${task.target_branch ?? 'The target'} moved ${MAX_ROUNDS} times while the merge was verified.` });
  return 'leave';
}

/** Finishes a task whose merge is on the target already: a crash may fall between the merge and the record of it. */
export async function finishLanded(context: PipelineContext, task: TaskExecution): Promise<boolean> {
  if (task.target_branch === null || task.base_sha === null) return false;
  const landed = (await context.ports.workspace.merged(task.target_branch, task.base_sha)).get(task.task_id);
  if (landed?.hash !== task.content_hash) return false;
  const approval = task.decisions.find((one) => one.kind === 'merge' && one.answer?.verdict === 'approve' && one.applied_at === null);
  await finish(context, task.task_id, landed.sha, `found merged on ${task.target_branch}`, approval);
  return true;
}

/** The task is done; its worktree goes, its commits stay reachable. */
export async function finish(context: PipelineContext, taskId: string, mergeSha: string, why: string, approval: Decision | undefined): Promise<void> {
  const task = await context.lifecycle.transition(taskId, 'done', why, (draft) => {
    if (approval) useApproval(draft, approval.id, context.lifecycle.now());
    draft.merge_sha = mergeSha;
    draft.merge_started_at = null;
    draft.gated_at = null;
    draft.error = null;
    draft.feedback = null;
    return [{ type: 'task_completed', data: { merge_sha: mergeSha, seconds: secondsOf(draft), cost_usd: draft.total_cost_usd } }];
  });
  context.background(taskId, `removing the worktree of ${taskId}`, () => tidy(context, task));
}

type Merge = Pick<Parameters<Workspace['buildMerge']>[0], 'worktree' | 'head_sha' | 'target' | 'proven' | 'ready'>;

async function build(context: PipelineContext, run: Run, task: TaskExecution, merge: Merge): Promise<MergeResult> {
  const { log, processes, repository, workspace } = context.ports;
  const mark = `${repository.key}:${task.task_id}:merge`;
  // The user's hooks may take as long as they like, but not longer than the user lets them.
  const onAbort = (): void => void processes.sweep(mark).catch((error: unknown) => log.error(`The merge of ${task.task_id} could not be ended`, error));
  run.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await workspace.buildMerge({
      ...merge,
      strategy: context.config().merge.strategy,
      message: task.task_def.goal,
      trailers: { 'Baton-Task': task.task_id, 'Baton-Hash': task.content_hash },
      env: { BATON_MARK: mark },
    });
  } finally {
    run.signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Who cancels or stops ends a hook that hangs in the user's checkout, and the task is done all the same: its merge has happened. Who only
 * closes leaves the hook at work.
 */
export function hookLimit(context: PipelineContext, run: Run): HookLimit {
  return { mark: `landing:${context.ports.repository.key}:${run.taskId}`, signal: run.signal, spare: () => run.aborted === 'close' };
}

/** Both sides of the conflict become the next prompt. */
async function sendConflict(context: PipelineContext, task: TaskExecution, conflicts: readonly Conflict[]): Promise<PhaseResult> {
  const target = task.target_branch ?? 'the target branch';
  const times = (task.conflicts ?? 0) + 1;
  const what = `the merge into ${target} conflicts in ${conflicts.map(({ path }) => path).join(', ')}`;
  await context.lifecycle.transition(task.task_id, 'implementing', `${what} (${times} of ${MAX_CONFLICTS}): back to the agent`, (draft) => {
    draft.conflicts = times;
    draft.feedback = conflictFeedback(conflicts, target);
    addStep(draft, { id: nextFixId(draft), description: `Resolve the conflicts with ${target}` });
    return [{ type: 'retry', data: { step_id: draft.steps.at(-1)?.step_id, attempt: times + 1, max_attempts: MAX_CONFLICTS, reason: what, kind: 'conflict' } }];
  });
  return 'again';
}

type Obstacle = Exclude<MergeResult, { kind: 'merged' }> | { kind: 'blocked'; files: string[]; message: string };

/** The merge cannot go on by itself: one decision that names the files and what to do. Approving tries again. */
async function askAgain(context: PipelineContext, task: TaskExecution, obstacle: Obstacle): Promise<void> {
  const target = task.target_branch ?? 'the target';
  const question = {
    conflict: () => `The merge into ${target} conflicts${(task.conflicts ?? 0) > 0 ? `, and the agent could not resolve it in ${task.conflicts ?? 0} tries` : ''}. Request changes to have the agent resolve it, or resolve it in the worktree and approve.`,
    refused: () => `Your git hooks refused the merge commit: ${obstacle.kind === 'refused' ? obstacle.message : ''} Approve to try again.`,
    blocked: () => `${obstacle.kind === 'blocked' ? obstacle.message : ''} Commit or set aside your changes, then approve to try again.`,
  }[obstacle.kind]();
  const files = 'files' in obstacle ? obstacle.files : [];
  await context.decisions.park(
    task.task_id,
    { kind: 'merge', question, detail: { reason: obstacle.kind, files_in_the_way: files, ...('conflicts' in obstacle && { conflicts: obstacle.conflicts }) }, resume_state: 'quality_gate', head_sha: task.head_sha },
    files.length > 0 ? `${obstacle.kind}: ${files.join(', ')}` : question,
  );
}
