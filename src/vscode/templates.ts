/** New Task from Template, and the files of templates and schedules. */
import * as vscode from 'vscode';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { App } from './app.ts';
import { CREATABLE, type Creatable } from './model/firstFiles.ts';
import { repositoryFor } from './targets.ts';

/** Asks for a template and for the values of its placeholders, and puts the task into the queue. */
export async function newTaskFromTemplate(app: App, args: readonly unknown[]): Promise<void> {
  const repository = await repositoryFor(app, args, 'New Task from Template');
  if (repository === undefined) return;
  const { readTemplates, newTaskFrom } = app.engine();
  const templates = await readTemplates(repository.root);
  if (templates.length === 0) return offer(repository.root, 'template', `${repository.name} has no task templates yet.`);
  const picked = await vscode.window.showQuickPick(
    templates.map((template) => ({ label: template.name, description: template.title, template })),
    { title: `New Task in ${repository.name}`, placeHolder: 'Choose a template', matchOnDescription: true },
  );
  if (picked === undefined) return;
  const { template } = picked;
  const values: Record<string, string> = {};
  for (const [index, { name, fallback }] of template.placeholders.entries()) {
    const value = await vscode.window.showInputBox({
      title: `New Task from ${template.name} (${index + 1} of ${template.placeholders.length})`,
      prompt: `${name}, for: ${template.title}`,
      value: fallback ?? '',
      ignoreFocusOut: true,
      validateInput: (text) => (fallback === undefined && text.trim() === '' ? `${name} needs a value.` : undefined),
    });
    if (value === undefined) return;
    values[name] = value;
  }
  const reply = await app.repositories.send(repository, { type: 'add_task', task: newTaskFrom(template, values) });
  if (reply.task_id !== undefined) app.queue.reveal(repository, reply.task_id);
}

/** Opens the schedules; where there are none, offers to write the first. */
export async function openSchedules(app: App, args: readonly unknown[]): Promise<void> {
  const repository = await repositoryFor(app, args, 'Open Schedules');
  if (repository === undefined) return;
  const uri = vscode.Uri.file(join(repository.root, CREATABLE.schedules.file));
  const there = await vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
  if (there) await vscode.window.showTextDocument(uri);
  else await offer(repository.root, 'schedules', `${repository.name} has no schedules yet.`);
}

async function offer(root: string, what: Creatable, message: string): Promise<void> {
  const { action, file, text } = CREATABLE[what];
  const chosen = await vscode.window.showInformationMessage(message, action);
  if (chosen !== action) return;
  const path = join(root, file);
  await mkdir(dirname(path), { recursive: true });
  // What somebody else has written meanwhile stays.
  await writeFile(path, text, { flag: 'wx' }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  await vscode.window.showTextDocument(vscode.Uri.file(path));
}
