/** Registers every command behind one boundary for errors. What they do is loaded with the first one that is called. */
import * as vscode from 'vscode';
import type { App } from './app.ts';
import { guarded } from './boundary.ts';
import type { CommandId } from './model/ids.ts';

/** A command's work. `args` are the menu's: the item, then the selected items; none from the palette. */
export type Handler = (app: App, args: readonly unknown[]) => unknown;
export type Handlers = Readonly<Record<CommandId, Handler>>;

/** `ids` are those that the manifest declares: a test holds it against the table in model/ids.ts, whose titles activation can do without. */
export function registerCommands(app: App, ids: readonly CommandId[]): vscode.Disposable {
  return vscode.Disposable.from(
    ...ids.map((id) =>
      vscode.commands.registerCommand(id, (...args: unknown[]) => guarded(app.log, () => app.onDemand().HANDLERS[id](app, args))),
    ),
  );
}
