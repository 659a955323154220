/** New Task: one quick input; its button leads to a second page with everything else, for those who want it. */
import * as vscode from 'vscode';
import type { App } from './app.ts';
import type { Repository } from './repositories.ts';
import { questions, valueOf, withAnswer, type Question } from './model/taskQuestions.ts';
import { draftFromProblem, draftFromSelection, toNewTask, type SelectedCode, type TaskDraft } from './model/taskDraft.ts';
import { repositoryFor } from './targets.ts';
import { posixRelative } from './paths.ts';

/** Asks for a task in the repository that the menu names or the user picks, and puts it into the queue. */
export async function newTask(app: App, args: readonly unknown[]): Promise<void> {
  const repository = await repositoryFor(app, args, 'New Task');
  if (repository !== undefined) await create(app, repository, { goal: '' });
}

/** A task about the selected code, a TODO or a reported problem. `args`: see codeActions.ts; none = the editor's selection. */
export async function newTaskFromSelection(app: App, args: readonly unknown[]): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const [uri, range, problem] = args as [vscode.Uri | undefined, vscode.Range | undefined, vscode.Diagnostic | undefined];
  const document = uri instanceof vscode.Uri ? await vscode.workspace.openTextDocument(uri) : editor?.document;
  if (document === undefined) {
    void vscode.window.showInformationMessage('Open a file and select what the task is about.');
    return;
  }
  const repository = document.uri.scheme === 'file' ? app.repositories.containing(document.uri.fsPath) : undefined;
  if (repository === undefined) {
    void vscode.window.showInformationMessage('This file does not belong to a repository of this window.');
    return;
  }
  const selection = range instanceof vscode.Range ? range : (editor?.selection ?? new vscode.Range(0, 0, 0, 0));
  const lines = new vscode.Range(selection.start.line, 0, selection.end.line, document.lineAt(selection.end.line).text.length);
  const code: SelectedCode = {
    path: posixRelative([repository.root, ...repository.folders], document.uri.fsPath),
    firstLine: lines.start.line + 1,
    lastLine: lines.end.line + 1,
    text: document.getText(lines),
    language: document.languageId,
  };
  const draft = problem === undefined ? draftFromSelection(code) : draftFromProblem(code, { message: problem.message, source: problem.source });
  await create(app, repository, draft);
}

/** Lets the user look over a draft, and puts it into the queue. */
export async function create(app: App, repository: Repository, start: TaskDraft): Promise<void> {
  const first = await askGoal(repository, start);
  if (first === undefined) return;
  const draft = first.more ? await askMore(repository, first.draft) : first.draft;
  if (draft === undefined) return;
  const reply = await app.repositories.send(repository, { type: 'add_task', task: toNewTask(draft) });
  if (reply.task_id !== undefined) app.queue.reveal(repository, reply.task_id);
}

/** The first page: the goal, Enter, done. */
function askGoal(repository: Repository, start: TaskDraft): Promise<{ draft: TaskDraft; more: boolean } | undefined> {
  const input = vscode.window.createInputBox();
  const more: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('settings'), tooltip: 'Set Priority, Risk, Area and More' };
  input.title = `New Task in ${repository.name}`;
  input.value = start.goal;
  input.placeholder = start.context_files === undefined ? 'What should be done?' : `What should be done with ${start.context_files.join(', ')}?`;
  input.prompt = 'A sentence is enough. The button above sets priority, risk, area and more.';
  input.buttons = [more];
  // Words that took a minute to type are not lost by a click into the code they are about.
  input.ignoreFocusOut = true;
  return new Promise((done) => {
    const end = (result: { draft: TaskDraft; more: boolean } | undefined) => {
      done(result);
      input.dispose();
    };
    const take = (wantsMore: boolean) => {
      const goal = input.value.trim();
      if (goal === '' && !wantsMore) input.validationMessage = 'Say in a sentence what should be done.';
      else end({ draft: { ...start, goal }, more: wantsMore });
    };
    input.onDidChangeValue(() => (input.validationMessage = ''));
    input.onDidAccept(() => take(false));
    input.onDidTriggerButton(() => take(true));
    input.onDidHide(() => end(undefined));
    input.show();
  });
}

/** The second page: a list of fields with their values; "Add to Queue" ends it. */
async function askMore(repository: Repository, start: TaskDraft): Promise<TaskDraft | undefined> {
  const { snapshot } = repository;
  const agents = (snapshot?.agents ?? []).filter((agent) => agent.available).map((agent) => agent.name);
  const tasks = (snapshot?.tasks ?? []).filter((task) => task.state !== 'done').map((task) => task.id);
  const asked = questions(agents, tasks);
  let draft = start;
  for (;;) {
    const add = { label: '$(add) Add to Queue', description: draft.goal, question: undefined };
    const fields = asked.map((question) => ({
      label: `$(${question.icon}) ${question.label}`,
      description: valueOf(draft, question.field) ?? question.hint,
      question,
    }));
    const picked = await vscode.window.showQuickPick(draft.goal === '' ? fields : [add, ...fields], {
      title: `New Task in ${repository.name}`,
      placeHolder: 'Choose what to set',
      ignoreFocusOut: true,
    });
    if (picked === undefined) return undefined;
    if (picked.question === undefined) return draft;
    const answer = await ask(picked.question, draft);
    if (answer !== undefined) draft = withAnswer(draft, picked.question.field, answer);
  }
}

async function ask(question: Question, draft: TaskDraft): Promise<readonly string[] | undefined> {
  const { choices, many, open, label, hint } = question;
  const value = valueOf(draft, question.field);
  if (choices === undefined) return askText(label, hint, value);
  if (many === true) {
    const chosen = value?.split(', ') ?? [];
    const items = choices.map((choice) => ({ label: choice, picked: chosen.includes(choice) }));
    const picked = await vscode.window.showQuickPick(items, { title: label, canPickMany: true, ignoreFocusOut: true });
    return picked?.map((item) => item.label);
  }
  const none = { label: 'Not set', description: hint, other: false };
  const other = open === true ? [{ label: 'Other…', description: '', other: true }] : [];
  const items = [...choices.map((choice) => ({ label: choice, description: choice === value ? 'now' : '', other: false })), ...other, none];
  const picked = await vscode.window.showQuickPick(items, { title: label, ignoreFocusOut: true });
  if (picked === undefined) return undefined;
  if (picked.other) return askText(label, hint, value);
  return picked === none ? [] : [picked.label];
}

async function askText(title: string, prompt: string, value: string | undefined): Promise<readonly string[] | undefined> {
  const text = await vscode.window.showInputBox({ title, prompt, ...(value === undefined ? {} : { value }), ignoreFocusOut: true });
  return text === undefined ? undefined : [text];
}
