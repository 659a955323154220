/** What every command does: a record over CommandId, so that one without a handler does not compile. */
import * as vscode from 'vscode';
import { isAbsolute, join } from 'node:path';
import type { Command } from '../shared/api.ts';
import type { App } from './app.ts';
import { createConfiguration, openConfiguration } from './configuration.ts';
import { dashboardOf } from './dashboard.ts';
import { answer, approve, openDecision, reject, requestChanges } from './decisions.ts';
import type { Handlers } from './commands.ts';
import type { TaskAction } from './model/actions.ts';
import { COMMANDS, VIEWS, type CommandId } from './model/ids.ts';
import type { QueueNode } from './model/queue.ts';
import { newTask, newTaskFromSelection } from './newTask.ts';
import type { Repository } from './repositories.ts';
import { confirm } from './confirm.ts';
import { importIssues, newTaskFromTest } from './imports.ts';
import { cleanState, deleteTask } from './housekeeping.ts';
import { newTaskFromTemplate, openSchedules } from './templates.ts';
import { commentsOf } from './comments.ts';
import { editPlan } from './planFiles.ts';
import { searchTranscripts } from './searchTranscripts.ts';
import { handBack, takeOver } from './takeOver.ts';
import { review } from './walkthrough.ts';
import { decisionTarget, repositoryFor, targetOf, taskFor, tasksFor, targetsOf, type TaskTarget } from './targets.ts';

export const HANDLERS: Handlers = {
  'baton.newTask': newTask,
  'baton.newTaskFromSelection': newTaskFromSelection,
  'baton.newTaskFromTest': newTaskFromTest,
  'baton.importIssues': importIssues,
  'baton.newTaskFromTemplate': newTaskFromTemplate,
  'baton.openSchedules': openSchedules,
  'baton.start': (app, args) => steer(app, args, { type: 'start' }, 'Start', ({ snapshot }) => snapshot?.loop.desired !== 'running', 'Baton is running already.'),
  'baton.pause': (app, args) => steer(app, args, { type: 'pause' }, 'Pause', ({ snapshot }) => snapshot?.loop.desired === 'running', 'Baton is not running.'),
  'baton.stop': (app, args) => steer(app, args, { type: 'stop' }, 'Stop', isOn, 'Baton is stopped already.'),
  'baton.stopNow': (app, args) => steer(app, args, { type: 'stop_now' }, 'Stop Now', isOn, 'Baton is stopped already.'),
  'baton.approve': approve,
  'baton.approveMerge': approve,
  'baton.reject': reject,
  'baton.requestChanges': requestChanges,
  'baton.review': review,
  'baton.editPlan': (app, args) => withPlan(app, args, (target) => editPlan(app, target)),
  'baton.addComment': (app, [reply]) => commentsOf(app).add(reply as vscode.CommentReply),
  'baton.editComment': (app, [comment]) => commentsOf(app).edit(comment as vscode.Comment),
  'baton.saveComment': (app, [comment]) => commentsOf(app).save(comment as vscode.Comment),
  'baton.cancelComment': (app, [comment]) => commentsOf(app).cancel(comment as vscode.Comment),
  'baton.deleteComment': (app, [comment]) => commentsOf(app).delete(comment as vscode.Comment),
  'baton.resolveThread': (app, [thread]) => commentsOf(app).resolve(thread as vscode.CommentThread, true),
  'baton.reopenThread': (app, [thread]) => commentsOf(app).resolve(thread as vscode.CommentThread, false),
  'baton.quoteFinding': (app, [thread]) => commentsOf(app).quote(thread as vscode.CommentThread),
  'baton.searchTranscripts': searchTranscripts,
  'baton.answer': answer,
  'baton.openDecision': openDecision,
  'baton.reviewChanges': (app, args) => withTask(app, args, 'review', 'Review Changes', ({ repository, task }) => app.reviews.open(repository, task)),
  'baton.showReport': async (app, args) => {
    const active = args.length > 0 && targetsOf(app, args).length === 0 ? app.reviews.active() : undefined;
    const target = active ?? (await taskFor(app, 'report', args, 'Show Report'));
    if (target !== undefined) await app.pages.show('report', target.repository, target.task.id);
  },
  'baton.openFileChange': async (app, [node]) => {
    const target = targetOf(app, node);
    if (target !== undefined && isNode(node, 'file')) await app.reviews.openFile(target.repository, target.task, node.file);
  },
  'baton.openGateLog': async (app, [node]) => {
    const target = targetOf(app, node);
    if (target === undefined || !isNode(node, 'gate') || node.gate.log === null) return;
    const { log } = node.gate;
    await vscode.window.showTextDocument(vscode.Uri.file(isAbsolute(log) ? log : join(target.repository.root, log)), { preview: true });
  },
  'baton.openTranscript': (app, args) => withTask(app, args, 'transcript', 'Open Transcript', (target) => openTranscript(app, target)),
  'baton.openWorktree': (app, args) =>
    withTask(app, args, 'worktree', 'Open Worktree', async ({ task }) => {
      if (task.worktree === null) return;
      await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(task.worktree), { forceNewWindow: true });
    }),
  'baton.takeOver': (app, args) => withTask(app, args, 'takeOver', 'Take Over Session', (target) => takeOver(app, target)),
  'baton.handBack': (app, args) => withTask(app, args, 'handBack', 'Hand Back Session', (target) => handBack(app, target)),
  'baton.sendMessage': (app, args) => withTask(app, args, 'message', 'Send Message to Agent', (target) => sendMessage(app, target)),
  'baton.runNext': (app, args) => order(app, args, 'runNext', 'Run Next', (task_id) => ({ type: 'run_next', task_id })),
  'baton.moveUp': (app, args) => order(app, args, 'move', 'Move Up', (task_id) => ({ type: 'move', task_id, direction: 'up' })),
  'baton.moveDown': (app, args) => order(app, args, 'move', 'Move Down', (task_id) => ({ type: 'move', task_id, direction: 'down' })),
  'baton.clearPlace': (app, args) => order(app, args, 'clearPlace', 'Clear Manual Place', (task_id) => ({ type: 'clear_place', task_id })),
  'baton.retry': (app, args) => order(app, args, 'retry', 'Retry', (task_id) => ({ type: 'retry', task_id })),
  'baton.retryFresh': retryFresh,
  'baton.cancel': (app, args) => order(app, args, 'cancel', 'Cancel', (task_id) => ({ type: 'cancel', task_id })),
  'baton.openTaskFile': (app, args) => withTask(app, args, 'openFile', 'Open Task File', openTaskFile),
  'baton.deleteTask': deleteTask,
  'baton.cleanState': cleanState,
  'baton.copyId': (app, [node]) => copy(targetOf(app, node)?.task.id),
  'baton.copyWhy': (app, [node]) => copy(targetOf(app, node)?.task.why),
  'baton.createConfiguration': createConfiguration,
  'baton.openConfiguration': openConfiguration,
  'baton.installAgent': installAgent,
  'baton.openDashboard': (app) => dashboardOf(app).show(),
  'baton.showActions': showActions,
  'baton.showNeedsYou': () => vscode.commands.executeCommand(`${VIEWS.needsYou}.focus`),
  'baton.showLog': (app) => app.log.show(true),
  'baton.showMore': (app, [node]) => {
    if (isNode(node, 'more')) app.queue.showMore(node);
  },
  'baton.refresh': (app) => refresh(app),
};

/** Sends one loop command to the repository meant, and says so where it has no effect. */
async function steer(app: App, args: readonly unknown[], command: Command, title: string, fits: (repository: Repository) => boolean, none: string): Promise<void> {
  if (!app.repositories.all.some(fits)) {
    void vscode.window.showInformationMessage(app.repositories.all.length === 0 ? 'No repository is open in this window.' : none);
    return;
  }
  const repository = await repositoryFor(app, args, title, fits);
  if (repository !== undefined) await send(app, repository, command);
}

function isOn({ snapshot }: Repository): boolean {
  return snapshot !== undefined && (snapshot.loop.desired !== 'stopped' || snapshot.loop.slots_used > 0) && snapshot.loop.state !== 'never_started';
}

/** Sends a command for each task meant. */
async function order(app: App, args: readonly unknown[], action: TaskAction, title: string, command: (taskId: string) => Command): Promise<void> {
  for (const { repository, task } of await tasksFor(app, action, args, title)) await send(app, repository, command(task.id));
}

async function send(app: App, repository: Repository, command: Command): Promise<void> {
  confirm(await app.repositories.send(repository, command));
}

async function withTask(app: App, args: readonly unknown[], action: TaskAction, title: string, act: (target: TaskTarget) => unknown): Promise<void> {
  const target = await taskFor(app, action, args, title);
  if (target !== undefined) await act(target);
}

/** The plan that the active editor shows, the item's, or the one that the user picks. */
async function withPlan(app: App, args: readonly unknown[], act: (target: TaskTarget) => unknown): Promise<void> {
  const named = targetsOf(app, args)[0] ?? app.reviews.active();
  const target = named ?? (await decisionTarget(app, 'request_changes', args, 'Edit Plan', 'plan'));
  if (target !== undefined) await act(target);
}

async function retryFresh(app: App, args: readonly unknown[]): Promise<void> {
  const targets = await tasksFor(app, 'retryFresh', args, 'Retry from Scratch');
  if (targets.length === 0) return;
  const again = 'Retry from Scratch';
  const chosen = await vscode.window.showWarningMessage(
    `Start ${targets.map(({ task }) => task.id).join(', ')} from scratch?`,
    { modal: true, detail: 'The plan, the completed steps and the branch are set aside. A snapshot of the work is kept under refs/baton.' },
    again,
  );
  if (chosen !== again) return;
  for (const { repository, task } of targets) await send(app, repository, { type: 'retry', task_id: task.id, fresh: true });
}

async function openTranscript(app: App, { repository, task }: TaskTarget): Promise<void> {
  const latest = task.attempt_id ?? (await (await app.repositories.api(repository)).task(task.id))?.attempts.at(-1)?.attempt_id;
  if (latest === undefined) void vscode.window.showInformationMessage(`No agent has worked on ${task.id} yet.`);
  else await app.transcripts.open(repository.root, task.id, latest);
}

async function sendMessage(app: App, { repository, task }: TaskTarget): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: `Message to the agent of ${task.id}`,
    prompt: 'The agent reads it with its next step.',
    ignoreFocusOut: true,
    validateInput: (value) => (value.trim() === '' ? 'Say something.' : undefined),
  });
  if (text !== undefined) await send(app, repository, { type: 'message', task_id: task.id, text });
}

async function openTaskFile({ repository, task }: TaskTarget): Promise<void> {
  if (task.source === null) return;
  const { file, line } = task.source;
  const at = new vscode.Position(Math.max(0, line - 1), 0);
  const uri = vscode.Uri.file(isAbsolute(file) ? file : join(repository.root, file));
  await vscode.window.showTextDocument(uri, { selection: new vscode.Range(at, at) });
}

async function copy(text: string | undefined): Promise<void> {
  if (text !== undefined) await vscode.env.clipboard.writeText(text);
}

/** Shows how to install each agent that is missing; the chosen command is typed into a terminal, and the user presses Enter. */
async function installAgent(app: App): Promise<void> {
  const agents = app.repositories.all.flatMap(({ snapshot }) => snapshot?.agents ?? []);
  const missing = [...new Map(agents.flatMap((agent) => (agent.available || agent.install === null ? [] : [[agent.name, agent.install]]))).entries()];
  if (missing.length === 0) {
    void vscode.window.showInformationMessage('Every agent that Baton knows here is installed.');
    return;
  }
  const picked = await vscode.window.showQuickPick(
    missing.map(([name, install]) => ({ label: `$(terminal) ${name}`, detail: install, install })),
    { title: 'Install a Coding Agent', placeHolder: 'The command is typed into a terminal; you start it' },
  );
  if (picked === undefined) return;
  const terminal = vscode.window.createTerminal('Install');
  terminal.show();
  terminal.sendText(picked.install, false);
}

async function showActions(app: App): Promise<void> {
  const some = (fits: (repository: Repository) => boolean) => app.repositories.all.some(fits);
  const ids: CommandId[] = [
    'baton.newTask',
    ...(some(({ snapshot }) => snapshot?.loop.desired !== 'running') ? (['baton.start'] as const) : []),
    ...(some(({ snapshot }) => snapshot?.loop.desired === 'running') ? (['baton.pause'] as const) : []),
    ...(some(isOn) ? (['baton.stop', 'baton.stopNow'] as const) : []),
    'baton.openDashboard',
    'baton.openConfiguration',
    'baton.showLog',
  ];
  const items = ids.map((id) => {
    const face: { title: string; icon?: string } = COMMANDS[id];
    return { label: `$(${face.icon ?? 'blank'}) ${face.title}`, id };
  });
  const queue = { label: '$(list-tree) Show Queue', id: `${VIEWS.queue}.focus` };
  const picked = await vscode.window.showQuickPick([queue, ...items], { title: 'Baton' });
  if (picked !== undefined) await vscode.commands.executeCommand(picked.id);
}

/** Looks at the folders again, tries again what failed, and lets running engines look for agents and files. */
async function refresh(app: App): Promise<void> {
  await app.repositories.refresh();
  for (const repository of app.repositories.all) if (repository.session !== undefined) await app.repositories.send(repository, { type: 'refresh' });
}

function isNode<Kind extends QueueNode['kind']>(node: unknown, kind: Kind): node is Extract<QueueNode, { kind: Kind }> {
  return typeof node === 'object' && node !== null && 'kind' in node && node.kind === kind;
}
