/** What may change which repositories there are: folders, trust, a `git init` or `baton init` elsewhere. */
import * as vscode from 'vscode';
import type { Repositories } from './repositories.ts';

export function watchWorkspace(repositories: Repositories): vscode.Disposable {
  const look = () => void repositories.refresh().catch(() => undefined);
  // Something is still missing: coming back to the window is the moment at which it may be there.
  const unsettled = () => repositories.folderStates.some((state) => state !== 'repository') || repositories.all.some(({ session }) => session === undefined);
  const files = vscode.workspace.createFileSystemWatcher('**/.baton/{orchestrator.yaml,tasks.yaml,.gitignore,tasks/*.md}', false, true, true);
  return vscode.Disposable.from(
    files,
    files.onDidCreate(() => unsettled() && look()),
    vscode.workspace.onDidChangeWorkspaceFolders(look),
    vscode.workspace.onDidGrantWorkspaceTrust(look),
    vscode.window.onDidChangeWindowState(({ focused }) => focused && unsettled() && look()),
  );
}
