/**
 * Comment threads in VS Code's own comments: the user's on lines of a change and steps of a plan, and what reviewers and
 * gates found. The engine keeps them with the task; here they are only drawn, on the documents that are open.
 */
import * as vscode from 'vscode';
import { userInfo } from 'node:os';
import type { TaskExecution } from '../core/execution.ts';
import { parseHunks, type FileHunks } from '../core/hunks.ts';
import type { CommentPlace } from '../core/threads.ts';
import { messageOf } from '../core/errors.ts';
import type { Disposable as Listening } from '../engine/ports.ts';
import type { ChangesView, Command } from '../shared/api.ts';
import type { App } from './app.ts';
import { movedText } from './git.ts';
import { escapeMarkdown } from './model/format.ts';
import { SCHEMES } from './model/ids.ts';
import { fileThreads, planLines, planThreads, stepAt, type ShownThread } from './model/threads.ts';
import { reviewTarget, type ReviewTarget } from './reviewTargets.ts';
import type { Repository } from './repositories.ts';

/** One a window, made when first a document of a review is shown. */
const all = new WeakMap<App, Comments>();

export function commentsOf(app: App): Comments {
  const known = all.get(app);
  if (known !== undefined) return known;
  const comments = new Comments(app);
  all.set(app, comments);
  app.subscriptions.push(comments);
  return comments;
}

interface Known {
  readonly rev: number | undefined;
  readonly task: TaskExecution;
  readonly changes: ChangesView;
  readonly moved: ReadonlyMap<string, ReadonlyMap<string, FileHunks>>;
}

interface Drawn {
  readonly thread: vscode.CommentThread;
  readonly repository: Repository;
  readonly taskId: string;
  shown: ShownThread;
  look: string;
}

/** A comment as VS Code hands it back to the commands of its menus. */
interface OwnComment extends vscode.Comment {
  readonly drawn?: Drawn;
  readonly commentId?: string;
}

export class Comments implements vscode.Disposable {
  private readonly app: App;
  private readonly controller = vscode.comments.createCommentController('baton', 'Baton Review');
  private readonly diagnostics = vscode.languages.createDiagnosticCollection('baton-review');
  private readonly disposables: (vscode.Disposable | Listening)[];
  private readonly known = new Map<string, Known>();
  private readonly drawn = new Map<string, Drawn>();
  /** Threads with a comment that the user is editing: nobody draws them anew under the cursor. */
  private readonly editing = new Set<vscode.CommentThread>();
  private drawing: Promise<void> | undefined;
  private again = false;

  constructor(app: App) {
    this.app = app;
    this.controller.options = { prompt: 'Say what should be different', placeHolder: 'Goes to the agent, with file, line and code, when you request changes' };
    this.controller.commentingRangeProvider = { provideCommentingRanges: (document) => this.ranges(document) };
    this.disposables = [
      this.controller,
      this.diagnostics,
      app.repositories.onDidChange(() => void this.update()),
      vscode.workspace.onDidOpenTextDocument(() => void this.update()),
      vscode.workspace.onDidCloseTextDocument(() => void this.update()),
      vscode.workspace.onDidChangeTextDocument(({ document }) => document.uri.scheme === SCHEMES.page && void this.update()),
    ];
    void this.update();
  }

  dispose(): void {
    for (const one of this.disposables) one.dispose();
  }

  /** Adds what the user wrote, to the thread that is there or to a new one on the line. */
  async add({ thread, text }: vscode.CommentReply): Promise<void> {
    const known = this.drawnOf(thread);
    if (known !== undefined) {
      if (known.shown.thread === undefined) return this.quote(thread, text);
      await this.send(known.repository, { type: 'comment', task_id: known.taskId, place: { thread_id: known.shown.thread.id }, text, by: userInfo().username });
      return;
    }
    const document = await vscode.workspace.openTextDocument(thread.uri);
    const target = reviewTarget(this.app.repositories, document.uri);
    const place = target === undefined ? undefined : await this.placeOf(target, document, thread.range?.end.line ?? 0);
    if (target === undefined || place === undefined) {
      void vscode.window.showInformationMessage('This document is no longer part of a review, so the comment has no place.');
      return;
    }
    await this.send(target.repository, { type: 'comment', task_id: target.task.id, place, text, by: userInfo().username });
    // The stored one is drawn in its place.
    thread.dispose();
  }

  edit(comment: OwnComment): void {
    const { drawn } = comment;
    if (drawn === undefined) return;
    this.editing.add(drawn.thread);
    drawn.thread.comments = drawn.thread.comments.map((one) => ((one as OwnComment).commentId === comment.commentId ? { ...one, mode: vscode.CommentMode.Editing } : one));
  }

  async save(comment: OwnComment): Promise<void> {
    const text = typeof comment.body === 'string' ? comment.body : comment.body.value;
    await this.change(comment, text);
  }

  cancel({ drawn }: OwnComment): void {
    if (drawn !== undefined) this.leave(drawn);
  }

  async delete(comment: OwnComment): Promise<void> {
    await this.change(comment, null);
  }

  async resolve(thread: vscode.CommentThread, resolved: boolean): Promise<void> {
    const drawn = this.drawnOf(thread);
    if (drawn?.shown.thread === undefined) return;
    await this.send(drawn.repository, { type: 'resolve_thread', task_id: drawn.taskId, thread_id: drawn.shown.thread.id, resolved, by: userInfo().username });
  }

  /** Makes a finding a comment of the user's, so that it goes along with the next request for changes. */
  async quote(thread: vscode.CommentThread, more = ''): Promise<void> {
    const drawn = this.drawnOf(thread);
    if (drawn?.shown.finding === undefined) return;
    const document = await vscode.workspace.openTextDocument(thread.uri);
    const target = reviewTarget(this.app.repositories, document.uri);
    const place = target === undefined ? undefined : await this.placeOf(target, document, drawn.shown.line);
    if (place === undefined) return;
    const { by, message } = drawn.shown.finding;
    await this.send(drawn.repository, { type: 'comment', task_id: drawn.taskId, place, text: [`${by}: ${message}`, more].filter((part) => part !== '').join('\n\n'), by: userInfo().username });
  }

  private async change({ drawn, commentId }: OwnComment, text: string | null): Promise<void> {
    if (drawn?.shown.thread === undefined || commentId === undefined) return;
    await this.send(drawn.repository, { type: 'edit_comment', task_id: drawn.taskId, thread_id: drawn.shown.thread.id, comment_id: commentId, text, by: userInfo().username });
    this.leave(drawn);
  }

  private leave(drawn: Drawn): void {
    this.editing.delete(drawn.thread);
    drawn.look = '';
    void this.update();
  }

  private async send(repository: Repository, command: Command): Promise<void> {
    await this.app.repositories.send(repository, command);
    if ('task_id' in command) this.known.delete(keyOf(repository, command.task_id));
    await this.update();
  }

  private async placeOf(target: ReviewTarget, document: vscode.TextDocument, line: number): Promise<Exclude<CommentPlace, { thread_id: string }> | undefined> {
    if (target.kind === 'plan') {
      const { task } = await this.look(target);
      const step = stepAt(planLines(document.getText(), task.plan), line);
      return step === undefined ? undefined : { step_id: step };
    }
    return { file: target.file, line: line + 1, head_sha: target.task.head_sha ?? '', code: document.lineAt(line).text };
  }

  private async ranges(document: vscode.TextDocument): Promise<vscode.Range[]> {
    const target = reviewTarget(this.app.repositories, document.uri);
    if (target === undefined) return [];
    if (target.kind === 'file') return [new vscode.Range(0, 0, Math.max(0, document.lineCount - 1), 0)];
    const { task } = await this.look(target);
    const lines = [...planLines(document.getText(), task.plan).values()];
    return lines.map((line) => new vscode.Range(line, 0, line, 0));
  }

  /** Draws what the open documents should show; one drawing at a time, and once more when something came meanwhile. */
  private update(): Promise<void> {
    this.again = true;
    this.drawing ??= this.drawAll().finally(() => (this.drawing = undefined));
    return this.drawing;
  }

  private async drawAll(): Promise<void> {
    while (this.again) {
      this.again = false;
      try {
        await this.draw();
      } catch (error) {
        this.app.log.warn(`The comments of a review could not be drawn: ${messageOf(error)}`);
      }
    }
  }

  private async draw(): Promise<void> {
    const wanted = new Set<string>();
    for (const document of vscode.workspace.textDocuments) {
      const target = reviewTarget(this.app.repositories, document.uri);
      if (target === undefined) continue;
      const { task, changes, moved } = await this.look(target);
      const threads = target.kind === 'plan' ? planThreads(task, planLines(document.getText(), task.plan)) : fileThreads(task, changes.findings ?? [], target.file, changes.head_sha, moved);
      for (const shown of threads) wanted.add(this.drawThread(document, target, shown));
      if (target.kind === 'file') this.diagnostics.set(document.uri, threads.filter((one) => one.finding !== undefined && !one.resolved).map((one) => toDiagnostic(document, one)));
    }
    for (const [key, drawn] of this.drawn) {
      if (wanted.has(key)) continue;
      this.drawn.delete(key);
      this.editing.delete(drawn.thread);
      drawn.thread.dispose();
    }
    this.diagnostics.forEach((uri) => {
      if (!vscode.workspace.textDocuments.some((document) => document.uri.toString() === uri.toString())) this.diagnostics.delete(uri);
    });
  }

  private drawThread(document: vscode.TextDocument, target: ReviewTarget, shown: ShownThread): string {
    const key = `${document.uri.toString()}#${shown.key}`;
    const line = Math.min(shown.line, Math.max(0, document.lineCount - 1));
    const look = JSON.stringify([line, shown.label, shown.resolved, shown.context, shown.comments]);
    let drawn = this.drawn.get(key);
    if (drawn === undefined) {
      const thread = this.controller.createCommentThread(document.uri, new vscode.Range(line, 0, line, 0), []);
      // What is settled is folded; what is open is read at once.
      thread.collapsibleState = shown.resolved ? vscode.CommentThreadCollapsibleState.Collapsed : vscode.CommentThreadCollapsibleState.Expanded;
      drawn = { thread, repository: target.repository, taskId: target.task.id, shown, look: '' };
      this.drawn.set(key, drawn);
    }
    if (drawn.look === look || this.editing.has(drawn.thread)) return key;
    const { thread } = drawn;
    drawn.shown = shown;
    drawn.look = look;
    thread.range = new vscode.Range(line, 0, line, 0);
    thread.label = shown.label;
    thread.state = shown.resolved ? vscode.CommentThreadState.Resolved : vscode.CommentThreadState.Unresolved;
    thread.contextValue = shown.context;
    thread.canReply = shown.thread !== undefined;
    const own = drawn;
    thread.comments = shown.comments.map((comment): OwnComment => {
      // Shown as it was written, without links or commands of an agent's making; edited as it was written, too.
      const body = new vscode.MarkdownString(comment.id === undefined ? escapeMarkdown(comment.text) : comment.text);
      body.isTrusted = false;
      return {
        author: { name: comment.author },
        body,
        mode: vscode.CommentMode.Preview,
        contextValue: comment.id === undefined ? 'finding' : 'own',
        drawn: own,
        ...(comment.at === null ? {} : { timestamp: new Date(comment.at) }),
        ...(comment.id === undefined ? {} : { commentId: comment.id }),
      };
    });
    return key;
  }

  /** The record and changes of a task, asked for again when its record has grown. */
  private async look({ repository, task }: ReviewTarget): Promise<Known> {
    const key = keyOf(repository, task.id);
    const held = this.known.get(key);
    if (held !== undefined && held.rev === task.rev) return held;
    const api = await this.app.repositories.api(repository);
    const [record, changes] = await Promise.all([api.task(task.id), task.base_sha === null ? NO_CHANGES : api.changes(task.id)]);
    if (record === undefined) throw new Error(`There is no record of ${task.id}.`);
    const heads = new Set((changes.findings ?? []).flatMap(({ head_sha }) => (head_sha === null || head_sha === changes.head_sha ? [] : [head_sha])));
    const moved = new Map(await Promise.all([...heads].map(async (head) => [head, parseHunks(await movedText(repository.root, head, changes.head_sha))] as const)));
    const known = { rev: task.rev, task: record, changes, moved };
    this.known.set(key, known);
    return known;
  }

  private drawnOf(thread: vscode.CommentThread): Drawn | undefined {
    return [...this.drawn.values()].find((one) => one.thread === thread);
  }
}

const NO_CHANGES: ChangesView = { base_sha: '', head_sha: '', worktree: null, files: [] };

function keyOf(repository: Repository, taskId: string): string {
  return `${repository.key}\0${taskId}`;
}

function toDiagnostic(document: vscode.TextDocument, { line, finding, comments }: ShownThread): vscode.Diagnostic {
  const at = Math.min(line, Math.max(0, document.lineCount - 1));
  const { range, firstNonWhitespaceCharacterIndex } = document.lineAt(at);
  const severity = finding?.severity === 'minor' ? vscode.DiagnosticSeverity.Warning : vscode.DiagnosticSeverity.Error;
  const diagnostic = new vscode.Diagnostic(new vscode.Range(at, firstNonWhitespaceCharacterIndex, at, range.end.character), comments[0]?.text ?? '', severity);
  diagnostic.source = `Baton, ${finding?.by ?? 'review'}`;
  return diagnostic;
}
