/** Forgetting tasks: each asks in a dialog first, since what is lost does not come back. */
import * as vscode from 'vscode';
import type { App } from './app.ts';
import { confirm } from './confirm.ts';
import { repositoryFor, tasksFor } from './targets.ts';

/** Ids named in a dialog; it does not scroll. */
const NAMED = 12;

/** Deletes tasks with their definitions. */
export async function deleteTask(app: App, args: readonly unknown[]): Promise<void> {
  const targets = await tasksFor(app, 'delete', args, 'Delete Task');
  const [first] = targets;
  if (first === undefined) return;
  const what = targets.length === 1 ? `Delete ${first.task.id}?` : `Delete ${targets.length} tasks?`;
  const files = [...new Set(targets.flatMap(({ task }) => task.source?.file ?? []))];
  const detail = [
    ...(targets.length === 1 ? [first.task.goal] : [named(targets.map(({ task }) => task.id))]),
    files.length === 0 ? 'No definition is left to delete.' : `It is taken out of ${files.slice(0, 3).join(', ')}${files.length > 3 ? ' and others' : ''}.`,
    'Branches and uncommitted work are kept under refs/baton.',
  ].join('\n');
  if ((await vscode.window.showWarningMessage(what, { modal: true, detail }, 'Delete')) !== 'Delete') return;
  for (const { repository, task } of targets) confirm(await app.repositories.send(repository, { type: 'delete_task', task_id: task.id }));
}

/** Forgets every task that is not at work. */
export async function cleanState(app: App, args: readonly unknown[]): Promise<void> {
  const repository = await repositoryFor(app, args, 'Clean State');
  if (repository === undefined) return;
  const plan = await app.repositories.send(repository, { type: 'clean_state', dry_run: true });
  const ids = plan.task_ids ?? [];
  if (ids.length === 0) {
    void vscode.window.showInformationMessage(`${repository.name} has no stored state to remove. ${plan.message}`);
    return;
  }
  const detail = `${plan.message}\n${named(ids)}\n\nMerged work, branches and snapshots stay in git. What has a definition and is not merged is queued again from the start.`;
  if ((await vscode.window.showWarningMessage(`Remove the stored state of ${repository.name}?`, { modal: true, detail }, 'Remove State')) !== 'Remove State') return;
  confirm(await app.repositories.send(repository, { type: 'clean_state' }));
}

function named(ids: readonly string[]): string {
  return `${ids.slice(0, NAMED).join(', ')}${ids.length > NAMED ? ` and ${ids.length - NAMED} more` : ''}`;
}
