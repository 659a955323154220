/** One notification for new decisions, and only where the user does not see them already. */
import * as vscode from 'vscode';
import { notifyWhen, stopNotifying } from './configuration.ts';
import { needYou } from './model/decisionItem.ts';
import { decisionTitle } from './model/decisionItem.ts';
import type { Disposable as Listening } from '../engine/ports.ts';
import type { NeedsYouView } from './needsYouView.ts';
import type { Repositories } from './repositories.ts';

/** Decisions that come within this time of each other share a notification, in ms. */
const BATCH = 3000;

export class Notifications implements vscode.Disposable {
  private readonly needsYou: NeedsYouView;
  private readonly listening: Listening;
  private readonly told = new Set<string>();
  private waiting: NodeJS.Timeout | undefined;
  private showing = false;

  constructor(repositories: Repositories, needsYou: NeedsYouView) {
    this.needsYou = needsYou;
    this.listening = repositories.onDidChange(() => this.update());
  }

  dispose(): void {
    this.listening.dispose();
    clearTimeout(this.waiting);
  }

  private update(): void {
    const open = this.needsYou.decisions();
    const ids = new Set(open.map(({ id }) => id));
    for (const id of this.told) if (!ids.has(id)) this.told.delete(id);
    if (open.every(({ id }) => this.told.has(id))) return;
    this.waiting ??= setTimeout(() => {
      this.waiting = undefined;
      void this.tell();
    }, BATCH);
  }

  private async tell(): Promise<void> {
    const open = this.needsYou.decisions();
    const fresh = open.filter(({ id }) => !this.told.has(id));
    for (const { id } of open) this.told.add(id);
    if (fresh.length === 0 || this.showing || this.needsYou.visible || notifyWhen() === 'never') return;
    const [first] = fresh;
    const about = fresh.length === 1 && first !== undefined ? `: ${decisionTitle(first.decision)}, ${first.task.id}` : '';
    this.showing = true;
    const chosen = await vscode.window.showInformationMessage(`Baton: ${needYou(open.length)}${open.length === 1 ? about : ''}.`, 'Show', "Don't Show Again");
    this.showing = false;
    if (chosen === 'Show') await vscode.commands.executeCommand('baton.showNeedsYou');
    if (chosen === "Don't Show Again") await stopNotifying();
  }
}
