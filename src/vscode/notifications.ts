/** One notification for new decisions, and only where the user does not see them already; model/notifier.ts says when. */
import * as vscode from 'vscode';
import { parseQuietHours } from '../core/quietHours.ts';
import type { Disposable as Listening } from '../engine/ports.ts';
import { notifyWhen, quietHours, stopNotifying } from './configuration.ts';
import { decisionTitle, needYou } from './model/decisionItem.ts';
import { Notifier } from './model/notifier.ts';
import type { NeedsYouView } from './needsYouView.ts';
import type { Repositories } from './repositories.ts';
import type { Reviews } from './review.ts';

const SHOW = 'Show';
const NEVER = "Don't Show Again";

export class Notifications implements vscode.Disposable {
  private readonly notifier: Notifier;
  private readonly listening: Listening;

  constructor(repositories: Repositories, needsYou: NeedsYouView, reviews: Reviews) {
    this.notifier = new Notifier({
      clock: {
        now: Date.now,
        after: (ms, callback) => {
          const timer = setTimeout(callback, ms);
          return { dispose: () => clearTimeout(timer) };
        },
      },
      decisions: () =>
        needsYou.decisions().map(({ id, task, decision, repository }) => {
          const active = reviews.active();
          const underReview = active?.task.id === task.id && active.repository.key === repository;
          return { id, title: `${decisionTitle(decision)}, ${task.id}`, inView: needsYou.visible || underReview };
        }),
      // Where several windows show one repository, the one that leads tells, and the one that the user works in.
      mayTell: () => notifyWhen() !== 'never' && (vscode.window.state.focused || repositories.all.some(({ session }) => session?.role === 'leader')),
      quietHours: () => {
        const configured = repositories.all.map(({ snapshot }) => snapshot?.quiet_hours ?? undefined).find((hours) => hours !== undefined);
        return parseQuietHours(quietHours() ?? configured ?? '');
      },
      minuteOfDay: (now) => new Date(now).getHours() * 60 + new Date(now).getMinutes(),
      show: async (open, only) => {
        const chosen = await vscode.window.showInformationMessage(`Baton: ${needYou(open)}${only === undefined ? '' : `: ${only.title}`}.`, SHOW, NEVER);
        return chosen === SHOW ? 'show' : chosen === NEVER ? 'never' : undefined;
      },
      answered: (answer) => {
        if (answer === 'show') void vscode.commands.executeCommand('baton.showNeedsYou');
        if (answer === 'never') void stopNotifying();
      },
    });
    this.listening = repositories.onDidChange(() => this.notifier.update());
  }

  dispose(): void {
    this.listening.dispose();
    this.notifier.dispose();
  }
}
