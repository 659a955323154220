/** Virtual Markdown pages about a task: report, plan, permission request. Shown rendered, redrawn when the task changes. */
import * as vscode from 'vscode';
import type { Disposable as Listening } from '../engine/ports.ts';
import { SCHEMES } from './model/ids.ts';
import type { OnDemand } from './engine.ts';
import type { Repositories, Repository } from './repositories.ts';

type PageKind = 'report' | 'plan' | 'permission';
export interface PageQuery {
  readonly kind: PageKind;
  readonly repository: string;
  readonly task: string;
  readonly decision?: string | undefined;
}

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly onDidChange: vscode.Event<vscode.Uri>;
  private readonly repositories: Repositories;
  private readonly onDemand: () => OnDemand;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly disposables: (vscode.Disposable | Listening)[];
  /** Pages that are open, with the look of their task when they were last written. */
  private readonly open = new Map<string, string>();

  constructor(repositories: Repositories, onDemand: () => OnDemand) {
    this.repositories = repositories;
    this.onDemand = onDemand;
    this.onDidChange = this.changed.event;
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEMES.page, this),
      vscode.workspace.onDidCloseTextDocument((document) => this.open.delete(document.uri.toString())),
      repositories.onDidChange(() => this.update()),
    ];
  }

  dispose(): void {
    for (const one of this.disposables) one.dispose();
  }

  /** Opens a page: a plan as text, everything else in Markdown's own preview. */
  async show(kind: PageKind, repository: Repository, taskId: string, decision?: string): Promise<void> {
    const query: PageQuery = { kind, repository: repository.key, task: taskId, decision };
    const names: Record<PageKind, string> = { report: 'Report', plan: 'Plan', permission: 'Request' };
    const uri = vscode.Uri.from({ scheme: SCHEMES.page, path: `/${names[kind]} of ${taskId}.md`, query: JSON.stringify(query) });
    if (kind === 'plan') {
      // As text, since only text can be commented line by line.
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
      return;
    }
    // As an editor of its own: the ordinary preview would follow whatever Markdown the user opens next.
    await vscode.commands.executeCommand('vscode.openWith', uri, 'vscode.markdown.preview.editor');
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const query = JSON.parse(uri.query) as PageQuery;
    const repository = this.repositories.find(query.repository);
    if (repository === undefined) return 'The repository of this page is no longer open in this window.\n';
    this.open.set(uri.toString(), this.look(query));
    const api = await this.repositories.api(repository);
    return this.onDemand().writePage(query, api);
  }

  private update(): void {
    for (const [key, look] of this.open) {
      const uri = vscode.Uri.parse(key);
      if (this.look(JSON.parse(uri.query) as PageQuery) !== look) this.changed.fire(uri);
    }
  }

  /** What a page depends on, cheap enough to compare with every snapshot. */
  private look(query: PageQuery): string {
    const task = this.repositories.find(query.repository)?.snapshot?.tasks.find(({ id }) => id === query.task);
    return JSON.stringify([task?.state, task?.head_sha, task?.gates.length, task?.attempt_id, task?.decisions.map(({ id, status }) => [id, status]), task?.activity === null ? task.rev : 0]);
  }
}
