/** Tasks from what others have found: a failing test, GitHub issues. */
import * as vscode from 'vscode';
import { execFile } from 'node:child_process';
import { ghFailure, listArguments, parseIssues, taskFromIssue, type Issue } from '../core/githubIssues.ts';
import { messageOf } from '../core/errors.ts';
import { plural } from '../core/format.ts';
import type { App } from './app.ts';
import { draftFromTest } from './model/taskDraft.ts';
import { create } from './newTask.ts';
import { posixRelative } from './paths.ts';
import { repositoryFor } from './targets.ts';

/** Most issues that the list offers. */
const ISSUES = 100;

/** What the menus of VS Code's testing hand over: a failure's message with its test, or the test alone. */
interface TestMenuArgument {
  readonly test?: vscode.TestItem;
  readonly message?: vscode.TestMessage;
}

/** A task that asks for a failing test to be mended. Called on a test or on the message of its failure. */
export async function newTaskFromTest(app: App, [given]: readonly unknown[]): Promise<void> {
  const { test, message } = (typeof given === 'object' && given !== null && 'message' in given ? given : { test: given }) as TestMenuArgument;
  if (test === undefined) {
    void vscode.window.showInformationMessage('Choose this on a failing test or its message, in the Testing view or in the editor.');
    return;
  }
  const uri = message?.location?.uri ?? test.uri;
  const repository = uri?.scheme === 'file' ? app.repositories.containing(uri.fsPath) : undefined;
  if (uri === undefined || repository === undefined) {
    void vscode.window.showInformationMessage('This test does not belong to a repository of this window.');
    return;
  }
  const line = message?.location?.range.start.line ?? test.range?.start.line;
  const draft = draftFromTest({
    name: nameOf(test),
    path: posixRelative([repository.root, ...repository.folders], uri.fsPath),
    line: line === undefined ? undefined : line + 1,
    message: message === undefined ? undefined : textOf(message.message),
    expected: message?.expectedOutput,
    actual: message?.actualOutput,
  });
  await create(app, repository, draft);
}

/** Offers the open issues of the repository's GitHub project, and queues those that are chosen. */
export async function importIssues(app: App, args: readonly unknown[]): Promise<void> {
  const repository = await repositoryFor(app, args, 'Import GitHub Issues');
  if (repository === undefined) return;
  const issues = await vscode.window.withProgress({ location: { viewId: 'baton.queue' } }, () => gh(repository.root, listArguments({ limit: ISSUES })));
  if (issues.length === 0) {
    void vscode.window.showInformationMessage(`${repository.name} has no open issues on GitHub.`);
    return;
  }
  const picked = await vscode.window.showQuickPick(
    issues.map((issue) => ({ label: `#${issue.number} ${issue.title}`, description: issue.labels.join(', '), detail: issue.author === '' ? '' : `by @${issue.author}`, issue })),
    { title: `Import GitHub Issues into ${repository.name}`, placeHolder: 'Others wrote them, so each asks you before it starts', canPickMany: true, matchOnDescription: true },
  );
  let known = 0;
  for (const { issue } of picked ?? []) {
    try {
      const reply = await app.repositories.send(repository, { type: 'add_task', task: taskFromIssue(issue, { trusted: false }) });
      if (reply.task_id !== undefined) app.queue.reveal(repository, reply.task_id);
    } catch (error) {
      if (!(error instanceof Error && 'kind' in error && error.kind === 'conflict')) throw error;
      app.log.info(messageOf(error));
      known += 1;
    }
  }
  if (known > 0) void vscode.window.showInformationMessage(`${plural(known, 'issue was', 'issues were')} queued already.`);
}

/** Suites around the test, outermost first. */
function nameOf(test: vscode.TestItem): string {
  const names: string[] = [];
  // The outermost items are files or folders, which the task names anyway.
  for (let item: vscode.TestItem | undefined = test; item !== undefined && (item === test || item.range !== undefined); item = item.parent) names.unshift(item.label);
  return names.join(' › ');
}

function textOf(message: string | vscode.MarkdownString): string {
  return typeof message === 'string' ? message : message.value;
}

function gh(cwd: string, args: readonly string[]): Promise<Issue[]> {
  return new Promise((done, fail) => {
    execFile('gh', [...args], { cwd, windowsHide: true, timeout: 30_000, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error !== null) fail(ghFailure({ code: typeof error.code === 'number' ? error.code : null, stderr }));
      else {
        try {
          done(parseIssues(stdout));
        } catch (wrong) {
          fail(wrong instanceof Error ? wrong : new Error(messageOf(wrong)));
        }
      }
    });
  });
}
