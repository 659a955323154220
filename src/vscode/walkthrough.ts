/** *Review…*: every open decision, one after the other, each looked at and answered without leaving the keyboard. */
import * as vscode from 'vscode';
import type { App } from './app.ts';
import { answer, approve, openDecision, reject, requestChanges } from './decisions.ts';
import { agentQuestions } from '../core/agentQuestions.ts';
import { decisionFacts, decisionTitle } from './model/decisionItem.ts';
import { takes } from './model/actions.ts';
import { oneLine } from './model/format.ts';
import type { DecisionNode } from './needsYouView.ts';

export async function review(app: App): Promise<void> {
  const nodes = app.needsYou.decisions();
  if (nodes.length === 0) {
    void vscode.window.showInformationMessage('Nothing needs you.');
    return;
  }
  const seen = new Set<string>();
  // Asked anew each time: others answer too, and an answer may open the next decision.
  for (let node: DecisionNode | undefined = nodes[0]; node !== undefined; node = app.needsYou.decisions().find(({ id }) => !seen.has(id))) {
    seen.add(node.id);
    if (!(await settle(app, node, seen.size))) return;
  }
  void vscode.window.setStatusBarMessage('$(check) That was the last decision.', 5000);
}

/** Asks until the decision is answered or passed over; false when the user has had enough. */
async function settle(app: App, node: DecisionNode, number: number): Promise<boolean> {
  const { task, decision } = node;
  const asksBack = decision.kind === 'permission' || decision.kind === 'question' || agentQuestions(decision).length > 0;
  for (;;) {
    const left = app.needsYou.decisions().filter(({ id }) => id !== node.id).length;
    const items = [
      // Looking comes first, so that a stray Enter looks and never decides.
      { label: '$(eye) Look', description: asksBack ? 'the whole request, with every answer it takes' : 'opens beside this list', act: 'look' },
      ...(takes(decision, 'approve') && !asksBack ? [{ label: '$(check) Approve', act: 'approve' }] : []),
      ...(takes(decision, 'request_changes') ? [{ label: '$(discard) Request Changes…', act: 'changes' }] : []),
      ...(takes(decision, 'reject') ? [{ label: '$(close) Reject…', act: 'reject' }] : []),
      { label: '$(debug-step-over) Skip', description: left === 0 ? 'this is the last one' : `${left} more`, act: 'skip' },
    ] as const;
    const picked = await vscode.window.showQuickPick<(typeof items)[number]>(items, {
      title: `${number}: ${decisionTitle(decision)} · ${task.id}`,
      placeHolder: oneLine([...decisionFacts(task, decision), task.goal].join(' · '), 120),
      ignoreFocusOut: true,
    });
    const act = picked?.act;
    switch (act) {
      case 'look':
        if (asksBack) await answer(app, [node]);
        else await openDecision(app, [node]);
        break;
      case 'approve':
        await approve(app, [node]);
        break;
      case 'changes':
        await requestChanges(app, [node]);
        break;
      case 'reject':
        await reject(app, [node]);
        break;
      case 'skip':
        return true;
      case undefined:
        return false;
    }
    if (!app.needsYou.decisions().some(({ id }) => id === node.id)) return true;
    // An answer is known here with the next snapshot, a moment after it was taken.
    if (act !== 'look' && (await gone(app, node.id))) return true;
  }
}

/** Waits up to two seconds for the decision to leave the list: an input that the user turned away from answers nothing. */
function gone(app: App, id: string): Promise<boolean> {
  return new Promise((done) => {
    const look = () => {
      if (!app.needsYou.decisions().some((one) => one.id === id)) finish(true);
    };
    const timer = setTimeout(() => finish(false), 2000);
    const listening = app.repositories.onDidChange(look);
    const finish = (answered: boolean) => {
      clearTimeout(timer);
      listening.dispose();
      done(answered);
    };
  });
}
