/** Review: VS Code's own multi-file diff over two commits, with the decision's verdicts in the editor's title. */
import * as vscode from 'vscode';
import type { DecisionKind, Verdict } from '../core/execution.ts';
import { BatonError } from '../core/errors.ts';
import type { FileChangeView, TaskView } from '../shared/api.ts';
import type { ContextKeySetter } from './contextKeys.ts';
import { fileAt } from './git.ts';
import { openDecisions, takes } from './model/actions.ts';
import type { Disposable as Listening } from '../engine/ports.ts';
import { SCHEMES } from './model/ids.ts';
import type { Repositories, Repository } from './repositories.ts';
import type { DecisionTarget } from './targets.ts';

interface Review {
  readonly repository: string;
  readonly task: string;
  /** Null for a plan. */
  readonly head_sha: string | null;
  /** What may be decided by what it shows. */
  readonly kinds: readonly DecisionKind[];
}

interface GitQuery {
  readonly root: string;
  readonly sha: string;
  readonly path: string;
}

export class Reviews implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly repositories: Repositories;
  private readonly setKey: ContextKeySetter;
  private readonly disposables: (vscode.Disposable | Listening)[];
  /** Reviews by the label of their tab: the one mark that VS Code gives of a multi-file diff. */
  private readonly byLabel = new Map<string, Review>();

  constructor(repositories: Repositories, setKey: ContextKeySetter) {
    this.repositories = repositories;
    this.setKey = setKey;
    this.disposables = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEMES.git, this),
      vscode.window.tabGroups.onDidChangeTabs(() => this.update()),
      vscode.window.tabGroups.onDidChangeTabGroups(() => this.update()),
      repositories.onDidChange(() => this.update()),
    ];
  }

  dispose(): void {
    for (const one of this.disposables) one.dispose();
  }

  /** Opens all changed files of the task, its branch against the base it started from. */
  async open(repository: Repository, task: TaskView): Promise<void> {
    const changes = await (await this.repositories.api(repository)).changes(task.id);
    if (changes.files.length === 0) {
      void vscode.window.showInformationMessage(`${task.id} has not changed any file yet.`);
      return;
    }
    const label = `Baton: ${task.id} (${task.branch ?? changes.head_sha.slice(0, 8)} ↔ ${task.target_branch ?? changes.base_sha.slice(0, 8)})`;
    this.byLabel.set(label, { repository: repository.key, task: task.id, head_sha: changes.head_sha, kinds: ['merge', 'code_review'] });
    const sides = changes.files.map((file) => {
      const { original, modified } = sidesOf(repository.root, changes.base_sha, changes.head_sha, file);
      return [modified ?? original, original, modified];
    });
    await vscode.commands.executeCommand('vscode.changes', label, sides);
    this.update();
  }

  /** Opens one changed file of the task. */
  async openFile(repository: Repository, task: TaskView, file: FileChangeView): Promise<void> {
    const { base_sha: base, head_sha: head } = task;
    if (base === null || head === null) throw new BatonError('not_found', `${task.id} has no commits to compare yet.`);
    const { original, modified } = sidesOf(repository.root, base, head, file);
    const empty = (sha: string) => gitUri({ root: repository.root, sha, path: file.path });
    // A side that has no such file reads as empty.
    await vscode.commands.executeCommand('vscode.diff', original ?? empty(base), modified ?? empty(head), `${file.path} (${task.id})`, { preview: true });
  }

  /** The decision that the active review editor is about, if it takes this verdict. */
  activeDecision(verdict: Verdict): DecisionTarget | undefined {
    const active = this.active();
    if (active === undefined) return undefined;
    const { repository, task, review } = active;
    const decision = openDecisions(task).find((one) => review.kinds.includes(one.kind) && takes(one, verdict));
    if (decision === undefined) return undefined;
    if (verdict === 'approve' && review.head_sha !== null && decision.head_sha !== null && decision.head_sha !== review.head_sha) {
      throw new BatonError('conflict', `The branch of ${task.id} has moved since this review was opened`, { hint: 'Open Review Changes again, then approve.' });
    }
    return { repository, task, decision };
  }

  /** The task of the active review editor. */
  active(): { repository: Repository; task: TaskView; review: Review } | undefined {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    const shown = tab?.label ?? '';
    // VS Code puts the number of files behind our title.
    const review = planReview(tab?.input) ?? [...this.byLabel].find(([label]) => shown === label || shown.startsWith(`${label} (`))?.[1];
    const repository = review === undefined ? undefined : this.repositories.find(review.repository);
    const task = repository?.snapshot?.tasks.find(({ id }) => id === review?.task);
    return review === undefined || repository === undefined || task === undefined ? undefined : { repository, task, review };
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { root, sha, path } = JSON.parse(uri.query) as GitQuery;
    const bytes = await fileAt(root, sha, path);
    if (bytes === undefined) return '';
    // git's own test for binary: a NUL in the first 8000 bytes.
    if (bytes.subarray(0, 8000).includes(0)) return `Binary file, ${bytes.length} bytes.\n`;
    return bytes.toString('utf8');
  }

  private update(): void {
    const active = this.active();
    const can = (verdict: Verdict) => active !== undefined && openDecisions(active.task).some((one) => active.review.kinds.includes(one.kind) && takes(one, verdict));
    this.setKey('baton.review', active !== undefined);
    this.setKey('baton.review.plan', active?.review.head_sha === null);
    this.setKey('baton.review.canApprove', can('approve'));
    this.setKey('baton.review.canReject', can('reject'));
    this.setKey('baton.review.canRequestChanges', can('request_changes'));
  }
}

/** Calls once when a document appears that takes comments, and once for a plan that a reload brings back to be edited. */
export function whereReviewed(comments: () => void, plans: () => void): vscode.Disposable {
  let told = false;
  const look = ({ uri }: vscode.TextDocument): void => {
    if (told || (uri.scheme !== SCHEMES.git && uri.scheme !== SCHEMES.page)) return;
    told = true;
    comments();
  };
  vscode.workspace.textDocuments.forEach(look);
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  if (tabs.some(({ input }) => input instanceof vscode.TabInputText && input.uri.scheme === SCHEMES.plan)) plans();
  return vscode.workspace.onDidOpenTextDocument(look);
}

/** A plan is reviewed in its own page, or where it is edited. */
function planReview(input: unknown): Review | undefined {
  if (!(input instanceof vscode.TabInputText) || (input.uri.scheme !== SCHEMES.page && input.uri.scheme !== SCHEMES.plan)) return undefined;
  const { kind = 'plan', repository, task } = JSON.parse(input.uri.query) as { kind?: string; repository: string; task: string };
  return kind === 'plan' ? { repository, task, head_sha: null, kinds: ['plan'] } : undefined;
}

function sidesOf(root: string, base: string, head: string, file: FileChangeView): { original: vscode.Uri | undefined; modified: vscode.Uri | undefined } {
  return {
    original: file.status === 'added' ? undefined : gitUri({ root, sha: base, path: file.from ?? file.path }),
    modified: file.status === 'deleted' ? undefined : gitUri({ root, sha: head, path: file.path }),
  };
}

function gitUri(query: GitQuery): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEMES.git, path: `/${query.path}`, query: JSON.stringify(query) });
}
