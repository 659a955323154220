/** What a document shows of a task under review: a file at the head of its branch, the same file in its worktree, or its plan. */
import type * as vscode from 'vscode';
import type { Snapshot, TaskView } from '../shared/api.ts';
import { SCHEMES } from './model/ids.ts';
import type { Repositories, Repository } from './repositories.ts';

interface Target {
  readonly repository: Repository;
  readonly task: TaskView;
}
export type ReviewTarget = Target & ({ readonly kind: 'file'; readonly file: string } | { readonly kind: 'plan' });

export function reviewTarget(repositories: Repositories, uri: vscode.Uri): ReviewTarget | undefined {
  if (uri.scheme === SCHEMES.git) return atHead(repositories, uri);
  if (uri.scheme === SCHEMES.page) return ofPlan(repositories, uri);
  return uri.scheme === 'file' ? inWorktree(repositories, uri.fsPath) : undefined;
}

function atHead(repositories: Repositories, uri: vscode.Uri): ReviewTarget | undefined {
  const { root, sha, path } = JSON.parse(uri.query) as { root: string; sha: string; path: string };
  const repository = repositories.all.find((one) => one.root === root);
  const task = repository?.snapshot?.tasks.find((one) => one.head_sha === sha && one.base_sha !== sha);
  return repository === undefined || task === undefined ? undefined : { repository, task, kind: 'file', file: path };
}

function ofPlan(repositories: Repositories, uri: vscode.Uri): ReviewTarget | undefined {
  const query = JSON.parse(uri.query) as { kind: string; repository: string; task: string };
  const repository = query.kind === 'plan' ? repositories.find(query.repository) : undefined;
  const task = repository?.snapshot?.tasks.find(({ id }) => id === query.task);
  return repository === undefined || task === undefined ? undefined : { repository, task, kind: 'plan' };
}

function inWorktree(repositories: Repositories, path: string): ReviewTarget | undefined {
  for (const repository of repositories.all) {
    for (const { worktree, task } of repository.snapshot === undefined ? [] : atWork(repository.snapshot)) {
      if (!path.startsWith(worktree)) continue;
      const rest = path.slice(worktree.length).replaceAll('\\', '/');
      if (rest.startsWith('/') && !rest.startsWith('/.git/')) return { repository, task, kind: 'file', file: rest.slice(1) };
    }
  }
  return undefined;
}

/** Of thousands of tasks few have a worktree: looked for once a snapshot, not once a document. */
function atWork(snapshot: Snapshot): readonly { readonly worktree: string; readonly task: TaskView }[] {
  const known = worktrees.get(snapshot);
  if (known !== undefined) return known;
  const found = snapshot.tasks.flatMap((task) => (task.worktree === null || task.head_sha === null ? [] : [{ worktree: task.worktree, task }]));
  worktrees.set(snapshot, found);
  return found;
}
const worktrees = new WeakMap<Snapshot, readonly { readonly worktree: string; readonly task: TaskView }[]>();
