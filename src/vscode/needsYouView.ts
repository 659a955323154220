/** Needs You: one item an open decision, most pressing first, and the badge that counts them. */
import * as vscode from 'vscode';
import type { Decision } from '../core/execution.ts';
import type { TaskView } from '../shared/api.ts';
import {
  comparePending,
  decisionContext,
  decisionDescription,
  decisionIcon,
  decisionTitle,
  decisionTooltip,
  needYou,
  pendingDecisions,
} from './model/decisionItem.ts';
import type { Disposable as Listening } from '../engine/ports.ts';
import { VIEWS } from './model/ids.ts';
import type { Repositories } from './repositories.ts';
import { plainMarkdown, toTreeItem } from './tree.ts';

export interface DecisionNode {
  readonly kind: 'decision';
  readonly id: string;
  readonly repository: string;
  readonly task: TaskView;
  readonly decision: Decision;
}

export class NeedsYouView implements vscode.TreeDataProvider<DecisionNode>, vscode.Disposable {
  readonly onDidChangeTreeData: vscode.Event<undefined>;
  private readonly repositories: Repositories;
  private readonly changed = new vscode.EventEmitter<undefined>();
  private readonly view: vscode.TreeView<DecisionNode>;
  private readonly listening: Listening;
  private drawn = '';

  constructor(repositories: Repositories) {
    this.repositories = repositories;
    this.onDidChangeTreeData = this.changed.event;
    this.view = vscode.window.createTreeView<DecisionNode>(VIEWS.needsYou, { treeDataProvider: this });
    this.listening = repositories.onDidChange(() => this.update());
  }

  get visible(): boolean {
    return this.view.visible;
  }

  dispose(): void {
    this.listening.dispose();
    this.view.dispose();
    this.changed.dispose();
  }

  getTreeItem(node: DecisionNode): vscode.TreeItem {
    const { id, task, decision } = node;
    const title = decisionTitle(decision);
    const description = decisionDescription(task, decision);
    return toTreeItem({
      id,
      label: title,
      description,
      icon: decisionIcon(decision),
      contextValue: decisionContext(task, decision),
      collapsible: 'none',
      spoken: `${title}, ${description}`,
      command: { id: 'baton.openDecision', title: 'Open Decision', args: [node] },
    });
  }

  resolveTreeItem(item: vscode.TreeItem, { task, decision }: DecisionNode): vscode.TreeItem {
    item.tooltip = plainMarkdown(decisionTooltip(task, decision, Date.now()));
    return item;
  }

  getChildren(node?: DecisionNode): DecisionNode[] {
    return node === undefined ? this.decisions() : [];
  }

  getParent(): undefined {
    return undefined;
  }

  /** Every open decision of the window. */
  decisions(): DecisionNode[] {
    return this.repositories.all
      .flatMap(({ key, snapshot }) =>
        snapshot === undefined
          ? []
          : pendingDecisions(snapshot).map(({ task, decision }): DecisionNode => {
              return { kind: 'decision', id: `${key}/${task.id}/${decision.id}`, repository: key, task, decision };
            }),
      )
      .sort(comparePending);
  }

  private update(): void {
    const nodes = this.decisions();
    // Only what the items show counts: a running task's ticking cost must not redraw the list under the pointer.
    const drawn = nodes.map((node) => [node.id, decisionTitle(node.decision), decisionDescription(node.task, node.decision)].join(' ')).join('\n');
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.view.badge = nodes.length === 0 ? undefined : { value: nodes.length, tooltip: needYou(nodes.length) };
    this.changed.fire(undefined);
  }
}
