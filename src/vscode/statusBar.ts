/** The one status bar item. What it says is decided in model/status.ts. */
import * as vscode from 'vscode';
import type { Disposable as Listening } from '../engine/ports.ts';
import { STATUS_LINKS, presentStatus, statusOf, statusTooltip, type StatusInput } from './model/status.ts';
import type { Repositories } from './repositories.ts';

export class StatusBar implements vscode.Disposable {
  private readonly repositories: Repositories;
  private readonly item: vscode.StatusBarItem;
  private readonly listening: Listening;
  private shown = '';

  constructor(repositories: Repositories) {
    this.repositories = repositories;
    this.item = vscode.window.createStatusBarItem('baton.status', vscode.StatusBarAlignment.Left, 10);
    this.item.name = 'Baton';
    this.listening = repositories.onDidChange(() => this.update());
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }

  private update(): void {
    const input: StatusInput = {
      trusted: this.repositories.trusted,
      repositories: this.repositories.all.map(({ name, opening, failure, snapshot }) => ({
        name,
        opening: opening !== undefined,
        failure: failure?.message,
        snapshot,
      })),
    };
    const bar = presentStatus(statusOf(input));
    const tooltip = statusTooltip(input, Date.now());
    const shown = JSON.stringify([bar, tooltip]);
    // Setting an equal value again would close an open hover.
    if (shown === this.shown) return;
    this.shown = shown;
    if (bar === undefined) {
      this.item.hide();
      return;
    }
    this.item.text = bar.text;
    this.item.command = bar.command;
    this.item.backgroundColor = bar.background === undefined ? undefined : new vscode.ThemeColor(bar.background);
    this.item.accessibilityInformation = { label: bar.spoken, role: 'button' };
    const markdown = new vscode.MarkdownString(tooltip, true);
    markdown.isTrusted = { enabledCommands: Object.values(STATUS_LINKS).map(([id]) => id) };
    this.item.tooltip = markdown;
    this.item.show();
  }
}
