/** The engine's Workspace port over git: a worktree and branch for each task of one repository. */
import type { Log, Workspace } from '../../engine/ports.ts';
import { advance, follow } from './advance.ts';
import { changes } from './changes.ts';
import { backToBranch, checkpoint, treeOf, treeState } from './checkpoint.ts';
import type { GitContext } from './context.ts';
import { diff, moved } from './diff.ts';
import { Git } from './git.ts';
import { buildMerge, testMerge } from './merge.ts';
import { ignoredPaths, populate } from './populate.ts';
import { reset, snapshot, visit } from './snapshot.ts';
import type { GitStarter } from './starter.ts';
import { Landings } from './trailers.ts';
import { Worktrees } from './worktrees.ts';

export interface WorkspaceOptions {
  /** Absolute path of the main checkout. */
  readonly root: string;
  /** Folder outside the repository for the worktrees of this repository only. */
  readonly worktreesDir: string;
  readonly log: Log;
  /** How long a lock of another git process is waited for, in milliseconds. Default: 5000. */
  readonly patience?: number;
  /** Starts git commands; absent: this process does. */
  readonly starter?: Pick<GitStarter, 'run'>;
  readonly now?: () => Date;
}

/**
 * Every method rejects with BatonError `git` when git itself fails. Baton's own git commands run no hooks of the user,
 * with two exceptions (and the push of a pull request's branch, in adapters/forge): the merge commit (buildMerge) and the step of the user's checkout to it (advance).
 */
export function createWorkspace(options: WorkspaceOptions): Workspace {
  const { root, worktreesDir, log, patience, starter } = options;
  const git = new Git({ root, ceiling: worktreesDir, ...(patience !== undefined && { patience }), ...(starter !== undefined && { start: (command) => starter.run(command) }) });
  const context: GitContext = { git, root, worktreesDir, log, now: options.now ?? (() => new Date()) };
  const worktrees = new Worktrees(context);
  const landings = new Landings(context);
  return {
    create: (taskId, target) => worktrees.create(taskId, target),
    ignored: () => ignoredPaths(context),
    populate: (worktree, copy, link, ignored) => populate(context, worktree, copy, link, ignored),
    treeOf: (sha) => treeOf(context, sha),
    visit: (worktree, taskId, sha) => visit(context, worktree, taskId, sha),
    state: (worktree) => treeState(context, worktree),
    checkpoint: (worktree, message) => checkpoint(context, worktree, message),
    changes: (worktree, baseSha, headSha) => changes(git, worktree, baseSha, headSha),
    diff: (worktree, baseSha, headSha) => diff(git, worktree, baseSha, headSha),
    moved: (worktree, fromSha, toSha) => moved(git, worktree, fromSha, toSha),
    testMerge: (headSha, target) => testMerge(context, headSha, target),
    buildMerge: (merge) => buildMerge(context, merge),
    advance: (target, mergeSha, expectedSha, limit) => advance(context, target, mergeSha, expectedSha, limit),
    follow: (target, sha, limit) => follow(context, target, sha, limit),
    backToBranch: (worktree, branch) => backToBranch(context, worktree, branch),
    snapshot: (worktree, taskId) => snapshot(context, worktree, taskId),
    reset: (worktree, taskId, sha) => reset(context, worktree, taskId, sha),
    remove: (taskId, worktree, branch) => worktrees.remove(taskId, worktree, branch),
    merged: (target, since) => landings.merged(target, since),
  };
}
