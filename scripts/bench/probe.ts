/** Runs inside the extension host: reads the extension's row in VS Code's table of activation times and prints it. */
import { setTimeout as wait } from 'node:timers/promises';
import * as vscode from 'vscode';

const ID = 'baton-dev.baton';
const DEADLINE_MS = 60_000;

export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension(ID);
  if (extension === undefined) throw new Error(`${ID} is not installed`);
  await extension.activate();
  const deadline = performance.now() + DEADLINE_MS;
  let text = '';
  while (performance.now() < deadline) {
    await vscode.commands.executeCommand('perfview.show');
    text = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'perf')?.getText() ?? '';
    // Columns: extension, eager, load code, call activate, finish activate, event, by.
    const columns = text.split('\n').find((line) => line.startsWith(`|${ID}|`) || line.startsWith(`| ${ID} `))?.split('|').map((column) => column.trim());
    if (columns !== undefined) {
      console.log(`BENCH ${JSON.stringify({ load: Number(columns[3]), call: Number(columns[4]) })}`);
      return;
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await wait(500);
  }
  throw new Error(`VS Code's table has no row of ${ID}:\n${text.slice(-4000)}`);
}
