/** The Queue: a tree over the snapshots, drag and drop into a manual order, a clock only while something visible runs. */
import * as vscode from 'vscode';
import type { Disposable as Listening } from '../engine/ports.ts';
import { VIEWS } from './model/ids.ts';
import {
  PAGE,
  dropBefore,
  fileChildren,
  gateChildren,
  presentNode,
  queueRoots,
  taskNodeId,
  tickEvery,
  type QueueNode,
  type QueueRepository,
} from './model/queue.ts';
import { childrenOf, treeLooks } from './model/queueTree.ts';
import { queueGroup, taskTooltip } from './model/taskItem.ts';
import { isQueued } from './model/actions.ts';
import { noticeOf, queueMessage } from './model/welcome.ts';
import type { Repositories, Repository } from './repositories.ts';
import type { Reviewed } from './reviewed.ts';
import { plainMarkdown, toTreeItem } from './tree.ts';

const MIME = 'application/vnd.code.tree.baton.queue';
type NodeOf<Kind extends QueueNode['kind']> = Extract<QueueNode, { kind: Kind }>;

export class QueueView implements vscode.TreeDataProvider<QueueNode>, vscode.TreeDragAndDropController<QueueNode>, vscode.Disposable {
  readonly dragMimeTypes = [MIME];
  readonly dropMimeTypes = [MIME];
  readonly onDidChangeTreeData: vscode.Event<QueueNode | QueueNode[] | undefined>;

  private readonly repositories: Repositories;
  private readonly reviewed: Reviewed;
  private readonly guard: (work: Promise<unknown>) => void;
  private readonly changed = new vscode.EventEmitter<QueueNode | QueueNode[] | undefined>();
  private readonly view: vscode.TreeView<QueueNode>;
  private readonly disposables: (vscode.Disposable | Listening)[] = [];
  /** One object per id for as long as the node lives: VS Code tells elements apart by identity. */
  private readonly nodes = new Map<string, QueueNode>();
  /** What each drawn node looked like, to draw again only what differs. */
  private drawn: ReadonlyMap<string, string> = new Map();
  private structure = '';
  private readonly limits = new Map<string, number>();
  private timer: { readonly every: number; readonly handle: NodeJS.Timeout } | undefined;
  private awaited: { readonly repository: string; readonly taskId: string } | undefined;

  /** `guard` shows the failure of work that nobody waits for. */
  constructor(repositories: Repositories, reviewed: Reviewed, guard: (work: Promise<unknown>) => void) {
    this.repositories = repositories;
    this.reviewed = reviewed;
    this.guard = guard;
    this.onDidChangeTreeData = this.changed.event;
    this.view = vscode.window.createTreeView<QueueNode>(VIEWS.queue, {
      treeDataProvider: this,
      dragAndDropController: this,
      canSelectMany: true,
      showCollapseAll: false,
      // Ticks are ours: they follow the file's content, not the tree.
      manageCheckboxStateManually: true,
    });
    this.disposables.push(
      this.changed,
      this.view,
      repositories.onDidChange(() => this.update()),
      this.view.onDidChangeVisibility(() => this.update()),
      this.view.onDidChangeCheckboxState(({ items }) => guard(this.tick(items))),
    );
  }

  dispose(): void {
    if (this.timer !== undefined) clearInterval(this.timer.handle);
    for (const one of this.disposables) one.dispose();
  }

  /** Shows and selects a task as soon as the snapshot has it, without taking the keyboard focus. */
  reveal(repository: Repository, taskId: string): void {
    this.awaited = { repository: repository.key, taskId };
    this.update();
  }

  showMore(node: NodeOf<'more'>): void {
    const group = `${node.repository}/${node.group}`;
    this.limits.set(group, (this.limits.get(group) ?? PAGE) + PAGE);
    this.update();
  }

  getTreeItem(node: QueueNode): vscode.TreeItem {
    return toTreeItem(presentNode(node, Date.now()));
  }

  resolveTreeItem(item: vscode.TreeItem, node: QueueNode): vscode.TreeItem {
    if (node.kind === 'task') item.tooltip = plainMarkdown(taskTooltip(node.task, Date.now()));
    if (node.kind === 'gate') item.tooltip = `${node.gate.command}\n${node.gate.message}`;
    if (node.kind === 'step') item.tooltip = node.step.description;
    return item;
  }

  async getChildren(node?: QueueNode): Promise<QueueNode[]> {
    const now = Date.now();
    if (node === undefined) return this.intern(queueRoots(this.shown(), now));
    switch (node.kind) {
      case 'files':
        return this.intern(await this.fileNodes(node));
      case 'gates':
        return this.intern(gateChildren(node));
      default:
        return this.intern(childrenOf(node, this.limits, now));
    }
  }

  getParent(node: QueueNode): QueueNode | undefined {
    if (node.kind === 'task') return this.nodes.get(`${node.repository}/${queueGroup(node.task)}`);
    if (node.kind === 'group' && this.repositories.all.length > 1) return this.nodes.get(`repository/${node.repository}`);
    return undefined;
  }

  handleDrag(source: readonly QueueNode[], data: vscode.DataTransfer): void {
    const tasks = source.filter((node): node is NodeOf<'task'> => node.kind === 'task' && isQueued(node.task));
    if (tasks.length === 0) return;
    data.set(MIME, new vscode.DataTransferItem(tasks.map(({ repository, task }) => ({ repository, id: task.id }))));
  }

  handleDrop(target: QueueNode | undefined, data: vscode.DataTransfer): void {
    const dragged = data.get(MIME)?.value as readonly { repository: string; id: string }[] | undefined;
    if (dragged === undefined || target === undefined) return;
    const onto = target.kind === 'task' ? target.task.id : target.kind === 'group' || target.kind === 'more' ? null : undefined;
    if (onto === undefined || !('repository' in target) || typeof target.repository !== 'string') return;
    const repository = this.repositories.find(target.repository);
    const ids = dragged.filter((one) => one.repository === target.repository).map(({ id }) => id);
    if (repository?.snapshot === undefined || ids.length === 0) return;
    const before = dropBefore(repository.snapshot.tasks, ids, onto);
    if (before !== undefined) this.guard(this.place(repository, ids, before));
  }

  private shown(): QueueRepository[] {
    return this.repositories.all.map(({ key, name, opening, failure, snapshot }) => {
      const notice = noticeOf({ opening: opening !== undefined, failure: failure?.message, snapshot });
      return { key, name, snapshot, notice };
    });
  }

  private async fileNodes(node: NodeOf<'files'>): Promise<QueueNode[]> {
    const repository = this.repositories.find(node.repository);
    if (repository === undefined) return [];
    const { changes, isReviewed } = await this.reviewed.files(repository, node.task);
    return fileChildren(node, changes.files, isReviewed);
  }

  private intern<Node extends QueueNode>(nodes: Node[]): Node[] {
    return nodes.map((node) => {
      const known = this.nodes.get(node.id);
      if (known === undefined) {
        this.nodes.set(node.id, node);
        return node;
      }
      return Object.assign(known, node);
    });
  }

  /** Takes in the latest snapshots: draws again what looks different, everything when nodes came, went or moved. */
  private update(): void {
    const shown = this.shown();
    const open = this.repositories.all.flatMap((repository) => repository.snapshot ?? []);
    // The declared type lacks undefined, though it is how a message is taken away.
    (this.view as { message: string | undefined }).message = queueMessage(open);
    this.keepTime(shown);
    if (!this.view.visible) {
      this.structure = '';
      this.revealAwaited();
      return;
    }
    const now = Date.now();
    const { looks: drawn, structure } = treeLooks(shown, this.limits, (nodes) => this.intern(nodes), now);
    const before = this.drawn;
    this.drawn = drawn;
    if (structure !== this.structure) {
      this.structure = structure;
      this.forget();
      this.changed.fire(undefined);
    } else {
      const different = [...drawn].flatMap(([id, look]) => (before.get(id) === look ? [] : (this.nodes.get(id) ?? [])));
      if (different.length > 0) this.changed.fire(different);
    }
    this.revealAwaited();
  }

  /** Lets go of nodes of tasks that the snapshots no longer have. */
  private forget(): void {
    const alive = new Set(
      this.repositories.all.flatMap(({ key, snapshot }) => (snapshot?.tasks ?? []).map((task) => taskNodeId(key, task.id))),
    );
    for (const [id, node] of this.nodes) {
      if ('task' in node && !alive.has(taskNodeId(node.repository, node.task.id))) this.nodes.delete(id);
    }
  }

  private revealAwaited(): void {
    const { awaited } = this;
    if (awaited === undefined) return;
    const task = this.repositories.find(awaited.repository)?.snapshot?.tasks.find(({ id }) => id === awaited.taskId);
    if (task === undefined) return;
    this.awaited = undefined;
    void this.revealNow(awaited.repository, awaited.taskId);
  }

  private async revealNow(repository: string, taskId: string): Promise<void> {
    // Walks the way down first, so that the node and its parents are known by identity.
    for (const root of await this.getChildren()) {
      const groups = root.kind === 'repository' ? await this.getChildren(root) : [root];
      for (const group of groups) await this.getChildren(group);
    }
    const node = this.nodes.get(taskNodeId(repository, taskId));
    if (node === undefined) return;
    // A task behind "Show More…" cannot be revealed; it is in the queue all the same.
    await this.view.reveal(node, { select: true, focus: false }).then(undefined, () => undefined);
  }

  /** One timer, and only while the view is visible and shows a time that passes. */
  private keepTime(shown: readonly QueueRepository[]): void {
    const every = this.view.visible ? tickEvery(shown, Date.now()) : null;
    if (this.timer?.every === every || (this.timer === undefined && every === null)) return;
    if (this.timer !== undefined) clearInterval(this.timer.handle);
    this.timer = every === null ? undefined : { every, handle: setInterval(() => this.update(), every) };
  }

  private async place(repository: Repository, ids: readonly string[], before: string | null): Promise<void> {
    for (const id of ids) await this.repositories.send(repository, { type: 'place', task_id: id, before });
  }

  private async tick(items: readonly [QueueNode, vscode.TreeItemCheckboxState][]): Promise<void> {
    for (const [node, state] of items) {
      if (node.kind !== 'file') continue;
      const repository = this.repositories.find(node.repository);
      if (repository === undefined) continue;
      node.reviewed = state === vscode.TreeItemCheckboxState.Checked;
      await this.reviewed.mark(repository, node.task, node.file.path, node.reviewed);
    }
  }
}
