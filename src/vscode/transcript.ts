/** Transcripts: what an agent said and did, as a read-only document that grows while the agent works. */
import * as vscode from 'vscode';
import { watch, type FSWatcher } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SCHEMES } from './model/ids.ts';
import { JsonLines, type Entry } from './model/jsonLines.ts';

/** A live transcript is drawn again at most this often, in ms. */
const REDRAW = 500;

interface TranscriptQuery {
  readonly root: string;
  readonly task: string;
  readonly attempt: string;
}

export class Transcripts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly onDidChange: vscode.Event<vscode.Uri>;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly live = new Map<string, LiveTranscript>();
  private readonly lineCounts = new Map<string, number>();
  private readonly render: (entries: readonly Entry[]) => string;
  private readonly disposables: { dispose(): unknown }[];

  constructor(render: (entries: readonly Entry[]) => string) {
    this.render = render;
    this.onDidChange = this.changed.event;
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEMES.transcript, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (document.uri.scheme === SCHEMES.transcript && contentChanges.length > 0) this.follow(document);
      }),
    ];
  }

  dispose(): void {
    for (const one of [...this.live.values(), ...this.disposables]) one.dispose();
    this.live.clear();
  }

  /** Opens the transcript of an attempt at a line (from 0), or at its end, where the news is. */
  async open(root: string, task: string, attempt: string, line?: number): Promise<void> {
    const query: TranscriptQuery = { root, task, attempt };
    const uri = vscode.Uri.from({ scheme: SCHEMES.transcript, path: `/${task} ${attempt}.md`, query: JSON.stringify(query) });
    const document = await vscode.workspace.openTextDocument(uri);
    this.lineCounts.set(uri.toString(), document.lineCount);
    const editor = await vscode.window.showTextDocument(document, { preview: true });
    const at = document.validatePosition(new vscode.Position(line ?? document.lineCount - 1, 0));
    // A line that was looked for is marked as a whole.
    editor.selection = line === undefined ? new vscode.Selection(at, at) : new vscode.Selection(at, document.lineAt(at.line).range.end);
    editor.revealRange(editor.selection, line === undefined ? undefined : vscode.TextEditorRevealType.InCenter);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const key = uri.toString();
    let live = this.live.get(key);
    if (live === undefined) {
      live = new LiveTranscript(JSON.parse(uri.query) as TranscriptQuery, () => this.changed.fire(uri));
      this.live.set(key, live);
    }
    const entries = await live.entries();
    return entries.length === 0 ? 'Nothing has been said yet.\n' : this.render(entries);
  }

  /** Keeps the end in sight for a reader who is there; one who scrolled up to read is left alone. */
  private follow(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    const oldLast = (this.lineCounts.get(key) ?? document.lineCount) - 1;
    this.lineCounts.set(key, document.lineCount);
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document !== document || (editor.visibleRanges.at(-1)?.end.line ?? 0) < oldLast) continue;
      const end = new vscode.Position(document.lineCount - 1, 0);
      editor.revealRange(new vscode.Range(end, end));
    }
  }

  private forget(uri: vscode.Uri): void {
    this.live.get(uri.toString())?.dispose();
    this.live.delete(uri.toString());
    this.lineCounts.delete(uri.toString());
  }
}

/** One transcript file, read on from where the last reading ended. */
class LiveTranscript implements vscode.Disposable {
  private readonly file: string;
  private readonly lines = new JsonLines();
  private readonly onGrowth: () => void;
  private offset = 0;
  private watcher: FSWatcher | undefined;
  private pending: NodeJS.Timeout | undefined;
  private reading: Promise<void> = Promise.resolve();

  constructor({ root, task, attempt }: TranscriptQuery, onGrowth: () => void) {
    this.file = join(root, '.baton', 'runs', task, attempt, 'transcript.jsonl');
    this.onGrowth = onGrowth;
    this.follow();
  }

  dispose(): void {
    this.watcher?.close();
    clearTimeout(this.pending);
  }

  async entries(): Promise<readonly Entry[]> {
    this.reading = this.reading.then(() => this.readOn());
    await this.reading;
    return this.lines.entries;
  }

  private follow(): void {
    try {
      // The folder, not the file: the file may not be there yet.
      this.watcher = watch(dirname(this.file), { persistent: false }, () => this.soon());
      this.watcher.on('error', () => this.watcher?.close());
    } catch {
      // No folder means no attempt has written here; opening the transcript again looks again.
      this.watcher = undefined;
    }
  }

  private soon(): void {
    this.pending ??= setTimeout(() => {
      this.pending = undefined;
      this.onGrowth();
    }, REDRAW);
  }

  private async readOn(): Promise<void> {
    const handle = await open(this.file, 'r').catch(() => undefined);
    if (handle === undefined) return;
    try {
      const { size } = await handle.stat();
      if (size < this.offset) {
        this.lines.clear();
        this.offset = 0;
      }
      const buffer = Buffer.alloc(size - this.offset);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.offset);
      this.offset += bytesRead;
      this.lines.push(buffer.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  }
}
