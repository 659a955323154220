/** Light bulbs that queue a task: for a TODO or FIXME under the cursor, and for a reported problem. */
import * as vscode from 'vscode';
import type { CommandId } from './model/ids.ts';
import { todoOf } from './model/taskDraft.ts';
import type { Repositories } from './repositories.ts';

const COMMAND: CommandId = 'baton.newTaskFromSelection';

export function registerCodeActions(repositories: Repositories): vscode.Disposable {
  const provider: vscode.CodeActionProvider = {
    provideCodeActions(document, range, context) {
      if (repositories.containing(document.uri.fsPath) === undefined) return [];
      const actions = context.diagnostics.map((diagnostic) => action('Queue a Baton Task to Fix This', document.uri, diagnostic.range, diagnostic));
      const line = document.lineAt(range.start.line);
      if (todoOf(line.text) !== undefined) actions.push(action('Queue a Baton Task for This TODO', document.uri, line.range));
      return actions;
    },
  };
  return vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, provider, {
    providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
  });
}

function action(title: string, uri: vscode.Uri, range: vscode.Range, diagnostic?: vscode.Diagnostic): vscode.CodeAction {
  const found = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  found.command = { command: COMMAND, title, arguments: [uri, range, diagnostic] };
  if (diagnostic !== undefined) found.diagnostics = [diagnostic];
  return found;
}
