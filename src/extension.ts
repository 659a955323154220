/** The extension's two hooks: build the parts, register the views, and let go of everything again. */
import * as vscode from 'vscode';
import type { App } from './vscode/app.ts';
import { guarded } from './vscode/boundary.ts';
import { registerCodeActions } from './vscode/codeActions.ts';
import { registerCommands } from './vscode/commands.ts';
import { agentPaths, isInUse } from './vscode/configuration.ts';
import { contextKeySetter, followRepositories } from './vscode/contextKeys.ts';
import { Diagnostics } from './vscode/diagnostics.ts';
import { loadEngine, loadOnDemand } from './vscode/engine.ts';
import { locate } from './vscode/git.ts';
import { createLog } from './vscode/log.ts';
import { DASHBOARD, type CommandId } from './vscode/model/ids.ts';
import { NeedsYouView } from './vscode/needsYouView.ts';
import { Notifications } from './vscode/notifications.ts';
import { Pages } from './vscode/pages.ts';
import { QueueView } from './vscode/queueView.ts';
import { Repositories } from './vscode/repositories.ts';
import { Reviewed } from './vscode/reviewed.ts';
import { Reviews, whereReviewed } from './vscode/review.ts';
import { StatusBar } from './vscode/statusBar.ts';
import { Transcripts } from './vscode/transcript.ts';
import { watchWorkspace } from './vscode/workspace.ts';

let running: Repositories | undefined;

/** Registers everything and returns; the engine is loaded when a repository needs it. */
export function activate(context: vscode.ExtensionContext): void {
  const declared = context.extension.packageJSON as { readonly contributes: { readonly commands: readonly { readonly command: CommandId }[] } };
  const channel = vscode.window.createOutputChannel('Baton', { log: true });
  const log = createLog(channel);
  const distDir = context.asAbsolutePath('dist');
  const engine = () => loadEngine(distDir);
  const onDemand = () => loadOnDemand(distDir);
  const repositories = new Repositories({
    log,
    trusted: () => vscode.workspace.isTrusted,
    folders: () => (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath),
    locate,
    inUse: isInUse,
    open: (folder) => engine().openRepository({ folder, host: 'vscode', log, distDir, env: process.env, settings: { agentPaths: agentPaths() } }),
  });
  running = repositories;
  const setKey = contextKeySetter();
  const guard = (work: Promise<unknown>) => void guarded(channel, () => work);
  const needsYou = new NeedsYouView(repositories);
  const queue = new QueueView(repositories, new Reviewed(repositories, context.workspaceState), guard);
  const reviews = new Reviews(repositories, setKey);
  const transcripts = new Transcripts((entries) => onDemand().renderTranscript(entries));
  const pages = new Pages(repositories, onDemand);
  const app: App = { log: channel, engine, onDemand, repositories, queue, needsYou, reviews, transcripts, pages, extensionUri: context.extensionUri, subscriptions: context.subscriptions };
  context.subscriptions.push(
    channel,
    needsYou,
    queue,
    reviews,
    transcripts,
    pages,
    new StatusBar(repositories),
    new Diagnostics(repositories),
    new Notifications(repositories, needsYou, reviews),
    followRepositories(repositories, setKey),
    registerCommands(app, declared.contributes.commands.map(({ command }) => command)),
    vscode.window.registerWebviewPanelSerializer(DASHBOARD, {
      deserializeWebviewPanel: (panel) => guarded(channel, () => onDemand().dashboardOf(app).show(panel)),
    }),
    whereReviewed(() => void onDemand().commentsOf(app), () => onDemand().registerPlanFiles(app)),
    registerCodeActions(repositories),
    watchWorkspace(repositories),
  );
  guard(repositories.refresh());
}

/** Resolves when engines, stores and locks are let go, as far as VS Code waits. */
export async function deactivate(): Promise<void> {
  await running?.close();
  running = undefined;
}
