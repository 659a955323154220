/** Which task or decision a command is about: the item it was called on, else the one the user picks. */
import * as vscode from 'vscode';
import type { Decision, DecisionKind, Verdict } from '../core/execution.ts';
import type { TaskView } from '../shared/api.ts';
import type { App } from './app.ts';
import { applies, decisionFor, takes, type TaskAction } from './model/actions.ts';
import { decisionFacts, decisionTitle } from './model/decisionItem.ts';
import { oneLine } from './model/format.ts';
import { taskDescription, taskIcon } from './model/taskItem.ts';
import type { Repository } from './repositories.ts';
import { toIcon } from './tree.ts';

export interface TaskTarget {
  readonly repository: Repository;
  readonly task: TaskView;
}

export interface DecisionTarget extends TaskTarget {
  readonly decision: Decision;
}

/** The tasks that a menu's arguments name: the selected items when the clicked one is among them, else the clicked one. */
export function targetsOf(app: App, args: readonly unknown[]): TaskTarget[] {
  const [clicked, selected] = args;
  const nodes = Array.isArray(selected) && selected.includes(clicked) ? (selected as unknown[]) : [clicked];
  return nodes.flatMap((node) => targetOf(app, node) ?? []);
}

export function targetOf(app: App, node: unknown): TaskTarget | undefined {
  if (!isTaskNode(node)) return undefined;
  const repository = app.repositories.find(node.repository);
  return repository === undefined ? undefined : { repository, task: current(repository, node.task) };
}

/** The tasks to act on: those of the menu to which the action applies, else one that the user picks. */
export async function tasksFor(app: App, action: TaskAction, args: readonly unknown[], question: string): Promise<TaskTarget[]> {
  const named = targetsOf(app, args);
  if (named.length > 0) {
    const fitting = named.filter(({ task }) => applies(action, task));
    if (fitting.length === 0) void vscode.window.showInformationMessage(`That does not apply to ${named.map(({ task }) => task.id).join(', ')} any more.`);
    return fitting;
  }
  const picked = await pickTask(app, action, question);
  return picked === undefined ? [] : [picked];
}

export async function taskFor(app: App, action: TaskAction, args: readonly unknown[], question: string): Promise<TaskTarget | undefined> {
  return (await tasksFor(app, action, args.slice(0, 1), question))[0];
}

/** Asks which of the tasks to which the action applies is meant; says so when there is none. */
async function pickTask(app: App, action: TaskAction, question: string): Promise<TaskTarget | undefined> {
  const now = Date.now();
  const fitting = app.repositories.all.flatMap((repository) =>
    (repository.snapshot?.tasks ?? []).filter((task) => applies(action, task)).map((task): TaskTarget => ({ repository, task })),
  );
  if (fitting.length === 0) {
    void vscode.window.showInformationMessage(NONE[action]);
    return undefined;
  }
  const several = app.repositories.all.length > 1;
  const picked = await vscode.window.showQuickPick(
    fitting.map((target) => ({
      label: oneLine(target.task.goal, 80),
      description: `${target.task.id}${several ? ` · ${target.repository.name}` : ''}`,
      detail: taskDescription(target.task, now),
      iconPath: toIcon(taskIcon(target.task)),
      target,
    })),
    { title: question, placeHolder: 'Which task?', matchOnDescription: true },
  );
  return picked?.target;
}

/** The decision that a menu, the active review or the user's pick names, and that takes the verdict. */
export async function decisionTarget(app: App, verdict: Verdict, args: readonly unknown[], question: string, kind?: DecisionKind): Promise<DecisionTarget | undefined> {
  const [node] = args;
  const named = targetOf(app, node);
  if (named !== undefined) {
    const own = isDecisionNode(node) ? named.task.decisions.find(({ id }) => id === node.decision.id) : decisionFor(named.task, verdict);
    if (own?.status === 'open' && takes(own, verdict)) return { ...named, decision: own };
    void vscode.window.showInformationMessage(`${named.task.id} does not wait for that any more.`);
    return undefined;
  }
  // A title button of the review editor brings that editor's resource along; the palette brings nothing and asks.
  if (args.length > 0) {
    const review = app.reviews.activeDecision(verdict);
    if (review !== undefined) return review;
  }
  return pickDecision(app, verdict, question, kind);
}

async function pickDecision(app: App, verdict: Verdict, question: string, kind: DecisionKind | undefined): Promise<DecisionTarget | undefined> {
  const waiting = app.needsYou.decisions().filter(({ decision }) => takes(decision, verdict) && (kind === undefined || decision.kind === kind));
  if (waiting.length === 0) {
    void vscode.window.showInformationMessage(`No decision waits for that. ${NONE.approve}`);
    return undefined;
  }
  const items = waiting.map((node) => ({
    label: decisionTitle(node.decision),
    description: decisionFacts(node.task, node.decision).join(' · '),
    detail: `${node.task.id}: ${oneLine(node.task.goal, 80)}`,
    node,
  }));
  // The first entry decides nothing, so that a stray Enter does no harm.
  const look = { label: '$(eye) Look at Needs You first', node: undefined };
  const picked = await vscode.window.showQuickPick([look, ...items], { title: question, placeHolder: 'Which decision?', matchOnDetail: true });
  if (picked === undefined) return undefined;
  if (picked.node === undefined) {
    await vscode.commands.executeCommand('baton.showNeedsYou');
    return undefined;
  }
  const target = targetOf(app, picked.node);
  return target === undefined ? undefined : { ...target, decision: picked.node.decision };
}

/** The repository to act on: the only one, else the user's pick among those that fit. */
export async function repositoryFor(
  app: App,
  args: readonly unknown[],
  question: string,
  fits: (repository: Repository) => boolean = () => true,
): Promise<Repository | undefined> {
  const [node] = args;
  if (isRepositoryNode(node)) return app.repositories.find(node.repository.key);
  const fitting = app.repositories.all.filter(fits);
  if (fitting.length <= 1) return fitting[0];
  const active = vscode.window.activeTextEditor?.document.uri;
  const near = active?.scheme === 'file' ? app.repositories.containing(active.fsPath) : undefined;
  const sorted = [...fitting].sort((a, b) => Number(b === near) - Number(a === near));
  const picked = await vscode.window.showQuickPick(
    sorted.map((repository) => ({ label: `$(repo) ${repository.name}`, description: repository.root, repository })),
    { title: question, placeHolder: 'Which repository?' },
  );
  return picked?.repository;
}

const NONE: Readonly<Record<TaskAction, string>> = {
  approve: 'Nothing needs you.',
  reject: 'Nothing needs you.',
  requestChanges: 'Nothing needs you.',
  answer: 'No agent is asking anything.',
  review: 'No task has changes to review yet.',
  report: 'No task has been started yet.',
  transcript: 'No task has been started yet.',
  worktree: 'No task has a worktree now.',
  retry: 'No task has failed, and none waits for its next attempt.',
  retryFresh: 'No task has failed.',
  cancel: 'No task can be cancelled: all are done or failed.',
  runNext: 'No task is waiting in the queue.',
  move: 'No task is waiting in the queue.',
  clearPlace: 'No task has been placed by hand.',
  message: 'No agent is running.',
  takeOver: 'No agent is implementing.',
  handBack: 'No session has been taken over.',
  openFile: 'No task comes from a file.',
  delete: 'No task can be deleted: those that have begun are cancelled first.',
};

/** The task as the latest snapshot has it: an item may have been drawn a moment ago. */
function current(repository: Repository, task: TaskView): TaskView {
  return repository.snapshot?.tasks.find(({ id }) => id === task.id) ?? task;
}

function isTaskNode(node: unknown): node is { repository: string; task: TaskView } {
  return isRecord(node) && typeof node['repository'] === 'string' && isRecord(node['task']);
}

function isDecisionNode(node: unknown): node is { decision: Decision } {
  return isRecord(node) && isRecord(node['decision']);
}

function isRepositoryNode(node: unknown): node is { repository: { key: string } } {
  return isRecord(node) && node['kind'] === 'repository' && isRecord(node['repository']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
