/** What may change which repositories there are: folders, trust, a `git init` or `baton init` elsewhere. */
import * as vscode from 'vscode';
import type { Repositories } from './repositories.ts';

/** What shows that a repository uses Baton. */
const USE = ['.baton', '.baton/tasks', '.baton/orchestrator.yaml', '.baton/tasks.yaml', '.baton/.gitignore', '.baton/tasks/*.md'];

export function watchWorkspace(repositories: Repositories): vscode.Disposable {
  const look = () => void repositories.refresh().catch(() => undefined);
  // Something is still missing: coming back to the window is the moment at which it may be there.
  const unsettled = () => repositories.folderStates.some((state) => state !== 'repository') || repositories.all.some(({ session }) => session === undefined);
  // A folder that is made with its files in it is reported without them.
  const files = vscode.workspace.createFileSystemWatcher(`**/{${USE.join(',')}}`, false, true, true);
  return vscode.Disposable.from(
    files,
    files.onDidCreate(() => unsettled() && look()),
    vscode.workspace.onDidChangeWorkspaceFolders(look),
    vscode.workspace.onDidGrantWorkspaceTrust(look),
    vscode.window.onDidChangeWindowState(({ focused }) => focused && unsettled() && look()),
  );
}
