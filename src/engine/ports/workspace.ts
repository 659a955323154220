/** Worktrees, branches and merges of one repository. */
import type { FileHunks } from '../../core/hunks.ts';

export interface WorkspaceInfo {
  readonly worktree: string;
  readonly branch: string;
  readonly base_sha: string;
  readonly target_branch: string;
}

export interface TreeState {
  readonly head_sha: string;
  readonly tree_sha: string;
  readonly dirty: boolean;
}

export interface FileChange {
  readonly path: string;
  /** Path before a rename. */
  readonly from?: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed';
  /** Lines; null for binary files. */
  readonly added: number | null;
  readonly removed: number | null;
  /** Only white space and blank lines differ. */
  readonly whitespace_only?: true;
}

/** A file that two sides changed in the same places. */
export interface Conflict {
  readonly path: string;
  /** The places with git's markers between the sides, the target's first, and a few lines around; empty where there is no text to show. */
  readonly hunks: string;
}

export type MergeResult =
  | { readonly kind: 'merged'; readonly merge_sha: string; readonly tree_sha: string; readonly target_sha: string }
  | { readonly kind: 'conflict'; readonly files: string[]; readonly conflicts: readonly Conflict[] }
  /** The user's own hooks refused the merge commit. */
  | { readonly kind: 'refused'; readonly message: string };

export type AdvanceResult =
  | { readonly kind: 'advanced' }
  /** The target is no longer where the merge was built on. */
  | { readonly kind: 'moved' }
  /** The user's uncommitted changes overlap these files. */
  | { readonly kind: 'blocked'; readonly files: string[]; readonly message: string };

/** When the hooks of the user that a merge on their checkout runs are waited for no longer. The merge itself is never cut off. */
export interface HookLimit {
  /** BATON_MARK of what git starts; must not begin with the repository's key, or an engine that starts would sweep a git that still writes the user's files. */
  readonly mark: string;
  readonly signal: AbortSignal;
  /** Asked once the signal came: whether the hook may go on by itself. */
  readonly spare: () => boolean;
}

export interface Workspace {
  /** Creates worktree and branch, or finds those of an earlier run; repairs a half-made one. */
  create(taskId: string, target: string): Promise<WorkspaceInfo>;
  /** What git ignores in the main checkout: files, and with a slash at the end folders that match a rule as a whole. */
  ignored(): Promise<string[]>;
  /** Copies and links ignored files by rule, of those that `ignored()` has named where it was asked already; only for a new worktree. Returns what it brought. */
  populate(worktree: string, copy: readonly string[], link: readonly string[], ignored?: readonly string[]): Promise<string[]>;
  state(worktree: string): Promise<TreeState>;
  /** The tree of a commit. */
  treeOf(sha: string): Promise<string>;
  /** Checks a commit out in a task's worktree, detached; unsaved work is saved first, and `backToBranch` ends the visit. */
  visit(worktree: string, taskId: string, sha: string): Promise<void>;
  /** Commits everything in the worktree (unsigned, no hooks) if there is anything; says whether there was. */
  checkpoint(worktree: string, message: string): Promise<{ sha: string; changed: boolean }>;
  changes(worktree: string, baseSha: string, headSha: string): Promise<FileChange[]>;
  /** The unified diff between two commits, cut per file and in all so that a prompt can hold it. */
  diff(worktree: string, baseSha: string, headSha: string): Promise<string>;
  /** The changed files between two commits by their path before, with where their lines went. */
  moved(worktree: string, fromSha: string, toSha: string): Promise<Map<string, FileHunks>>;
  /** Merges in memory; touches no file. */
  testMerge(headSha: string, target: string): Promise<{ tree_sha: string; target_sha: string; conflicts: string[] }>;
  /**
   * Makes the merge commit on top of the target; the user's hooks and signing apply. The worktree holds its tree then, on whatever HEAD, and
   * nothing else, unless that tree is `proven`: no gate has to run on it any more.
   */
  buildMerge(options: {
    readonly worktree: string;
    readonly head_sha: string;
    readonly target: string;
    readonly strategy: 'squash' | 'merge';
    readonly proven?: string;
    /** Called, and awaited, before the worktree is changed or its files are looked at; not at all where neither is needed (a conflict, a commit of the proven tree). */
    readonly ready?: () => Promise<unknown>;
    readonly message: string;
    readonly trailers: Readonly<Record<string, string>>;
    readonly env: Readonly<Record<string, string>>;
  }): Promise<MergeResult>;
  /** Moves the target to the merge commit: `merge --ff-only` where it is checked out, else a compare-and-swap of the ref. */
  advance(target: string, mergeSha: string, expectedSha: string, limit?: HookLimit): Promise<AdvanceResult>;
  /** Fast-forwards the target to a commit of its future; false when it is none, or the user's own changes are in the way. */
  follow(target: string, sha: string, limit?: HookLimit): Promise<boolean>;
  /** Puts the worktree back on the task's branch (after a merge was built and dropped). */
  backToBranch(worktree: string, branch: string): Promise<void>;
  /** Saves unsaved work to `refs/baton/snapshots/…`; null when there was none. */
  snapshot(worktree: string, taskId: string): Promise<string | null>;
  /** Snapshot first, then hard reset to `sha` and clean untracked files that are not ignored. */
  reset(worktree: string, taskId: string, sha: string): Promise<void>;
  /** Snapshot first, then remove worktree and branch; the branch's head stays at `refs/baton/tasks/<id>`. */
  remove(taskId: string, worktree: string, branch: string): Promise<void>;
  /** Task ids and content hashes of the `Baton-Task`/`Baton-Hash` trailers reachable from the target, and not from `since` where given. */
  merged(target: string, since?: string): Promise<Map<string, { hash: string; sha: string }>>;
}
