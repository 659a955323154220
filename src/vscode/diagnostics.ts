/** Findings in the user's configuration and task files, in VS Code's Problems. */
import * as vscode from 'vscode';
import { isAbsolute, join } from 'node:path';
import type { Problem } from '../core/errors.ts';
import type { Disposable as Listening } from '../engine/ports.ts';
import type { Repositories } from './repositories.ts';

export class Diagnostics implements vscode.Disposable {
  private readonly repositories: Repositories;
  private readonly collection = vscode.languages.createDiagnosticCollection('baton');
  private readonly listening: Listening;
  private shown = '';

  constructor(repositories: Repositories) {
    this.repositories = repositories;
    this.listening = repositories.onDidChange(() => this.update());
  }

  dispose(): void {
    this.listening.dispose();
    this.collection.dispose();
  }

  private update(): void {
    const found = this.repositories.all.flatMap(({ root, snapshot }) =>
      (snapshot?.problems ?? []).map((problem) => ({ problem, file: isAbsolute(problem.file) ? problem.file : join(root, problem.file) })),
    );
    const shown = JSON.stringify(found);
    if (shown === this.shown) return;
    this.shown = shown;
    const byFile = new Map<string, vscode.Diagnostic[]>();
    for (const { problem, file } of found) byFile.set(file, [...(byFile.get(file) ?? []), toDiagnostic(problem)]);
    this.collection.clear();
    this.collection.set([...byFile].map(([file, diagnostics]): [vscode.Uri, vscode.Diagnostic[]] => [vscode.Uri.file(file), diagnostics]));
  }
}

function toDiagnostic(problem: Problem): vscode.Diagnostic {
  const start = new vscode.Position(Math.max(0, problem.line - 1), Math.max(0, problem.column - 1));
  // To the end of the line, which VS Code shortens to what is there.
  const range = new vscode.Range(start, new vscode.Position(start.line, start.character + 1000));
  const severity = problem.severity === 'error' ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning;
  const diagnostic = new vscode.Diagnostic(range, problem.message, severity);
  diagnostic.source = 'Baton';
  return diagnostic;
}
