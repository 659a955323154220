/** Virtual Markdown pages about a task: report, plan, permission request. Shown rendered, redrawn when the task changes. */
import * as vscode from 'vscode';
import type { EngineApi } from '../shared/api.ts';
import type { Listening } from './model/emitter.ts';
import { SCHEMES } from './model/ids.ts';
import { permissionPage, planPage, reportPage } from './model/pages.ts';
import type { Repositories, Repository } from './repositories.ts';

type PageKind = 'report' | 'plan' | 'permission';
interface PageQuery {
  readonly kind: PageKind;
  readonly repository: string;
  readonly task: string;
  readonly decision?: string | undefined;
}

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly onDidChange: vscode.Event<vscode.Uri>;
  private readonly repositories: Repositories;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly disposables: (vscode.Disposable | Listening)[];
  /** Pages that are open, with the look of their task when they were last written. */
  private readonly open = new Map<string, string>();

  constructor(repositories: Repositories) {
    this.repositories = repositories;
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

  /** Opens a page in Markdown's own preview. */
  async show(kind: PageKind, repository: Repository, taskId: string, decision?: string): Promise<void> {
    const query: PageQuery = { kind, repository: repository.key, task: taskId, decision };
    const names: Record<PageKind, string> = { report: 'Report', plan: 'Plan', permission: 'Request' };
    const uri = vscode.Uri.from({ scheme: SCHEMES.page, path: `/${names[kind]} of ${taskId}.md`, query: JSON.stringify(query) });
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const query = JSON.parse(uri.query) as PageQuery;
    const repository = this.repositories.find(query.repository);
    if (repository === undefined) return 'The repository of this page is no longer open in this window.\n';
    this.open.set(uri.toString(), this.look(query));
    const api = await this.repositories.api(repository);
    return write(query, api);
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
    return JSON.stringify([task?.state, task?.head_sha, task?.gates.length, task?.attempt_id, task?.decisions.map(({ id, status }) => [id, status])]);
  }
}

async function write(query: PageQuery, api: EngineApi): Promise<string> {
  const task = await api.task(query.task);
  if (task === undefined) return `There is no task \`${query.task}\` any more.\n`;
  switch (query.kind) {
    case 'plan':
      return planPage(task);
    case 'permission': {
      const decision = task.decisions.find(({ id }) => id === query.decision);
      if (decision === undefined) return 'This request is gone.\n';
      return permissionPage({ id: task.task_id, goal: task.task_def.goal, worktree: task.worktree }, decision);
    }
    case 'report':
      // A task without a branch has no changes to list; its report is worth reading all the same.
      return reportPage(task, task.base_sha === null ? undefined : await api.changes(query.task).catch(() => undefined));
  }
}
