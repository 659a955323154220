/** The dashboard's panel: sends its page complete pictures while it is seen, and leads what is chosen there to native views. */
import * as vscode from 'vscode';
import { randomBytes } from 'node:crypto';
import type { Clock, Disposable as Listening } from '../engine/ports.ts';
import type { EngineApi } from '../shared/api.ts';
import { isWebviewMessage, type DashboardCommand, type HostMessage, type RowRange, type WebviewMessage } from '../shared/dashboard.ts';
import type { App } from './app.ts';
import { guarded } from './boundary.ts';
import { applies, openDecisions } from './model/actions.ts';
import { dashboardOf as project, FIRST_ROWS } from './model/dashboard.ts';
import { FigureDesk } from './model/figures.ts';
import { DASHBOARD, VIEWS, type CommandId } from './model/ids.ts';
import { Pace } from './model/pace.ts';

const CLOCK: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { dispose: () => clearTimeout(timer) };
  },
};

/** One a window, made when first asked for. */
const dashboards = new WeakMap<App, Dashboard>();

export function dashboardOf(app: App): Dashboard {
  const known = dashboards.get(app);
  if (known !== undefined) return known;
  const dashboard = new Dashboard(app);
  dashboards.set(app, dashboard);
  app.subscriptions.push(dashboard);
  return dashboard;
}

export class Dashboard implements vscode.Disposable {
  private readonly app: App;
  private shown: Panel | undefined;

  constructor(app: App) {
    this.app = app;
  }

  dispose(): void {
    this.shown?.panel.dispose();
  }

  /** Shows the panel; `restored` is the one that VS Code kept over a reload. */
  show(restored?: vscode.WebviewPanel): void {
    if (this.shown !== undefined) {
      restored?.dispose();
      this.shown.panel.reveal();
      return;
    }
    const panel = restored ?? vscode.window.createWebviewPanel(DASHBOARD, 'Baton Dashboard', vscode.ViewColumn.Active);
    const shown = new Panel(this.app, panel);
    this.shown = shown;
    panel.onDidDispose(() => {
      shown.dispose();
      this.shown = undefined;
    });
  }
}

class Panel {
  readonly panel: vscode.WebviewPanel;
  private readonly app: App;
  private readonly listening: (vscode.Disposable | Listening)[];
  private readonly pace: Pace;
  private readonly figures: FigureDesk;
  /** The rows of each queue that the page has in sight. */
  private readonly rows = new Map<string, RowRange>();
  private seq = 0;
  /** The picture that the page shows; undefined while there is no page that listens. */
  private sent: string | undefined;
  private listens = false;

  constructor(app: App, panel: vscode.WebviewPanel) {
    this.app = app;
    this.panel = panel;
    this.pace = new Pace(CLOCK, () => this.send(), () => refreshInterval(app) * 1000);
    this.figures = new FigureDesk(() => this.pace.soon());
    this.listening = [
      panel.webview.onDidReceiveMessage((message: unknown) => void guarded(app.log, () => this.receive(message))),
      panel.onDidChangeViewState(() => this.followVisibility()),
      app.repositories.onDidChange(() => this.pace.soon()),
    ];
    const media = vscode.Uri.joinPath(app.extensionUri, 'media');
    const dist = vscode.Uri.joinPath(app.extensionUri, 'dist');
    panel.iconPath = new vscode.ThemeIcon('dashboard');
    panel.webview.options = { enableScripts: true, localResourceRoots: [dist, media] };
    panel.webview.html = html(panel.webview, vscode.Uri.joinPath(dist, 'webview.js'), vscode.Uri.joinPath(media, 'dashboard.css'));
  }

  dispose(): void {
    this.pace.stop();
    for (const one of this.listening) one.dispose();
  }

  /** A hidden page is gone: the next one says that it is ready. */
  private followVisibility(): void {
    if (this.panel.visible) {
      if (this.listens) this.pace.start();
      return;
    }
    this.listens = false;
    this.pace.stop();
  }

  private engines(): Map<string, EngineApi> {
    return new Map(this.app.repositories.all.flatMap(({ key, session }) => (session === undefined ? [] : [[key, session.api] as const])));
  }

  private send(): void {
    if (!this.listens || !this.panel.visible) return;
    const { repositories } = this.app;
    this.figures.refresh(this.engines(), Date.now());
    const view = project(
      {
        trusted: repositories.trusted,
        window: this.figures.window,
        folders: repositories.folderStates,
        repositories: repositories.all.map(({ key, name, opening, failure, snapshot }) => ({
          key,
          name,
          opening: opening !== undefined,
          failure: failure?.message,
          snapshot,
          figures: this.figures.of(key),
          rows: this.rows.get(key) ?? FIRST_ROWS,
        })),
      },
      Date.now(),
    );
    const picture = JSON.stringify(view);
    if (picture === this.sent) return;
    this.sent = picture;
    this.seq += 1;
    const message: HostMessage = { type: 'snapshot', seq: this.seq, view };
    void this.panel.webview.postMessage(message);
  }

  private async receive(message: unknown): Promise<void> {
    if (!isWebviewMessage(message)) {
      this.app.log.warn('The dashboard sent a message that is not one of its own; it was ignored.');
      return;
    }
    switch (message.type) {
      case 'ready':
        this.listens = true;
        this.sent = undefined;
        if (message.window !== this.figures.window) await this.figures.choose(message.window, this.engines());
        this.pace.start();
        return;
      case 'window':
        await this.figures.choose(message.window, this.engines());
        return;
      case 'rows':
        this.rows.set(message.repository, message.range);
        this.pace.now();
        return;
      case 'command':
        await this.run(message.command, message.repository);
        return;
      case 'task':
      case 'decision':
        await this.open(message);
    }
  }

  private run(command: DashboardCommand, repository: string | null): Thenable<unknown> {
    const node = repository === null ? [] : [{ kind: 'repository', repository: { key: repository } }];
    return vscode.commands.executeCommand(COMMANDS[command], ...(TAKES_REPOSITORY.includes(command) ? node : []));
  }

  /** Where a task can be looked at best: what it asks, its live transcript, its report, its file, else its row in the queue. */
  private async open(message: Extract<WebviewMessage, { task: string }>): Promise<void> {
    const repository = this.app.repositories.find(message.repository);
    const task = repository?.snapshot?.tasks.find(({ id }) => id === message.task);
    if (repository === undefined || task === undefined) {
      say(`${message.task} is no longer there.`);
      return;
    }
    const node = { kind: 'task', id: task.id, repository: repository.key, task };
    const wanted = message.type === 'decision' ? task.decisions.find(({ id }) => id === message.decision) : openDecisions(task)[0];
    if (wanted !== undefined) await run('baton.openDecision', { ...node, kind: 'decision', decision: wanted });
    else if (message.type === 'decision') say(`${task.id} does not wait for that any more.`);
    else if (applies('message', task) && applies('transcript', task)) await run('baton.openTranscript', node);
    else if (applies('report', task)) await run('baton.showReport', node);
    else if (applies('openFile', task)) await run('baton.openTaskFile', node);
    else this.app.queue.reveal(repository, task.id);
  }
}

const TAKES_REPOSITORY: readonly DashboardCommand[] = ['newTask', 'start', 'pause', 'createConfiguration', 'openConfiguration'];

const COMMANDS: Readonly<Record<DashboardCommand, string>> = {
  newTask: 'baton.newTask',
  start: 'baton.start',
  pause: 'baton.pause',
  refresh: 'baton.refresh',
  installAgent: 'baton.installAgent',
  createConfiguration: 'baton.createConfiguration',
  openConfiguration: 'baton.openConfiguration',
  showNeedsYou: 'baton.showNeedsYou',
  showQueue: `${VIEWS.queue}.focus`,
  showProblems: 'workbench.actions.view.problems',
  showLog: 'baton.showLog',
  manageTrust: 'workbench.trust.manage',
  openFolder: 'vscode.openFolder',
};

/** Seconds: the shortest that a repository's configuration asks for. */
function refreshInterval({ repositories }: App): number {
  const wanted = repositories.all.flatMap(({ snapshot }) => snapshot?.dashboard.refresh_interval ?? []);
  return wanted.length === 0 ? 5 : Math.min(...wanted);
}

async function run(id: CommandId, node: unknown): Promise<void> {
  await vscode.commands.executeCommand(id, node);
}

/** Says it and goes on: nothing waits for the message to be closed. */
function say(text: string): void {
  void vscode.window.showInformationMessage(text);
}

/** The page: nothing but its script and its style; everything in it is made by the script from messages. */
function html(webview: vscode.Webview, script: vscode.Uri, style: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource}; base-uri 'none'; form-action 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Baton Dashboard</title>
<link rel="stylesheet" href="${webview.asWebviewUri(style).toString()}">
</head>
<body>
<main id="dashboard" aria-busy="true"></main>
<script nonce="${nonce}" src="${webview.asWebviewUri(script).toString()}"></script>
</body>
</html>
`;
}
