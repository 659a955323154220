/** A plan that waits for its approval as a YAML file: saving it puts the edited plan in its place. */
import * as vscode from 'vscode';
import { stringify } from 'yaml';
import { isRecord, YamlText } from '../core/yamlText.ts';
import { messageOf } from '../core/errors.ts';
import { userInfo } from 'node:os';
import type { App } from './app.ts';
import { SCHEMES } from './model/ids.ts';
import type { TaskTarget } from './targets.ts';

const registered = new WeakSet<App>();

/** Makes such files readable in this window; once. */
export function registerPlanFiles(app: App): void {
  if (registered.has(app)) return;
  registered.add(app);
  app.subscriptions.push(vscode.workspace.registerFileSystemProvider(SCHEMES.plan, new PlanFiles(app), { isCaseSensitive: true }));
}

/** Opens the plan of a task to be edited. */
export async function editPlan(app: App, { repository, task }: TaskTarget): Promise<void> {
  registerPlanFiles(app);
  const uri = vscode.Uri.from({ scheme: SCHEMES.plan, path: `/Plan of ${task.id}.yaml`, query: JSON.stringify({ repository: repository.key, task: task.id }) });
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
}

class PlanFiles implements vscode.FileSystemProvider {
  readonly onDidChangeFile: vscode.Event<vscode.FileChangeEvent[]>;
  private readonly app: App;
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();

  constructor(app: App) {
    this.app = app;
    this.onDidChangeFile = this.changed.event;
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { text, revision } = await this.plan(uri);
    return { type: vscode.FileType.File, ctime: 0, mtime: revision, size: Buffer.byteLength(text) };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return Buffer.from((await this.plan(uri)).text);
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const yaml = new YamlText(Buffer.from(content).toString('utf8'));
    const [fault] = yaml.errors;
    if (fault !== undefined) throw vscode.FileSystemError.Unavailable(`Line ${fault.line}: ${fault.message}`);
    if (!isRecord(yaml.value)) throw vscode.FileSystemError.Unavailable('A plan has a list of steps.');
    const { repository, taskId } = this.target(uri);
    try {
      await this.app.repositories.send(repository, { type: 'edit_plan', task_id: taskId, plan: yaml.value, by: userInfo().username });
    } catch (error) {
      throw vscode.FileSystemError.Unavailable(messageOf(error));
    }
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(): void {
    throw vscode.FileSystemError.NoPermissions('Only plans of tasks are here.');
  }

  delete(): void {
    throw vscode.FileSystemError.NoPermissions('A plan cannot be deleted; reject it instead.');
  }

  rename(): void {
    throw vscode.FileSystemError.NoPermissions('A plan has no other name.');
  }

  private target(uri: vscode.Uri) {
    const query = JSON.parse(uri.query) as { repository: string; task: string };
    const repository = this.app.repositories.find(query.repository);
    if (repository === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return { repository, taskId: query.task };
  }

  private async plan(uri: vscode.Uri): Promise<{ text: string; revision: number }> {
    const { repository, taskId } = this.target(uri);
    const task = await (await this.app.repositories.api(repository)).task(taskId);
    if (task === undefined || task.plan === null) throw vscode.FileSystemError.FileNotFound(uri);
    // Only the plan's own changes count as the file's: its commits, by their number.
    const text = `# Save to put this plan in the place of the planner's; then approve it.\n${stringify(task.plan, { lineWidth: 100 })}`;
    return { text, revision: task.decisions.length };
  }
}
