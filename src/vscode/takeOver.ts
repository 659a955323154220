/** An agent's session in a terminal of the user's, and back. */
import * as vscode from 'vscode';
import { userInfo } from 'node:os';
import type { App } from './app.ts';
import { confirm } from './confirm.ts';
import type { TaskTarget } from './targets.ts';

export async function takeOver(app: App, { repository, task }: TaskTarget): Promise<void> {
  const reply = await app.repositories.send(repository, { type: 'take_over', task_id: task.id, by: userInfo().username });
  confirm(reply);
  if (reply.terminal === undefined) return;
  const { program, args, cwd, env } = reply.terminal;
  // The program itself, not a shell that types it: nothing has to be quoted.
  const terminal = vscode.window.createTerminal({ name: `Baton: ${task.id}`, shellPath: program, shellArgs: [...args], cwd, env: { ...env }, iconPath: new vscode.ThemeIcon('debug-disconnect') });
  terminal.show();
  // Leaving the program is the moment to hand the session back.
  const closing = vscode.window.onDidCloseTerminal((closed) => {
    if (closed !== terminal) return;
    closing.dispose();
    const now = repository.snapshot?.tasks.find(({ id }) => id === task.id);
    if (typeof now?.taken_over === 'string') void offer(app, { repository, task: now });
  });
  app.subscriptions.push(closing);
}

export async function handBack(app: App, { repository, task }: TaskTarget): Promise<void> {
  const text = await vscode.window.showInputBox({ title: `Hand back the session of ${task.id}`, prompt: 'What should the agent know? (may be empty)', ignoreFocusOut: true });
  if (text === undefined) return;
  confirm(await app.repositories.send(repository, { type: 'hand_back', task_id: task.id, ...(text === '' ? {} : { text }), by: userInfo().username }));
}

async function offer(app: App, target: TaskTarget): Promise<void> {
  const hand = 'Hand Back…';
  const chosen = await vscode.window.showInformationMessage(`The session of ${target.task.id} is still yours. Its agent goes on when you hand it back.`, hand);
  if (chosen === hand) await handBack(app, target);
}
