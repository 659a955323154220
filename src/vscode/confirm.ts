/** Says in passing that a command was taken: a few seconds in the status bar, in nobody's way. */
import * as vscode from 'vscode';
import type { CommandReply } from '../shared/api.ts';
import { withoutIcon } from './model/format.ts';

const SHOWN = 5000;

export function confirm(reply: CommandReply): void {
  // The engine's words carry a mark of their own for terminals; here the icon is it.
  const words = withoutIcon(reply.message);
  vscode.window.setStatusBarMessage(`$(check) ${words.replaceAll('$(', '$\u200b(')}`, SHOWN);
}
