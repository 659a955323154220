/** The one edge where errors become messages: what happened, what to do, and one action. */
import * as vscode from 'vscode';
import { messageOf, type BatonError } from '../core/errors.ts';
import type { CommandId } from './model/ids.ts';

interface Action {
  readonly title: string;
  readonly run: () => Thenable<unknown>;
}

/** Runs a command's work; a failure is logged and shown, never thrown on. */
export async function guarded(log: vscode.LogOutputChannel, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    // Closing a quick input is an outcome, not an error.
    if (error instanceof vscode.CancellationError) return;
    log.error(messageOf(error), error);
    await showError(error);
  }
}

async function showError(error: unknown): Promise<void> {
  const hint = isBatonError(error) ? error.hint : undefined;
  const action = actionFor(error);
  const text = [sentence(messageOf(error)), ...(hint === undefined ? [] : [sentence(hint)])].join(' ');
  const chosen = await vscode.window.showErrorMessage(text, action.title);
  if (chosen !== undefined) await action.run();
}

function actionFor(error: unknown): Action {
  const command = (title: string, id: CommandId): Action => ({ title, run: () => vscode.commands.executeCommand(id) });
  if (!isBatonError(error)) return command('Show Log', 'baton.showLog');
  const { location } = error;
  if (location !== undefined) return { title: 'Open File', run: () => openAt(location) };
  switch (error.kind) {
    case 'no_agent':
      return command('Install a Coding Agent…', 'baton.installAgent');
    case 'invalid_config':
      return command('Open Configuration', 'baton.openConfiguration');
    default:
      return command('Show Log', 'baton.showLog');
  }
}

async function openAt(location: NonNullable<BatonError['location']>): Promise<void> {
  const at = new vscode.Position(Math.max(0, location.line - 1), Math.max(0, location.column - 1));
  await vscode.window.showTextDocument(vscode.Uri.file(location.file), { selection: new vscode.Range(at, at) });
}

/** By shape, not by class: the engine's bundle and the leader's socket bring classes of their own. */
function isBatonError(error: unknown): error is BatonError {
  return error instanceof Error && 'kind' in error && typeof error.kind === 'string';
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
