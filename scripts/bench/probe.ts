/** Runs inside the extension host: prints what VS Code itself has measured of the extension's start. */
import { setTimeout as wait } from 'node:timers/promises';
import * as vscode from 'vscode';

const ID = 'baton-dev.baton';
/** An extension of VS Code's own that starts at the same event. */
const PEER = 'vscode.merge-conflict';
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
      console.log(`BENCH ${JSON.stringify({ load: codeLoad(ID), peer: codeLoad(PEER), column: Number(columns[3]), call: Number(columns[4]) })}`);
      return;
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await wait(500);
  }
  throw new Error(`VS Code's table has no row of ${ID}:\n${text.slice(-4000)}`);
}

interface Mark {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
}

/** Milliseconds between the two marks that VS Code sets around the `require` of an extension's main file. */
function codeLoad(id: string): number {
  const { MonacoPerformanceMarks: marks } = globalThis as { MonacoPerformanceMarks?: { getMarks(): readonly Mark[] } };
  const at = (name: string): number => {
    const mark = marks?.getMarks().find((one) => one.name === `code/extHost/${name}/${id}`);
    if (mark === undefined) throw new Error(`VS Code set no mark ${name} for ${id}`);
    return mark.startTime;
  };
  return at('didLoadExtensionCode') - at('willLoadExtensionCode');
}
